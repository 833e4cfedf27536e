"""Which instances are drained: a mark says so before it is done, so that no crash leaves one without traffic. Pure.

The mark stands on the node, `pacewright-drained-<resource>`, from before the drain until the instance is sent its share
again. One that a call has left behind when it died is listed as owed, and the next call gives the instance back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pacewright.cluster.edits.change import SetMark
from pacewright.cluster.names import NodeName
from pacewright.cluster.snapshot import Snapshot
from pacewright.service.ledger.record import DRAINED
from pacewright.service.lookup import Target

__all__ = ["Drained", "drained", "drains", "given_back", "set_drained"]

Drained = tuple[NodeName, str]
"""A node, and what its mark says: when it was drained. The next time it is another one."""


def drains(target: Target, snapshot: Snapshot) -> frozenset[Drained]:
    """What somebody has drained, or was about to."""
    name = DRAINED + target.outermost
    return frozenset((node.name, node.marks[name]) for node in snapshot.nodes.values() if name in node.marks)


def drained(target: Target, snapshot: Snapshot) -> frozenset[NodeName]:
    """The nodes where that is."""
    return frozenset(node for node, _ in drains(target, snapshot))


def set_drained(target: Target, nodes: Iterable[NodeName], now: float) -> Iterator[SetMark]:
    """Note that these are being drained."""
    for node in nodes:
        yield SetMark(node=node, name=DRAINED + target.outermost, value=f"{now:.3f}")


def given_back(target: Target, nodes: Iterable[NodeName], snapshot: Snapshot) -> Iterator[SetMark]:
    """Take the note away from those of these nodes that have it."""
    for node in sorted(drained(target, snapshot).intersection(nodes)):
        yield SetMark(node=node, name=DRAINED + target.outermost, value=None)
