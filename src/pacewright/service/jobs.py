"""From what a caller asks for to the job that does it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pacewright.cluster import Forecast, NodeName, Snapshot
from pacewright.errors import UsageError
from pacewright.node.fingerprint import fingerprint
from pacewright.service.barrier import Ready
from pacewright.service.config import ServiceSettings
from pacewright.service.gather import Gather
from pacewright.service.refresh import Refresh, begin_refresh
from pacewright.service.report import OwnReport, own_report
from pacewright.service.restart import Restart, begin_restart
from pacewright.service.revision import ONCE, Report
from pacewright.service.status import refuse_if_hindered
from pacewright.service.step import Job
from pacewright.service.switch import Manage, Start, Stop
from pacewright.service.target import Target, known_node

__all__ = ["Options", "Verb", "make_job", "new_token"]

Verb = str
"""`start`, `stop`, `restart`, `refresh`, `report`, `reconcile`, `enable` or `disable`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a caller may ask for.

    Attributes:
        node: only the instance on that node.
        at_once: restart all instances together.
        allow_collateral: accept effects beyond the service.
        timeout: seconds for the whole operation; None for what services.yaml or the resource's time-outs say.
        inputs: config inputs, instead of those in services.yaml.
        barrier: this is a run of configuration management; what is for the whole service waits for the other nodes.
        wave: which change goes over the cluster; empty if the caller does not say.
        without: nodes that a barrier does not wait for.
    """

    node: str | None = None
    at_once: bool = False
    allow_collateral: bool = False
    timeout: float | None = None
    inputs: tuple[str, ...] = ()
    barrier: bool = False
    wave: str = ""
    without: tuple[str, ...] = ()


def new_token(now: float) -> str:
    """A revision that nobody has used: when it was asked for, and a random part."""
    asked = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{asked}-{os.urandom(3).hex()}"  # the module `secrets` would load OpenSSL, for every `status` too


def make_job(
    verb: Verb,
    target: Target,
    snapshot: Snapshot,
    planned: Forecast,
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
        planned: what the scheduler would do by itself then.
        said: what services.yaml says about the service.
        options: what else the caller asked for.
        here: this node, if it is in the cluster.
        now: seconds since the epoch.

    Raises:
        PacewrightError: it cannot be begun; nothing was done.
    """
    if verb in {"start", "stop"}:
        refuse_if_hindered(target, snapshot, "not started" if verb == "start" else "not stopped")
    beyond = options.allow_collateral
    match verb:
        case "enable" | "disable":
            return Manage(target=target, managed=verb == "enable", allow_collateral=beyond)
        case "stop":
            return Stop(target=target, allow_collateral=beyond, wave=options.wave)
        case "start":
            then: Start | Restart = Start(target=target, allow_collateral=beyond)
        case _:
            then = _roll(verb, target, snapshot, planned, said=said, options=options, here=here, now=now)
    return _gathering(then, target, snapshot, said=said, options=options, here=here, now=now)


def _roll(
    verb: Verb,
    target: Target,
    snapshot: Snapshot,
    planned: Forecast,
    *,
    said: ServiceSettings,
    options: Options,
    here: NodeName | None,
    now: float,
) -> Restart:
    at_once = options.at_once or said.together
    beyond = options.allow_collateral
    if verb == "restart":
        node = known_node(options.node, snapshot) if options.node is not None else None
        token = new_token(now)
        job = begin_restart(target, snapshot, planned, token=token, node=node, at_once=at_once, allow_collateral=beyond)
    else:
        job = begin_refresh(
            target,
            snapshot,
            planned,
            own=_own_report(verb, target, snapshot, said, options, here, now),
            at_once=at_once,
            allow_collateral=beyond,
            only_report=verb == "report",
        )
    return replace(
        job,
        limit=said.limit(len({i.node for i in snapshot.instances_of(target.resource)})),
        gates=said.health is not None,
        order=said.order,
        keeps_going=said.keeps_going,
        drains=said.drain is not None,
    )


def _gathering(
    then: Start | Restart,
    target: Target,
    snapshot: Snapshot,
    *,
    said: ServiceSettings,
    options: Options,
    here: NodeName | None,
    now: float,
) -> Job:
    """The operation itself, or one that first waits for the other nodes, where that is for the whole service."""
    if isinstance(then, Refresh):
        own = then.own
        if own is None or then.only_report or not then.at_once or not options.barrier:
            return then
        then = replace(then, own=None, renewed=own.node)
    elif isinstance(then, Start):
        own = _at_start(target, snapshot, said, options, here, now)
        if own is None:
            return then
    elif options.barrier and then.at_once and here is not None:
        own = own_report(here, None, target, snapshot, gate=said.gate)
    else:
        return then
    return Gather(
        target=target,
        own=own,
        then=then,
        barrier=said.barrier,
        wave=options.wave,
        alone=not options.barrier,
        without=tuple(known_node(node, snapshot) for node in options.without),
    )


def _at_start(
    target: Target,
    snapshot: Snapshot,
    said: ServiceSettings,
    options: Options,
    here: NodeName | None,
    now: float,
) -> OwnReport | None:
    """What a `start` reports: this node's config if its inputs are known; nothing for somebody at a shell otherwise."""
    inputs = options.inputs or said.config
    if here is None or not (options.barrier or options.inputs or said.gate):
        return None
    report = _report_of(inputs, target, snapshot, here, now) if inputs else None
    return own_report(here, report, target, snapshot, gate=said.gate)


def _own_report(
    verb: Verb,
    target: Target,
    snapshot: Snapshot,
    said: ServiceSettings,
    options: Options,
    here: NodeName | None,
    now: float,
) -> OwnReport | None:
    inputs = options.inputs or said.config
    if here is None:
        if verb == "reconcile":
            return None
        raise UsageError(
            f"{target.name}: this machine is not a node of the cluster, so it has no config to report.",
            hint="Run it on a node, or use `pacewright reconcile` to pay what is owed.",
        )
    if verb == "reconcile" and not inputs:
        return None
    # Nobody knows what has changed, so the call itself is the change; it is written down before anything is done.
    if inputs:
        report = _report_of(inputs, target, snapshot, here, now)
    else:
        report = Report(fingerprint=ONCE + new_token(now), changed=now)
    own = own_report(here, report, target, snapshot, gate=said.gate)
    comes = verb == "report" and options.barrier
    return replace(own, ready=Ready(wave=options.wave, at=now, until=now)) if comes else own


def _report_of(inputs: tuple[str, ...], target: Target, snapshot: Snapshot, here: NodeName, now: float) -> Report:
    found = fingerprint(inputs)
    runs = (i.run for i in snapshot.instances_of(target.resource) if i.node == here)
    # What began in the future began before this clock was set back, so times say nothing about it.
    future = [run.since for run in runs if run is not None and run.since is not None and run.since > now]
    return Report(fingerprint=found.fingerprint, changed=max([found.changed, *future]))
