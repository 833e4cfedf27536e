"""From the document and the cluster to edits: what has to be written so that the cluster has what it says. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from pacewright.cluster import (
    DefineClone,
    DefineGroup,
    DefinePrimitive,
    Detach,
    Edit,
    Kind,
    NodeName,
    Operation,
    Remove,
    ResourceId,
    SetMark,
    SetMeta,
    Snapshot,
    Tie,
    Values,
    is_true,
)
from pacewright.errors import ConfigError, Refused
from pacewright.resource.document import Document, WantedConstraint, WantedResource
from pacewright.service.revision import OWED, REPORT

__all__ = ["edits", "leaving"]

_ROLE = "target-role"


def edits(document: Document, snapshot: Snapshot, usual: Mapping[str, tuple[Operation, ...]]) -> tuple[Edit, ...]:
    """Everything that the document says, as edits.

    Args:
        document: what is wanted.
        snapshot: the cluster.
        usual: the operations that a new primitive gets where the document does not name them, by agent.

    Raises:
        Refused: something is there as another sort of thing.
        ConfigError: a constraint names what is nowhere.
    """
    wanted = [resource for resource in document.resources if not resource.absent]
    groups: dict[ResourceId, list[WantedResource]] = {}
    for resource in wanted:
        _refuse_other_agent(resource, snapshot)
        if resource.group is not None and resource.group.id is not None:
            groups.setdefault(resource.group.id, []).append(resource)
        else:
            _refuse_other_place(resource, (), snapshot)
    found: list[Edit] = [_primitive(resource, snapshot, usual) for resource in wanted]
    clones: dict[ResourceId, ResourceId] = {}
    for group, members in groups.items():
        found += _group(group, members, snapshot)
    for inner, members in [*groups.items(), *((r.id, [r]) for r in wanted if r.group is None)]:
        found += _clone(inner, members, snapshot, clones)
    found += [edit for resource in wanted if resource.stopped for edit in _stopped(resource, snapshot, clones)]
    found += _absent(document, snapshot)
    found += [_tie(constraint, document, snapshot, clones) for constraint in document.constraints]
    return tuple(found)


def leaving(document: Document, snapshot: Snapshot) -> tuple[ResourceId, ...]:
    """What is not to be there and still runs, or is being started or stopped."""
    gone = (resource.id for resource in document.resources if resource.absent)
    return tuple(name for name in gone if name in snapshot.resources and _runs(name, snapshot))


# -- primitives -------------------------------------------------------------------------------------------------------


def _primitive(
    resource: WantedResource, snapshot: Snapshot, usual: Mapping[str, tuple[Operation, ...]]
) -> DefinePrimitive:
    operations = resource.operations
    if resource.id not in snapshot.resources:
        named = {operation.name for operation in operations}
        more = [operation for operation in usual.get(str(resource.agent), ()) if operation.name not in named]
        if "monitor" not in named | {operation.name for operation in more}:
            more.append(Operation(name="monitor", attributes={"interval": "60s"}))
        operations = (*operations, *more)
    return DefinePrimitive(
        resource=resource.id,
        agent=resource.agent,
        parameters=resource.parameters,
        meta=resource.meta,
        operations=operations,
    )


def _stopped(
    resource: WantedResource, snapshot: Snapshot, clones: Mapping[ResourceId, ResourceId]
) -> Iterator[SetMeta]:
    """Where `service stop` would say it: at the clone, but for a member of a group at the member."""
    if resource.id not in snapshot.resources:
        where = resource.id if resource.group is not None else clones.get(resource.id, resource.id)
        yield SetMeta(resource=where, name=_ROLE, value="Stopped")


def _refuse_other_agent(resource: WantedResource, snapshot: Snapshot) -> None:
    found = snapshot.resources.get(resource.id)
    if found is None:
        return
    if found.kind is not Kind.PRIMITIVE:
        raise _refused(resource, f"is a {found.kind.value} in the cluster, and a primitive in the document")
    if found.agent != resource.agent:
        raise _refused(resource, f"is {found.agent} in the cluster, and {resource.agent} in the document")


def _refuse_other_place(resource: WantedResource, allowed: tuple[ResourceId, ...], snapshot: Snapshot) -> None:
    """What is around a resource is not changed: its instances would move, and constraints would mean something else."""
    if resource.id not in snapshot.resources:
        return
    parent = snapshot.resources[resource.id].parent
    around = snapshot.resources[parent] if parent is not None else None
    if around is not None and around.kind is Kind.BUNDLE:
        raise _refused(resource, f"is in the bundle {around.id}, which this command does not change")
    inside = around.id if around is not None and around.kind is Kind.GROUP else None
    meant = allowed[0] if allowed else None
    if inside != meant:
        there, here = (f"in the group {name}" if name else "in no group" for name in (inside, meant))
        raise _refused(resource, f"is {there} in the cluster, and {here} in the document")


def _refused(resource: WantedResource, problem: str) -> Refused:
    return Refused(
        f"{resource.id}: {problem} ({resource.place}); nothing was changed.",
        hint="Mend the document, or remove the resource first (ensure: absent) and have it made anew.",
    )


# -- groups and clones ------------------------------------------------------------------------------------------------


def _group(group: ResourceId, members: list[WantedResource], snapshot: Snapshot) -> Iterator[Edit]:
    found = snapshot.resources.get(group)
    if found is not None and found.kind is not Kind.GROUP:
        raise _refused(members[0], f"is to be in the group {group}, which is a {found.kind.value} in the cluster")
    order = {name: index for index, name in enumerate(found.children)} if found is not None else {}
    for resource in members:
        _refuse_other_place(resource, (group,), snapshot)
    for one, other in pairwise([resource for resource in members if resource.id in order]):
        if order[one.id] > order[other.id]:
            raise _refused(other, f"stands before {one.id} in the group {group} in the cluster, and behind it here")
    meta = {name: value for r in members if r.group is not None for name, value in r.group.meta.items()}
    yield DefineGroup(resource=group, members=tuple(resource.id for resource in members), meta=meta)


def _clone(
    inner: ResourceId, members: list[WantedResource], snapshot: Snapshot, clones: dict[ResourceId, ResourceId]
) -> Iterator[Edit]:
    """The clone around a primitive or group; `clones` then knows what is cloned by what."""
    said = [resource.clone for resource in members if resource.clone is not None]
    promotable = any(resource.promotable for resource in members)
    chosen = next((clone.id for clone in said if clone.id is not None), None)
    if inner in snapshot.resources:
        _refuse_other_clone(members[0], inner, snapshot, wanted=bool(said), chosen=chosen, promotable=promotable)
    if not said:
        return
    existing = snapshot.resources[inner].parent if inner in snapshot.resources else None
    clone = existing or chosen or ResourceId(f"{inner}-clone")
    if existing is None and clone in snapshot.resources:
        raise _refused(members[0], f"is to have the clone {clone}, but that is the id of something else")
    meta: Values = {name: value for one in said for name, value in one.meta.items()}
    if promotable and existing is None:
        meta = {"promotable": "true", **meta}
    clones.update({inner: clone, **{resource.id: clone for resource in members}})
    yield DefineClone(resource=clone, child=inner, meta=meta)


def _refuse_other_clone(
    resource: WantedResource,
    inner: ResourceId,
    snapshot: Snapshot,
    *,
    wanted: bool,
    chosen: ResourceId | None,
    promotable: bool,
) -> None:
    parent = snapshot.resources[inner].parent
    if parent is None:
        if wanted:
            raise _refused(resource, "is not cloned in the cluster, and cloned in the document")
        return
    if not wanted:
        raise _refused(resource, f"is in the clone {parent} in the cluster, and not cloned in the document")
    if chosen not in {None, parent}:
        raise _refused(resource, f"is in the clone {parent} in the cluster, and in {chosen} in the document")
    if is_true(snapshot.resources[parent].meta.get("promotable")) != promotable:
        there, here = ("not promotable", "promotable") if promotable else ("promotable", "not promotable")
        raise _refused(resource, f"is in the clone {parent}, which is {there} in the cluster, and {here} here")


# -- removing ---------------------------------------------------------------------------------------------------------


def _absent(document: Document, snapshot: Snapshot) -> Iterator[Edit]:
    """What runs is stopped first, with its own time-out for that, which it would lose with its definition."""
    gone = [r for r in document.resources if r.absent and r.id in snapshot.resources]
    among = frozenset(found.id for resource in gone for found in snapshot.ancestors(resource.id))
    for resource in gone:
        if snapshot.resources[resource.id].kind is not Kind.PRIMITIVE:
            raise _refused(resource, f"is a {snapshot.resources[resource.id].kind.value}; name the primitives in it")
        if _runs(resource.id, snapshot):
            if snapshot.maintenance or not _managed(resource.id, snapshot):
                raise _refused(resource, "runs, and the cluster may not stop it now (unmanaged, or maintenance)")
            for found in snapshot.ancestors(resource.id):
                if _empties(found.id, among, snapshot):
                    yield Detach(resource=found.id, among=among)
            yield SetMeta(resource=resource.id, name=_ROLE, value="Stopped")
        else:
            yield Remove(resource=resource.id)
            for node in snapshot.nodes.values():
                for mark in (f"{OWED}{resource.id}", f"{REPORT}{resource.id}"):
                    yield SetMark(node=NodeName(node.name), name=mark, value=None)


def _empties(resource: ResourceId, gone: frozenset[ResourceId], snapshot: Snapshot) -> bool:
    return all(primitive in gone for primitive in snapshot.primitives(resource))


def _runs(resource: ResourceId, snapshot: Snapshot) -> bool:
    return any(i.role.active or i.operation is not None for i in snapshot.instances.get(resource, ()))


def _managed(resource: ResourceId, snapshot: Snapshot) -> bool:
    maintained = is_true(snapshot.meta(resource, "maintenance"))
    return is_true(snapshot.meta(resource, "is-managed"), default=True) and not maintained


# -- constraints ------------------------------------------------------------------------------------------------------


def _tie(
    constraint: WantedConstraint, document: Document, snapshot: Snapshot, clones: Mapping[ResourceId, ResourceId]
) -> Tie:
    known = {*snapshot.resources, *clones, *clones.values()}
    known |= {r.id for r in document.resources} | {r.group.id for r in document.resources if r.group and r.group.id}
    known -= {resource.id for resource in document.resources if resource.absent and not constraint.absent}
    names = {}
    for attribute, name in constraint.resources.items():
        if name not in known and not constraint.absent:
            raise _nowhere(document, constraint.places[attribute], f"{name!r} is neither in it nor in the cluster")
        names[attribute] = clones.get(name) or _cloned(name, snapshot)
    node = constraint.about.get("node")
    if node is not None and node not in snapshot.nodes and not constraint.absent:
        known_nodes = ", ".join(snapshot.nodes)
        raise _nowhere(document, constraint.places["node"], f"the cluster has no node {node!r} (it has {known_nodes})")
    score = {} if constraint.kind == "order" else {"score": "INFINITY"}
    return Tie(
        kind=constraint.kind,
        about={**names, **constraint.about},
        values=constraint.values,
        initial=score,
        present=not constraint.absent,
    )


def _nowhere(document: Document, place: str, problem: str) -> ConfigError:
    return ConfigError(f"{document.source}: {place}: {problem}.", hint="Nothing was done.")


def _cloned(name: ResourceId, snapshot: Snapshot) -> ResourceId:
    """The clone around a resource, which is what a constraint on it means; itself if there is none."""
    clone = snapshot.clone_of(name) if name in snapshot.resources else None
    return clone.id if clone is not None and clone.kind is Kind.CLONE else name
