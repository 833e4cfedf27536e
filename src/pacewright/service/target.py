"""From the name that a person or a tool uses to what the cluster runs: alias, resource id, or systemd unit."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pacewright.cluster import Kind, NodeName, ResourceId, Snapshot
from pacewright.errors import Refused, UsageError
from pacewright.service.config import Settings

__all__ = ["Target", "check_name", "find", "is_name", "known_node", "unit_name"]

# What systemd allows in a unit's name, which is more than what Pacemaker allows in an id.
_NAME = re.compile(r"[A-Za-z0-9:_.\\@-]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A service of the cluster.

    Attributes:
        name: what it was called.
        resource: the resource that is meant: a primitive, or the whole group, clone or bundle that was named.
        primitives: what is restarted, in order.
        many: the clone or bundle that makes it run on several nodes; None if it runs in one place.
        outermost: where `start` and `stop` act: the clone or bundle if there is one, else the resource itself.
    """

    name: str
    resource: ResourceId
    primitives: tuple[ResourceId, ...]
    many: ResourceId | None
    outermost: ResourceId


def check_name(name: str) -> str:
    """The name itself, if it can be a service's name.

    Raises:
        UsageError: it holds characters that no unit and no resource can have.
    """
    if not is_name(name):
        raise UsageError(
            f"{name!r}: not a service's name.",
            hint="Letters, digits and : _ . @ - \\ are allowed, at most 255.",
        )
    return name


def is_name(name: str) -> bool:
    """True if it can be a service's name."""
    return _NAME.fullmatch(name) is not None


def unit_name(name: str) -> str:
    """The name without `.service`, which tools put behind it or do not."""
    return name.removesuffix(".service")


def find(name: str, snapshot: Snapshot, settings: Settings) -> Target | None:
    """The service of that name; None if the cluster does not know it.

    An alias in services.yaml comes first, then the resource with that id, then the one whose systemd unit it is.

    Raises:
        UsageError: the name is no name, or several resources run that unit.
        Refused: an alias names a resource that is not there.
    """
    check_name(name)
    alias = settings.of(name).resource
    if alias is not None:
        if alias not in snapshot.resources:
            raise Refused(
                f"{name}: services.yaml says it is the resource {alias!r}, which the cluster does not have.",
                hint="Create the resource, or mend the alias.",
            )
        return _target(name, alias, snapshot)
    for candidate in (name, unit_name(name)):
        if candidate in snapshot.resources:
            return _target(name, ResourceId(candidate), snapshot)
    running = [
        resource.id
        for resource in snapshot.resources.values()
        if resource.agent is not None and resource.agent.unit == unit_name(name)
    ]
    if len(running) > 1:
        raise UsageError(
            f"{name}: several resources run this unit: {', '.join(running)}.",
            hint="Name one of them, or choose one in services.yaml (services: {NAME: {resource: ID}}).",
        )
    return _target(name, running[0], snapshot) if running else None


def _target(name: str, resource: ResourceId, snapshot: Snapshot) -> Target:
    primitives = snapshot.primitives(resource)
    if not primitives:
        kind = snapshot.resources[resource].kind.value
        raise Refused(
            f"{name}: the {kind} {resource} holds no primitive, so there is nothing to operate.",
            hint="A bundle without a primitive is restarted by Pacemaker when its container definition changes."
            if kind == Kind.BUNDLE.value
            else "",
        )
    many = snapshot.clone_of(resource)
    return Target(
        name=name,
        resource=resource,
        primitives=primitives,
        many=many.id if many else None,
        outermost=many.id if many and resource not in _inside_group(many.id, snapshot) else resource,
    )


def _inside_group(clone: ResourceId, snapshot: Snapshot) -> tuple[ResourceId, ...]:
    # A member of a cloned group is switched off by itself; the clone's only child together with its clone.
    children = snapshot.resources[clone].children
    return tuple(
        member
        for child in children
        if snapshot.resources[child].kind is Kind.GROUP
        for member in snapshot.resources[child].children
    )


def known_node(node: str, snapshot: Snapshot) -> NodeName:
    """The node of that name.

    Raises:
        UsageError: the cluster has none.
    """
    if node not in snapshot.nodes:
        raise UsageError(f"{node}: no such node.", hint=f"The cluster has: {', '.join(snapshot.nodes)}.")
    return NodeName(node)
