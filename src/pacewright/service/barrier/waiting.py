"""Barriers: who has said that its config for a service is in place, who is waited for, and who waits for whom. Pure.

A call that takes part in a barrier leaves a mark on its node, `pacewright-ready-<resource>` with the value
`WAVE@AT@UNTIL`: "the run on this node has come here, in that wave, at that moment, and waits until then". The commit
that goes on takes all of them away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pacewright.cluster.edits.change import SetMark
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.placement import hosts
from pacewright.cluster.snapshot import Snapshot
from pacewright.frozen import frozen
from pacewright.service.ledger.record import READY, ready_at

__all__ = ["Link", "arrived", "deadlock", "missing", "take_away"]


@frozen
class Link:
    """One node that waits at a service for another one."""

    node: NodeName
    resource: ResourceId
    waits_for: NodeName

    def __str__(self) -> str:
        """For people."""
        return f"{self.node} waits at {self.resource} for {self.waits_for}"


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
