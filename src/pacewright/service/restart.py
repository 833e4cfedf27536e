r"""Restart: every instance has started after this call. The decisions, pure.

An instance is restarted by a change of its definition: a new revision (DESIGN, idea 1). From the commit on the
cluster does it by itself, so a process that dies has lost nothing. What is still to come is written down with the
first commit, as a node attribute (`pacewright-owed-<primitive>`), and taken away with the commit that pays it.

An agent that would only reload for a new revision gets a **hold** instead: a rule that keeps the instance stopped
and expires by itself; when it has stopped, the hold is taken away.

A **slot** is what restarts in one step: an instance of a clone (by node), or a whole primitive or group.

    OLD ----commit----> UNDER_WAY ----> FRESH          AWAY: the node is gone, nothing to restart there
     \--hold--> HELD --release--/  \--> FAILED       BROKEN: it had failed before; its failure is forgotten
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import NewType

from pacewright.cluster import (
    Action,
    Change,
    Edit,
    Forecast,
    HoldInstance,
    HoldResource,
    Instance,
    NodeName,
    Release,
    ResourceId,
    Role,
    SetNodeAttribute,
    SetRevision,
    Snapshot,
)
from pacewright.errors import OperationFailed, PacewrightError, Refused
from pacewright.service.effects import surprises
from pacewright.service.status import OWED, hindrance, is_enabled, owed_on, refuse_if_hindered
from pacewright.service.step import Ask, Clean, Commit, Done, Fail, Job, Next, Outcome, Wait
from pacewright.service.target import Target

__all__ = ["Restart", "begin_restart"]

Slot = NewType("Slot", str)
_WHOLE = Slot("")
"""The only slot of a resource that runs in one place."""

_HOLD_MARGIN = 10.0
"""Seconds by which a hold outlasts the stop that it waits for."""
_STOP_TIMEOUT = 100.0
"""Seconds: what pcs gives a systemd resource; the longest default of any."""


class _Is(Enum):
    OLD = "old"
    UNDER_WAY = "under way"
    HELD = "held"
    FRESH = "fresh"
    BROKEN = "broken"
    FAILED = "failed"
    AWAY = "away"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """A slot as it was when the call began.

    Attributes:
        keys: of the runs, and of starts that were under way (those may have read the old config).
        digests: what the definition of each primitive was.
        revisions: what the definition said, by primitive.
        failures: keys of those on record.
        covered: the cluster was about to restart it anyway; that restart is enough.
    """

    keys: frozenset[str]
    digests: Mapping[ResourceId, str]
    revisions: Mapping[ResourceId, str | None]
    failures: frozenset[str]
    covered: bool


def begin_restart(
    target: Target,
    snapshot: Snapshot,
    planned: Forecast,
    *,
    token: str,
    node: NodeName | None = None,
    at_once: bool = False,
    allow_collateral: bool = False,
) -> Restart:
    """The restart of a service, as decided on the snapshot that the call found.

    Args:
        target: the service.
        snapshot: the cluster when the call began.
        planned: what the scheduler would do by itself at that moment.
        token: the new revision; nobody else may use it.
        node: only the instance there.
        at_once: all instances in one step instead of one after another.
        allow_collateral: go on also if something beyond the service moves or stops.

    Raises:
        Refused: it is stopped, unmanaged, or runs nowhere.
    """
    refuse_if_hindered(target, snapshot, "not restarted")
    if not is_enabled(target, snapshot):
        raise Refused(
            f"{target.name}: not restarted: it is stopped on purpose (target-role=Stopped).",
            hint=f"`pacewright service start {target.name}` starts it.",
        )
    instances = [i for i in snapshot.instances_of(target.resource) if node is None or i.node == node]
    slots: dict[Slot, list[Instance]] = {}
    for instance in instances:
        slots.setdefault(_slot(target, instance), []).append(instance)
    if not slots:
        raise Refused(_nothing_runs(target, snapshot, node), hint="`pacewright service start` starts it.")
    coming = {(action.resource, action.node) for action in planned.actions if _begins_again(action)}
    return Restart(
        target=target,
        token=token,
        at_once=at_once,
        allow_collateral=allow_collateral,
        before={slot: _before(found, snapshot, coming) for slot, found in slots.items()},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """A restart under way.

    Attributes:
        before: the slots as they were.
        use_hold: the agent would only reload, so instances are held stopped for a moment.
        companions: dependents that restart along, and must be up again in the end.
        renewed: slots that were seen stopped, or restarted, since the call began. A later promote hides the start.
        tried: broken slots whose failure was forgotten.
        commits: how many steps of ours were written.
    """

    target: Target
    token: str
    at_once: bool
    allow_collateral: bool
    before: Mapping[Slot, _Before]
    use_hold: bool = False
    companions: frozenset[ResourceId] = frozenset()
    renewed: frozenset[Slot] = frozenset()
    tried: frozenset[Slot] = frozenset()
    commits: int = 0

    @property
    def steps(self) -> int:
        """In how many steps it goes."""
        return 1 if self.at_once else len(self.before)

    def decide(self, snapshot: Snapshot, planned: Forecast | None, now: float) -> Next:
        """The next step."""
        why = hindrance(self.target, snapshot)
        if why:
            return Fail(error=Refused(f"{self.target.name}: restart not finished: {why}."))
        states = {slot: self._state(slot, snapshot) for slot in self.before}
        if _Is.FAILED in states.values() and planned is None:
            return Ask()
        if planned is not None:
            states = {slot: self._settle(slot, is_, snapshot, planned) for slot, is_ in states.items()}
        return self._knowing(states, snapshot)._step(states, snapshot, planned, now)  # noqa: SLF001 - itself

    def _knowing(self, states: Mapping[Slot, _Is], snapshot: Snapshot) -> Restart:
        """This job, with what these states tell for later."""
        stopped = {slot for slot in states if self._stopped(slot, snapshot)}
        fresh = {slot for slot, is_ in states.items() if is_ is _Is.FRESH}
        return replace(self, renewed=self.renewed | stopped | fresh)

    def _step(self, states: Mapping[Slot, _Is], snapshot: Snapshot, planned: Forecast | None, now: float) -> Next:
        def those(*wanted: _Is) -> list[Slot]:
            return sorted(slot for slot, is_ in states.items() if is_ in wanted)

        if over := [slot for slot in those(_Is.HELD) if self._may_release(slot, snapshot, now)]:
            return self._release(over, snapshot)
        for slot in those(_Is.FAILED):
            return Fail(error=self._failure(slot, those(_Is.OLD), snapshot))
        if waiting := those(_Is.UNDER_WAY, _Is.HELD):
            return Wait(reason=f"{', '.join(self._called(slot) for slot in waiting)} to restart", job=self)
        for slot in those(_Is.BROKEN):
            return self._clean(slot, snapshot)
        if old := sorted(those(_Is.OLD), key=lambda slot: self._rank(slot, snapshot)):
            chosen = tuple(old) if self.at_once else (old[0],)
            step = self._hold if self.use_hold else self._redefine
            return step(chosen, tuple(old), snapshot, now)
        return self._finish(those(_Is.FRESH), snapshot, planned)

    def examine(self, step: Commit, forecast: Forecast, planned: Forecast | None) -> Commit | Fail | Ask | Job:
        """Refuse effects beyond the service; switch to holds for an agent that would only reload."""
        mine = [action for action in forecast.actions if action.resource in self.target.primitives]
        if not self.use_hold and any(action.verb.startswith("reload") for action in mine):
            return replace(self, use_hold=True)
        releasing = any(isinstance(edit, Release) for edit in step.change.edits)
        beyond = surprises(forecast, self.target.primitives, own={"restart", "promote", "demote", "start", "recover"})
        if beyond and not self.allow_collateral and not releasing:
            if planned is None:
                return Ask()
            beyond = tuple(action for action in beyond if action not in planned.actions)
        if beyond and not self.allow_collateral and not releasing:
            return Fail(
                error=Refused(
                    f"{self.target.name}: not restarted: the cluster would also "
                    + "; ".join(str(action) for action in beyond)
                    + ".",
                    hint="Nothing was changed for this step. --allow-collateral accepts it, --plan shows everything.",
                )
            )
        along = {a.resource for a in forecast.actions if a.verb == "restart"} - set(self.target.primitives)
        job = step.job
        if along and isinstance(job, Restart):
            job = replace(job, companions=job.companions | along)
        return replace(step, job=job)

    # -- what a slot is -------------------------------------------------------------------------------------------

    def _state(self, slot: Slot, snapshot: Snapshot) -> _Is:
        if self._away(slot, snapshot):
            return _Is.AWAY
        instances = self._instances(slot, snapshot)
        if self._expiry(slot, snapshot) is not None:
            return _Is.HELD
        if any(instance.operation is not None for instance in instances):
            return _Is.UNDER_WAY
        before = self.before[slot]
        if all(self._fresh(primitive, slot, instances, snapshot) for primitive in self.target.primitives):
            return _Is.FRESH
        if any(i.failure.key not in before.failures for i in instances if i.failure is not None):
            return _Is.FAILED
        if slot not in self.tried and any(i.failed or not i.role.active for i in instances):
            return _Is.BROKEN
        if not any(instance.role.active for instance in instances):
            return _Is.UNDER_WAY
        return _Is.UNDER_WAY if before.covered or self._committed(slot, snapshot) else _Is.OLD

    def _fresh(self, primitive: ResourceId, slot: Slot, instances: list[Instance], snapshot: Snapshot) -> bool:
        """True if the primitive runs there, and all its runs began after the call with the newest definition."""
        runs = [i.run for i in instances if i.resource == primitive and i.settled]
        if not runs or any(i.failed for i in instances if i.resource == primitive):
            return False
        if slot in self.renewed:
            return True
        before = self.before[slot]
        old_digest = before.digests.get(primitive)
        redefined = self._committed(slot, snapshot)
        for run in runs:
            if run is None or run.key in before.keys:
                return False
            changed = run.digest != old_digest
            if not changed and (redefined or run.operation != "start"):
                return False
        return True

    def _settle(self, slot: Slot, is_: _Is, snapshot: Snapshot, planned: Forecast) -> _Is:
        """A slot that failed or shows nothing under way, judged by what the scheduler is about to do."""
        coming = any(self._concerns(action, slot) and not action.blocked for action in planned.actions)
        if is_ is _Is.FAILED:
            return _Is.UNDER_WAY if coming else _Is.FAILED
        if is_ is _Is.UNDER_WAY and not coming and not self._instances(slot, snapshot):
            return _Is.AWAY
        return is_

    def _committed(self, slot: Slot, snapshot: Snapshot) -> bool:
        """True if somebody has changed the revision there since the call began."""
        before = self.before[slot].revisions
        return any(self._revision(p, slot, snapshot) != before[p] for p in self.target.primitives if p in before)

    def _revision(self, primitive: ResourceId, slot: Slot, snapshot: Snapshot) -> str | None:
        resource = snapshot.resources[primitive]
        return resource.revision if slot == _WHOLE else resource.revision_on(NodeName(slot))

    def _away(self, slot: Slot, snapshot: Snapshot) -> str:
        if slot == _WHOLE:
            return ""
        node = snapshot.nodes.get(NodeName(slot))
        if node is None:
            return "no longer in the cluster"
        return node.why_not or ("in maintenance" if node.maintenance else "")

    def _instances(self, slot: Slot, snapshot: Snapshot) -> list[Instance]:
        return [
            instance
            for primitive in self.target.primitives
            for instance in snapshot.instances.get(primitive, ())
            if slot in {_WHOLE, instance.node}
        ]

    def _may_release(self, slot: Slot, snapshot: Snapshot, now: float) -> bool:
        """True once what is held has stopped, or the hold has expired and does nothing any more."""
        return self._stopped(slot, snapshot) or (self._expiry(slot, snapshot) or 0.0) < now

    def _stopped(self, slot: Slot, snapshot: Snapshot) -> bool:
        return not any(i.role.active or i.operation for i in self._instances(slot, snapshot))

    def _concerns(self, action: Action, slot: Slot) -> bool:
        return action.resource in self.target.primitives and slot in {_WHOLE, action.node, action.to}

    def _rank(self, slot: Slot, snapshot: Snapshot) -> tuple[bool, bool, str]:
        """Promoted instances last, the DC's before them, else by name."""
        promoted = any(i.role is Role.PROMOTED for i in self._instances(slot, snapshot))
        return promoted, NodeName(slot) == snapshot.dc, slot

    def _called(self, slot: Slot) -> str:
        return slot or self.target.name

    # -- steps ----------------------------------------------------------------------------------------------------

    def _redefine(self, chosen: tuple[Slot, ...], old: tuple[Slot, ...], snapshot: Snapshot, now: float) -> Commit:
        del now
        edits: list[Edit] = []
        for primitive in self.target.primitives:
            edits.append(self._revisions(primitive, chosen, snapshot))
            edits += self._debts(primitive, chosen, old, snapshot)
        reason = f"restart {self.target.name}" + (f" on {', '.join(chosen)}" if chosen != (_WHOLE,) else "")
        return Commit(
            change=Change(edits=tuple(edits), reason=reason),
            job=replace(self, commits=self.commits + 1),
            summary=f"restarting {self._progress(chosen)}",
        )

    def _revisions(self, primitive: ResourceId, chosen: tuple[Slot, ...], snapshot: Snapshot) -> SetRevision:
        if chosen == (_WHOLE,):
            return SetRevision(resource=primitive, default=self.token, nodes={})
        resource = snapshot.resources[primitive]
        nodes = dict(resource.node_revisions)
        for slot in chosen:
            nodes[NodeName(slot)] = owed_on(primitive, NodeName(slot), snapshot) or self.token
        active = (i.node for i in snapshot.instances.get(primitive, ()) if i.role.active)
        running = {nodes.get(node, resource.revision) for node in active}
        if len(running) == 1:
            # Every instance has the same one now: one plain attribute says it, and no instance's definition changes.
            return SetRevision(resource=primitive, default=running.pop(), nodes={})
        return SetRevision(resource=primitive, default=resource.revision, nodes=nodes)

    def _debts(
        self, primitive: ResourceId, chosen: tuple[Slot, ...], old: tuple[Slot, ...], snapshot: Snapshot
    ) -> Iterator[Edit]:
        """What is to come is written down before anything is done; what is done is no longer owed."""
        for slot in old if old != (_WHOLE,) else ():
            node = NodeName(slot)
            owed = owed_on(primitive, node, snapshot)
            if slot in chosen:
                if owed is not None:
                    yield SetNodeAttribute(node=node, name=OWED + primitive, value=None)
            elif owed is None:
                yield SetNodeAttribute(node=node, name=OWED + primitive, value=self.token)

    def _hold(self, chosen: tuple[Slot, ...], old: tuple[Slot, ...], snapshot: Snapshot, now: float) -> Commit:
        until = now + self._stop_timeout(snapshot) + _HOLD_MARGIN
        edits: list[Edit] = []
        many = self.target.many
        for primitive in self.target.primitives:
            # A hold can expire before it has worked, so what it is to pay stays owed until it is taken away.
            edits += self._debts(primitive, (), old, snapshot)
        for slot in chosen:
            if slot == _WHOLE or many is None:
                edits.append(HoldResource(resource=self.target.resource, until=until))
            else:
                edits.append(HoldInstance(resource=many, node=NodeName(slot), until=until))
        return Commit(
            change=Change(edits=tuple(edits), reason=f"restart {self.target.name}: hold it stopped for a moment"),
            then=Change(
                edits=tuple(self._released(slot) for slot in chosen), reason=f"restart {self.target.name}: let it start"
            ),
            job=replace(self, commits=self.commits + 1),
            summary=f"restarting {self._progress(chosen)} (its agent would only reload, so it is held stopped)",
        )

    def _release(self, slots: list[Slot], snapshot: Snapshot) -> Commit:
        edits: list[Edit] = []
        for slot in slots:
            edits.append(self._released(slot))
            for primitive in self.target.primitives:
                edits += self._debts(primitive, (slot,), (slot,), snapshot)
        return Commit(
            change=Change(edits=tuple(edits), reason=f"restart {self.target.name}: let it start"),
            job=replace(self, commits=self.commits + 1),
            summary=f"{', '.join(self._called(slot) for slot in slots)} stopped, starting",
        )

    def _released(self, slot: Slot) -> Release:
        if slot == _WHOLE or self.target.many is None:
            return Release(resource=self.target.resource)
        return Release(resource=self.target.many, node=NodeName(slot))

    def _clean(self, slot: Slot, snapshot: Snapshot) -> Clean:
        broken = next(i for i in self._instances(slot, snapshot) if i.failure is not None or i.failed)
        return Clean(
            resource=broken.resource,
            node=broken.node,
            job=replace(self, tried=self.tried | {slot}, commits=self.commits + 1),
            reason=f"{broken.resource} on {broken.node} had failed ({broken.failure}); trying it again",
        )

    def _expiry(self, slot: Slot, snapshot: Snapshot) -> float | None:
        """When the hold on a slot expires; None if there is none."""
        if slot == _WHOLE or self.target.many is None:
            return snapshot.holds.get((self.target.resource, None))
        return snapshot.holds.get((self.target.many, NodeName(slot)))

    def _stop_timeout(self, snapshot: Snapshot) -> float:
        return sum(snapshot.resources[p].timeouts.get("stop", _STOP_TIMEOUT) for p in self.target.primitives)

    # -- the end --------------------------------------------------------------------------------------------------

    def _finish(self, fresh: list[Slot], snapshot: Snapshot, planned: Forecast | None) -> Next:
        for companion in sorted(self.companions):
            if not all(instance.settled for instance in snapshot.instances.get(companion, ())):
                return Wait(reason=f"{companion}, which depends on it, is not up again", job=self)
            if not snapshot.instances.get(companion):
                if planned is None:
                    return Ask()
                if any(action.resource == companion for action in planned.actions):
                    return Wait(reason=f"{companion}, which depends on it, is not up again", job=self)
        if snapshot.promotable(self.target.primitives[0]):
            # A promote or demote hides when the instance began, so the scheduler has the last word.
            if planned is None:
                return Ask()
            if any(action.resource in self.target.primitives and not action.blocked for action in planned.actions):
                return Wait(reason="the cluster is not done with its roles", job=self)
        if not fresh:
            return Fail(error=OperationFailed(_nothing_runs(self.target, snapshot, None)))
        where = "" if fresh == [_WHOLE] else f" on {', '.join(fresh)}"
        by_others = "" if self.commits else "; another call had asked for the same, one restart was enough for both"
        away = (
            f"{slot}: {self._away(slot, snapshot)}, nothing to restart there"
            for slot in self.before
            if slot not in fresh
        )
        along = (f"{companion} depends on it and restarted along" for companion in sorted(self.companions))
        return Done(
            outcome=Outcome(
                changed=True, message=f"{self.target.name}: restarted{where}{by_others}.", notes=(*away, *along)
            )
        )

    def _failure(self, slot: Slot, untouched: list[Slot], snapshot: Snapshot) -> PacewrightError:
        failed = next(i for i in self._instances(slot, snapshot) if i.failure is not None)
        rest = f" {', '.join(untouched)} not touched and still running as before." if untouched else ""
        return OperationFailed(
            f"{self.target.name}: {failed.resource} did not come up on {failed.node}: {failed.failure}.{rest}",
            hint=f"Look at `journalctl` on {failed.node}, mend it, then run the same command again.",
        )

    def _progress(self, chosen: tuple[Slot, ...]) -> str:
        if chosen == (_WHOLE,):
            return self.target.name
        return f"{self.target.name} on {', '.join(chosen)}"


