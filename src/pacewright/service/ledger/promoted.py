"""The roles of a promotable's instances in a roll: one is back when it has the role that the cluster wants. Pure.

The scheduler tells what it has in mind (`Slots.states`), but it wants nobody promoted whose agent has not set a
promotion score, and many agents set it seconds after their start. So the write that takes a promoted instance down
also notes how many are promoted, by a mark on its node (`pacewright-promoted-<primitive>`). Until as many are promoted
again, wherever, its role is missing: for every call, because the one that wrote it may have died.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pacewright.cluster.edits.change import SetMark
from pacewright.cluster.names import NodeName, ResourceId, Role
from pacewright.cluster.snapshot import Instance, Snapshot
from pacewright.service.ledger.record import PROMOTED
from pacewright.service.lookup import Target

__all__ = ["has_roles", "missing_roles", "set_promoted", "with_roles"]


def has_roles(target: Target, snapshot: Snapshot) -> bool:
    """True if its instances are promoted and demoted."""
    return any(snapshot.promotable(primitive) for primitive in target.primitives)


def set_promoted(target: Target, nodes: Iterable[NodeName], snapshot: Snapshot) -> Iterator[SetMark]:
    """Note for each of these nodes whose instance is promoted how many are, before it is taken down."""
    for primitive in target.primitives:
        promoted = _promoted(primitive, snapshot)
        for node in sorted(promoted.intersection(nodes)):
            yield SetMark(node=node, name=PROMOTED + primitive, value=str(len(promoted)))


def missing_roles(target: Target, snapshot: Snapshot) -> dict[NodeName, str]:
    """Nodes whose instance was taken down promoted, while fewer are promoted than were then; and that in words."""
    missing = {}
    for primitive in target.primitives:
        promoted = _promoted(primitive, snapshot)
        for node, before in _noted(primitive, snapshot):
            if node not in promoted and len(promoted) < min(before, _most(primitive, snapshot)):
                missing[node] = f"{before} were promoted, {len(promoted)} {'is' if len(promoted) == 1 else 'are'}"
    return missing


def with_roles(target: Target, nodes: Iterable[NodeName], snapshot: Snapshot) -> Iterator[SetMark]:
    """Cross the note out on these nodes where nothing is missing any more, and what was taken down is up again."""
    missing, among = missing_roles(target, snapshot), set(nodes)
    for primitive in target.primitives:
        up = {instance.node for instance in snapshot.instances.get(primitive, ()) if instance.settled}
        for node, _ in _noted(primitive, snapshot):
            over = node in up or not snapshot.nodes[node].may_run
            if over and node in among and node not in missing:
                yield SetMark(node=node, name=PROMOTED + primitive, value=None)


def _noted(primitive: ResourceId, snapshot: Snapshot) -> Iterator[tuple[NodeName, int]]:
    for node in snapshot.nodes.values():
        value = node.marks.get(PROMOTED + primitive, "")
        if value.isdecimal():
            yield node.name, int(value)


def _promoted(primitive: ResourceId, snapshot: Snapshot) -> set[NodeName]:
    found = snapshot.instances.get(primitive, ())
    return {i.node for i in found if i.role is Role.PROMOTED and not i.failed and i.operation != "promote"}


def _most(primitive: ResourceId, snapshot: Snapshot) -> int:
    """How many can be promoted: as many as the definition allows, of those that are there."""
    there = sum(_there(instance, snapshot) for instance in snapshot.instances.get(primitive, ()))
    if (snapshot.meta(primitive, "target-role") or "").lower() in {"unpromoted", "slave", "stopped"}:
        return 0
    allowed = snapshot.meta(primitive, "promoted-max") or snapshot.meta(primitive, "master-max") or ""
    return min(there, int(allowed) if allowed.isdecimal() else there)


def _there(instance: Instance, snapshot: Snapshot) -> bool:
    may_run = snapshot.nodes[instance.node].may_run
    return may_run and (instance.role.active or instance.operation is not None)
