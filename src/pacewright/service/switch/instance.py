"""Stop and start of one instance of a service that runs on several nodes. The decisions, pure.

What was stopped stays so, whatever becomes of the caller, until `start`: for configuration management that stops a
service, changes something and starts it again, and for upgrades node by node.
"""

from __future__ import annotations

from pacewright.cluster.edits.change import Change
from pacewright.cluster.edits.kept_off import KeepOff, LetBack
from pacewright.cluster.forecast import Action, Forecast
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Instance, Snapshot
from pacewright.errors import OperationFailed, Refused
from pacewright.frozen import frozen, replace
from pacewright.operation.collateral import collateral
from pacewright.operation.outcome import Outcome
from pacewright.operation.step import Ask, Clean, Commit, Done, Fail, Job, Next, Wait
from pacewright.service.lookup import Target
from pacewright.service.status import is_enabled
from pacewright.service.switch.switch import blocked_error

__all__ = ["StartInstance", "StopInstance", "many_of"]

_STOPS = {"stop", "demote"}
_GIVES_WAY = {*_STOPS, "move", "migrate"}
"""What may happen on the node itself to what depends on the instance: an address goes where another one serves."""
_TAKES_OVER = {"start", "promote"}


def many_of(target: Target, snapshot: Snapshot, verb: str) -> ResourceId:
    """The clone whose single instances can be stopped.

    Raises:
        Refused: it runs in one place, or in a bundle.
    """
    if target.many is not None and target.many != target.outermost:
        raise Refused(
            f"{target.name}: not {verb}: it is a member of a group, and its instances are stopped with the group's.",
            hint=f"`--node` with {target.many} is for the group's instance on a node.",
        )
    if target.many is not None and not snapshot.in_bundle(target.primitives[0]):
        return target.many
    where = "in a bundle" if target.many is not None else "in one place"
    raise Refused(
        f"{target.name}: not {verb}: it runs {where}, so no single instance of it can be stopped for good.",
        hint=f"`pacewright service stop {target.name}` and `start`, without --node, are for the whole service.",
    )


@frozen
class StopInstance:
    """Stop the instance on one node, and keep it stopped.

    Attributes:
        many: the clone.
        acted: the stop is written.
    """

    target: Target
    many: ResourceId
    node: NodeName
    allow_collateral: bool
    acted: bool = False

    def decide(self, snapshot: Snapshot, planned: Forecast | None, now: float) -> Next:
        """The next step."""
        del now, planned
        what, here = f"{self.target.name} on {self.node}", _here(self.target, self.node, snapshot)
        blocked = [instance for instance in here if instance.blocked]
        if blocked:
            return Fail(error=blocked_error(self.target.name, "not stopped", blocked[0]))
        if (self.many, self.node) not in snapshot.kept_off:
            if (error := self._last_one(here, snapshot)) is not None:
                return Fail(error=error)
            return Commit(
                change=Change(edits=(KeepOff(resource=self.many, node=self.node),), reason=f"stop {what}"),
                moves=frozenset((i.resource, self.node) for i in here if i.settled),
                job=replace(self, acted=True),
                summary=f"stopping {what}",
            )
        stuck = [i for i in here if i.failed and not i.operation and i.failure and i.failure.operation == "stop"]
        if stuck:
            return Fail(
                error=OperationFailed(
                    f"{self.target.name}: {stuck[0].resource} did not stop on {self.node}: {stuck[0].failure}.",
                    hint="With fencing the cluster will power-cycle that node; without, stop it by hand and clean up.",
                    node=self.node,
                    resource=stuck[0].resource,
                )
            )
        if any(instance.role.active or instance.operation for instance in here):
            return Wait(reason=f"it is still up on {self.node}", job=self)
        node = snapshot.nodes[self.node]
        if node.online and any(snapshot.silent(primitive, self.node) for primitive in self.target.primitives):
            return Wait(reason=f"{self.node} to say whether it runs there", job=self)
        verb = "stopped" if self.acted else "already stopped; nothing was changed"
        return Done(outcome=Outcome(changed=self.acted, message=f"{what}: {verb}.", notes=self._notes))

    @property
    def _notes(self) -> tuple[str, ...]:
        return (f"it stays stopped there until `pacewright service start {self.target.name} --node {self.node}`",)

    def _last_one(self, here: tuple[Instance, ...], snapshot: Snapshot) -> Refused | None:
        """The refusal to stop the only instance that is up."""
        going = {node for resource, node in snapshot.kept_off if resource == self.many}  # by a call at the same time
        up = {i.node for i in snapshot.instances_of(self.target.resource) if i.settled} - going
        if self.allow_collateral or not any(i.settled for i in here) or up != {self.node}:
            return None
        return Refused(
            f"{self.target.name}: not stopped on {self.node}: nothing else of it is up, so it would run nowhere.",
            hint=f"`pacewright service stop {self.target.name}` stops all of it; --allow-collateral accepts it here.",
        )

    def examine(self, step: Commit, forecast: Forecast, planned: Forecast | None) -> Commit | Fail | Ask | Job:
        """On the node it stops, with what depends on it there; elsewhere nothing may but take over."""
        return _judge(self, step, forecast, planned, may=_GIVES_WAY, own=_TAKES_OVER)


