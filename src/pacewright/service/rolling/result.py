"""How a restart ends: whether anything is left to wait for, and what is said of it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import OperationFailed
from pacewright.operation.outcome import Outcome
from pacewright.service.lookup import WHOLE, Target
from pacewright.service.rolling.slots import Slots, SlotState
from pacewright.service.rolling.turns import Lead

__all__ = ["awaited", "failure", "given_up", "let_go", "not_promoted", "outcome", "unfinished"]

_WHAT_FAILED = {"promote": "was not promoted on", "demote": "was not demoted on", "stop": "did not stop on"}
_NOT_UP = "did not come up on"


def awaited(slots: Slots, waiting: Iterable[str], snapshot: Snapshot) -> str:
    """What a roll waits for, for people."""
    missing = {slots.called(slot): seen for slot, seen in slots.missing(snapshot).items()}
    found = [who for who in waiting if who not in missing]
    roles = [f"{who} to be promoted again ({missing[who]})" for who in waiting if who in missing]
    return ", ".join([f"{', '.join(found)} to restart"] * bool(found) + roles)


def not_promoted(
    slots: Slots, waiting: Collection[str], snapshot: Snapshot, planned: Forecast | None
) -> OperationFailed | None:
    """Why a roll does not begin over one that failed before this call, and will not be promoted; None if it may wait.

    Args:
        slots: the roll.
        waiting: what it waits for.
        snapshot: the cluster.
        planned: what the scheduler is about to do, if that was asked for.
    """
    coming = {action.node for action in planned.actions if not action.blocked} if planned is not None else ()
    for slot, seen in slots.missing(snapshot).items():
        failed = next((i for i in slots.instances(slot, snapshot) if i.settled and i.unexcused is not None), None)
        if planned is not None and failed is not None and slot in waiting and slot not in coming:
            return OperationFailed(
                f"{slots.target.name}: nothing more was restarted: {failed.resource} was promoted on {slot} and is not "
                f"any more ({seen}): {failed.failure}.",
                hint=f"Fix the cause there, then `pacewright service restart {slots.target.name} --node {slot}`. If "
                "it is to stay so: lower promoted-max, or put the node in standby.",
                node=failed.node,
                resource=failed.resource,
            )
    return None


def let_go(slots: Slots, held: Iterable[NodeName], paid: Collection[NodeName]) -> str:
    """What is said when holds are taken away; those that are not paid have ended before they stopped anything."""
    stopped = ", ".join(map(slots.called, paid))
    running = ", ".join(slots.called(slot) for slot in held if slot not in paid)
    over = (
        f"{running}: the temporary stop rule expired before the instance stopped; check this node's and the DC's clock"
    )
    return "; ".join([f"{stopped} stopped, starting"] * bool(stopped) + [over] * bool(running))


def unfinished(
    target: Target,
    companions: Iterable[ResourceId],
    missing: Iterable[ResourceId],
    snapshot: Snapshot,
    planned: Forecast | None,
) -> str:
    """What a restart still waits for though every instance has started; empty if nothing.

    Args:
        target: the service.
        companions: dependents that restart along.
        missing: those of them that run nowhere.
        snapshot: the cluster.
        planned: what the scheduler is about to do, if that was asked for.
    """
    actions = planned.actions if planned is not None else ()
    for companion in sorted(companions):
        down = companion in missing and any(action.resource == companion for action in actions)
        if down or not all(instance.settled for instance in snapshot.instances.get(companion, ())):
            return f"{companion}, which depends on it, is not up again"
    if any(action.resource in target.primitives and not action.blocked for action in actions):
        return "the cluster is not done with its roles"
    return ""


def outcome(
    slots: Slots,
    fresh: list[NodeName],
    companions: Iterable[ResourceId],
    snapshot: Snapshot,
    notes: tuple[str, ...],
    lead: Lead,
) -> Outcome:
    """What a restart did that came to its end."""
    where = "" if fresh == [WHOLE] else f" on {', '.join(fresh)}"
    other = f"another call on {lead.by}" if lead.by else "another call"
    by_others = "" if lead.mine else f"; {other} led, one restart was enough for both"
    away = (
        f"{slot}: {slots.away(slot, snapshot) or 'it runs there no more'}, {_there(slots, slot, snapshot)}"
        for slot in slots.before
        if slot not in fresh
    )
    along = (f"{companion} depends on it and restarted along" for companion in sorted(companions))
    return Outcome(
        changed=True,
        message=f"{slots.target.name}: restarted{where}{by_others}.",
        notes=(*notes, *away, *along, *_elsewhere(slots, fresh, snapshot)),
        restarted=tuple(slots.called(slot) for slot in fresh),
        led=lead.mine,
    )


def _elsewhere(slots: Slots, fresh: list[NodeName], snapshot: Snapshot) -> Iterator[str]:
    """What runs in one place and came up on another node, because it did not where it ran."""
    failed = slots.failed(WHOLE, snapshot) if WHOLE in fresh else None
    if failed is None or failed.failure is None or failed.failure.operation == "monitor":
        return
    what = _WHAT_FAILED.get(failed.failure.operation, _NOT_UP)
    runs = ", ".join(sorted({i.node for i in slots.instances(WHOLE, snapshot) if i.settled}))
    yield (
        f"{failed.resource} {what} {failed.node} ({failed.failure}), so the cluster has started "
        f"it on {runs}; what is wrong there may be wrong again at the next start. Fix the cause on {failed.node}, "
        f"then `pcs resource cleanup {failed.resource}`"
    )


def _there(slots: Slots, slot: NodeName, snapshot: Snapshot) -> str:
    over = slot not in snapshot.nodes or slots.stopped(slot, snapshot)
    return "nothing to restart there" if over else "its restart stays owed"


def failure(slots: Slots, slot: NodeName, snapshot: Snapshot) -> OperationFailed:
    """An instance that did not come up, or has not got its role, or has failed since."""
    failed = slots.failed(slot, snapshot)
    assert failed is not None  # noqa: S101 - that is what made it FAILED
    old = sorted(s for s, state in slots.states(snapshot, None).items() if state is SlotState.OLD)
    rest = f" {', '.join(old)} not touched and still running as before." if old else ""
    operation = failed.failure.operation if failed.failure is not None else ""
    what = _WHAT_FAILED.get(operation, _NOT_UP)
    return OperationFailed(
        f"{slots.target.name}: {failed.resource} {what} {failed.node}: {failed.failure}.{rest}",
        hint=f"Look at `journalctl` on {failed.node}, fix the cause, then run the same command again.",
        node=failed.node,
        resource=failed.resource,
    )


def given_up(target: Target, lost: Mapping[NodeName, str], fresh: list[NodeName]) -> OperationFailed:
    """A roll that went on though instances had failed (`on_failure: continue`)."""
    done = f" Restarted on {', '.join(fresh)}." if fresh else ""
    return OperationFailed(
        f"{target.name}: not restarted everywhere: {' '.join(lost.values())}{done}",
        hint="Fix the cause, then run the same command again; what is owed stays owed.",
    )
