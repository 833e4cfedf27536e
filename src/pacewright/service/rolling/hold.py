"""Restarts by a hold: a rule keeps the instance stopped and expires by itself; once it has stopped, it is let go. Pure.

For agents that would only reload for a new revision, and for instances for which Pacemaker would not notice it, or may
forget it on the way (`Slots.unnoticed`): what is promoted, or was demoted last.

An instance that was promoted is let go once another one is promoted in its place. Before that its promotion score may
still be the highest: agents correct the scores when they promote, or with a monitor after it (PAF). Pacemaker 2.1.5
would give the role back to it, and on the way restart instances that are well (seen with PAF: the third one).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacewright.cluster.edits.change import Change, Edit
from pacewright.cluster.edits.hold import HoldInstance, HoldResource, Release
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName
from pacewright.cluster.snapshot import Snapshot
from pacewright.frozen import replace
from pacewright.operation.collateral import ENDS
from pacewright.operation.step import Ask, Commit, Next, Wait
from pacewright.service.ledger.begun import ended, set_begun
from pacewright.service.ledger.debts import still_owed
from pacewright.service.ledger.owed import crossed_out
from pacewright.service.ledger.promoted import has_roles, set_promoted
from pacewright.service.ledger.record import reported
from pacewright.service.ledger.report import seen_to_run
from pacewright.service.lookup import WHOLE, Target
from pacewright.service.rolling.result import let_go as released_words

if TYPE_CHECKING:
    from pacewright.service.rolling.restart import Restart

__all__ = ["MARGIN", "disturbed", "hold", "let_go", "released"]

MARGIN = 10.0
"""Seconds by which a hold outlasts the stop that it waits for."""
_CALM = 15.0
"""Seconds for which letting an instance go may wait for agents to set promotion scores; PAF's monitor has 15."""
_CONTAINER = 40.0
"""Seconds that a replica's container and its connection may take to stop: Pacemaker's default for each."""


def hold(
    job: Restart, chosen: tuple[NodeName, ...], old: tuple[NodeName, ...], snapshot: Snapshot, now: float
) -> Commit:
    """Hold these slots stopped; what is still due stays noted."""
    until = now + _stop_timeout(job.target, snapshot) + MARGIN
    why = "its agent would only reload" if job.use_hold else "Pacemaker would not notice a new definition now"
    if not job.use_hold and any(job.slots.promoted(slot, snapshot) for slot in chosen):
        why = "it is promoted"
    edits: list[Edit] = []
    for primitive in job.target.primitives:
        # A hold can expire before it has worked, so what it is to pay stays owed until it is taken away.
        edits += job.owing(primitive, (), old, snapshot)
    edits += set_promoted(job.target, chosen, snapshot)
    edits += seen_to_run(job.target, snapshot)  # before a promote hides when it began
    asked = _asked_for(job, chosen, snapshot)
    edits += set_begun((i for slot in asked for i in job.slots.instances(slot, snapshot)), by=job.here)
    edits += (_held(job.target, slot, until) for slot in chosen)
    return Commit(
        change=Change(edits=tuple(edits), reason=f"restart {job.target.name}: hold it stopped for a moment"),
        then=Change(
            edits=tuple(released(job.target, slot) for slot in chosen),
            reason=f"restart {job.target.name}: let it start",
        ),
        places=job.places(chosen),
        moves=job.moves(chosen, snapshot),
        job=replace(job, commits=job.commits + 1),
        summary=f"restarting {job.told_of(chosen)} ({why}, so it is held stopped)",
    )


def let_go(job: Restart, slots: list[NodeName], snapshot: Snapshot, planned: Forecast | None, now: float) -> Next:
    """Let these go, when another instance has the role that one of them had.

    Args:
        job: the roll.
        slots: what is held, and has stopped, or whose hold has expired.
        snapshot: the cluster.
        planned: what the scheduler is about to do, if that was asked for.
        now: seconds since the epoch.
    """
    held = [slot for slot in slots if (job.slots.expiry(slot, snapshot) or 0.0) >= now]
    if not job.slots.awaits or not held or not has_roles(job.target, snapshot):
        return _release(job, slots, snapshot)
    if job.slots.missing(snapshot).keys() & set(held):
        if planned is None:
            return Ask()
        if _promoting(job.target, snapshot, planned):
            called = ", ".join(map(job.slots.called, held))
            return Wait(reason=f"another instance to be promoted in place of the one on {called}", job=job)
    end = max(job.slots.expiry(slot, snapshot) or 0.0 for slot in held)
    calm = job.calm if job.calm is not None and job.calm[0] == end else (end, now + _CALM)
    return _release(replace(job, calm=calm), slots, snapshot, with_care=now < calm[1])


