"""What is over in a roll: the marks of restarts whose start was seen since, also after a call that died. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from pacewright.cluster.edits.change import SetMark
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Instance, Node, Snapshot
from pacewright.service.ledger.debts import still_owed, unproven
from pacewright.service.ledger.record import BEGUN, OWED, begun_on
from pacewright.service.lookup import Target
from pacewright.service.rolling.slots import SlotState

__all__ = ["over"]


def over(
    target: Target, states: Mapping[NodeName, SlotState], lost: Container[NodeName], snapshot: Snapshot
) -> Iterator[SetMark]:
    """Take away the notes of what has been seen to start since, in this roll or after a call that died.

    Args:
        target: the service.
        states: of the slots of the roll.
        lost: slots that failed in it; their notes stay.
        snapshot: the cluster.
    """
    for primitive in target.primitives:
        for node in snapshot.nodes.values():
            begun = begun_on(primitive, node.name, snapshot)
            slot = target.slot(node.name)
            if begun is None or slot in lost:
                continue
            elsewhere = slot not in states or states[slot] is SlotState.AWAY
            if states.get(slot) is SlotState.FRESH or (elsewhere and _restarted(primitive, node, begun.key, snapshot)):
                yield SetMark(node=node.name, name=BEGUN + primitive, value=None)
                here = (i for i in snapshot.instances.get(primitive, ()) if i.node == node.name)
                if OWED + primitive in node.marks and all(still_owed(i, snapshot) is None for i in here):
                    yield SetMark(node=node.name, name=OWED + primitive, value=None)


def _restarted(primitive: ResourceId, node: Node, begun: str, snapshot: Snapshot) -> bool:
    """True if what ran there is certain to have ended: it has started anew, or the node says that nothing runs.

    A node that is away says nothing. Its controller may have been killed, and what it ran may be running on.
    """
    here = [i for i in snapshot.instances.get(primitive, ()) if i.node == node.name]
    if not any(i.role.active or i.operation is not None for i in here):
        return node.online and (primitive, node.name) in snapshot.told
    return all(_started_anew(instance, begun, snapshot) for instance in here)


def _started_anew(instance: Instance, begun: str, snapshot: Snapshot) -> bool:
    run = instance.run
    return instance.settled and run is not None and run.key != begun and not unproven(instance, snapshot)
