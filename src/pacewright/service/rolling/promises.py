"""What a roll promises, looked at once more for every commit right before it is written, whatever has decided it. Pure.

It reads nothing but the change and the cluster, so that a fault in a decision is stopped here and does not take a
service down. It stops nothing that the decisions mean to do: the model check runs with it.
"""

from __future__ import annotations

from collections.abc import Container

from pacewright.cluster.edits.change import Change, SetRevision
from pacewright.cluster.edits.hold import HoldInstance
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import OperationFailed
from pacewright.operation.step import Commit
from pacewright.service.lookup import Target
from pacewright.service.rolling.policy import Policy
from pacewright.service.rolling.slots import Slots

__all__ = ["broken_promise"]


def broken_promise(
    step: Commit, slots: Slots, policy: Policy, lost: Container[NodeName], snapshot: Snapshot
) -> OperationFailed | None:
    """Why a commit must not be written, though it was decided; None if it keeps what was promised.

    An instance gets a new definition only where its node says what runs there; only those of the step go down; and
    with what is on its way already they are no more than may be down at once.

    Args:
        step: the commit.
        slots: of the roll.
        policy: how it goes.
        lost: slots that have failed in it, which it goes on without.
        snapshot: what it was decided on.
    """
    target = slots.target
    redefined = _redefined(step.change, target, snapshot)
    unseen = {n for p, n in redefined if target.many is not None and snapshot.silent(p, n)}
    if unseen:
        return _fault(target, f"nobody knows what runs on {_names(unseen)}, and its definition would change")
    if target.many is None or policy.at_once:
        return None
    mine = [i for i in snapshot.instances_of(target.resource) if i.resource in target.primitives]
    there = {(i.resource, i.node) for i in mine if i.role.active or i.operation is not None}
    taken = {node for primitive, node in redefined if (primitive, node) in there}
    taken |= {edit.node for edit in step.change.edits if isinstance(edit, HoldInstance)}
    if beside := taken - step.places:
        return _fault(target, f"{_names(beside)} would go down beside its step")
    moving = {i.node for i in mine if i.operation is not None}
    moving |= {node for resource, node in snapshot.holds if resource == target.many and node is not None}
    down = taken | {node for node in moving if node not in lost and not slots.away(node, snapshot)}
    if taken and len(down) > policy.limit:
        return _fault(target, f"{_names(down)} would be down at once, where {policy.limit} may be")
    return None


def _redefined(change: Change, target: Target, snapshot: Snapshot) -> set[tuple[ResourceId, NodeName]]:
    """Where a change gives a primitive of the service another revision, whether it runs there or not."""
    return {
        (edit.resource, node)
        for edit in change.edits
        if isinstance(edit, SetRevision) and edit.resource in target.primitives
        for node in snapshot.nodes
        if edit.nodes.get(node, edit.default) != snapshot.resources[edit.resource].revision_on(node)
    }


def _names(nodes: set[NodeName]) -> str:
    return ", ".join(sorted(nodes))


def _fault(target: Target, seen: str) -> OperationFailed:
    return OperationFailed(
        f"{target.name}: not written: {seen}.",
        hint="That is a fault of Pacewright: please report it, with what `pacewright history` tells. "
        "This step has changed nothing.",
    )