def _slot(target: Target, instance: Instance) -> Slot:
    return _WHOLE if target.many is None else Slot(instance.node)


def _before(instances: list[Instance], snapshot: Snapshot, coming: set[tuple[ResourceId, NodeName | None]]) -> _Before:
    keys = {i.run.key for i in instances if i.run is not None}
    keys |= {i.operation_key for i in instances if i.operation in {"start", "promote", "migrate_from"}}
    stopping = all(i.operation in {"stop", "demote"} for i in instances)
    many = {i.resource: snapshot.clone_of(i.resource) is not None for i in instances}
    return _Before(
        keys=frozenset(keys),
        digests={i.resource: i.run.digest for i in instances if i.run is not None},
        revisions={
            i.resource: snapshot.resources[i.resource].revision_on(i.node)
            if many[i.resource]
            else snapshot.resources[i.resource].revision
            for i in instances
        },
        failures=frozenset(i.failure.key for i in instances if i.failure is not None),
        covered=stopping or all((i.resource, i.node) in coming for i in instances),
    )


def _begins_again(action: Action) -> bool:
    return action.verb in {"restart", "recover", "move"} and not action.blocked


def _nothing_runs(target: Target, snapshot: Snapshot, node: NodeName | None) -> str:
    if node is not None:
        places = sorted({i.node for i in snapshot.instances_of(target.resource) if i.role.active})
        elsewhere = f"; it runs on {', '.join(places)}" if places else ""
        return f"{target.name}: nothing to restart on {node}: it does not run there{elsewhere}."
    off = [f"{n.name} {n.why_not}" for n in snapshot.nodes.values() if n.why_not]
    return f"{target.name}: nothing to restart: it runs nowhere" + (f" ({', '.join(off)})." if off else ".")
