"""How Pacemaker writes values: booleans, scores, durations, names of our own attributes."""

from __future__ import annotations

from pacewright.durations import LONGEST, seconds

__all__ = ["LATEST", "PROBES", "REVISION", "duration", "is_true", "moment", "number"]

REVISION = "pacewright_revision"
"""The instance attribute that carries a service's revision (DESIGN, idea 1). An underscore, not a hyphen: it
reaches agents as OCF_RESKEY_pacewright_revision, which must be a shell variable."""

PROBES = "enable-startup-probes"
"""The cluster property that says whether a node is asked what it runs when it joins."""

LATEST = 253_370_764_800.0
"""The last moment that counts as one, in seconds since the epoch: the beginning of the year 9999, in any zone."""
_LARGEST = 2**63 - 1


def is_true(value: str | None, *, default: bool = False) -> bool:
    """A boolean as Pacemaker reads it (`crm_str_to_boolean`: true, on, yes, y, 1, in any case)."""
    if value is None:
        return default
    return value.strip().lower() in {"true", "on", "yes", "y", "1"}


def duration(value: str | None, default: float) -> float:
    """Seconds in a time such as `20`, `20s`, `1500ms`, `2min`, LONGEST at most; the default if it is none."""
    try:
        return min(seconds(value or ""), LONGEST)
    except ValueError:
        return default


def number(value: str | None, default: int = 0) -> int:
    """A whole number, as it stands in attributes such as `call-id`; the default if it is none, or has over 64 bits."""
    try:
        found = int(value or "")
    except ValueError:
        return default
    return found if -_LARGEST <= found <= _LARGEST else default


def moment(value: str | float | None) -> float | None:
    """Seconds since the epoch; None if it is no moment between the epoch and LATEST."""
    try:
        found = float(value if value is not None else "")
    except (ValueError, OverflowError):
        return None
    return found if 0 <= found < LATEST else None  # which no infinity is, nor what is no number
