"""View: a cluster as Pacemaker itself sees it, from crm_mon's answer about a CIB."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping

from pacewright.cluster.cib.values import is_true
from pacewright.cluster.names import Agent, NodeName, ResourceId
from pacewright.frozen import frozen

__all__ = ["NodeView", "ResourceView", "View", "view_of"]


@frozen
class NodeView:
    """What Pacemaker says of a node; the words are those of `Node`.

    Attributes:
        id: its number, or its name if it is a remote node or a guest.
        standby: also after a failure with `on-fail=standby`.
    """

    id: str
    kind: str
    online: bool
    pending: bool
    unclean: bool
    standby: bool
    maintenance: bool


@frozen
class ResourceView:
    """What Pacemaker says of one copy of a primitive.

    Attributes:
        id: as in the CIB, without the number of a copy.
        name: with it, where Pacemaker tells it (`web:1` in a globally unique clone).
        role: `Started`, `Promoted`, ..., or what is being done to it: `Starting`, `Promoting`, ...
        target_role: the one that somebody has set for it, by whatever set, rule or default; None if nobody has.
        nodes: where it is active; more than one while it migrates, or by a fault.
        blocked: the cluster will do nothing with it until somebody has looked (`on-fail=block`, a stop that failed).
        managed: the cluster acts on it.
        failed: it has failed, and that was not excused or forgotten.
        ignored: it has failed, and Pacemaker was told not to mind.
    """

    id: ResourceId
    name: str
    agent: Agent
    role: str
    target_role: str | None
    nodes: tuple[NodeName, ...]
    blocked: bool
    managed: bool
    failed: bool
    ignored: bool


@frozen
class View:
    """A cluster.

    Attributes:
        nodes: by name; of two with the same name the one that is there.
        resources: every copy of every primitive, by the primitive's id.
        promotable: clones whose instances have the roles Promoted and Unpromoted.
    """

    nodes: Mapping[NodeName, NodeView]
    resources: Mapping[ResourceId, tuple[ResourceView, ...]]
    promotable: frozenset[ResourceId]


def view_of(answer: ET.Element) -> View:
    """The View in crm_mon's answer."""
    nodes: dict[NodeName, NodeView] = {}
    for found in answer.iterfind("nodes/node"):
        name, node = NodeName(found.get("name", "")), _node(found)
        if name not in nodes or not nodes[name].online:
            nodes[name] = node
    resources: dict[ResourceId, list[ResourceView]] = {}
    for found in answer.iterfind("resources//resource"):
        resource = _resource(found)
        resources.setdefault(resource.id, []).append(resource)
    return View(
        nodes=nodes,
        resources={name: tuple(copies) for name, copies in resources.items()},
        promotable=frozenset(_promotable(answer)),
    )


def _node(found: ET.Element) -> NodeView:
    pending = is_true(found.get("pending"))
    return NodeView(
        id=found.get("id", ""),
        kind=found.get("type", "member"),
        # One that has not joined yet is online and in standby for Pacemaker; for us it is just pending.
        online=is_true(found.get("online")) and not pending,
        pending=pending,
        unclean=is_true(found.get("unclean")),
        standby=(is_true(found.get("standby")) and not pending) or is_true(found.get("standby_onfail")),
        maintenance=is_true(found.get("maintenance")),
    )


def _resource(found: ET.Element) -> ResourceView:
    name = found.get("id", "")
    return ResourceView(
        id=ResourceId(name.partition(":")[0]),
        name=name,
        agent=_agent(found.get("resource_agent", "")),
        role=found.get("role", ""),
        target_role=found.get("target_role"),
        nodes=tuple(NodeName(node.get("name", "")) for node in found.iterfind("node")),
        blocked=is_true(found.get("blocked")),
        managed=is_true(found.get("managed")),
        failed=is_true(found.get("failed")),
        ignored=is_true(found.get("failure_ignored")),
    )


def _agent(text: str) -> Agent:
    standard, _, rest = text.partition(":")
    provider, colon, name = rest.partition(":") if standard == "ocf" else ("", ":", rest)
    return Agent(standard=standard, provider=provider, type=name if colon else rest)


def _promotable(answer: ET.Element) -> Iterator[ResourceId]:
    for clone in answer.iterfind("resources//clone"):
        if is_true(clone.get("multi_state")):
            yield ResourceId(clone.get("id", ""))