@frozen
class StartInstance:
    """Start the instance on one node, and let it run there again.

    Attributes:
        many: the clone.
        tried: primitives whose failures there were forgotten.
        known_failures: keys of those that were there before.
        acted: something was done.
    """

    target: Target
    many: ResourceId
    node: NodeName
    allow_collateral: bool
    tried: frozenset[ResourceId] = frozenset()
    known_failures: frozenset[str] = frozenset()
    acted: bool = False

    def decide(self, snapshot: Snapshot, planned: Forecast | None, now: float) -> Next:
        """The next step."""
        del now
        name, here = self.target.name, _here(self.target, self.node, snapshot)
        if not is_enabled(self.target, snapshot):
            return Fail(
                error=Refused(
                    f"{name}: not started on {self.node}: all of it is stopped on purpose (target-role=Stopped).",
                    hint=f"`pacewright service start {name}` starts it wherever it may run.",
                )
            )
        if (self.many, self.node) in snapshot.kept_off:
            back = LetBack(resource=self.many, node=self.node)
            return Commit(
                change=Change(edits=(back,), reason=f"start {name} on {self.node}"),
                job=replace(self, acted=True, known_failures=_failures(here)),
                summary=f"starting {name} on {self.node}",
            )
        if any(instance.operation is not None for instance in here):
            return Wait(reason=f"it is {', '.join(sorted({i.state for i in here}))} on {self.node}", job=self)
        broken = [i for i in here if not i.settled and (i.failed or i.unexcused is not None)]
        for instance in broken:
            if instance.resource not in self.tried:
                return self._try_again(instance)
        if planned is None:
            return Ask()
        if any(_concerns(action, self.target, self.node) for action in planned.actions):
            return Wait(reason=f"the cluster is about to act on it on {self.node}", job=self)
        if broken and _failures(tuple(broken)) - self.known_failures:
            return Fail(
                error=OperationFailed(
                    f"{name}: {broken[0].resource} did not start on {self.node}: {broken[0].failure}.",
                    hint=f"Look at `journalctl` on {self.node}, fix the cause, then run the same command again.",
                    node=self.node,
                    resource=broken[0].resource,
                )
            )
        return self._finish(here, snapshot)

    def _finish(self, here: tuple[Instance, ...], snapshot: Snapshot) -> Next:
        name, node = self.target.name, snapshot.nodes[self.node]
        if here and all(instance.settled for instance in here):
            said = "started" if self.acted else "already running; nothing was changed"
            return Done(outcome=Outcome(changed=self.acted, message=f"{name} on {self.node}: {said}.", led=self.acted))
        if self.acted and node.why_not:
            message = f"{name} on {self.node}: it may run there again, and will once the node is back ({node.why_not})."
            return Done(outcome=Outcome(changed=True, message=message))
        reason = node.why_not or "its constraints do not allow that node, or what it depends on does not run there"
        return Fail(
            error=OperationFailed(
                f"{name}: the cluster does not start it on {self.node}: {reason}.",
                hint="`pcs constraint` and `pcs status` show why; it will start by itself when that is mended.",
                node=self.node,
            )
        )

    def _try_again(self, instance: Instance) -> Clean:
        return Clean(
            resource=instance.resource,
            node=self.node,
            job=replace(self, acted=True, tried=self.tried | {instance.resource}, known_failures=frozenset()),
            reason=f"{instance.resource} on {self.node} had failed ({instance.failure}); trying it again",
        )

    def examine(self, step: Commit, forecast: Forecast, planned: Forecast | None) -> Commit | Fail | Ask | Job:
        """On the node it may start, with what depends on it; elsewhere nothing may stop. A role may come back."""
        return _judge(self, step, forecast, planned, may=_TAKES_OVER, own={*_TAKES_OVER, "demote"})


def _here(target: Target, node: NodeName, snapshot: Snapshot) -> tuple[Instance, ...]:
    return tuple(i for p in target.primitives for i in snapshot.instances.get(p, ()) if i.node == node)


def _failures(instances: tuple[Instance, ...]) -> frozenset[str]:
    return frozenset(i.failure.key for i in instances if i.failure is not None)


def _concerns(action: Action, target: Target, node: NodeName) -> bool:
    return action.resource in target.primitives and node in {action.node, action.to} and not action.blocked


def _judge(
    job: StopInstance | StartInstance,
    step: Commit,
    forecast: Forecast,
    planned: Forecast | None,
    *,
    may: set[str],
    own: set[str],
) -> Commit | Fail | Ask:
    """Refuse what goes beyond the instance.

    Args:
        may: what may happen on its node.
        own: what may happen to the service elsewhere; something else may start or be promoted there.
    """
    if job.allow_collateral:
        return step
    elsewhere = tuple(a for a in forecast.actions if not (a.verb in may and job.node in {a.node, a.to}))
    told = replace(forecast, actions=elsewhere)
    return collateral(job.target, step.change.reason, told, planned, own=own, others=_TAKES_OVER) or step
