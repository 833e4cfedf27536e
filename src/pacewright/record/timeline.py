"""Timeline: how each instance was over time, as far as the calls in a record have seen it. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from pacewright.frozen import frozen
from pacewright.record.call_history import Story

__all__ = ["Row", "Span", "Timeline", "timeline"]


@frozen
class Span:
    """A time in which an instance was the same.

    Attributes:
        begin, end: in seconds since the epoch.
        state: as `Instance.state` has it.
        watched: a call was looking; otherwise it was like this at the last look, or has been like this since.
    """

    begin: float
    end: float
    state: str
    watched: bool


@frozen
class Row:
    """An instance over time."""

    resource: str
    node: str
    spans: tuple[Span, ...]


@frozen
class Timeline:
    """What there is to draw.

    Attributes:
        begin, end: the whole time, in seconds since the epoch.
        rows: by resource and node.
        calls: by when they began.
    """

    begin: float
    end: float
    rows: tuple[Row, ...]
    calls: tuple[Story, ...]


@frozen
class _Look:
    """What a call saw of an instance at a moment; `first` if it had not looked before."""

    at: float
    state: str
    since: float | None
    first: bool


def timeline(calls: Sequence[Story], *, begin: float | None = None, end: float | None = None) -> Timeline:
    """The timeline of some calls.

    Args:
        calls: by when they began; at least one.
        begin, end: in seconds since the epoch; None for what the calls take.
    """
    first = min(call.begun for call in calls) if begin is None else begin
    last = max(call.last for call in calls) if end is None else end
    looks: dict[tuple[str, str], list[_Look]] = {}
    watches: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for call in calls:
        for place, look in _looks(call):
            looks.setdefault(place, []).append(look)
            if look.first:
                watches.setdefault(place, []).append((look.at, call.last))
    rows = (
        Row(resource=place[0], node=place[1], spans=_spans(seen, _edges(watches[place]), first, last))
        for place, seen in sorted(looks.items())
    )
    return Timeline(begin=first, end=max(last, first), rows=tuple(rows), calls=tuple(calls))


def _looks(call: Story) -> Iterator[tuple[tuple[str, str], _Look]]:
    known: set[tuple[str, str]] = set()
    for entry in call.of("seen"):
        for told in entry.told.get("instances", []):
            place = (told["resource"], told["node"])
            yield (
                place,
                _Look(at=entry.time, state=told["after"], since=told["since"], first=place not in known),
            )
            known.add(place)


def _edges(watches: list[tuple[float, float]]) -> list[float]:
    """When watching begins, ends, begins again, and so on: the odd ones are ends."""
    edges: list[float] = []
    for begin, end in sorted(watches):
        if edges and begin <= edges[-1]:
            edges[-1] = max(edges[-1], end)
        else:
            edges += [begin, end]
    return edges


def _spans(looks: list[_Look], edges: list[float], begin: float, end: float) -> tuple[Span, ...]:
    states = _states(sorted(looks, key=lambda look: look.at), begin)
    ends = [at for at, _, _ in states[1:]] + [end]
    spans: list[Span] = []
    for (at, state, _), until in zip(states, ends, strict=True):
        left, right = max(at, begin), min(until, end)
        cuts = [left, *edges[bisect_right(edges, left) : bisect_left(edges, right)], right]
        spans += [
            Span(begin=one, end=other, state=state, watched=bisect_right(edges, one) % 2 == 1)
            for one, other in pairwise(cuts)
            if other > one
        ]
    return tuple(spans)


def _states(looks: list[_Look], begin: float) -> list[tuple[float, str, float | None]]:
    """From when on it was in which state, and since when it had been running then."""
    states: list[tuple[float, str, float | None]] = []
    before = begin
    for look in looks:
        at = look.at
        if look.first and look.since is not None:
            # It has run like this for longer than this call has looked; but not for longer than another one knew.
            at = min(at, max(look.since, before))
        if not states or states[-1][1:] != (look.state, look.since):
            states.append((at, look.state, look.since))
        before = look.at
    return states
