"""How Pacemaker writes values: booleans, scores, durations, names of our own attributes."""

from __future__ import annotations

import re

__all__ = ["LATEST", "LONGEST", "REVISION", "duration", "is_true", "moment", "number"]

REVISION = "pacewright_revision"
"""The instance attribute that carries a service's revision (DESIGN, idea 1). An underscore, not a hyphen: it
reaches agents as OCF_RESKEY_pacewright_revision, which must be a shell variable."""

LATEST = 253_370_764_800.0
"""The last moment that counts as one, in seconds since the epoch: the beginning of the year 9999, in any zone."""
LONGEST = 315_360_000.0
"""Seconds of the longest time that counts: ten years."""
_LARGEST = 2**63 - 1

_UNITS = {
    "": 1.0,
    "s": 1.0,
    "sec": 1.0,
    "ms": 0.001,
    "msec": 0.001,
    "us": 1e-6,
    "usec": 1e-6,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "hr": 3600.0,
}
_DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$", re.IGNORECASE)


def is_true(value: str | None, *, default: bool = False) -> bool:
    """A boolean as Pacemaker reads it (`crm_str_to_boolean`: true, on, yes, y, 1, in any case)."""
    if value is None:
        return default
    return value.strip().lower() in {"true", "on", "yes", "y", "1"}


def duration(value: str | None, default: float) -> float:
    """Seconds in a time such as `20`, `20s`, `1500ms`, `2min`, LONGEST at most; the default if it is none."""
    match = _DURATION.match(value or "")
    if match is None or match[2].lower() not in _UNITS:
        return default
    return min(float(match[1]) * _UNITS[match[2].lower()], LONGEST)


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
