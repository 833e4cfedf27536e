"""Start, stop, enable, disable: meta attributes of the service's resource. The decisions, pure."""

from __future__ import annotations

from collections.abc import Iterator

from pacewright.cluster.cib.values import is_true
from pacewright.cluster.edits.change import Change, Edit, SetMeta
from pacewright.cluster.edits.kept_off import LetBack
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Instance, Resource, Snapshot
from pacewright.errors import OperationFailed, Refused
from pacewright.frozen import frozen, replace
from pacewright.operation.collateral import collateral
from pacewright.operation.outcome import Outcome
from pacewright.operation.step import Ask, Clean, Commit, Done, Fail, Job, Next, Wait
from pacewright.service.barrier.waiting import take_away
from pacewright.service.lookup import Target
from pacewright.service.status import hindrance, is_enabled, is_managed

__all__ = ["Manage", "Start", "Stop", "blocked_error"]

_ROLE = "target-role"
_ROLE_BEFORE = "pacewright_role_before"
"""Meta attribute that keeps a `target-role` that somebody had set (Unpromoted), for `start` to give back."""
_WAVE = "pacewright_wave"
"""Meta attribute that keeps the wave for which the service was stopped last."""


@frozen
class Start:
    """Start a service: nothing says Stopped any more, and every instance that the scheduler wants is up.

    Attributes:
        tried: failures that were forgotten, by primitive and node.
        acted: something was done.
        only: of single instances that were stopped for good, only that of this node is let run again; None for all.
        by_others: another call has started it, which this one waited for.
        notes: what else is to be said in the end.
    """

    target: Target
    allow_collateral: bool
    tried: frozenset[tuple[ResourceId, NodeName]] = frozenset()
    known_failures: frozenset[str] = frozenset()
    acted: bool = False
    only: NodeName | None = None
    by_others: bool = False
    notes: tuple[str, ...] = ()

    def decide(self, snapshot: Snapshot, planned: Forecast | None, now: float) -> Next:
        """The next step."""
        del now
        name = self.target.name
        kept_off = self._kept_off(snapshot)
        if kept_off or not is_enabled(self.target, snapshot):
            edits: tuple[Edit, ...] = (*self._lift(snapshot), *kept_off)
            return Commit(
                change=Change(edits=edits, reason=f"start {name}"),
                moves=self._moves(snapshot),
                job=replace(self, acted=True, known_failures=_failures(self._instances(snapshot))),
                summary=f"starting {name}",
            )
        instances = self._instances(snapshot)
        if any(instance.operation is not None for instance in instances):
            return Wait(reason="it is " + ", ".join(sorted({f"{i.state} on {i.node}" for i in instances})), job=self)
        broken = [i for i in instances if not i.settled and (i.failed or i.unexcused is not None)]
        for instance in broken:
            if (instance.resource, instance.node) not in self.tried:
                return self._try_again(instance)
        if planned is None:
            return Ask()
        if any(action.resource in self.target.primitives and not action.blocked for action in planned.actions):
            return Wait(reason="the cluster is about to act on it", job=self)
        if broken and _failures(tuple(broken)) - self.known_failures:
            failed = broken[0]
            return Fail(
                error=OperationFailed(
                    f"{name}: {failed.resource} did not start on {failed.node}: {failed.failure}.",
                    hint=f"Look at `journalctl` on {failed.node}, fix the cause, then run the same command again.",
                    node=failed.node,
                    resource=failed.resource,
                )
            )
        return self._finish(instances, snapshot)

    def _kept_off(self, snapshot: Snapshot) -> tuple[LetBack, ...]:
        """What takes lasting stops of single instances away; a member of a group has none of its own."""
        many = self.target.many
        if many is None or many != self.target.outermost:
            return ()
        nodes = sorted(node for resource, node in snapshot.kept_off if resource == many)
        return tuple(LetBack(resource=many, node=node) for node in nodes if self.only in {None, node})

    def _finish(self, instances: tuple[Instance, ...], snapshot: Snapshot) -> Next:
        name = self.target.name
        where = sorted({instance.node for instance in instances if instance.settled})
        if where:
            places = ", ".join(where)
            message = (
                f"{name}: started on {places}."
                if self.acted or self.by_others
                else f"{name}: already running on {places}; nothing was changed."
            )
            changed = self.acted or self.by_others
            return Done(outcome=Outcome(changed=changed, message=message, notes=self.notes, led=self.acted))
        why = hindrance(self.target, snapshot)
        off = [f"{node.name} is {node.why_not}" for node in snapshot.nodes.values() if node.why_not]
        reason = why or (", ".join(off) if off else "its constraints allow no node, or what it depends on does not run")
        return Fail(
            error=OperationFailed(
                f"{name}: the cluster does not start it anywhere: {reason}.",
                hint="`pcs constraint` and `pcs status` show why; it will start by itself when that is mended.",
            )
        )

    def examine(self, step: Commit, forecast: Forecast, planned: Forecast | None) -> Commit | Fail | Ask | Job:
        """Starting may start dependents; it may not move or stop anything. A role may come back with its instance."""
        may = {"start", "promote", "restart", "recover"}
        if any(isinstance(edit, LetBack) for edit in step.change.edits):
            may.add("demote")
        return _judge(self, step, forecast, planned, own=may, others={"start", "promote"})

    def _lift(self, snapshot: Snapshot) -> Iterator[SetMeta]:
        places = dict.fromkeys(r.id for p in self.target.primitives for r in snapshot.ancestors(p))
        stopped = [r for r in places if snapshot.resources[r].meta.get(_ROLE, "").lower() == "stopped"]
        for resource in stopped:
            before = snapshot.resources[resource].meta.get(_ROLE_BEFORE)
            yield SetMeta(resource=resource, name=_ROLE, value=before)
            if before is not None:
                yield SetMeta(resource=resource, name=_ROLE_BEFORE, value=None)
        if not stopped and not is_enabled(self.target, snapshot):  # rsc_defaults says so
            yield SetMeta(resource=self.target.outermost, name=_ROLE, value="Started")

    def _moves(self, snapshot: Snapshot) -> frozenset[tuple[ResourceId, NodeName | None]]:
        """What the cluster has to start, wherever that is; nothing if some of it runs already."""
        if any(instance.role.active for instance in self._instances(snapshot)):
            return frozenset()
        return frozenset({(self.target.primitives[0], None)})

    def _try_again(self, instance: Instance) -> Clean:
        return Clean(
            resource=instance.resource,
            node=instance.node,
            job=replace(
                self,
                acted=True,
                tried=self.tried | {(instance.resource, instance.node)},
                known_failures=frozenset(),
            ),
            reason=f"{instance.resource} on {instance.node} had failed ({instance.failure}); trying it again",
        )

    def _instances(self, snapshot: Snapshot) -> tuple[Instance, ...]:
        return tuple(i for p in self.target.primitives for i in snapshot.instances.get(p, ()))


