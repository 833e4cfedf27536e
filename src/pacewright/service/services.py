"""The operations on a service, whoever runs it: the cluster if it knows the name, else systemd on this node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pacewright.clock import SYSTEM_CLOCK, Clock, Deadline
from pacewright.cluster import (
    Connection,
    Forecast,
    LiveConnection,
    NodeName,
    Snapshot,
    addresses,
    read,
    saved,
    timeouts,
    wait,
)
from pacewright.errors import (
    ClusterDown,
    DeadlinePassed,
    NothingComes,
    OperationFailed,
    PacewrightError,
    Refused,
    ToolMissing,
)
from pacewright.node import place, units
from pacewright.node.fingerprint import fingerprint
from pacewright.operation.loop import Progress, carry_out
from pacewright.operation.rehearsal import PLAN_SECONDS, Rehearsal
from pacewright.operation.step import Job, Outcome
from pacewright.record import Call, Log
from pacewright.service.along import concerns, off_at_boot, refuse_if_it_takes_ours
from pacewright.service.barrier.gather import Gather
from pacewright.service.catalog import Catalog, look
from pacewright.service.failure_log import with_last_lines
from pacewright.service.instance.health import Gate, gate
from pacewright.service.instance.load_balancer import Balancer
from pacewright.service.ledger.debts import Debt, debts, unreported
from pacewright.service.ledger.promoted import has_roles
from pacewright.service.lookup import Lookup, Target, check_name, is_name, known_node, unit_name
from pacewright.service.names import every_service, service_names
from pacewright.service.native import Native, native
from pacewright.service.overwritten import Lost, lost
from pacewright.service.reconcile import to_reconcile
from pacewright.service.requests import Options, Verb, make_job
from pacewright.service.rolling.restart import Restart
from pacewright.service.settings import DEFAULT_PATH, Settings
from pacewright.service.settings_file import load
from pacewright.service.status import ServiceStatus, hindrance, leftovers, status_of

if TYPE_CHECKING:
    from pacewright.record.reading import Entry

__all__ = ["Native", "Options", "Planned", "Services"]

_ELECTION = 30.0
"""Seconds that a cluster may take to elect a DC before an operation gives up."""
_REHEARSAL = 20.0
"""Seconds for running an operation on a copy before it begins, or a quarter of its own time if that is more."""
_LOOKS = 3
"""How often that is tried where the cluster is not quiet: for a moment it may look as if it would never get there."""
_SPARE = 60.0
"""Seconds added to what a service's own operations may take, for the cluster itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
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


