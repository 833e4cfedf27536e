"""Restarts that somebody has asked for and that are still to come, written down on their nodes. Pure.

What runs in one place has it where it runs.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from pacewright.cluster.edits.change import SetMark
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.service.ledger.record import BEGUN, OWED, begun_on, owed_on
from pacewright.service.lookup import WHOLE, Target

__all__ = ["crossed_out", "noted", "noted_on", "stray"]


def noted(primitive: ResourceId, slot: NodeName, token: str, snapshot: Snapshot) -> Iterator[SetMark]:
    """Note that a slot is to restart, where that is not noted yet, or was and is done."""
    running = [i.node for i in snapshot.instances.get(primitive, ()) if i.role.active]
    for node in running if slot == WHOLE else (slot,):
        yield from noted_on(primitive, node, token, snapshot)


def noted_on(primitive: ResourceId, node: NodeName, token: str, snapshot: Snapshot) -> Iterator[SetMark]:
    """The same for one node. What has started anew since an earlier restart was begun has paid that one, not this."""
    here = [i for i in snapshot.instances.get(primitive, ()) if i.node == node and i.run is not None]
    begun = begun_on(primitive, node, snapshot)
    anew = begun is not None and any(i.run is not None and i.run.key != begun.key for i in here)
    if anew:
        yield SetMark(node=node, name=BEGUN + primitive, value=None)
    if anew or owed_on(primitive, node, snapshot) is None:
        yield SetMark(node=node, name=OWED + primitive, value=token)


def crossed_out(
    primitive: ResourceId,
    slot: NodeName,
    snapshot: Snapshot,
    *,
    only: Container[tuple[NodeName, str]] | None = None,
) -> Iterator[SetMark]:
    """Cross it out; of what was asked for, only these if they are given."""
    for node in snapshot.nodes:
        token = owed_on(primitive, node, snapshot)
        if slot in {WHOLE, node} and token is not None and (only is None or (node, token) in only):
            yield SetMark(node=node, name=OWED + primitive, value=None)


def stray(target: Target, snapshot: Snapshot) -> Iterator[SetMark]:
    """Cross out what is noted for something that runs in one place where it does not run: it has started elsewhere."""
    for primitive in target.primitives if target.many is None else ():
        running = {i.node for i in snapshot.instances.get(primitive, ()) if i.settled}
        for node in snapshot.nodes if running else ():
            if node not in running and owed_on(primitive, node, snapshot) is not None:
                yield SetMark(node=node, name=OWED + primitive, value=None)