@frozen
class Stop:
    """Stop a service everywhere, with `target-role=Stopped`.

    Attributes:
        wave: the change for which it is stopped: once, however many nodes come to it, and
            not again after it has been started.
    """

    target: Target
    allow_collateral: bool
    acted: bool = False
    wave: str = ""

    def decide(self, snapshot: Snapshot, planned: Forecast | None, now: float) -> Next:
        """The next step."""
        del now, planned
        name, outermost = self.target.name, self.target.outermost
        instances = [i for p in self.target.primitives for i in snapshot.instances.get(p, ())]
        enabled = is_enabled(self.target, snapshot)
        blocked = [instance for instance in instances if instance.blocked]
        if blocked and enabled:
            return Fail(error=blocked_error(name, "not stopped", blocked[0]))
        if enabled and self.wave and snapshot.resources[outermost].meta.get(_WAVE) == self.wave:
            message = f"{name}: has been stopped for {self.wave} and started again already; nothing was changed."
            return Done(outcome=Outcome(changed=False, message=message))
        if enabled:
            before = snapshot.resources[outermost].meta.get(_ROLE)
            edits = [SetMeta(resource=outermost, name=_ROLE, value="Stopped")]
            if before is not None and before.lower() != "started":
                edits.append(SetMeta(resource=outermost, name=_ROLE_BEFORE, value=before))
            if self.wave:
                edits.append(SetMeta(resource=outermost, name=_WAVE, value=self.wave))
            # Who had its config in place before has to say so again before the next start.
            gathered = take_away(outermost, snapshot)
            return Commit(
                change=Change(edits=(*edits, *gathered), reason=f"stop {name}"),
                moves=frozenset((i.resource, i.node) for i in instances if i.settled),
                job=replace(self, acted=True),
                summary=f"stopping {name}",
            )
        stuck = [
            i for i in instances if i.failed and i.operation is None and i.failure and i.failure.operation == "stop"
        ]
        if stuck:
            return Fail(
                error=OperationFailed(
                    f"{name}: {stuck[0].resource} did not stop on {stuck[0].node}: {stuck[0].failure}.",
                    hint="With fencing the cluster will power-cycle that node; without, stop it by hand and clean up.",
                )
            )
        if blocked:
            return Fail(error=blocked_error(name, "not stopped", blocked[0]))
        up = sorted({instance.node for instance in instances if instance.role.active or instance.operation})
        if up:
            return Wait(reason=f"it is still up on {', '.join(up)}", job=self)
        verb = "stopped" if self.acted else "already stopped; nothing was changed"
        return Done(outcome=Outcome(changed=self.acted, message=f"{name}: {verb}."))

    def examine(self, step: Commit, forecast: Forecast, planned: Forecast | None) -> Commit | Fail | Ask | Job:
        """Stopping may stop dependents; it may not move anything."""
        return _judge(self, step, forecast, planned, own={"stop", "demote"}, others={"stop", "demote"})


