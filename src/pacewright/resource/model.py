"""What a document wants: resources and constraints, as values."""

from __future__ import annotations

from collections.abc import Mapping

from pacewright.cluster.edits.definition import Operation, Values
from pacewright.cluster.names import Agent, ResourceId
from pacewright.frozen import field, frozen

__all__ = ["Document", "Unwanted", "WantedConstraint", "WantedResource"]


@frozen
class WantedResource:
    """One primitive, and what is around it.

    Attributes:
        group: the group that it is a member of.
        cloned: there is a clone around it, or around its group.
        clone: the id of that clone; None if the document does not name it.
        promotable: that clone is promotable.
        stopped: if it has to be made, it is not to start by itself.
        place: where in the document it stands.
    """

    id: ResourceId
    agent: Agent
    parameters: Values = field(default_factory=dict)
    operations: tuple[Operation, ...] = ()
    meta: Values = field(default_factory=dict)
    group: ResourceId | None = None
    group_meta: Values = field(default_factory=dict)
    cloned: bool = False
    clone: ResourceId | None = None
    clone_meta: Values = field(default_factory=dict)
    promotable: bool = False
    stopped: bool = False
    place: str

    @property
    def inner(self) -> ResourceId:
        """What a clone is around: its group, or itself."""
        return self.group or self.id


@frozen
class Unwanted:
    """A primitive that is not to be there."""

    id: ResourceId
    place: str


@frozen
class WantedConstraint:
    """One constraint, in Pacemaker's own attributes.

    Attributes:
        kind: `order`, `colocation` or `location`.
        resources: the ids that it names, by attribute (`first`, `then`, `rsc`, `with-rsc`).
        about: what else makes it this constraint and no other (actions, roles, node).
        values: what is set on it (score, kind, symmetrical).
        absent: it is not to be there.
        places: where the document names each resource, and the node.
    """

    kind: str
    resources: Mapping[str, ResourceId]
    about: Mapping[str, str]
    values: Mapping[str, str]
    absent: bool
    places: Mapping[str, str]


@frozen
class Document:
    """The whole document; `source` is its name for messages."""

    resources: tuple[WantedResource, ...]
    unwanted: tuple[Unwanted, ...]
    constraints: tuple[WantedConstraint, ...]
    source: str

    @property
    def named(self) -> tuple[ResourceId, ...]:
        """Every primitive that it speaks of."""
        wanted = tuple(resource.id for resource in self.resources)
        return (*wanted, *(resource.id for resource in self.unwanted))
