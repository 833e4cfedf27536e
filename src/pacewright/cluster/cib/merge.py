"""Merging: Pacemaker's View laid over what was read of a CIB. What it says counts; when a run began only we know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pacewright.cluster.cib.ambiguity import Doubt
from pacewright.cluster.cib.crm_mon import NodeView, ResourceView, View
from pacewright.cluster.names import Kind, NodeName, ResourceId, Role
from pacewright.cluster.snapshot import Instance, Node, Resource
from pacewright.frozen import replace

__all__ = ["merged_instances", "merged_nodes", "merged_resources"]

Instances = Mapping[ResourceId, tuple[Instance, ...]]

_UNDER_WAY = {
    "Starting": ("start", Role.STOPPED),
    "Stopping": ("stop", Role.STARTED),
    "Promoting": ("promote", Role.UNPROMOTED),
    "Demoting": ("demote", Role.PROMOTED),
    "Migrating": ("migrate_to", Role.STARTED),
}
"""What each of crm_mon's words for something under way means: the operation, and the role until it is done."""
_ROLES = {role.value: role for role in Role} | {"Master": Role.PROMOTED, "Slave": Role.UNPROMOTED}


def merged_nodes(nodes: Mapping[NodeName, Node], view: View) -> dict[NodeName, Node]:
    """The nodes that Pacemaker knows, as it sees them, in the CIB's order."""
    order = [*(name for name in nodes if name in view.nodes), *(name for name in view.nodes if name not in nodes)]
    return {name: _node(name, nodes.get(name), view.nodes[name]) for name in order}


def merged_resources(
    resources: Mapping[ResourceId, Resource], nodes: Mapping[NodeName, Node], view: View
) -> dict[ResourceId, Resource]:
    """The definitions, with what templates, rules and defaults make of them."""
    return {name: _definition(resource, nodes, view) for name, resource in resources.items()}


def merged_instances(
    instances: Instances, resources: Mapping[ResourceId, Resource], view: View, doubt: Doubt
) -> Instances:
    """The instances as Pacemaker sees them, where there was doubt."""
    merged = {}
    for name, resource in resources.items():
        found = instances.get(name, ())
        if resource.kind is Kind.PRIMITIVE and (doubt.everything or name in doubt.resources):
            found = tuple(_instances(name, found, view.resources.get(name, ())))
        if found:
            merged[name] = found
    return merged


def _node(name: NodeName, read: Node | None, seen: NodeView) -> Node:
    if read is None:
        read = Node(
            name=name,
            id=seen.id,
            kind=seen.kind,
            online=seen.online,
            pending=seen.pending,
            unclean=seen.unclean,
            standby=seen.standby,
            maintenance=seen.maintenance,
            attributes={},
            transient={},
            marks={},
        )
    return replace(
        read,
        kind=seen.kind,
        online=seen.online,
        pending=seen.pending,
        unclean=seen.unclean,
        standby=seen.standby,
        maintenance=seen.maintenance,
    )


def _definition(resource: Resource, nodes: Mapping[NodeName, Node], view: View) -> Resource:
    if resource.kind is Kind.CLONE:
        meta = {name: value for name, value in resource.meta.items() if name != "promotable"}
        return replace(resource, meta=meta | ({"promotable": "true"} if resource.id in view.promotable else {}))
    copies = view.resources.get(resource.id)
    if not copies:
        return resource
    # What a node's maintenance or a failure has taken out of the cluster's hands says nothing of the definition.
    free = [
        copy.managed
        for copy in copies
        if not copy.blocked and not any(nodes[n].maintenance for n in copy.nodes if n in nodes)
    ]
    return replace(
        resource,
        agent=copies[0].agent,
        target_role=next((copy.target_role for copy in copies if copy.target_role), ""),
        managed=any(free) if free else resource.managed,
    )


def _instances(name: ResourceId, read: tuple[Instance, ...], copies: tuple[ResourceView, ...]) -> Iterator[Instance]:
    left = list(read)
    for copy in copies:
        for node in copy.nodes or _placeless(copy, left):
            mine = [i for i in left if i.node == node]
            found = next((i for i in mine if i.name == copy.name), mine[0] if mine else None)
            if found is not None:
                left.remove(found)
            yield _instance(name, node, found, copy)
    for found in left:  # it is stopped there for Pacemaker, but a failure is on record
        if found.failure is not None:
            yield replace(found, role=Role.STOPPED, operation=None, operation_key="", run=None, failed=False)


def _placeless(copy: ResourceView, read: list[Instance]) -> tuple[NodeName, ...]:
    """Where something is being done to it: 2.1 loses the place when nothing else is in its history."""
    if copy.role not in _UNDER_WAY:
        return ()
    wanted, _ = _UNDER_WAY[copy.role]
    return tuple(i.node for i in read if i.operation == wanted)[:1]


def _instance(name: ResourceId, node: NodeName, read: Instance | None, copy: ResourceView) -> Instance:
    operation, role = _UNDER_WAY.get(copy.role, (None, _ROLES.get(copy.role, Role.STARTED)))
    same = read is not None and operation is not None and read.operation is not None
    if read is None:
        read = Instance(
            resource=name,
            name=copy.name,
            node=node,
            role=role,
            operation=operation,
            operation_key="",
            run=None,
            failed=copy.failed,
            failure=None,
        )
    return replace(
        read,
        role=read.role if same else role,
        operation=read.operation if same else operation,
        operation_key=read.operation_key if operation is not None else "",
        failed=copy.failed,
        ignored=copy.ignored,
        blocked=copy.blocked,
        managed=copy.managed,
    )
