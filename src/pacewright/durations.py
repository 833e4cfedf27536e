"""Lengths of time as people and CIBs write them: `90`, `60s`, `2min`, `1500ms`."""

from __future__ import annotations

import re

__all__ = ["LONGEST", "seconds"]

LONGEST = 315_360_000.0
"""Seconds of the longest time that counts: ten years. It can be added to any date of these days."""

_UNITS = {"ms": 0.001, "us": 1e-6, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
_WRITTEN = re.compile(r"[ \t\n]*([0-9]+(?:\.[0-9]+)?)[ \t\n]*([a-z]*)[ \t\n]*", re.IGNORECASE | re.ASCII)


def seconds(text: str) -> float:
    """Seconds in a length of time.

    A unit is known by how it begins, in any case: `2m`, `2min` and `2 minutes` are the same, as they are to Pacemaker
    (`crm_get_msec`, lib/common/strings.c in 2.1.5 and 3.0.0). None means seconds. Unlike there, a fraction counts.

    Raises:
        ValueError: it is none.
    """
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise ValueError(text)
    unit = written[2].lower()
    for begins, length in _UNITS.items():
        if (unit.startswith(begins) and begins) or unit == begins:
            return float(written[1]) * length
    raise ValueError(text)
