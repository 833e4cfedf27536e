"""From what a caller asks for to the job that does it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pacewright.cluster import Forecast, NodeName, Snapshot
from pacewright.errors import UsageError
from pacewright.node.fingerprint import fingerprint
from pacewright.service.config import ServiceSettings
from pacewright.service.refresh import begin_refresh
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
    """

    node: str | None = None
    at_once: bool = False
    allow_collateral: bool = False
    timeout: float | None = None
    inputs: tuple[str, ...] = ()


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
    job = _begin(verb, target, snapshot, planned, said=said, options=options, here=here, now=now)
    if not isinstance(job, Restart):
        return job
    places = len({i.node for i in snapshot.instances_of(target.resource)})
    return replace(job, limit=said.limit(places), gates=said.health is not None)


def _begin(
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
    beyond = options.allow_collateral
    at_once = options.at_once or said.together
    match verb:
        case "restart":
            node = known_node(options.node, snapshot) if options.node is not None else None
            token = new_token(now)
            return begin_restart(
                target, snapshot, planned, token=token, node=node, at_once=at_once, allow_collateral=beyond
            )
        case "refresh" | "report" | "reconcile":
            return begin_refresh(
                target,
                snapshot,
                planned,
                own=_own_report(verb, target, said, options, here, now),
                at_once=at_once,
                allow_collateral=beyond,
                only_report=verb == "report",
            )
        case "enable" | "disable":
            return Manage(target=target, managed=verb == "enable", allow_collateral=beyond)
        case "start":
            refuse_if_hindered(target, snapshot, "not started")
            return Start(target=target, allow_collateral=beyond)
        case _:
            refuse_if_hindered(target, snapshot, "not stopped")
            return Stop(target=target, allow_collateral=beyond)


def _own_report(
    verb: Verb, target: Target, said: ServiceSettings, options: Options, here: NodeName | None, now: float
) -> tuple[NodeName, Report] | None:
    inputs = options.inputs or said.config
    if here is None:
        if verb == "reconcile":
            return None
        raise UsageError(
            f"{target.name}: this machine is not a node of the cluster, so it has no config to report.",
            hint="Run it on a node, or use `pacewright reconcile` to pay what is owed.",
        )
    if inputs:
        found = fingerprint(inputs)
        return here, Report(fingerprint=found.fingerprint, changed=found.changed)
    if verb == "reconcile":
        return None
    # Nobody knows what has changed, so the call itself is the change; it is written down before anything is done.
    return here, Report(fingerprint=ONCE + new_token(now), changed=now)
