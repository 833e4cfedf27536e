"""The guard: what packages and needrestart may do to a unit by themselves. What the cluster runs is the cluster's.

What they wanted to restart becomes owed instead, where something runs on this node: then `owed` lists it, and
`refresh` and `reconcile` do it, one instance after another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pacewright.clock import SYSTEM_CLOCK, Clock
from pacewright.cluster import Snapshot, read, saved
from pacewright.errors import ConfigError, PacewrightError
from pacewright.node import units
from pacewright.record import Log
from pacewright.service.config import DEFAULT_PATH, Settings, load
from pacewright.service.jobs import Options
from pacewright.service.operations import Services
from pacewright.service.target import Target, find, is_name, unit_name

__all__ = ["Verdict", "guard", "guarded_units"]

_STARTS = frozenset(
    ("start", "restart", "try-restart", "condrestart", "force-reload", "reload-or-restart", "try-reload-or-restart")
)
_STOPS = frozenset(("stop", "force-stop", "kill"))
_PATIENCE = 10.0
"""Seconds that the cluster may take to answer: an upgrade of packages waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of an action.

    Attributes:
        allowed: it is to be carried out.
        message: why not, and what becomes of it; empty if it is allowed.
    """

    allowed: bool
    message: str = ""


def guard(
    unit: str,
    actions: Iterable[str],
    *,
    config: Path = DEFAULT_PATH,
    clock: Clock = SYSTEM_CLOCK,
    log: Log | None = None,
) -> Verdict:
    """Whether somebody beside the cluster may carry out actions on a unit. Always answers.

    Args:
        unit: with or without `.service`.
        actions: as `systemctl` and init scripts have them; several are alternatives.
        config: the site's services.yaml.
        clock: where time comes from.
        log: where it is recorded what is noted; None for nowhere.
    """
    wanted = frozenset(actions)
    if not wanted & (_STARTS | _STOPS):
        return Verdict(allowed=True)
    snapshot, why = _cluster()
    owners = _owners(unit_name(unit), snapshot, _settings(config)) if snapshot is not None else ()
    if not owners:
        return Verdict(allowed=True)
    told = f"{unit}: the cluster runs it, so `{' '.join(sorted(wanted))}` was not done here"
    if why or not wanted & _STARTS:
        return Verdict(allowed=False, message=f"{told}.")
    return Verdict(allowed=False, message=f"{told}; {_owe(owners, config, clock, log)}.")


def guarded_units() -> tuple[str, ...]:
    """The units that the cluster runs, or would run: names with `.service`."""
    snapshot, _ = _cluster()
    resources = snapshot.resources.values() if snapshot is not None else ()
    run = {resource.agent.unit for resource in resources if resource.agent is not None and resource.agent.unit}
    return tuple(sorted(unit if "." in unit else f"{unit}.service" for unit in run))


def _cluster() -> tuple[Snapshot | None, str]:
    """The cluster, or what it has left on the disk and why it does not answer; None where there is none."""
    try:
        return read(timeout=_PATIENCE), ""
    except PacewrightError as error:
        return saved(), error.message


def _settings(config: Path) -> Settings:
    try:
        return load(config)
    except ConfigError:
        return Settings()  # the next command that reads it says what is wrong


def _owners(name: str, snapshot: Snapshot, settings: Settings) -> tuple[Target, ...]:
    """The services of the cluster that are meant by a unit's name; several resources may run one unit."""
    try:
        found = find(name, snapshot, settings, units.also_called) if is_name(name) else None
        return (found,) if found is not None else ()
    except PacewrightError:
        running = (r.id for r in snapshot.resources.values() if r.agent is not None and r.agent.unit == name)
        targets = (find(resource, snapshot, Settings()) for resource in running)
        return tuple(target for target in targets if target is not None)


def _owe(owners: tuple[Target, ...], config: Path, clock: Clock, log: Log | None) -> str:
    """Note the restart of what runs here, and say so."""
    services = Services(config=config, clock=clock, log=log)
    options = Options(since=clock.now(), timeout=_PATIENCE)
    try:
        noted = [services.operate("owe", target.name, options).changed for target in owners]
    except PacewrightError as error:
        return f"that a restart is due could not be noted ({error.message}) and has to be remembered"
    return "a restart is owed now (`pacewright owed`)" if any(noted) else "nothing is owed for it"
