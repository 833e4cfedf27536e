"""From what a caller asks for to the job that does it."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime

from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import UsageError
from pacewright.frozen import frozen, replace
from pacewright.node.fingerprint import fingerprint
from pacewright.operation.step import Job
from pacewright.service.barrier.gather import Gather
from pacewright.service.ledger.begun import begun_by
from pacewright.service.ledger.promoted import has_roles
from pacewright.service.ledger.record import Ready, Report
from pacewright.service.ledger.report import OwnReport, own_report
from pacewright.service.ledger.revision import ONCE
from pacewright.service.lookup import Target, known_node
from pacewright.service.rolling.policy import Policy
from pacewright.service.rolling.refresh import Refresh, begin_refresh
from pacewright.service.rolling.restart import Restart, begin_restart
from pacewright.service.settings import ServiceSettings
from pacewright.service.status import refuse_if_hindered
from pacewright.service.switch.instance import StartInstance, StopInstance, many_of
from pacewright.service.switch.switch import Manage, Start, Stop

__all__ = ["Options", "Verb", "make_job", "new_token"]

Verb = str
"""`start`, `stop`, `restart`, `refresh`, `report`, `owe`, `reconcile`, `enable` or `disable`."""


@frozen
class Options:
    """What a caller may ask for.

    Attributes:
        node: only the instance on that node.
        at_once: restart all instances together.
        allow_collateral: accept effects beyond the service.
        timeout: seconds for the whole operation; None for what services.yaml or the resource's time-outs say.
        inputs: config inputs, instead of those in services.yaml.
        barrier: this is a run of configuration management; what is for the whole service waits for the other nodes.
        for_others: `wait` for them at the barrier, leave it to `later`, or `proceed` without them; empty for what
            services.yaml says.
        wave: which change goes over the cluster; empty if the caller does not say.
        without: nodes that a barrier does not wait for.
        since: when something else than the config has changed on this node, in seconds since the epoch; an instance
            here that began before then is due. None if nothing has.
    """

    node: str | None = None
    at_once: bool = False
    allow_collateral: bool = False
    timeout: float | None = None
    inputs: tuple[str, ...] = ()
    barrier: bool = False
    for_others: str = ""
    wave: str = ""
    without: tuple[str, ...] = ()
    since: float | None = None


def new_token(now: float) -> str:
    """A revision that nobody has used: when it was asked for, and a random part."""
    asked = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{asked}-{os.urandom(3).hex()}"  # the module `secrets` would load OpenSSL, for every `status` too


def make_job(
    verb: Verb,
    target: Target,
    snapshot: Snapshot,
    planned: Callable[[], Forecast],
    *,
    said: ServiceSettings,
    options: Options,
    here: NodeName | None,
    now: float,
) -> Job:
    """The job for one call.

    Args:
        verb: what to do.
        target: with which service.
        snapshot: the cluster as the call found it.
        planned: tells what the scheduler would do by itself then; asked where something may be under way.
        said: what services.yaml says about the service.
        options: what else the caller asked for.
        here: this node, if it is in the cluster.
        now: seconds since the epoch.

    Raises:
        PacewrightError: it cannot be begun; nothing was done.
    """
    asked = _Asked(
        verb=verb, target=target, snapshot=snapshot, planned=planned, said=said, options=options, here=here, now=now
    )
    if verb in {"start", "stop"}:
        refuse_if_hindered(target, snapshot, "not started" if verb == "start" else "not stopped")
    beyond = options.allow_collateral
    match verb:
        case "enable" | "disable":
            return Manage(target=target, managed=verb == "enable", allow_collateral=beyond)
        case "stop" | "start" if options.node is not None:
            _refuse_beside_node(target, options)
            node = known_node(options.node, snapshot)
            many = many_of(target, snapshot, "stopped" if verb == "stop" else "started")
            job = StopInstance if verb == "stop" else StartInstance
            return job(target=target, many=many, node=node, allow_collateral=beyond)
        case "stop":
            return Stop(target=target, allow_collateral=beyond, wave=options.wave)
        case "start":
            # A run on one node does not start what somebody is about to change on another one.
            only = here if options.barrier else None
            return asked.gathering(Start(target=target, allow_collateral=beyond, only=only))
        case _:
            return asked.gathering(asked.roll())


def _refuse_beside_node(target: Target, options: Options) -> None:
    beside = {"--wave": options.wave, "--barrier": options.barrier, "--input": options.inputs}
    given = [name for name, value in beside.items() if value]
    if given:
        raise UsageError(
            f"{target.name}: {given[0]} is for the whole service, and --node for one instance.",
            hint="Leave one of the two out.",
        )


@frozen
class _Asked:
    """A call as `make_job` is told of it."""

    verb: Verb
    target: Target
    snapshot: Snapshot
    planned: Callable[[], Forecast]
    said: ServiceSettings
    options: Options
    here: NodeName | None
    now: float

    def roll(self) -> Restart:
        """A restart, a refresh, or one of its kin, as services.yaml wants it to go."""
        return replace(self._restart() if self.verb == "restart" else self._refresh(), here=self.here)

    @property
    def _coming(self) -> Forecast:
        """What the cluster is about to do; not asked where nothing of the service is under way, or may be soon."""
        target, snapshot = self.target, self.snapshot
        found = snapshot.instances_of(target.resource)
        still = (
            found  # else it may be about to start, in the midst of a restart
            and all(i.settled and i.failure is None for i in found)
            and not has_roles(target, snapshot)
            and not begun_by(target, snapshot)
            and not any(resource in {target.many, target.resource} for resource, _ in snapshot.holds)
            and not any(node.pending or node.joining for node in snapshot.nodes.values())
        )
        return Forecast(actions=()) if still else self.planned()

    @property
    def _policy(self) -> Policy:
        said = self.said
        return Policy(
            at_once=self.options.at_once or said.together,
            allow_collateral=self.options.allow_collateral,
            limit=said.limit(len({i.node for i in self.snapshot.instances_of(self.target.resource)})),
            health=said.health is not None,
            order=said.order,
            keeps_going=said.keeps_going,
            drains=said.drain is not None,
        )

    def _restart(self) -> Restart:
        node = self.options.node
        return begin_restart(
            self.target,
            self.snapshot,
            self._coming,
            token=new_token(self.now),
            node=known_node(node, self.snapshot) if node is not None else None,
            policy=self._policy,
        )

    def _refresh(self) -> Refresh:
        return begin_refresh(
            self.target,
            self.snapshot,
            self._coming,
            own=self._own_report(),
            policy=self._policy,
            only_report=self.verb in {"report", "owe"},
        )

    def gathering(self, then: Start | Restart) -> Job:
        """The operation itself, or one that first waits for the other nodes, where that is for the whole service."""
        own: OwnReport | None = None
        if self.options.node is not None:
            return then  # one instance is not for the whole service
        if self.options.barrier and self.here is None and (isinstance(then, Start) or then.policy.at_once):
            raise UsageError(
                f"{self.target.name}: this machine is not a node of the cluster, so it cannot come to a barrier.",
                hint="Run it on a node, or without --barrier and --wave.",
            )
        if isinstance(then, Start):
            own = self._report_at_start()
        elif isinstance(then, Refresh) and then.policy.at_once and self.options.barrier and not then.only_report:
            own = then.own
            then = replace(then, own=None, renewed=own.node if own is not None else None)
        elif not isinstance(then, Refresh) and then.policy.at_once and self.options.barrier and self.here is not None:
            own = own_report(self.here, None, self.target, self.snapshot, gate=self.said.gate)
        if own is None:
            return then
        return Gather(
            target=self.target,
            own=own,
            then=then,
            barrier=self.said.barrier.asked(self.options.for_others),
            wave=self.options.wave,
            alone=not self.options.barrier,
            without=tuple(known_node(node, self.snapshot) for node in self.options.without),
        )

    def _report_at_start(self) -> OwnReport | None:
        """This node's config if it is to be reported; nothing for somebody at a shell."""
        inputs = self.options.inputs or self.said.config
        if self.here is None or not (self.options.barrier or self.options.inputs or self.said.gate):
            return None
        report = self._report_of(inputs, self.here) if inputs else None
        return own_report(self.here, report, self.target, self.snapshot, gate=self.said.gate)

    def _own_report(self) -> OwnReport | None:
        inputs = self.options.inputs or self.said.config
        if self.here is None and self.verb != "reconcile":
            raise UsageError(
                f"{self.target.name}: this machine is not a node of the cluster, so it has no config to report.",
                hint="Run it on a node, or use `pacewright reconcile` to do what is owed.",
            )
        if self.here is None or (self.verb == "reconcile" and not inputs):
            return None
        if self.verb == "owe":
            return replace(
                own_report(self.here, None, self.target, self.snapshot),
                since=self.options.since,
                token=new_token(self.now),
                arrived=False,
            )
        if inputs:
            report = self._report_of(inputs, self.here)
        else:
            # Nobody knows what has changed, so the call itself is the change; it is written down before it is acted on.
            report = Report(fingerprint=ONCE + new_token(self.now), changed=self._dated(self.now, self.here))
        own = own_report(self.here, report, self.target, self.snapshot, gate=self.said.gate)
        arrived = self.verb != "reconcile"  # a timer may come before the run that is to renew the config
        own = replace(own, since=self.options.since, token=new_token(self.now), arrived=arrived)
        if self.verb != "report" or not self.options.barrier:
            return own
        return replace(own, ready=Ready(wave=self.options.wave, at=self.now, until=self.now))

    def _report_of(self, inputs: tuple[str, ...], here: NodeName) -> Report:
        found = fingerprint(inputs)
        return Report(fingerprint=found.fingerprint, changed=self._dated(found.changed, here))

    def _dated(self, changed: float, here: NodeName) -> float:
        """When the config changed, and not before what runs here began if that is in the future.

        Then this clock was set back, and times say nothing.
        """
        runs = (i.run for i in self.snapshot.instances_of(self.target.resource) if self.snapshot.home(i.node) == here)
        future = [run.since for run in runs if run is not None and run.since is not None and run.since > self.now]
        return max([changed, *future])
