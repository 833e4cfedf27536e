"""Taking resources away: stopped first, with the time-out that their definition gives them, then removed. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pacewright.cluster.edits.change import Edit, SetMark, SetMeta
from pacewright.cluster.edits.constraints import Detach, Remove
from pacewright.cluster.names import Kind, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import Refused
from pacewright.resource.model import Document, Unwanted

__all__ = ["leaving", "removals"]


def removals(document: Document, snapshot: Snapshot) -> Iterator[Edit]:
    """What has to be written for what is not to be there.

    A running one is only told to stop, and freed of its ties to what stays. Removed while it runs, Pacemaker would stop
    it too, but with the default time-out of 20 s; a stop that takes longer gets the node fenced.

    Raises:
        Refused: it is no primitive, or the cluster may not stop it.
    """
    unwanted = [resource for resource in document.unwanted if resource.id in snapshot.resources]
    for resource in unwanted:
        if snapshot.resources[resource.id].kind is not Kind.PRIMITIVE:
            raise _refused(resource, f"it is a {snapshot.resources[resource.id].kind.value}; name the primitives in it")
    emptied = _emptied(unwanted, snapshot)
    for resource in unwanted:
        if not _runs(resource.id, snapshot):
            yield Remove(resource=resource.id)
            yield from _unmarked(resource.id, emptied, snapshot)
            continue
        if snapshot.maintenance or not snapshot.is_managed(resource.id):
            raise _refused(resource, "it runs, and the cluster may not stop it now (unmanaged, or maintenance)")
        for found in snapshot.ancestors(resource.id):
            if found.id in emptied:
                yield Detach(resource=found.id, among=emptied)
        yield SetMeta(resource=resource.id, name="target-role", value="Stopped")


def _unmarked(resource: ResourceId, emptied: frozenset[ResourceId], snapshot: Snapshot) -> Iterator[SetMark]:
    """Take away every mark of ours (`pacewright-owed-web`) about it and about what goes with it."""
    about = {found.id for found in snapshot.ancestors(resource)} & emptied
    for node in snapshot.nodes.values():
        for name in node.marks:
            if name.removeprefix("pacewright-").partition("-")[2] in about:
                yield SetMark(node=node.name, name=name, value=None)


def leaving(document: Document, snapshot: Snapshot) -> tuple[ResourceId, ...]:
    """What is not to be there and still runs, or is being started or stopped."""
    unwanted = (resource.id for resource in document.unwanted)
    return tuple(name for name in unwanted if name in snapshot.resources and _runs(name, snapshot))


def _emptied(unwanted: list[Unwanted], snapshot: Snapshot) -> frozenset[ResourceId]:
    """The unwanted ones, and the groups and clones that then hold nothing."""
    gone = {resource.id for resource in unwanted}
    around = {found.id for resource in gone for found in snapshot.ancestors(resource)}
    return frozenset(name for name in around if gone.issuperset(snapshot.primitives(name)))


def _runs(resource: ResourceId, snapshot: Snapshot) -> bool:
    return any(i.role.active or i.operation is not None for i in snapshot.instances.get(resource, ()))


def _refused(resource: Unwanted, problem: str) -> Refused:
    return Refused(f"{resource.id}: not removed: {problem} ({resource.place}); nothing was changed.")
