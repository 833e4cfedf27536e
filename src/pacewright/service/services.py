"""The operations on a service, whoever runs it: the cluster if it knows the name, else systemd on this node."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pacewright.clock import SYSTEM_CLOCK, Clock, Deadline
from pacewright.cluster.live import LiveConnection
from pacewright.cluster.snapshot import Snapshot
from pacewright.cluster.timeouts import timeouts
from pacewright.cluster.waiting import wait
from pacewright.errors import (
    DeadlinePassed,
    NothingComes,
    OperationFailed,
    PacewrightError,
    Refused,
    UsageError,
)
from pacewright.frozen import as_dict, frozen, replace
from pacewright.node.place import among, local_names
from pacewright.operation.loop import Progress, carry_out
from pacewright.operation.outcome import Outcome
from pacewright.operation.step import Job
from pacewright.record.call_log import Call
from pacewright.record.log import Log
from pacewright.service import native
from pacewright.service.along import off_at_boot, refuse_if_it_takes_ours
from pacewright.service.barrier.gather import Gather
from pacewright.service.failure_log import with_last_lines
from pacewright.service.instance.health import HealthCheck, health_check
from pacewright.service.instance.load_balancer import Balancer
from pacewright.service.ledger.promoted import has_roles
from pacewright.service.lookup import Target, check_name
from pacewright.service.reconcile import to_reconcile
from pacewright.service.requests import Options, Verb, make_job
from pacewright.service.rolling.restart import Restart
from pacewright.service.settings import DEFAULT_PATH, Settings
from pacewright.service.settings_file import load
from pacewright.service.survey import Survey, lookup, this_node

if TYPE_CHECKING:
    from pacewright.cluster.connection import Connection, Copied
    from pacewright.cluster.forecast import Forecast
    from pacewright.operation.rehearsal import Rehearsal

__all__ = ["Planned", "Services"]

_ELECTION = 30.0
"""Seconds that a cluster may take to elect a DC before an operation gives up."""
_REHEARSAL = 20.0
"""Seconds for running an operation on a copy before it begins, or a quarter of its own time if that is more."""
_LOOKS = 3
"""How often that is tried where the cluster is not quiet: for a moment it may look as if it would never get there."""
_FOR_SYSTEMD = 300.0
"""Seconds that systemd may take for what the cluster does not know."""
_SPARE = 60.0
"""Seconds added to what a service's own operations may take, for the cluster itself."""


@frozen
class Planned:
    """What an operation would do.

    Attributes:
        outcome: how it would end.
        steps: for each commit its reason and what the scheduler would do.
        refused: why it would be refused without `allow_collateral`; None if it would not.
    """

    outcome: Outcome
    steps: tuple[tuple[str, Forecast], ...] = ()
    refused: Refused | None = None


def _silent(line: str) -> None:
    del line


