"""What happens to a service beside a roll: what others hold, what starts or stops outside it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName
from pacewright.cluster.snapshot import Snapshot
from pacewright.service.lookup import Target
from pacewright.service.rolling.slots import Slots

__all__ = ["busy_beside", "down_meanwhile", "newly_held"]

_DOWN_MEANWHILE = {"restart", "start", "recover", "stop"}


def newly_held(slots: Slots, snapshot: Snapshot) -> set[NodeName]:
    """Slots that another call holds: this one waits for them, and lets them go if that call dies."""
    many = slots.target.many
    if many is None:
        return set()
    mine = (node for resource, node in snapshot.holds if resource == many and node is not None)
    return set(mine) - set(slots.before)


def busy_beside(slots: Slots, states: Iterable[NodeName], snapshot: Snapshot) -> list[str]:
    """Nodes outside the roll where an instance of the service is being stopped or started, or misses its role."""
    target = slots.target
    if target.many is None:
        return []
    found = (i for i in snapshot.instances_of(target.resource) if i.operation is not None)
    busy = {i.node for i in found if i.resource in target.primitives} | set(slots.missing(snapshot))
    return sorted(busy.difference(states))


def down_meanwhile(target: Target, forecast: Forecast) -> frozenset[NodeName]:
    """Nodes whose instance the cluster is about to take down, or to bring up, at once."""
    mine = (a for a in forecast.soon if a.resource in target.primitives and not a.blocked)
    return frozenset(a.node for a in mine if a.verb in _DOWN_MEANWHILE and a.node is not None)
