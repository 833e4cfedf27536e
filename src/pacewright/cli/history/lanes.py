"""Where things stand in the picture of a timeline: seconds across its width, and calls that overlap in lanes."""

from __future__ import annotations

from pacewright.cli.history.rows import who
from pacewright.frozen import frozen
from pacewright.record.call_history import Story

__all__ = ["CHARACTER", "RIGHT", "Placed", "Scale", "clean", "cut", "in_lanes"]

RIGHT = 1166.0
"""Where time ends."""
CHARACTER = 6.4
"""Width of a character of text, about."""

_LEAST = 1.5
"""Width of the shortest bar: nothing is too short to be seen."""
_LANES = 10
"""Lanes at most; what needs more is drawn over the last one."""
_WORDS = 60


@frozen
class Scale:
    """From seconds to the width of the picture.

    Attributes:
        begin, end: in seconds since the epoch.
        left: where time begins.
    """

    begin: float
    end: float
    left: float

    def x(self, at: float) -> float:
        """Where a moment is; at the edge if it is outside."""
        share = (at - self.begin) / (self.end - self.begin)
        return round(self.left + min(max(share, 0.0), 1.0) * (RIGHT - self.left), 2)

    def box(self, begin: float, end: float) -> tuple[float, float]:
        """Where a bar begins, and how wide it is."""
        return self.x(begin), max(round(self.x(end) - self.x(begin), 2), _LEAST)


@frozen
class Placed:
    """A call in its lane.

    Attributes:
        words: what stands beside it; empty for one that did nothing, and where there is no room.
        before: they stand on its left.
    """

    call: Story
    lane: int
    words: str
    before: bool


def in_lanes(calls: tuple[Story, ...], scale: Scale) -> list[Placed]:
    """Each call in the first lane that is free where it and its words stand."""
    ends: list[float] = []
    placed: list[Placed] = []
    for call in sorted(calls, key=lambda call: call.begun):
        words = cut(_words(call), _WORDS) if call.mattered else ""
        x, width = scale.box(call.begun, call.last)
        room = len(words) * CHARACTER + 10
        before = x + width + room > RIGHT
        if before and x - room < scale.left:
            words, before, room = "", False, 0.0
        begin, end = (x - room, x + width + 8) if before else (x, x + width + 8 + room)
        lane = next((lane for lane, taken in enumerate(ends) if taken <= begin), min(len(ends), _LANES - 1))
        ends[lane : lane + 1] = [end]
        placed.append(Placed(call=call, lane=lane, words=words, before=before))
    return placed


def _words(call: Story) -> str:
    verb = call.asked.told.get("verb", "call") if call.asked is not None else "call"
    return f"{verb} {call.entries[0].service}, {who(call)} on {call.entries[0].node}"


def cut(words: str, characters: int) -> str:
    """So many characters of them at most."""
    return words if len(words) <= characters else words[: characters - 1] + "…"


def clean(words: str) -> str:
    """Without what XML cannot hold."""
    return "".join(c if c.isprintable() else " " for c in words)
