"""From the document and the cluster to edits: what has to be written so that the cluster has what it says. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from pacewright.cluster.cib.values import is_true
from pacewright.cluster.edits.change import Edit, SetMeta
from pacewright.cluster.edits.constraints import Tie
from pacewright.cluster.edits.definition import DefineClone, DefineGroup, DefinePrimitive, Operation, Values
from pacewright.cluster.names import Kind, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import ConfigError, Refused
from pacewright.resource.model import Document, WantedConstraint, WantedResource
from pacewright.resource.removal import removals

__all__ = ["edits"]


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
    wanted = document.resources
    _refuse_taken_ids(wanted, snapshot)
    families: dict[ResourceId, list[WantedResource]] = {}
    for resource in wanted:
        _refuse_other_sort(resource, snapshot)
        families.setdefault(resource.inner, []).append(resource)
    clones = {inner: clone for inner, found in families.items() if (clone := _clone_of(inner, found, snapshot))}
    found: list[Edit] = [_primitive(resource, snapshot, usual) for resource in wanted]
    found += [_group(group, members, snapshot) for group, members in families.items() if members[0].group is not None]
    found += [_clone(inner, clone, families[inner], snapshot) for inner, clone in clones.items()]
    found += _stopped(wanted, snapshot, clones)
    found += removals(document, snapshot)
    around = clones | {resource.id: clones[resource.inner] for resource in wanted if resource.inner in clones}
    found += [_tie(constraint, document, snapshot, around) for constraint in document.constraints]
    return tuple(found)


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
    wanted: tuple[WantedResource, ...], snapshot: Snapshot, clones: Mapping[ResourceId, ResourceId]
) -> Iterator[SetMeta]:
    """Where `service stop` would say it: at the clone, but for a member of a group at the member."""
    for resource in wanted:
        if resource.stopped and resource.id not in snapshot.resources:
            where = resource.id if resource.group is not None else clones.get(resource.id, resource.id)
            yield SetMeta(resource=where, name="target-role", value="Stopped")


# -- groups and clones ------------------------------------------------------------------------------------------------


def _group(group: ResourceId, members: list[WantedResource], snapshot: Snapshot) -> DefineGroup:
    order = (
        {name: at for at, name in enumerate(snapshot.resources[group].children)} if _is_there(group, snapshot) else {}
    )
    for one, other in pairwise([resource for resource in members if resource.id in order]):
        if order[one.id] > order[other.id]:
            raise _refused(other, f"stands before {one.id} in the group {group} in the cluster, and behind it here")
    meta = {name: value for resource in members for name, value in resource.group_meta.items()}
    return DefineGroup(resource=group, members=tuple(resource.id for resource in members), meta=meta)


def _clone_of(inner: ResourceId, family: list[WantedResource], snapshot: Snapshot) -> ResourceId | None:
    """The clone around a group or primitive: the one that is there, else the one that is to be made; None for none."""
    cloned = any(resource.cloned for resource in family)
    named = next((resource.clone for resource in family if resource.clone is not None), None)
    if not _is_there(inner, snapshot):
        clone = (named or ResourceId(f"{inner}-clone")) if cloned else None
        if clone in snapshot.resources:
            raise _refused(family[0], f"is to have the clone {clone}, which is around something else in the cluster")
        return clone
    parent = snapshot.resources[inner].parent
    if (parent is not None) != cloned or named not in {None, parent}:
        there, here = _in_clone(parent, named=True), _in_clone(named or (inner if cloned else None), named=bool(named))
        raise _refused(family[0], f"is {there} in the cluster, and {here} in the document")
    promotable = any(resource.promotable for resource in family)
    if parent is not None and is_true(snapshot.resources[parent].meta.get("promotable")) != promotable:
        there, here = ("not promotable", "promotable") if promotable else ("promotable", "not promotable")
        raise _refused(family[0], f"is in the clone {parent}, which is {there} in the cluster, and {here} here")
    return parent


def _in_clone(clone: ResourceId | None, *, named: bool) -> str:
    if clone is None:
        return "not cloned"
    return f"in the clone {clone}" if named else "cloned"


def _clone(inner: ResourceId, clone: ResourceId, family: list[WantedResource], snapshot: Snapshot) -> DefineClone:
    meta: Values = {name: value for resource in family for name, value in resource.clone_meta.items()}
    if any(resource.promotable for resource in family) and clone not in snapshot.resources:
        meta = {"promotable": "true", **meta}
    return DefineClone(resource=clone, child=inner, meta=meta)


# -- what is not changed ----------------------------------------------------------------------------------------------


def _refuse_taken_ids(wanted: tuple[WantedResource, ...], snapshot: Snapshot) -> None:
    new = {resource.id: resource for resource in wanted} | {r.group: r for r in wanted if r.group is not None}
    new = {name: resource for name, resource in new.items() if name not in snapshot.resources}
    for element in snapshot.root.iterfind("configuration//*[@id]") if new else ():
        resource = new.get(ResourceId(element.get("id", "")))
        if resource is not None:
            raise _refused(resource, f"cannot be made: {element.get('id')} is the id of a {element.tag}")


def _refuse_other_sort(resource: WantedResource, snapshot: Snapshot) -> None:
    """What runs it and what is around it stay: instances would move, and constraints would mean something else."""
    group = snapshot.resources.get(resource.inner)
    if resource.group is not None and group is not None and group.kind is not Kind.GROUP:
        raise _refused(resource, f"is to be in the group {group.id}, which is a {group.kind.value} in the cluster")
    found = snapshot.resources.get(resource.id)
    if found is None:
        return
    if found.kind is not Kind.PRIMITIVE:
        raise _refused(resource, f"is a {found.kind.value} in the cluster, and a primitive in the document")
    if found.agent != resource.agent:
        raise _refused(resource, f"is {found.agent} in the cluster, and {resource.agent} in the document")
    around = snapshot.resources[found.parent] if found.parent is not None else None
    if around is not None and around.kind is Kind.BUNDLE:
        raise _refused(resource, f"is in the bundle {around.id}, which this command does not change")
    inside = around.id if around is not None and around.kind is Kind.GROUP else None
    if inside != resource.group:
        there, here = (f"in the group {name}" if name else "in no group" for name in (inside, resource.group))
        raise _refused(resource, f"is {there} in the cluster, and {here} in the document")


def _is_there(resource: ResourceId, snapshot: Snapshot) -> bool:
    return resource in snapshot.resources


def _refused(resource: WantedResource, problem: str) -> Refused:
    return Refused(
        f"{resource.id}: {problem} ({resource.place}); nothing was changed.",
        hint="Fix the document, or remove the resource first (ensure: absent) and have it made anew.",
    )


# -- constraints ------------------------------------------------------------------------------------------------------


def _tie(
    constraint: WantedConstraint, document: Document, snapshot: Snapshot, clones: Mapping[ResourceId, ResourceId]
) -> Tie:
    if not constraint.absent:
        _refuse_nowhere(constraint, document, snapshot, clones)
    names = {key: clones.get(name) or _cloned(name, snapshot) for key, name in constraint.resources.items()}
    return Tie(
        kind=constraint.kind,
        about={**names, **constraint.about},
        values=constraint.values,
        initial={} if constraint.kind == "order" else {"score": "INFINITY"},
        present=not constraint.absent,
    )


def _refuse_nowhere(
    constraint: WantedConstraint, document: Document, snapshot: Snapshot, clones: Mapping[ResourceId, ResourceId]
) -> None:
    unwanted = {resource.id for resource in document.unwanted}
    known = {*snapshot.resources, *clones, *clones.values()} - unwanted
    known |= {name for resource in document.resources for name in (resource.id, resource.inner)}
    for key, name in constraint.resources.items():
        if name not in known:
            gone = "is not to be there" if name in unwanted else "is neither in the document nor in the cluster"
            raise _nowhere(document, constraint.places[key], f"the resource {name!r} {gone}")
    node = constraint.about.get("node")
    if node is not None and node not in snapshot.nodes:
        there = ", ".join(snapshot.nodes)
        raise _nowhere(document, constraint.places["node"], f"the cluster has no node {node!r} (it has {there})")


def _nowhere(document: Document, place: str, problem: str) -> ConfigError:
    return ConfigError(f"{document.source}: {place}: {problem}.", hint="Nothing was done.")


def _cloned(name: ResourceId, snapshot: Snapshot) -> ResourceId:
    """The clone around a resource, which is what a constraint on it means; itself if there is none."""
    clone = snapshot.clone_of(name) if name in snapshot.resources else None
    return clone.id if clone is not None and clone.kind is Kind.CLONE else name