class Services:
    """Every operation on services, from this node.

    Args:
        config: the site's services.yaml.
        clock: where time comes from.
        progress: told a line for each step.
        log: where it is recorded what is done; None for nowhere.
    """

    def __init__(
        self,
        *,
        config: Path = DEFAULT_PATH,
        clock: Clock = SYSTEM_CLOCK,
        progress: Progress = _silent,
        log: Log | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._progress = progress
        self._log = log

    # -- reading --------------------------------------------------------------------------------------------------

    def statuses(self, names: Iterable[str] | None = None, *, node: str | None = None) -> list[ServiceStatus | Native]:
        """Each service's state, from one read; of every service of the cluster if no names are given.

        Args:
            names: the services; None for all that the cluster has.
            node: seen from there; None for this node.

        Raises:
            ClusterDown: the cluster does not answer, and the name is one of its resources'.
            UnknownService: nobody knows the name.
        """
        wanted = None if names is None else [check_name(name) for name in names]
        settings = load(self._config)
        snapshot = self._snapshot(wanted, settings)
        here = _this_node(snapshot) if node is None or snapshot is None else known_node(node, snapshot)
        if wanted is None:
            if snapshot is None:
                return []
            every = service_names(snapshot, settings, units.also_called)
            return [status_of(target, snapshot, here) for target in every]
        result: list[ServiceStatus | Native] = []
        lookup = _lookup(snapshot, settings) if snapshot is not None else None
        for name in wanted:
            target = lookup.find(name) if lookup is not None else None
            if target is None or snapshot is None:
                result.append(native(name))
            else:
                result.append(status_of(target, snapshot, here))
        return result

    def catalog(self, inputs: Mapping[str, tuple[str, ...]], *, node: str | None = None) -> Catalog:
        """All services of a catalog, from one read; what is wrong with one of them is in its own answer.

        Args:
            inputs: each one's config inputs as the catalog has them, which count where services.yaml names none.
            node: seen from there; None for this node.
        """
        settings = load(self._config)
        trouble: PacewrightError | None = None
        try:
            snapshot = self._snapshot([name for name in inputs if is_name(name)], settings)
        except PacewrightError as error:
            trouble, snapshot = error, saved()
            if snapshot is None:
                raise
        here = _this_node(snapshot) if node is None or snapshot is None else known_node(node, snapshot)
        return look(inputs, settings, snapshot, here, trouble)

    # -- changing -------------------------------------------------------------------------------------------------

    def operate(self, verb: Verb, name: str, options: Options) -> Outcome:
        """Do one of the operations; they are described in docs/service.md."""
        return self._operate(name, verb, options)

    def owed(self) -> list[tuple[str, Debt]]:
        """Every restart that is due in the cluster, with its service's name.

        A config on this node that was changed and not reported yet counts too.
        """
        settings = load(self._config)
        snapshot = self._snapshot(None, settings)
        if snapshot is None:
            return []
        found: list[tuple[str, Debt]] = []
        here = _this_node(snapshot)
        for target in every_service(snapshot, settings, units.also_called):
            due = list(debts(target, snapshot))
            said = target.settings
            if here is not None and said.config and not any(snapshot.home(debt.node) == here for debt in due):
                due += unreported(target, here, fingerprint(said.config), snapshot)
            why = hindrance(target, snapshot)
            due += leftovers(target, snapshot)
            found += [(target.name, replace(debt, hindrance=debt.hindrance or why)) for debt in due]
        return found

    def lost(self, entries: Iterable[Entry]) -> tuple[Lost, ...]:
        """What these entries of a log say was written, and another tool has put back since."""
        snapshot = self._snapshot(None, load(self._config))
        return lost(entries, snapshot) if snapshot is not None else ()

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
        return to_reconcile(snapshot, settings, options=options, here=_this_node(snapshot), now=now)

    def plan(self, verb: str, name: str, options: Options) -> Planned:
        """What an operation would do, by the real scheduler, on a copy of the cluster. Writes nothing."""
        settings = load(self._config)
        check_name(name)
        snapshot = self._snapshot([name], settings)
        target = _lookup(snapshot, settings).find(name) if snapshot is not None else None
        if target is None or snapshot is None:
            found = native(name)
            refuse_if_it_takes_ours(name, verb, snapshot, settings)
            verb = {"refresh": "restart"}.get(verb, verb)
            message = f"{name}: the cluster does not know it; `systemctl {verb} {found.unit.name}` on this node."
            return Planned(outcome=Outcome(changed=True, message=message))
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
        job = self._job(verb, target, snapshot, rehearsal.planned, options)
        return rehearsal.run(_on_a_copy(job), target.name)

    def _operate(self, name: str, verb: str, options: Options) -> Outcome:
        settings = load(self._config)
        check_name(name)
        with Call(self._log, self._clock, verb=verb, service=name, options=asdict(options)) as call:
            outcome = self._carry_out(name, verb, options, settings, call)
            call.ended(changed=outcome.changed, message=outcome.message, notes=outcome.notes)
        return outcome

    def _carry_out(self, name: str, verb: str, options: Options, settings: Settings, call: Call) -> Outcome:
        with LiveConnection(self._clock) as cluster:
            snapshot = self._snapshot([name], settings, lambda: self._settled(cluster))
            target = _lookup(snapshot, settings).find(name) if snapshot is not None else None
            if target is None or snapshot is None:
                refuse_if_it_takes_ours(name, verb, snapshot, settings)
                return self._operate_native(name, verb, options)
            target = replace(target, timeouts=timeouts(target.outermost, snapshot))
            waiting = target.settings.barrier.timeout if options.barrier else 0.0
            seconds = waiting + self._timeout(target, snapshot, options)
            deadline = Deadline.after(seconds, self._clock)
            call.about(snapshot, target.outermost, target.primitives, target.settings.private(snapshot.nodes))
            job = self._job(verb, target, snapshot, cluster.what_if(snapshot), options)
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
                    gate=self._gate(target),
                    balancer=self._balancer(target),
                    journal=call,
                )
            except OperationFailed as error:
                raise with_last_lines(error, target, snapshot, _this_node(snapshot)) from None
        return _with_note(outcome, off_at_boot(target, snapshot)) if verb in {"enable", "disable"} else outcome

    def _rehearse_first(
        self, job: Restart, name: str, snapshot: Snapshot, cluster: Connection, deadline: Deadline
    ) -> None:
        """Refuse what Pacemaker would not carry out, unless that was only so for a moment: then look again."""
        for again in range(_LOOKS, 0, -1):
            left = deadline.left(self._clock)
            until = Deadline.after(min(left, max(_REHEARSAL, left / 4)), self._clock)
            try:
                Rehearsal(snapshot, deadline=until, clock=self._clock).run(_on_a_copy(job), name)
                return
            except NothingComes:
                if again == 1 or not cluster.wait(min(1.0, deadline.left(self._clock))):
                    raise
                snapshot = cluster.read()

    def _job(self, verb: Verb, target: Target, snapshot: Snapshot, planned: Forecast, options: Options) -> Job:
        return make_job(
            verb,
            target,
            snapshot,
            planned,
            said=target.settings,
            options=options,
            here=_this_node(snapshot),
            now=self._clock.now(),
        )

    def _gate(self, target: Target) -> Gate | None:
        health = target.settings.health
        return gate(target.name, health, self._clock) if health is not None else None

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

    # -- what the cluster does not know -----------------------------------------------------------------------------

    def _snapshot(
        self, names: list[str] | None, settings: Settings, read_cluster: Callable[[], Snapshot] = read
    ) -> Snapshot | None:
        """The cluster; None if there is none here, or none of these names is its business while it is down."""
        try:
            found = read_cluster()
            if found.dc is None:
                raise ClusterDown(
                    "the cluster has no DC on this node's view: it is still starting, or electing one.",
                    hint="Run it again in a moment; `pcs status` shows when the node has joined.",
                )
            return found
        except ToolMissing:
            if place.is_cluster_node():
                raise
            return None
        except ClusterDown as error:
            if not place.is_cluster_node():
                return None
            left = saved()
            if left is None and place.is_remote_node():
                raise ClusterDown(
                    "this is a Pacemaker Remote node, and its cluster does not answer: which services are the "
                    "cluster's cannot be told, so nothing was done.",
                    hint="Look at `systemctl status pacemaker_remote`, and at `pcs status` on another node.",
                    output=error.output,
                ) from None
            # Its last configuration tells what is the cluster's, and so must not be touched behind its back.
            if left is None or names is None or any(concerns(name, left, settings) for name in names):
                raise
            return None

    def _operate_native(self, name: str, verb: str, options: Options) -> Outcome:
        found = native(name)
        done = {
            "start": found.unit.active,
            "stop": not found.unit.active and not found.unit.changing,
            "enable": found.unit.enabled,
            "disable": not found.unit.enabled,
        }.get(verb, False)
        whose = f"{name}: the cluster does not know it, so systemd's {found.unit.name} on this node"
        if done:
            words = {"start": "runs", "stop": "is stopped", "enable": "is enabled", "disable": "is disabled"}
            return Outcome(changed=False, message=f"{whose} was asked; it {words[verb]} already, nothing was changed.")
        if verb in {"report", "reconcile"}:
            return Outcome(changed=False, message=f"{whose} has nothing to report; nothing was changed.")
        verb = "restart" if verb == "refresh" else verb
        units.operate(verb, unit_name(name), timeout=options.timeout or 300.0)
        past = {"start": "started", "stop": "stopped"}.get(verb, f"{verb}ed".replace("eed", "ed"))
        return Outcome(changed=True, message=f"{whose} was {past}.")


def _lookup(snapshot: Snapshot, settings: Settings) -> Lookup:
    return Lookup(snapshot, settings, units.also_called)


def _this_node(snapshot: Snapshot | None) -> NodeName | None:
    found = place.this_node(snapshot.nodes, addresses(snapshot)) if snapshot is not None else None
    return NodeName(found) if found is not None else None


def _with_note(outcome: Outcome, notes: tuple[str, ...]) -> Outcome:
    changed = outcome.changed or bool(notes)
    return Outcome(changed=changed, message=outcome.message, notes=(*outcome.notes, *notes))


def _on_a_copy(job: Job) -> Job:
    return job.rehearsed() if isinstance(job, Gather | Restart) else job
