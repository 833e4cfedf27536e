"""What a restart makes of a primitive's revisions: new ones where it restarts, nothing unseen anywhere else. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pacewright.cluster.edits.change import SetRevision
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.placement import hosts
from pacewright.cluster.snapshot import Snapshot
from pacewright.service.ledger.record import reported
from pacewright.service.lookup import Target

__all__ = ["renewed"]


def renewed(
    target: Target,
    primitive: ResourceId,
    anew: frozenset[NodeName] | None,
    next_revision: Callable[[NodeName], str],
    snapshot: Snapshot,
) -> SetRevision:
    """A primitive's revisions once it has new ones where it restarts.

    Where a node has reported its config and nothing runs, the new revision costs nothing, so it gets it too.

    Args:
        target: the service.
        primitive: one of its own.
        anew: the nodes where it restarts; None for where it runs.
        next_revision: the new one of a node.
        snapshot: the cluster.
    """
    found = snapshot.instances.get(primitive, ())
    active = {i.node for i in found if i.role.active}
    busy = {i.node for i in found if i.operation is not None}
    # What runs in one place and is seen there runs nowhere else.
    unseen = snapshot.nodes if target.many is not None or not active else ()
    # What is started there, or runs there unseen, has what it was given, so that must not change behind its back.
    unsure = busy.union(node for node in unseen if snapshot.silent(primitive, node)) - active
    known = () if snapshot.in_bundle(primitive) else snapshot.nodes
    passive = {n for n in known if reported(primitive, n, snapshot) is not None} - active - unsure
    wanted = {node: next_revision(node) for node in (active if anew is None else anew) | passive}
    among = active | passive | unsure
    if any(reported(primitive, node, snapshot) is not None for node in wanted):
        among |= _unreported(target, primitive, snapshot)
    return _redefined(primitive, wanted, among=among, snapshot=snapshot)


def _unreported(target: Target, primitive: ResourceId, snapshot: Snapshot) -> set[NodeName]:
    """Nodes where it may start one day with a config that nobody knows, which must not pass for that of the others."""
    if snapshot.in_bundle(primitive):
        return set()
    return {n for n in hosts(target.outermost, snapshot) if reported(primitive, n, snapshot) is None}


def _redefined(
    primitive: ResourceId, wanted: Mapping[NodeName, str], *, among: Iterable[NodeName], snapshot: Snapshot
) -> SetRevision:
    """A primitive's revisions with new ones on some nodes, said in the shortest way.

    Args:
        primitive: whose.
        wanted: the new ones.
        among: the nodes that count: where it runs, or may start with what was reported. If they all end up with the
            same revision, one plain attribute says it, which changes no instance's definition.
        snapshot: the cluster.
    """
    resource = snapshot.resources[primitive]
    given = {node: resource.revision_on(node) for node in among} | dict(wanted)
    if len(set(given.values())) == 1:
        return SetRevision(resource=primitive, default=next(iter(given.values())), nodes={})
    default = resource.revision
    nodes = {node: revision for node, revision in given.items() if revision is not None and revision != default}
    return SetRevision(resource=primitive, default=default, nodes=nodes)
