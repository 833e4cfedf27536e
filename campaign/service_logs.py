"""What the services wrote about themselves: lines in, starts and down times out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Down", "Entry", "Start", "Turn", "downs", "promoted_at", "read_log", "read_turns", "starts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a service's log.

    Attributes:
        what: `start`, `stop`, `fail` (it refused its config), `reload`, `promote`, `demote` or `refuse` (of a promote).
        at: seconds since the epoch. All nodes of a lab have the same clock.
        revision: what Pacemaker gave the agent; empty if none, or if nobody tells (systemd).
    """

    node: str
    service: str
    primitive: str
    what: str
    at: float
    config: str
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The load balancer was told of an instance: `out`, it gets no requests any more; `in`, it gets its share again."""

    service: str
    node: str
    what: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A start, and what is known of why.

    Attributes:
        stopped: when it was stopped properly before, on the same node; None after a crash or at first.
        ours: it was stopped properly, and started again on the same node with another revision: somebody has
            redefined it.
    """

    entry: Entry
    stopped: float | None
    ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """A time in which an instance was down for a restart of ours."""

    node: str
    begin: float
    end: float


def read_log(text: str, *, node: str, service: str, primitive: str) -> Iterator[Entry]:
    """The whole lines of a log; one that a power cut tore off is no line."""
    for line in text.splitlines():
        words = line.split()
        if len(words) == 4:
            what, at, config, revision = words
            yield Entry(
                node=node,
                service=service,
                primitive=primitive,
                what=what,
                at=float(at),
                config=config,
                revision=revision.removeprefix("-"),
            )


def read_turns(text: str, *, service: str) -> Iterator[Turn]:
    """The whole lines of a load balancer's log."""
    for line in text.splitlines():
        words = line.split()
        if len(words) == 4:
            yield Turn(service=service, node=words[2], what=words[0], at=float(words[1]))


def starts(
    entries: Sequence[Entry],
    primitive: str,
    *,
    clone: bool,
    since: float,
    revision: Callable[[Entry], str] = lambda entry: entry.revision,
) -> list[Start]:
    """The starts of a primitive since a moment.

    Args:
        entries: all there are, in the order of time; what was before `since` tells which revision ran.
        clone: each node has an instance of its own; else there is one that wanders.
        revision: what an instance that starts with this entry was started with.
    """
    found: list[Start] = []
    last: dict[str, tuple[str, str]] = {}
    stopped: dict[str, float] = {}
    for entry in entries:
        if entry.primitive != primitive:
            continue
        slot = entry.node if clone else ""
        if entry.what == "stop":
            stopped[entry.node] = entry.at
        elif entry.what == "start":
            now = entry.node, revision(entry)
            before = last.get(slot)
            down = stopped.pop(entry.node, None)
            if entry.at >= since:
                redefined = before is not None and before[0] == now[0] and before[1] != now[1]
                found.append(Start(entry=entry, stopped=down, ours=redefined and down is not None))
            last[slot] = now
    return found


def promoted_at(entries: Iterable[Entry], at: float) -> frozenset[str]:
    """Where a promotable's instances were promoted just before a moment.

    Args:
        entries: its own, in the order of time.
    """
    have: set[str] = set()
    for entry in entries:
        if entry.at >= at:
            break
        if entry.what == "promote":
            have.add(entry.node)
        elif entry.what in {"start", "stop", "demote"}:  # what lost its power has written no stop
            have.discard(entry.node)
    return frozenset(have)


def downs(
    found: Iterable[Start], struck: Callable[[str, float, float], float | None], *, warm: float = 0.0
) -> list[Down]:
    """The times in which instances were down by our doing.

    Args:
        found: starts that were ours.
        warm: seconds after its start in which an instance is not healthy yet, and counts as down.
        struck: the first moment in a time at which a fault hit a node; from then on it is not our doing.
    """
    result = []
    for start in found:
        if start.stopped is None:
            continue
        end = start.entry.at + warm
        hit = struck(start.entry.node, start.stopped, end)
        if hit is None or hit > start.stopped:
            result.append(Down(node=start.entry.node, begin=start.stopped, end=end if hit is None else hit))
    return result
