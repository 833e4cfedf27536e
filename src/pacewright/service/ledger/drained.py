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

__all__ = ["drained", "given_back", "set_drained"]


def drained(target: Target, snapshot: Snapshot) -> frozenset[NodeName]:
    """The nodes whose instance somebody has drained, or was about to."""
    name = DRAINED + target.outermost
    return frozenset(node.name for node in snapshot.nodes.values() if name in node.marks)


def set_drained(target: Target, nodes: Iterable[NodeName], now: float) -> Iterator[SetMark]:
    """Note that these are being drained."""
    for node in nodes:
        yield SetMark(node=node, name=DRAINED + target.outermost, value=f"{now:.0f}")


def given_back(target: Target, nodes: Iterable[NodeName], snapshot: Snapshot) -> Iterator[SetMark]:
    """Take the note away from those of these nodes that have it."""
    for node in sorted(drained(target, snapshot).intersection(nodes)):
        yield SetMark(node=node, name=DRAINED + target.outermost, value=None)