@frozen
class Manage:
    """Let the cluster manage a service, or not (`is-managed`)."""

    target: Target
    managed: bool
    allow_collateral: bool
    acted: bool = False

    def decide(self, snapshot: Snapshot, planned: Forecast | None, now: float) -> Next:
        """The next step."""
        del now, planned
        name = self.target.name
        if is_managed(self.target, snapshot) == self.managed:
            state = "managed by the cluster" if self.managed else "not managed by the cluster"
            lead = "now" if self.acted else "already"
            return Done(outcome=Outcome(changed=self.acted, message=f"{name}: {lead} {state}."))
        edits: list[SetMeta] = []
        if self.managed:
            edits += self._lift(snapshot)
        else:
            edits.append(SetMeta(resource=self.target.outermost, name="is-managed", value="false"))
        verb = "enable" if self.managed else "disable"
        if self.acted or not edits:
            return Fail(
                error=Refused(
                    f"{name}: still not managed: something else says so (a rule, or a default for all resources).",
                    hint="Look at `pcs resource config` and `pcs resource defaults`.",
                )
            )
        return Commit(
            change=Change(edits=tuple(edits), reason=f"{verb} {name}"),
            job=replace(self, acted=True),
            summary=f"{verb} {name}",
        )

    def _lift(self, snapshot: Snapshot) -> Iterator[SetMeta]:
        places = dict.fromkeys(r.id for p in self.target.primitives for r in snapshot.ancestors(p))
        lifted = False
        for resource in places:
            for name, bad in (("is-managed", False), ("maintenance", True)):
                if _says(snapshot.resources[resource], name, bad):
                    lifted = True
                    yield SetMeta(resource=resource, name=name, value=None)
        if not lifted:
            yield SetMeta(resource=self.target.outermost, name="is-managed", value="true")

    def examine(self, step: Commit, forecast: Forecast, planned: Forecast | None) -> Commit | Fail | Ask | Job:
        """Whatever the cluster does once it may act again is what was asked for; elsewhere nothing may move or stop."""
        every = {"start", "stop", "restart", "recover", "promote", "demote", "move", "reload"}
        return _judge(self, step, forecast, planned, own=every, others={"start", "restart", "promote"})


def _says(resource: Resource, name: str, value: bool) -> bool:  # noqa: FBT001 - the value looked for
    return name in resource.meta and is_true(resource.meta[name]) == value


def _failures(instances: tuple[Instance, ...]) -> frozenset[str]:
    return frozenset(i.failure.key for i in instances if i.failure is not None)


def _judge(
    job: Start | Stop | Manage,
    step: Commit,
    forecast: Forecast,
    planned: Forecast | None,
    *,
    own: set[str],
    others: set[str],
) -> Commit | Fail | Ask:
    if job.allow_collateral:
        return step
    return collateral(job.target, step.change.reason, forecast, planned, own=own, others=others) or step


def blocked_error(name: str, what: str, instance: Instance) -> Refused:
    """The refusal of what the cluster would not do with an instance until somebody has looked at it."""
    return Refused(
        f"{name}: {what}: {instance.resource} on {instance.node} is blocked ({instance.failure or 'after a failure'}): "
        "the cluster does nothing with it until somebody has looked.",
        hint=f"Nothing was done. Find the cause, end by hand what did not stop on {instance.node}, and then "
        f"`pcs resource cleanup {instance.resource}` unblocks it.",
    )
