"""Barriers: who has said that its config for a service is in place, who is waited for, and who waits for whom. Pure.

A call that takes part in a barrier leaves a mark on its node, `pacewright-ready-<resource>` with the value
`WAVE@AT@UNTIL`: "the run on this node has come here, in that wave, at that moment, and waits until then". The commit
that goes on takes all of them away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from pacewright.cluster import NodeName, ResourceId, SetMark, Snapshot, hosts
from pacewright.cluster.values import moment

__all__ = ["READY", "Barrier", "Link", "OnTimeout", "Ready", "arrived", "deadlock", "missing", "ready_at", "take_away"]

READY = "pacewright-ready-"


class OnTimeout(Enum):
    """What becomes of a call for which not every node has reported in time."""

    FAIL = "fail"
    PROCEED = "proceed"
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Barrier:
    """What services.yaml says about waiting for the others' reports.

    Attributes:
        timeout: seconds to wait; 0 not to wait at all.
        on_timeout: `FAIL`; `PROCEED` without those that have not reported; `LATER`: leave it to whoever reports last.
        window: seconds for which a report without a wave counts.
    """

    timeout: float = 300.0
    on_timeout: OnTimeout = OnTimeout.FAIL
    window: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A node's mark: its run has come to the service.

    Attributes:
        wave: which change is going over the cluster; empty if the caller did not say.
        at: when, in seconds since the epoch by that node's clock.
        until: how long its call waits; not later than `at` if it does not.
    """

    wave: str
    at: float
    until: float

    def __str__(self) -> str:
        """The mark's value."""
        return f"{self.wave}@{self.at:.0f}@{self.until:.0f}"

    @classmethod
    def read(cls, value: str | None) -> Ready | None:
        """From the mark's value; None if there is none, or somebody has spoilt it."""
        wave, _, rest = (value or "").partition("@")
        begun, _, end = rest.partition("@")
        at, until = moment(begun), moment(end)
        return cls(wave=wave, at=at, until=until) if at is not None and until is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One node that waits at a service for another one."""

    node: NodeName
    resource: ResourceId
    waits_for: NodeName

    def __str__(self) -> str:
        """For people."""
        return f"{self.node} waits at {self.resource} for {self.waits_for}"


def ready_at(resource: ResourceId, snapshot: Snapshot) -> Mapping[NodeName, Ready]:
    """Every node whose run has come to a service, whatever the wave."""
    found = {node.name: Ready.read(node.marks.get(READY + resource)) for node in snapshot.nodes.values()}
    return {node: ready for node, ready in found.items() if ready is not None}


def arrived(resource: ResourceId, wave: str, snapshot: Snapshot, *, now: float, window: float) -> frozenset[NodeName]:
    """The nodes whose reports count: those of the same wave; without one, those of the last `window` seconds."""
    found = ready_at(resource, snapshot).items()
    return frozenset(node for node, ready in found if (ready.wave == wave if wave else ready.at >= now - window))


def missing(
    resource: ResourceId, wave: str, snapshot: Snapshot, *, now: float, window: float, without: Iterable[str] = ()
) -> tuple[NodeName, ...]:
    """The nodes that are waited for: those that could run the service now and have not reported.

    Args:
        resource: the service's outermost resource.
        wave, now, window: which reports count, see `arrived`.
        snapshot: the cluster.
        without: nodes that the caller does not want to wait for.
    """
    came = arrived(resource, wave, snapshot, now=now, window=window)
    return tuple(n for n in _awaited(resource, snapshot) if n not in came and n not in set(without))


def _awaited(resource: ResourceId, snapshot: Snapshot) -> Iterator[NodeName]:
    for name in hosts(resource, snapshot):
        node = snapshot.nodes[name]
        if node.may_run and not node.maintenance:
            yield name


def take_away(resource: ResourceId, snapshot: Snapshot) -> Iterator[SetMark]:
    """The barrier is passed, or is no more: nobody waits at it."""
    for node in ready_at(resource, snapshot):
        yield SetMark(node=node, name=READY + resource, value=None)


def deadlock(start: NodeName, resource: ResourceId, snapshot: Snapshot, *, now: float, window: float) -> list[Link]:
    """The chain of waiting that leads back to a node which waits at a service; empty if there is none.

    Each node's run goes through its services in turn, so one that waits at a service cannot report another.

    Args:
        start: the node; it is ready at `resource`.
        resource: where it waits.
        snapshot: the cluster.
        now: seconds since the epoch.
        window: as for `missing`.
    """
    waits = {
        node: at
        for at in snapshot.resources
        for node, ready in ready_at(at, snapshot).items()
        if ready.until > now and (node != start or at == resource)
    }
    chain: list[Link] = []

    def leads_back(node: NodeName, seen: frozenset[NodeName]) -> bool:
        at = waits.get(node)
        if at is None:
            return False
        wave = ready_at(at, snapshot)[node].wave
        for other in missing(at, wave, snapshot, now=now, window=window):
            chain.append(Link(node=node, resource=at, waits_for=other))
            if other == start or (other not in seen and leads_back(other, seen | {other})):
                return True
            chain.pop()
        return False

    return chain if leads_back(start, frozenset({start})) else []
