"""How Pacemaker writes values: booleans, scores, durations, names of our own attributes."""

from __future__ import annotations

import re

__all__ = ["REVISION", "duration", "is_true", "number"]

REVISION = "pacewright_revision"
"""The instance attribute that carries a service's revision (DESIGN, idea 1). An underscore, not a hyphen: it
reaches agents as OCF_RESKEY_pacewright_revision, which must be a shell variable."""

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
    """Seconds in a time such as `20`, `20s`, `1500ms`, `2min`; the default if it is none or unreadable."""
    match = _DURATION.match(value or "")
    if match is None or match[2].lower() not in _UNITS:
        return default
    return float(match[1]) * _UNITS[match[2].lower()]


def number(value: str | None, default: int = 0) -> int:
    """A whole number, as it stands in attributes such as `call-id`; the default if it is none."""
    try:
        return int(value or "")
    except ValueError:
        return default
