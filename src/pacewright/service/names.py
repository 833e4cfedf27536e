"""Which services a cluster has, under the names that people use."""

from __future__ import annotations

from dataclasses import replace

from pacewright.cluster import ResourceId, Snapshot
from pacewright.errors import PacewrightError
from pacewright.service.config import Settings
from pacewright.service.target import Target, find

__all__ = ["every_service", "service_names"]


def service_names(snapshot: Snapshot, settings: Settings) -> list[Target]:
    """Every service of the cluster, in the CIB's order: each primitive but fence devices, by its alias if any."""
    aliases = {said.resource: name for name, said in settings.services.items() if said.resource is not None}
    targets = []
    for resource in snapshot.resources.values():
        if resource.agent is None or resource.agent.standard == "stonith":
            continue
        target = find(resource.id, snapshot, Settings())
        if target is None:
            continue
        alias = aliases.get(resource.id) or aliases.get(target.outermost)
        targets.append(replace(target, name=alias) if alias else target)
    return targets


def every_service(snapshot: Snapshot, settings: Settings) -> list[Target]:
    """What may owe something: each service that services.yaml names, also a group or by its unit, then all others.

    A name there that means nothing in the cluster is passed over; a call that uses it says what is wrong.
    """
    found: list[Target] = []
    covered: set[ResourceId] = set()
    named = sorted(settings.services, key=lambda name: not settings.services[name].config)
    for target in (*(_named(name, snapshot, settings) for name in named), *service_names(snapshot, settings)):
        if target is not None and not covered.issuperset(target.primitives):
            found.append(target)
            covered.update(target.primitives)
    return found


def _named(name: str, snapshot: Snapshot, settings: Settings) -> Target | None:
    try:
        return find(name, snapshot, settings)
    except PacewrightError:
        return None
