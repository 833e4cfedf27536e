"""Restarts that are committed and whose start nobody has seen yet, written down on their nodes. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from pacewright.cluster.edits.change import SetMark
from pacewright.cluster.names import NodeName
from pacewright.cluster.snapshot import Instance, Snapshot
from pacewright.service.ledger.record import BEGUN, Begun, begun_on
from pacewright.service.lookup import WHOLE, Target

__all__ = ["begun_by", "ended", "set_begun"]


def set_begun(instances: Iterable[Instance], *, by: NodeName | None) -> Iterator[SetMark]:
    """Note that the runs of these instances are to end, and which node has written it."""
    for instance in instances:
        if instance.run is not None:
            begun = Begun(key=instance.run.key, by=by or NodeName(""))
            yield SetMark(node=instance.node, name=BEGUN + instance.resource, value=str(begun))


def begun_by(target: Target, snapshot: Snapshot) -> dict[NodeName, NodeName]:
    """What has such a note, by its slot, and who has written it."""
    return {
        target.slot(node): begun.by
        for primitive in target.primitives
        for node in snapshot.nodes
        if (begun := begun_on(primitive, node, snapshot)) is not None
    }


def ended(target: Target, slots: Container[NodeName], snapshot: Snapshot) -> Iterator[SetMark]:
    """Take the note away in these slots, where the runs are seen to have ended."""
    for primitive in target.primitives:
        for node in snapshot.nodes:
            if begun_on(primitive, node, snapshot) is not None and (WHOLE in slots or node in slots):
                yield SetMark(node=node, name=BEGUN + primitive, value=None)
