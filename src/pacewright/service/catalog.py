"""What configuration management asks before it does anything: all services of a catalog at once. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache

from pacewright.cluster.names import NodeName
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import PacewrightError
from pacewright.frozen import frozen, replace
from pacewright.node import units
from pacewright.node.fingerprint import Inputs, fingerprint
from pacewright.service.ledger.debts import unreported
from pacewright.service.lookup import Lookup, is_name, is_unit, unit_name
from pacewright.service.names import at_boot
from pacewright.service.native import Native, unknown
from pacewright.service.settings import Settings
from pacewright.service.status import ServiceStatus, status_of

__all__ = ["Answer", "Catalog", "look"]


@frozen
class Answer:
    """What is known of one service of a catalog.

    Attributes:
        name: as it was asked for.
        found: how it is; or what stands in the way of telling.
        ours: it is the cluster's.
        config: its config inputs on this node: those that services.yaml names, else those of the catalog.
        at_boot: units of a service of the cluster's that systemd starts at boot on this node, too.
    """

    name: str
    found: ServiceStatus | Native | PacewrightError
    ours: bool
    config: tuple[str, ...] = ()
    at_boot: tuple[str, ...] = ()


@frozen
class Catalog:
    """The answers, and which node gives them (None if this machine is none of the cluster's)."""

    node: NodeName | None
    answers: tuple[Answer, ...]


def look(
    inputs: Mapping[str, tuple[str, ...]],
    settings: Settings,
    snapshot: Snapshot | None,
    here: NodeName | None,
    trouble: PacewrightError | None,
) -> Catalog:
    """How each service is.

    Args:
        inputs: the services, and the config inputs of each as the catalog has them.
        settings: services.yaml.
        snapshot: the cluster, or what it has left on the disk while it does not answer; None if there is none.
        here: the node that asks.
        trouble: why the cluster does not answer; None if it does.
    """
    lookup = Lookup(snapshot, settings, units.also_called) if snapshot is not None else None
    if lookup is not None:
        lookup.ask_systemd(inputs)
    read_once = cache(fingerprint)  # the services of one program share their files
    told = {name: _told(name, given, lookup, snapshot, here, trouble, read_once) for name, given in inputs.items()}
    asked = sorted({unit for name, found in told.items() for unit in _units(name, found, snapshot)})
    shown = dict(zip(asked, units.show_all(asked), strict=True))
    return Catalog(node=here, answers=tuple(_complete(name, told[name], snapshot, shown) for name in inputs))


def _told(
    name: str,
    given: tuple[str, ...],
    lookup: Lookup | None,
    snapshot: Snapshot | None,
    here: NodeName | None,
    trouble: PacewrightError | None,
    read_once: Callable[[tuple[str, ...]], Inputs],
) -> Answer | None:
    """What the cluster tells of a service; None if it is not the cluster's."""
    try:
        target = lookup.find(name) if lookup is not None and is_name(name) else None
        if target is None or snapshot is None:
            return None
        if trouble is not None:
            return Answer(name=name, found=trouble, ours=True)
        config = target.settings.config or given
        status = status_of(target, snapshot, here)
        if config and here is not None and not any(debt.node == here for debt in status.owed):
            due = tuple(unreported(target, here, read_once(config), snapshot))
            status = replace(status, owed=(*status.owed, *due))
        return Answer(name=name, found=status, ours=True, config=config)
    except PacewrightError as error:
        return Answer(name=name, found=error, ours=True)


def _units(name: str, told: Answer | None, snapshot: Snapshot | None) -> Iterator[str]:
    """What systemd has to be asked about."""
    if told is None:
        yield from (unit_name(name),) if is_unit(name) else ()
    elif isinstance(told.found, ServiceStatus) and snapshot is not None:
        yield from at_boot(told.found.target, snapshot)


def _complete(name: str, told: Answer | None, snapshot: Snapshot | None, shown: Mapping[str, units.Unit]) -> Answer:
    """The answer with what systemd tells of it."""
    found = [shown[unit] for unit in _units(name, told, snapshot)]
    if told is not None:
        return replace(told, at_boot=tuple(unit.name for unit in found if unit.known and unit.enabled))
    if not found or not found[0].known:
        return Answer(name=name, found=unknown(name), ours=False)
    return Answer(name=name, found=Native(name=name, unit=found[0]), ours=False)
