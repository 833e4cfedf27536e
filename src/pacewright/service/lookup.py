"""From the name that a person or a tool uses to what the cluster runs: alias, resource id, or systemd unit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

from pacewright.cluster.names import Kind, NodeName, ResourceId, Timeouts
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import Refused, UsageError
from pacewright.frozen import field, frozen, replace
from pacewright.node import place
from pacewright.service.settings import ServiceSettings, Settings

__all__ = [
    "WHOLE",
    "AlsoCalled",
    "Lookup",
    "Target",
    "check_name",
    "find",
    "is_name",
    "is_unit",
    "known_node",
    "unit_name",
]

WHOLE = NodeName("")
"""Stands for the whole of a service that runs in one place, where an instance of a clone is named by its node."""

_TIMEOUT = 100.0
"""Seconds: what pcs gives a systemd resource, the longest default of any; for an operation that nobody has defined."""

AlsoCalled = Callable[[Sequence[str]], Mapping[str, Sequence[str]]]
"""Asks systemd about units: by each name, the other names of the unit that has it."""

# What systemd allows in a unit's name.
_UNIT = re.compile(r"[A-Za-z0-9:_.\\@-]{1,255}")
# What XML allows in an id (NCName, https://www.w3.org/TR/xml-names): letters of any script.
_LETTERS = "A-Za-z_\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u2070-\u218f\u2c00-\u2fef"
_LETTERS += "\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
_ID = f"[{_LETTERS}][{_LETTERS}0-9.\u00b7\u0300-\u036f\u203f-\u2040-]*"
"""Compiled by whoever comes to need it: that takes 3 ms, and most names are a unit's as well."""


@frozen
class Target:
    """A service of the cluster.

    Attributes:
        name: what it was called.
        resource: the resource that is meant: a primitive, or the whole group, clone or bundle that was named.
        primitives: what is restarted, in order.
        many: the clone or bundle that makes it run on several nodes; None if it runs in one place.
        outermost: where `start` and `stop` act: the clone or bundle if there is one, else the resource itself. Two
            names are of one service if this is the same.
        aliases: every name that services.yaml gives to it.
        settings: what services.yaml says about it, whichever of its names it is said under.
        timeouts: what Pacemaker gives each operation of its primitives, in seconds, if that was asked for.
    """

    name: str
    resource: ResourceId
    primitives: tuple[ResourceId, ...]
    many: ResourceId | None
    outermost: ResourceId
    aliases: tuple[str, ...] = ()
    settings: ServiceSettings = field(default_factory=ServiceSettings)
    timeouts: Timeouts = field(default_factory=dict)

    def slot(self, node: NodeName) -> NodeName:
        """What restarts in one step together with what runs on a node: that instance, or WHOLE."""
        return WHOLE if self.many is None else node

    def allowed(self, *operations: str) -> float:
        """Seconds that Pacemaker gives these operations, in all primitives one after another."""
        return sum(self.timeouts.get((p, operation), _TIMEOUT) for p in self.primitives for operation in operations)


def check_name(name: str) -> str:
    """The name itself, if it can be a service's name.

    Raises:
        UsageError: it holds characters that no unit and no resource can have.
    """
    if not is_name(name):
        raise UsageError(
            f"{name!r}: not a service's name.",
            hint="The name of a unit may have letters, digits and : _ . @ - \\, at most 255.",
        )
    return name


def is_name(name: str) -> bool:
    """True if it can be a service's name: a unit's, or a resource's id."""
    return is_unit(name) or re.fullmatch(_ID, name) is not None


def is_unit(name: str) -> bool:
    """True if it can be the name of a unit."""
    return _UNIT.fullmatch(name) is not None


def unit_name(name: str) -> str:
    """The name without `.service`, which tools put behind it or do not."""
    return name.removesuffix(".service")


def find(name: str, snapshot: Snapshot, settings: Settings, also_called: AlsoCalled | None = None) -> Target | None:
    """The service of that name; None if the cluster does not know it. See `Lookup.find`."""
    return Lookup(snapshot, settings, also_called).find(name)


