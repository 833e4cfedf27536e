"""Which services a cluster has, under the names that people use."""

from __future__ import annotations

from pacewright.cluster.names import ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import ConfigError, PacewrightError
from pacewright.service.lookup import AlsoCalled, Lookup, Target, is_unit, unit_name
from pacewright.service.settings import Settings

__all__ = ["at_boot", "every_service", "service_names"]


def service_names(snapshot: Snapshot, settings: Settings, also_called: AlsoCalled | None = None) -> list[Target]:
    """Every service of the cluster, in the CIB's order: each primitive but fence devices, by its alias if any.

    Raises:
        ConfigError: what services.yaml says about one of them contradicts itself.
    """
    return _services(snapshot, Lookup(snapshot, settings, also_called))


def _services(snapshot: Snapshot, lookup: Lookup) -> list[Target]:
    resources = snapshot.resources.values()
    return [lookup.of(r.id) for r in resources if r.agent is not None and r.agent.standard != "stonith"]


def every_service(snapshot: Snapshot, settings: Settings, also_called: AlsoCalled | None = None) -> list[Target]:
    """What may owe something: each service that services.yaml names, also a group or by its unit, then all others.

    A name there that means nothing in the cluster is passed over; a call that uses it says what is wrong.

    Raises:
        ConfigError: what services.yaml says about one of them contradicts itself.
    """
    lookup = Lookup(snapshot, settings, also_called)
    found: list[Target] = []
    covered: set[ResourceId] = set()
    named = sorted(settings.services, key=lambda name: not settings.services[name].config)
    for target in (*(_named(name, lookup) for name in named), *_services(snapshot, lookup)):
        if target is not None and not covered.issuperset(target.primitives):
            found.append(target)
            covered.update(target.primitives)
    return found


def at_boot(target: Target, snapshot: Snapshot) -> tuple[str, ...]:
    """The units that must not start at boot beside the cluster: those that it runs, and those of its aliases' names.

    `mariadb: {resource: galera-clone}` says that mariadb.service is the same service under another agent.
    """
    agents = (snapshot.resources[primitive].agent for primitive in target.primitives)
    run = (agent.unit for agent in agents if agent is not None and agent.unit is not None)
    return tuple(dict.fromkeys((*run, *(unit_name(alias) for alias in target.aliases if is_unit(alias)))))


def _named(name: str, lookup: Lookup) -> Target | None:
    try:
        return lookup.find(name)
    except ConfigError:
        raise
    except PacewrightError:
        return None
