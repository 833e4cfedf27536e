"""Who leads a roll: the call that has begun it, for as long as it goes on. The others wait for the same end. Pure.

It is a courtesy, not a lock: commits compare and swap, so two that lead do no harm. It makes one node write a whole
roll, where its log tells all of it, and keeps the others from preparing what they would only be refused. Nothing is
written for it: the marks of what is begun say that somebody leads, and one that has died is missed for no longer than
`PATIENCE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from pacewright.cluster.names import NodeName
from pacewright.cluster.snapshot import Snapshot
from pacewright.frozen import frozen, replace
from pacewright.operation.step import Clean, Commit, Drain, Next, Restore, Wait
from pacewright.service.ledger.begun import begun_by
from pacewright.service.ledger.drained import drained
from pacewright.service.rolling.slots import Slots, SlotState

if TYPE_CHECKING:
    from pacewright.service.rolling.restart import Restart

__all__ = ["NOBODY", "PATIENCE", "Lead", "left_to_the_leader"]

PATIENCE = 3.0
"""Seconds without any progress after which the one that leads is taken for dead: some ten times what a step needs."""
_GAP = 5.0
"""Seconds between two looks, of which there is one each second, that tell of a call that stood still itself."""


@frozen
class Lead:
    """What a call knows of who leads.

    Attributes:
        mine: it does, because it has written a step; another one that has taken it for dead may lead as well.
        seen: how the roll stood when it began to leave the next step to another.
        since: when that was, in seconds since the epoch.
        looked: when it looked last.
        by: the node of another call that has written a step of the roll; None if this one has seen none.
    """

    mine: bool = False
    seen: Mapping[NodeName, SlotState] | None = None
    since: float = 0.0
    looked: float = 0.0
    by: NodeName | None = None

    def told(self, slots: Slots, snapshot: Snapshot) -> Lead:
        """The same, with who has begun what stands now."""
        by = None if self.mine else next(iter(begun_by(slots.target, snapshot).values()), None)
        return replace(self, by=by) if by else self


NOBODY = Lead()
"""Nobody is known to lead."""


def left_to_the_leader(
    job: Restart, step: Next, states: Mapping[NodeName, SlotState], snapshot: Snapshot, now: float
) -> Next:
    """The step that a call would take; or waiting, while it is another one's to take. Checks of health are anybody's.

    Args:
        job: the call.
        step: what it has decided.
        states: of the slots of its roll.
        snapshot: the cluster.
        now: seconds since the epoch.
    """
    if not isinstance(step, Commit | Clean | Drain | Restore):
        return step
    # A call that stood still itself (its machine was frozen, its clock set) has not seen whether the roll goes on.
    watched = job.lead.seen == states and 0 <= now - job.lead.looked <= _GAP
    since = job.lead.since if watched else now
    silent = now - since >= PATIENCE
    if job.lead.mine or silent or not _another_leads(job, states, snapshot):
        return replace(step, job=replace(cast("Restart", step.job), lead=Lead(mine=True)))
    waits = replace(job.lead, seen=states, since=since, looked=now)
    by = next(iter(begun_by(job.target, snapshot).values()), None)
    reason = f"another pacewright call{f' on {by}' if by else ''} to take the next step"
    return Wait(reason=reason, job=replace(job, lead=waits))


def _another_leads(job: Restart, states: Mapping[NodeName, SlotState], snapshot: Snapshot) -> bool:
    """True if a step of the roll stands that this call has not written. One that has failed is nobody's any more."""
    if SlotState.HELD in states.values() or (job.policy.drains and drained(job.target, snapshot)):
        return True
    broken = {slot for slot, state in states.items() if state is SlotState.BROKEN}
    return not broken.issuperset(begun_by(job.target, snapshot))
