"""In which order a roll takes its instances."""

from __future__ import annotations

from enum import Enum

__all__ = ["Last"]


class Last(Enum):
    """What a roll may keep for its end; the first rule counts before the others."""

    PROMOTED = "promoted_last"
    DC = "dc_last"
