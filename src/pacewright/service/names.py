"""Which services a cluster has, under the names that people use."""

from __future__ import annotations

from dataclasses import replace

from pacewright.cluster import Snapshot
from pacewright.service.config import Settings
from pacewright.service.target import Target, find

__all__ = ["service_names"]


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
