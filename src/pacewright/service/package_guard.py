"""The guard: what packages and needrestart may do to a unit by themselves. What the cluster runs is the cluster's.

What they wanted to restart becomes owed instead, where something runs on this node: then `owed` lists it, and
`refresh` and `reconcile` do it, one instance after another. Where it cannot be told whether a unit is the cluster's
although its name says so, the answer is no.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pacewright.clock import SYSTEM_CLOCK, Clock
from pacewright.cluster.cib.parse import read, saved
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import ConfigError, PacewrightError, ToolError
from pacewright.frozen import frozen
from pacewright.node import place, units
from pacewright.record.log import Log
from pacewright.service.lookup import Lookup, Target, is_unit, unit_name
from pacewright.service.names import at_boot, service_names
from pacewright.service.requests import Options
from pacewright.service.services import Services
from pacewright.service.settings import DEFAULT_PATH, Settings
from pacewright.service.settings_file import load

__all__ = ["Verdict", "guard", "guarded_units"]

_STARTS = frozenset(
    ("start", "restart", "try-restart", "condrestart", "force-reload", "reload-or-restart", "try-reload-or-restart")
)
_STOPS = frozenset(("stop", "force-stop", "kill"))
_PATIENCE = 10.0
"""Seconds that the cluster may take to answer: an upgrade of packages waits for it."""
_CARRIERS = ("corosync", "pacemaker", "pacemaker_remote", "sbd")
"""Units that are the cluster on this node: with them stops all that it runs here."""
_HINT = (
    "The new version runs once the cluster has been stopped and started on this node: `pcs cluster stop`, then "
    "`pcs cluster start`, one node after another (a Pacemaker Remote node: `pcs node standby`, then "
    "`systemctl restart pacemaker_remote`)."
)


@frozen
class Verdict:
    """What becomes of an action.

    Attributes:
        allowed: it is to be carried out.
        message: why not, and what becomes of it; empty if it is allowed.
    """

    allowed: bool
    message: str = ""


class _Owners:
    """Whose some units are: services of the cluster, by which unit each, and what stands in the way of telling."""

    def __init__(self) -> None:
        self.services: list[Target] = []
        self.units: list[str] = []
        self.doubts: list[str] = []


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
    taken = units.taken_along([unit]) if is_unit(unit) else (unit,)
    asked = f"`{' '.join(sorted(wanted))}` was not done here"
    carrier = _carrier(taken, snapshot, wanted)
    if carrier:
        told = _whose(unit, carrier, "all that the cluster runs here goes with {}")
        return Verdict(allowed=False, message=f"{told}, so {asked}. {_HINT}")
    owners = _owners(taken, snapshot, config)
    if owners.doubts:
        return Verdict(allowed=False, message=f"{unit}: it may be the cluster's, so {asked}: {' '.join(owners.doubts)}")
    if not owners.services:
        return Verdict(allowed=True)
    told = f"{_whose(unit, owners.units[0], 'the cluster runs {}')}, so {asked}"
    if why or not wanted & _STARTS:
        return Verdict(allowed=False, message=f"{told}.")
    return Verdict(allowed=False, message=f"{told}; {_owe(owners.services, config, clock, log)}.")


def guarded_units(config: Path = DEFAULT_PATH) -> tuple[str, ...]:
    """The units that are guarded: what the cluster runs or would run, and what carries it. Names with `.service`.

    What no unit can be called, though the CIB may say so, is left out.
    """
    snapshot, _ = _cluster()
    if snapshot is None:
        return ()
    try:
        services = service_names(snapshot, load(config), units.also_called)
    except ConfigError:
        services = service_names(snapshot, Settings(), units.also_called)
    names = [unit for target in services for unit in at_boot(target, snapshot) if is_unit(unit)]
    run = {r.agent.unit for r in snapshot.resources.values() if r.agent is not None and r.agent.unit}
    return tuple(sorted({units.full_name(name) for name in (*_there([*names, *_CARRIERS]), *run) if is_unit(name)}))


def _there(names: Sequence[str]) -> Iterable[str]:
    try:
        return [unit.name for unit in units.show_all(names) if unit.known]
    except ToolError:
        return ()


def _whose(unit: str, other: str, what: str) -> str:
    """Whose a unit is: by itself, or by another one that is the same or goes with it."""
    if unit_name(other) == unit_name(unit):
        return f"{unit}: {what.format('it')}"
    return f"{unit}: {what.format(other)}, which it is or takes along"


def _cluster() -> tuple[Snapshot | None, str]:
    """The cluster, or what it has left on the disk and why it does not answer; None where there is none."""
    try:
        return read(timeout=_PATIENCE), ""
    except PacewrightError as error:
        return saved(), error.message


def _carrier(taken: Iterable[str], snapshot: Snapshot | None, wanted: frozenset[str]) -> str:
    """The unit among these that is the cluster on this node; empty if it may be stopped and started.

    It may while there is no cluster yet, as when it is installed, and be stopped where it does not run.
    """
    found = next((unit for unit in taken if unit_name(unit) in _CARRIERS), "")
    if not found or (snapshot is not None and wanted & _STARTS):
        return found
    try:
        running = any(unit.active or unit.changing for unit in units.show_all(_CARRIERS))
    except ToolError:
        running = snapshot is not None
    return found if running else ""


def _owners(taken: Sequence[str], snapshot: Snapshot | None, config: Path) -> _Owners:
    """Whose these units are; where services.yaml is wrong, its names count as the cluster's."""
    owners = _Owners()
    try:
        settings = load(config)
    except ConfigError as error:
        settings = Settings()
        if _names_one(config, taken):
            owners.doubts.append(str(error))
    if snapshot is None:
        aliases = [unit for unit in taken if settings.entry(unit).resource is not None]
        if aliases and place.is_cluster_node():
            owners.doubts.append(f"services.yaml says that {aliases[0]} is, and the cluster does not answer.")
        return owners
    lookup = Lookup(snapshot, settings, units.also_called)
    for unit in taken:
        try:
            found = [target for target in lookup.every(unit) if target not in owners.services]
        except PacewrightError as error:
            owners.doubts.append(str(error))
            continue
        owners.services += found
        owners.units += [unit] * len(found)
    return owners


def _names_one(config: Path, taken: Iterable[str]) -> bool:
    """True if one of the units' names stands anywhere in a file that cannot be understood."""
    try:
        text = config.read_bytes()
    except OSError:
        return True
    return any(unit_name(unit).encode() in text for unit in taken)


def _owe(owners: Iterable[Target], config: Path, clock: Clock, log: Log | None) -> str:
    """Note the restart of what runs here, and say so."""
    services = Services(config=config, clock=clock, log=log)
    options = Options(since=clock.now(), timeout=_PATIENCE)
    try:
        noted = [services.operate("owe", target.resource, options).changed for target in owners]
    except PacewrightError as error:
        return f"that a restart is due could not be noted ({error.message}) and has to be remembered"
    return "a restart is owed now (`pacewright owed`)" if any(noted) else "nothing is owed for it"