class Services(Survey):
    """Every operation on services, from this node.

    Args:
        config: the site's services.yaml.
        clock: where time comes from.
        progress: told a line for each step.
        log: where it is recorded what is done; None for nowhere.
        cluster: a connection that was opened already; it is closed after the first operation. None for new ones.
    """

    def __init__(
        self,
        *,
        config: Path = DEFAULT_PATH,
        clock: Clock = SYSTEM_CLOCK,
        progress: Progress = _silent,
        log: Log | None = None,
        cluster: LiveConnection | None = None,
    ) -> None:
        super().__init__(config)
        self._clock = clock
        self._progress = progress
        self._log = log
        self._opened = cluster

    # -- changing -------------------------------------------------------------------------------------------------

    def operate(self, verb: Verb, name: str, options: Options) -> Outcome:
        """Do one of the operations; they are described in docs/service.md."""
        return self._operate(name, verb, options)

    def reconcile(self, name: str | None, options: Options) -> list[tuple[str, Outcome | PacewrightError]]:
        """Pay what is owed for one service or for all, and do nothing else; one that fails does not stop the others."""
        asked = [(name, None)] if name is not None else self._to_reconcile(options)
        done: list[tuple[str, Outcome | PacewrightError]] = []
        for each, over in asked:
            try:
                done.append((each, over or self._operate(each, "reconcile", options)))
            except PacewrightError as error:
                done.append((each, error))
        return done

    def _to_reconcile(self, options: Options) -> list[tuple[str, Outcome | None]]:
        settings = load(self._config)
        snapshot = self._snapshot(None, settings)
        if snapshot is None:
            return []
        now = self._clock.now()
        return to_reconcile(snapshot, settings, options=options, here=this_node(snapshot), now=now)

    def plan(self, verb: str, name: str, options: Options) -> Planned:
        """What an operation would do, by the real scheduler, on a copy of the cluster. Writes nothing."""
        settings = load(self._config)
        check_name(name)
        snapshot = self._snapshot([name], settings)
        target = lookup(snapshot, settings).find(name) if snapshot is not None else None
        if target is None or snapshot is None:
            _refuse_elsewhere(name, options)
            would = native.plan(name, verb)
            refuse_if_it_takes_ours(name, verb, snapshot, settings)
            return Planned(outcome=would)
        from pacewright.operation.rehearsal import PLAN_SECONDS, Rehearsal  # noqa: PLC0415 - as below

        seconds = max(options.timeout or 0.0, PLAN_SECONDS)
        rehearsal = Rehearsal(snapshot, deadline=Deadline.after(seconds, self._clock), clock=self._clock)
        refused: Refused | None = None
        try:
            outcome = self._rehearse(rehearsal, verb, target, snapshot, options)
        except Refused as error:
            if options.allow_collateral:
                raise
            refused, rehearsal = error, rehearsal.anew()
            outcome = self._rehearse(rehearsal, verb, target, snapshot, replace(options, allow_collateral=True))
        return Planned(outcome=outcome, steps=rehearsal.steps, refused=refused)

    def _rehearse(
        self, rehearsal: Rehearsal, verb: Verb, target: Target, snapshot: Snapshot, options: Options
    ) -> Outcome:
        job = self._job(verb, target, snapshot, lambda: rehearsal.planned, options)
        return rehearsal.run(_on_a_copy(job), target.name)

    def _operate(self, name: str, verb: str, options: Options) -> Outcome:
        settings = load(self._config)
        check_name(name)
        with Call(self._log, self._clock, verb=verb, service=name, options=as_dict(options)) as call:
            outcome = self._carry_out(name, verb, options, settings, call)
            call.ended(changed=outcome.changed, message=outcome.message, notes=outcome.notes)
        return outcome

    def _carry_out(self, name: str, verb: str, options: Options, settings: Settings, call: Call) -> Outcome:
        opened, self._opened = self._opened, None
        with opened or LiveConnection(self._clock) as cluster:
            snapshot = self._snapshot([name], settings, lambda: self._settled(cluster))
            target = lookup(snapshot, settings).find(name) if snapshot is not None else None
            if target is None or snapshot is None:
                _refuse_elsewhere(name, options)
                refuse_if_it_takes_ours(name, verb, snapshot, settings)
                return native.operate(name, verb, options.timeout or _FOR_SYSTEMD)
            target = replace(target, timeouts=timeouts(target.outermost, snapshot))
            waiting = target.settings.barrier.asked(options.for_others).timeout if options.barrier else 0.0
            seconds = waiting + self._timeout(target, snapshot, options)
            deadline = Deadline.after(seconds, self._clock)
            call.about(snapshot, target.outermost, target.primitives, target.settings.private(snapshot.nodes))
            job = self._job(verb, target, snapshot, lambda: cluster.what_if(snapshot), options)
            if isinstance(job, Restart) and (job.steps > 1 or job.policy.drains) and not options.allow_collateral:
                # Refuse before the first instance rather than before the last, and before anything is drained.
                self._rehearse_first(job, target.name, snapshot, cluster, deadline)
            try:
                outcome = carry_out(
                    job,
                    cluster,
                    name=name,
                    deadline=deadline,
                    clock=self._clock,
                    progress=self._progress,
                    health=self._health_check(target),
                    balancer=self._balancer(target),
                    journal=call,
                    first=snapshot,
                )
            except OperationFailed as error:
                raise with_last_lines(error, target, snapshot, this_node(snapshot)) from None
        return _with_note(outcome, off_at_boot(target, snapshot)) if verb in {"enable", "disable"} else outcome

    def _rehearse_first(self, job: Restart, name: str, snapshot: Snapshot, cluster: Copied, deadline: Deadline) -> None:
        """Refuse what Pacemaker would not carry out, unless that was only so for a moment: then look again."""
        from pacewright.operation.rehearsal import Rehearsal  # noqa: PLC0415 - one instance needs none

        for again in range(_LOOKS, 0, -1):
            left = deadline.left(self._clock)
            until = Deadline.after(min(left, max(_REHEARSAL, left / 4)), self._clock)
            try:
                copy = cluster.copy(snapshot)
                Rehearsal(snapshot, deadline=until, clock=self._clock, copy=copy).run(_on_a_copy(job), name)
                return
            except NothingComes:
                if again == 1 or not cluster.wait(min(1.0, deadline.left(self._clock))):
                    raise
                snapshot = cluster.read()

    def _job(
        self, verb: Verb, target: Target, snapshot: Snapshot, planned: Callable[[], Forecast], options: Options
    ) -> Job:
        return make_job(
            verb,
            target,
            snapshot,
            planned,
            said=target.settings,
            options=options,
            here=this_node(snapshot),
            now=self._clock.now(),
        )

    def _health_check(self, target: Target) -> HealthCheck | None:
        health = target.settings.health
        return health_check(target.name, health, self._clock) if health is not None else None

    def _balancer(self, target: Target) -> Balancer | None:
        drain = target.settings.drain
        return Balancer(target.name, drain, self._clock) if drain is not None else None

    def _timeout(self, target: Target, snapshot: Snapshot, options: Options) -> float:
        chosen = options.timeout or target.settings.timeout
        if chosen is not None:
            return chosen
        tasks = ("demote", "stop", "start", "promote") if has_roles(target, snapshot) else ("stop", "start")
        each = target.allowed(*tasks)
        places = len({i.node for i in snapshot.instances_of(target.resource)}) if target.many else 1
        return each * max(places, 1) + _SPARE

    def _settled(self, cluster: Connection) -> Snapshot:
        """The cluster, once it has a DC or has had a while to elect one."""
        with suppress(DeadlinePassed):
            deadline = Deadline.after(_ELECTION, self._clock)
            has_dc = "the cluster to have a DC"
            return wait(lambda found: found.dc is not None, deadline, cluster=cluster, waiting_for=has_dc)
        return cluster.read()


def _refuse_elsewhere(name: str, options: Options) -> None:
    """What the cluster does not know is systemd's, and systemd's of this node."""
    if options.node is not None and among([options.node], local_names()) is None:
        raise UsageError(
            f"--node {options.node}: the cluster does not know {name}, and systemd is only asked on this node.",
            hint="Run the command on that node, without --node.",
        )


def _with_note(outcome: Outcome, notes: tuple[str, ...]) -> Outcome:
    changed = outcome.changed or bool(notes)
    return Outcome(changed=changed, message=outcome.message, notes=(*outcome.notes, *notes))


def _on_a_copy(job: Job) -> Job:
    return job.rehearsed() if isinstance(job, Gather | Restart) else job
