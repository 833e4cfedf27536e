"""Nobody sends to what goes down; and before it does, what is up again serves: healthy, and with its share. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pacewright.cluster.edits.change import Change
from pacewright.cluster.names import NodeName
from pacewright.cluster.snapshot import Snapshot
from pacewright.frozen import replace
from pacewright.operation.step import Check, Commit, Drain, Next, Restore
from pacewright.service.ledger.debts import debts
from pacewright.service.ledger.drained import drained, drains, set_drained
from pacewright.service.lookup import WHOLE
from pacewright.service.rolling.slots import SlotState

if TYPE_CHECKING:
    from pacewright.service.rolling.restart import Restart

__all__ = ["drained_first", "give_back", "in_turn", "serving_again"]


def in_turn(job: Restart, old: Iterable[NodeName], snapshot: Snapshot) -> tuple[NodeName, ...]:
    """What is to restart, in its order.

    First what does not serve as it is: what misses its role, and what is drained, by this call or by one that died.
    """
    out = set(drained(job.target, snapshot)) if job.policy.drains else set()
    out |= set(job.slots.missing(snapshot))
    return tuple(sorted(old, key=lambda slot: (slot not in out, job.slots.rank(slot, snapshot, job.policy.order))))


def drained_first(
    job: Restart, chosen: tuple[NodeName, ...], old: tuple[NodeName, ...], snapshot: Snapshot, now: float
) -> Commit | Drain | None:
    """What takes these out of the balancer before they restart; None once that is done, or is not wanted.

    Args:
        job: the roll.
        chosen: what restarts next.
        old: all that is still to restart.
        snapshot: the cluster.
        now: seconds since the epoch.
    """
    if not job.policy.drains or job.policy.at_once or WHOLE in chosen:
        return None
    if drained(job.target, snapshot).issuperset(chosen):
        todo = {one for one in drains(job.target, snapshot) - job.drained if one[0] in chosen}
        nodes = tuple(sorted(node for node, _ in todo))
        return Drain(nodes=nodes, job=replace(job, drained=job.drained | todo)) if todo else None
    # It is owed from now on, so that no other call takes it for one that was left drained, and gives it back.
    owed = (edit for p in job.target.primitives for edit in job.owing(p, (), old, snapshot))
    edits = (*set_drained(job.target, chosen, now), *owed, *job.finished(snapshot))
    reason = f"restart {job.target.name}: {', '.join(chosen)} is drained first"
    anew = {one for one in job.drained | job.restored if one[0] in chosen}
    job = replace(job, drained=job.drained - anew, restored=job.restored - anew)
    return Commit(change=Change(edits=edits, reason=reason), job=job, summary="", foreseen=True)


def serving_again(job: Restart, states: Mapping[NodeName, SlotState], snapshot: Snapshot) -> Next | None:
    """The check of what has restarted, then what gives it its share again; None if there is nothing of it to do."""
    if unchecked := _unchecked(job, states, snapshot):
        return _check(job, unchecked, snapshot)
    # Also what a call that died has left drained and is not in this roll: it serves as little as one that is down.
    old = {slot for slot, state in states.items() if state is not SlotState.FRESH}
    return give_back(job, drained(job.target, snapshot) - old, snapshot)


def give_back(job: Restart, nodes: Iterable[NodeName], snapshot: Snapshot) -> Check | Restore | None:
    """Give those of these nodes that are drained and well their share again, once they are seen to be healthy."""
    if not job.policy.drains or not snapshot.quorate:
        return None  # whoever is cut off, or has just been frozen, does not know what the others do
    settled = {i.node for i in snapshot.instances_of(job.target.resource) if i.settled}
    settled = {node for node in settled if snapshot.nodes[node].online}
    standing = drains(job.target, snapshot) - job.restored
    due = {node for node, _ in standing}.intersection(nodes) & settled
    due -= set(job.lost)
    # What is drained and due beyond this roll, another call may be about to restart.
    owed = {debt.node for debt in debts(job.target, snapshot) if not debt.hindrance}
    due -= owed.difference(job.slots.before)
    if job.policy.health and (unseen := _unseen(job, due, snapshot)):
        return _check(job, tuple(sorted(unseen)), snapshot)
    if not due:
        return None
    given_back = {one for one in standing if one[0] in due}
    return Restore(nodes=tuple(sorted(due)), job=replace(job, restored=job.restored | given_back))


def _check(job: Restart, nodes: tuple[NodeName, ...], snapshot: Snapshot) -> Check:
    keys = {i.run.key for i in snapshot.instances_of(job.target.resource) if i.node in nodes and i.run is not None}
    return Check(
        nodes=nodes,
        job=replace(job, healthy=job.healthy | keys),
        failed=job.without if job.policy.keeps_going else None,
    )


def _unseen(job: Restart, nodes: Iterable[NodeName], snapshot: Snapshot) -> set[NodeName]:
    """Those where something runs that this call has not seen healthy; it may have seen what ran there before."""
    runs = ((i.node, i.run) for i in snapshot.instances_of(job.target.resource))
    return {node for node, run in runs if run is not None and run.key not in job.healthy}.intersection(nodes)


def _unchecked(job: Restart, states: Mapping[NodeName, SlotState], snapshot: Snapshot) -> tuple[NodeName, ...]:
    """Nodes whose instance is up to date, and of which this call has not seen yet that it is healthy.

    Also those that a call before this one has restarted: it may have died while it asked.
    """
    if not job.policy.health or job.policy.at_once:
        return ()
    old = {slot for slot, state in states.items() if state is not SlotState.FRESH} | set(job.lost)
    found = (i.node for i in snapshot.instances_of(job.target.resource) if i.settled)
    return tuple(sorted(_unseen(job, [node for node in found if node not in old and WHOLE not in old], snapshot)))