class Lookup:
    """The names of a cluster's services. Whatever name leads to a service, it comes with all that is said about it.

    Args:
        snapshot: the cluster.
        settings: services.yaml.
        also_called: asks systemd which other names units have; None to go by the cluster and services.yaml alone.
    """

    def __init__(self, snapshot: Snapshot, settings: Settings, also_called: AlsoCalled | None = None) -> None:
        self._snapshot = snapshot
        self._settings = settings
        self._also_called = also_called
        self._others: dict[str, Sequence[str]] = {}

    def find(self, name: str) -> Target | None:
        """The service of that name; None if the cluster does not know it.

        An alias in services.yaml comes first, then the resource with that id, then the one whose systemd unit it is;
        last the same for the other names that systemd has for a unit of that name.

        Raises:
            UsageError: the name is no name, or several resources run that unit.
            ConfigError: what services.yaml says about it under several names contradicts itself.
            Refused: an alias names a resource that is not there, or what it names holds nothing to operate.
        """
        found = self._all(name)
        if len({_outermost(resource, self._snapshot) for resource in found}) > 1:
            raise UsageError(
                f"{name}: several resources run this unit: {', '.join(found)}.",
                hint="Name one of them, or choose one in services.yaml (services: {NAME: {resource: ID}}).",
            )
        return self.of(found[0], name) if found else None

    def every(self, name: str) -> tuple[Target, ...]:
        """The services that a name means: several if several resources run that unit; none for what can be no name.

        Raises:
            ConfigError, Refused: as `find`.
        """
        return tuple(self.of(resource) for resource in self._all(name)) if is_name(name) else ()

    def _all(self, name: str) -> tuple[ResourceId, ...]:
        found = self._meant(name)
        if not found and is_unit(check_name(name)):
            found = self._elsewhere([name]).get(name, ())
        return found

    def of(self, resource: ResourceId, name: str | None = None) -> Target:
        """The service that a resource of the cluster is, under that name, else under its alias, else under its id.

        Raises:
            ConfigError: what services.yaml says about it under several names contradicts itself.
            Refused: it holds nothing to operate.
        """
        bare = _target(name or resource, resource, self._snapshot)
        entries = self._entries.get(bare.outermost, ())
        aliases = tuple(entry for entry in entries if self._settings.services[entry].resource is not None)
        return replace(
            bare,
            name=name or next(iter(aliases), resource),
            aliases=aliases,
            settings=self._settings.together(entries, bare.outermost),
        )

    def _meant(self, name: str) -> tuple[ResourceId, ...]:
        """The resources that a name means without asking systemd; several if it is a unit that several run."""
        alias = self._settings.entry(name).resource
        if alias is not None:
            if alias not in self._snapshot.resources:
                raise Refused(
                    f"{name}: services.yaml says it is the resource {alias!r}, which the cluster does not have.",
                    hint="Create the resource, or correct the alias.",
                )
            return (alias,)
        for candidate in (name, unit_name(name)):
            if candidate in self._snapshot.resources:
                return (ResourceId(candidate),)
        return tuple(self._units.get(unit_name(name), ()))

    def ask_systemd(self, names: Iterable[str]) -> None:
        """Learn in one question what `find` would ask about each of these names."""
        self._elsewhere([name for name in names if not self._known(name) and is_unit(name)])

    def _elsewhere(self, names: Sequence[str]) -> Mapping[str, tuple[ResourceId, ...]]:
        """The resources that are meant by the other names which systemd has for units."""
        new = [name for name in names if name not in self._others]
        if new and self._also_called is not None:
            self._others.update(dict.fromkeys(new, ()))
            self._others.update(self._also_called(new))
        return {name: tuple(r for other in self._others.get(name, ()) for r in self._known(other)) for name in names}

    @cached_property
    def _units(self) -> Mapping[str, list[ResourceId]]:
        """The resources that run each unit."""
        units: dict[str, list[ResourceId]] = {}
        for resource in self._snapshot.resources.values():
            if resource.agent is not None and resource.agent.unit is not None:
                units.setdefault(resource.agent.unit, []).append(resource.id)
        return units

    @cached_property
    def _entries(self) -> Mapping[ResourceId, list[str]]:
        """The names in services.yaml for each service, by its outermost resource; what means nothing is left out."""
        means = {name: self._known(name) for name in self._settings.services}
        strange = [name for name, found in means.items() if not found and is_unit(name)]
        means.update(self._elsewhere(strange))
        entries: dict[ResourceId, list[str]] = {}
        for name, found in means.items():
            if len(found) == 1 and self._snapshot.primitives(found[0]):
                entries.setdefault(_outermost(found[0], self._snapshot), []).append(name)
        return entries

    def _known(self, name: str) -> tuple[ResourceId, ...]:
        try:
            return self._meant(name)
        except Refused:
            return ()  # a call that uses the name says what is wrong


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
        outermost=_outermost(resource, snapshot),
    )


def _outermost(resource: ResourceId, snapshot: Snapshot) -> ResourceId:
    many = snapshot.clone_of(resource)
    return many.id if many and resource not in _inside_group(many.id, snapshot) else resource


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
    """The node of that name, in upper or lower case: to Pacemaker they are the same.

    Raises:
        UsageError: the cluster has none.
    """
    found = place.among([node], snapshot.nodes)
    if found is None:
        raise UsageError(f"{node}: no such node.", hint=f"The cluster has: {', '.join(snapshot.nodes)}.")
    return NodeName(found)
