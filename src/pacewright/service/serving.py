"""Before another instance goes down, those that are up again must serve: be healthy, and get their share. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pacewright.cluster import NodeName, Snapshot
from pacewright.service.drained import drained
from pacewright.service.slots import WHOLE, Slot, SlotState
from pacewright.service.step import Check, Next, Restore

if TYPE_CHECKING:
    from pacewright.service.restart import Restart

__all__ = ["give_back", "serving_again"]


def serving_again(job: Restart, states: Mapping[Slot, SlotState], snapshot: Snapshot) -> Next | None:
    """The check of what has restarted, then what gives it its share again; None if there is nothing of it to do."""
    if unchecked := _unchecked(job, states, snapshot):
        return Check(
            nodes=unchecked,
            job=replace(job, gated=job.gated | set(unchecked)),
            failed=(lambda node, seen: job.without(Slot(node), seen)) if job.keeps_going else None,
        )
    return give_back(job, [NodeName(slot) for slot, state in states.items() if state is SlotState.FRESH], snapshot)


def give_back(job: Restart, nodes: Iterable[NodeName], snapshot: Snapshot) -> Restore | None:
    """Give those of these nodes that are drained and well their share again."""
    if not job.drains:
        return None
    settled = {i.node for i in snapshot.instances_of(job.target.resource) if i.settled}
    due = drained(job.target, snapshot).intersection(nodes) & settled - job.restored
    due -= set(map(NodeName, job.lost))
    return Restore(nodes=tuple(sorted(due)), job=replace(job, restored=job.restored | due)) if due else None


def _unchecked(job: Restart, states: Mapping[Slot, SlotState], snapshot: Snapshot) -> tuple[NodeName, ...]:
    """Nodes whose instance is up to date, and of which this call has not seen yet that it is healthy.

    Also those that a call before this one has restarted: it may have died while it asked.
    """
    if not job.gates or job.at_once:
        return ()
    old = {slot for slot, state in states.items() if state is not SlotState.FRESH} | set(job.lost)
    found = (i.node for i in snapshot.instances_of(job.target.resource) if i.settled)
    return tuple(sorted({node for node in found if Slot(node) not in old and WHOLE not in old} - job.gated))