def _promoting(target: Target, snapshot: Snapshot, planned: Forecast) -> bool:
    """True if an instance is being promoted, or is about to be."""
    going = any(i.operation == "promote" for p in target.primitives for i in snapshot.instances.get(p, ()))
    mine = (action for action in planned.actions if action.resource in target.primitives and not action.blocked)
    return going or any(action.verb == "promote" for action in mine)


def _release(job: Restart, slots: list[NodeName], snapshot: Snapshot, *, with_care: bool = False) -> Commit:
    """Let these go, and cross out what that pays; with care only if nothing else of the service suffers from it."""
    edits: list[Edit] = [released(job.target, slot) for slot in slots]
    # A hold that has expired before its instance stopped has paid nothing.
    paid = [slot for slot in slots if job.slots.stopped(slot, snapshot)]
    edits += ended(job.target, paid, snapshot)
    for primitive in job.target.primitives if paid else ():
        for slot in paid:
            edits += crossed_out(primitive, slot, snapshot)
        known = any(reported(primitive, node, snapshot) is not None for node in _nodes(paid, snapshot))
        if known or not job.use_hold or snapshot.resources[primitive].node_revisions:
            # Nothing runs there now, so the agent is not asked to reload for its new revision.
            edits.append(job.revisions(primitive, tuple(paid), snapshot))
    return Commit(
        change=Change(edits=tuple(edits), reason=f"restart {job.target.name}: let it start"),
        job=replace(job, commits=job.commits + 1),
        summary=released_words(job.slots, slots, paid),
        foreseen=not with_care,
    )


def disturbed(step: Commit, target: Target, forecast: Forecast, planned: Forecast | None) -> Wait | Ask | None:
    """Whether letting instances go would take others down, or their roles from them, which passes; None if not.

    Args:
        step: what lets them go.
        target: the service.
        forecast: what the scheduler would do then.
        planned: what it would do by itself; None if that was not asked for yet.
    """
    mine = [a for a in forecast.actions if a.resource in target.primitives and a.verb in ENDS and not a.blocked]
    if mine and planned is None:
        return Ask()
    beyond = sorted(str(action) for action in mine if planned is None or action not in planned.actions)
    return (
        Wait(reason=f"the cluster to settle; now it would also {'; '.join(beyond)}", job=step.job) if beyond else None
    )


def released(target: Target, slot: NodeName) -> Release:
    """The edit that takes the hold on a slot away."""
    if slot == WHOLE or target.many is None:
        return Release(resource=target.resource)
    return Release(resource=target.many, node=slot)


def _held(target: Target, slot: NodeName, until: float) -> HoldInstance | HoldResource:
    if slot == WHOLE or target.many is None:
        return HoldResource(resource=target.resource, until=until)
    return HoldInstance(resource=target.many, node=slot, until=until)


def _asked_for(job: Restart, chosen: tuple[NodeName, ...], snapshot: Snapshot) -> list[NodeName]:
    """Those that restart because somebody has asked; for the others it is the config that tells."""
    instances = {slot: job.slots.instances(slot, snapshot) for slot in chosen}
    return [s for s in chosen if job.token or any(still_owed(i, snapshot) is not None for i in instances[s])]


def _nodes(slots: list[NodeName], snapshot: Snapshot) -> list[NodeName]:
    return [node for node in snapshot.nodes if WHOLE in slots or node in slots]


def _stop_timeout(target: Target, snapshot: Snapshot) -> float:
    """What may pass until they have stopped: those that are promoted are demoted first."""
    tasks = ("demote", "stop") if has_roles(target, snapshot) else ("stop",)
    return _CONTAINER * snapshot.in_bundle(target.primitives[0]) + target.allowed(*tasks)
