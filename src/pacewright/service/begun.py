"""Restarts that are committed and whose start nobody has seen yet: the marks on their nodes. Pure.

`revision.py` tells what such a mark (`pacewright-begun-<primitive>`) means.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping

from pacewright.cluster import Instance, Node, NodeName, ResourceId, SetMark, Snapshot
from pacewright.service.revision import BEGUN, OWED, begun_on, still_owed, unproven
from pacewright.service.slots import WHOLE, Slot, Slots, SlotState

__all__ = ["begun_by", "ended", "over", "set_begun"]


def set_begun(slots: Slots, chosen: Iterable[Slot], snapshot: Snapshot, *, by: NodeName | None) -> Iterator[SetMark]:
    """Note which runs are to end in these slots, and which node has written it."""
    for slot in chosen:
        for instance in slots.instances(slot, snapshot):
            if instance.run is not None:
                value = f"{instance.run.key}@{by or ''}"
                yield SetMark(node=instance.node, name=BEGUN + instance.resource, value=value)


def begun_by(slots: Slots, snapshot: Snapshot) -> dict[Slot, NodeName]:
    """Slots with such a note, and who has written it."""
    return {
        WHOLE if slots.target.many is None else Slot(node): found[1]
        for primitive in slots.target.primitives
        for node in snapshot.nodes
        if (found := begun_on(primitive, node, snapshot)) is not None
    }


def ended(slots: Slots, these: Iterable[Slot], snapshot: Snapshot) -> Iterator[SetMark]:
    """Cross that out where they are seen to have ended."""
    for primitive in slots.target.primitives:
        for node in snapshot.nodes:
            if begun_on(primitive, node, snapshot) is not None and {WHOLE, Slot(node)}.intersection(these):
                yield SetMark(node=node, name=BEGUN + primitive, value=None)


def over(
    slots: Slots, states: Mapping[Slot, SlotState], lost: Container[Slot], snapshot: Snapshot
) -> Iterator[SetMark]:
    """Take away the notes of what has been seen to start since, in this roll or after a call that died.

    Args:
        slots: the roll.
        states: of its slots.
        lost: slots that failed in it; their notes stay.
        snapshot: the cluster.
    """
    for primitive in slots.target.primitives:
        for node in snapshot.nodes.values():
            begun = begun_on(primitive, node.name, snapshot)
            slot = WHOLE if slots.target.many is None else Slot(node.name)
            if begun is None or slot in lost:
                continue
            elsewhere = slot not in states or states[slot] is SlotState.AWAY
            if states.get(slot) is SlotState.FRESH or (elsewhere and _restarted(primitive, node, begun[0], snapshot)):
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
