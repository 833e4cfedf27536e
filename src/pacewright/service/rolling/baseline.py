"""What a slot was when its restart was decided. By that it is told later what has happened to it. Pure."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Instance, Snapshot
from pacewright.frozen import frozen

__all__ = ["Before", "about_to_restart", "before"]


@frozen
class Before:
    """A slot as it was when the call began, or when it was taken into its roll.

    Attributes:
        keys: of the runs, and of starts that were under way (those may have read the old config).
        digests: what the definition of each primitive was.
        revisions: what the definition said, by primitive and node.
        failures: keys of those on record, and of those that its last run had before it was restarted.
        covered: the cluster was about to restart it anyway; that restart is enough.
        places: where it ran, by primitive.
    """

    keys: frozenset[str]
    digests: Mapping[ResourceId, str]
    revisions: Mapping[tuple[ResourceId, NodeName], str | None]
    failures: frozenset[str]
    covered: bool
    places: frozenset[tuple[ResourceId, NodeName]] = frozenset()


def before(
    instances: Sequence[Instance], snapshot: Snapshot, coming: Container[tuple[ResourceId, NodeName | None]]
) -> Before:
    """What is in a slot now, as what it was.

    Args:
        instances: those in it.
        snapshot: the cluster.
        coming: what the scheduler is about to restart by itself, and where.
    """
    keys = {i.run.key for i in instances if i.run is not None}
    keys |= {i.operation_key for i in instances if i.operation in {"start", "promote", "migrate_from"}}
    there = [i for i in instances if i.role.active or i.operation is not None]
    stopping = all(i.operation in {"stop", "demote"} for i in there)
    return Before(
        keys=frozenset(keys),
        digests={i.resource: i.run.digest for i in instances if i.run is not None},
        revisions={
            (i.resource, node): snapshot.resources[i.resource].revision_on(node)
            for i in instances
            for node in snapshot.nodes
        },
        failures=frozenset(i.failure.key for i in instances if i.failure is not None),
        places=frozenset((i.resource, i.node) for i in instances),
        covered=bool(there) and (stopping or all((i.resource, i.node) in coming for i in there)),
    )


def about_to_restart(planned: Forecast) -> frozenset[tuple[ResourceId, NodeName | None]]:
    """What the scheduler is about to restart by itself, and where."""
    begins_again = {"restart", "recover", "move"}
    return frozenset((a.resource, a.node) for a in planned.actions if a.verb in begins_again and not a.blocked)
