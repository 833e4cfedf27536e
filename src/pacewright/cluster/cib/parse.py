"""From the bytes of a CIB to a Snapshot: the one place that understands the whole document."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping

from pacewright.cluster.cib.ambiguity import Doubt, History, doubt_about, is_quiet, question
from pacewright.cluster.cib.configuration import plain_values, read_constraints, read_properties, read_resources
from pacewright.cluster.cib.crm_mon import View, view_of
from pacewright.cluster.cib.document import parse_document
from pacewright.cluster.cib.marks import read_marks
from pacewright.cluster.cib.merge import merged_instances, merged_nodes, merged_resources
from pacewright.cluster.cib.operation_history import read_instance
from pacewright.cluster.cib.replicas import hosts_of_replicas
from pacewright.cluster.cib.values import PROBES, is_true, number
from pacewright.cluster.edits.gate import read_gates
from pacewright.cluster.edits.hold import read_holds
from pacewright.cluster.edits.kept_off import read_kept_off
from pacewright.cluster.names import NodeName, ResourceId, Version
from pacewright.cluster.snapshot import Instance, Node, Resource, Snapshot
from pacewright.cluster.tools import cibadmin, crm_mon
from pacewright.errors import ToolOutput
from pacewright.frozen import replace
from pacewright.process import Begun

__all__ = ["parse", "read", "saved"]

Ask = Callable[[bytes], ET.Element]
"""What crm_mon says of a CIB."""


def read(*, begun: Begun | None = None, timeout: float = 30.0) -> Snapshot:
    """The cluster as this node sees it now, in one read.

    Args:
        begun: the question, if it was asked already (`cibadmin.asked`).
        timeout: seconds that the answer may take.

    Raises:
        ClusterDown: Pacemaker is not running here.
        ToolOutput: cibadmin printed something that is no CIB.
    """
    return parse(cibadmin.query(begun=begun, timeout=timeout))


def saved() -> Snapshot | None:
    """The configuration that Pacemaker left on this node's disk, for when it does not run; None if there is none."""
    document = cibadmin.query_file()
    try:
        return parse(document) if document is not None else None
    except ToolOutput:
        return None


def parse(document: bytes, ask: Ask | None = None) -> Snapshot:
    """The Snapshot in a CIB document.

    Args:
        document: the CIB.
        ask: answers with crm_mon's XML what Pacemaker makes of a CIB, where there is doubt (`doubt.py`); None for
            crm_mon itself.

    Raises:
        ToolOutput: it is no CIB.
        ToolFailed: Pacemaker itself cannot read it.
    """
    try:
        root = parse_document(document)
    except ET.ParseError as error:
        raise _not_a_cib(f"it is not XML ({error})", document) from error
    configuration = root.find("configuration")
    if root.tag != "cib" or configuration is None:
        raise _not_a_cib(f"its root is <{root.tag}>", document)
    histories = [
        (state, history)
        for state in root.iterfind("status/node_state")
        for history in state.iterfind("lrm/lrm_resources/lrm_resource")
    ]
    read = _as_written(root, configuration, histories)
    read = replace(read, instances=_managed(read))
    doubt = doubt_about(root, [(state, history) for state, history in histories if not is_quiet(history)])
    if not doubt:
        return read
    asked = document if doubt.everything else ET.tostring(question(root, doubt))
    return _as_seen(read, view_of((ask or crm_mon.status)(asked)), doubt)


def _as_written(root: ET.Element, configuration: ET.Element, histories: list[History]) -> Snapshot:
    """The Snapshot by our own reading, which is right where there is no doubt."""
    properties = read_properties(configuration)
    fencing = is_true(properties.get("stonith-enabled"), default=True)
    names, nodes = _read_nodes(root, configuration, fencing=fencing)
    resources = read_resources(configuration)
    dc_id = root.get("dc-uuid", "")
    probed = is_true(properties.get(PROBES), default=True)
    defaults = configuration.find("rsc_defaults")
    return Snapshot(
        version=Version(
            admin_epoch=number(root.get("admin_epoch")),
            epoch=number(root.get("epoch")),
            num_updates=number(root.get("num_updates")),
        ),
        feature_set=root.get("crm_feature_set", ""),
        cluster=properties.get("cluster-name", ""),
        quorate=is_true(root.get("have-quorum")),
        dc=names.get(dc_id),
        maintenance=is_true(properties.get("maintenance-mode")),
        fencing=fencing,
        resource_defaults=plain_values(defaults, "meta_attributes") if defaults is not None else {},
        nodes=nodes,
        resources=resources,
        instances=_read_instances(histories, names, nodes, resources),
        told=frozenset(_told(histories, names) if probed else _all_of_it(root, names, resources)),
        constraints=tuple(read_constraints(configuration)),
        holds=dict(read_holds(configuration)),
        gates=dict(read_gates(configuration)),
        kept_off=frozenset(read_kept_off(configuration)),
        origin=root.get("update-origin", ""),
        root=root,
    )


def _managed(read: Snapshot) -> dict[ResourceId, tuple[Instance, ...]]:
    """The instances, with whether the cluster acts on them: not on what somebody has taken out of its hands."""
    return {
        resource: tuple(
            instance if free and not read.nodes[instance.node].maintenance else replace(instance, managed=False)
            for instance in instances
        )
        for resource, instances in read.instances.items()
        for free in (not read.maintenance and read.is_managed(resource),)
    }


def _as_seen(read: Snapshot, view: View, doubt: Doubt) -> Snapshot:
    """The Snapshot with Pacemaker's own word where there was doubt."""
    nodes = merged_nodes(read.nodes, view)
    resources = merged_resources(read.resources, nodes, view) if doubt.everything else read.resources
    return replace(
        read,
        nodes=nodes,
        resources=resources,
        instances=merged_instances(read.instances, resources, view, doubt),
        dc=read.dc if read.dc in nodes else None,
    )


def _not_a_cib(why: str, document: bytes) -> ToolOutput:
    return ToolOutput(
        f"cibadmin: what it printed is no CIB: {why}.",
        hint="Is it Pacemaker's own program, and is its version 2.1 or newer?",
        output=document[:300].decode(errors="replace"),
    )


def _read_nodes(
    root: ET.Element, configuration: ET.Element, *, fencing: bool
) -> tuple[dict[str, NodeName], dict[NodeName, Node]]:
    """The names of the nodes by id (several may have one name), and the nodes; one that is configured comes first."""
    configured = {element.get("id", ""): element for element in configuration.iterfind("nodes/node")}
    states = {element.get("id", ""): element for element in root.iterfind("status/node_state")}
    connections = _connections(states)
    marks = read_marks(configuration)
    hosts = hosts_of_replicas(root)
    names: dict[str, NodeName] = {}
    nodes: dict[NodeName, Node] = {}
    for node_id in [*configured, *(i for i in states if i not in configured)]:
        node = _node(node_id, configured.get(node_id), states.get(node_id), connections, fencing=fencing)
        names[node_id] = node.name
        nodes.setdefault(node.name, replace(node, marks=marks.get(node.name, {}), host=hosts.get(node.name)))
    return names, nodes


def _connections(states: Mapping[str, ET.Element]) -> dict[str, bool]:
    """The remote nodes by name, also guests and those inside bundles: whether the connection to each is up."""
    up: dict[str, bool] = {}
    for state in states.values():
        for history in state.iterfind("lrm/lrm_resources/lrm_resource[@type='remote'][@provider='pacemaker']"):
            name = history.get("id", "")
            found = read_instance(history, ResourceId(name), NodeName(""), promotable=False)
            up[name] = up.get(name, False) or (found is not None and found.settled)
    return up


def _node(
    node_id: str,
    configured: ET.Element | None,
    state: ET.Element | None,
    connections: Mapping[str, bool],
    *,
    fencing: bool,
) -> Node:
    attributes = plain_values(configured, "instance_attributes") if configured is not None else {}
    volatile = state.find("transient_attributes") if state is not None else None
    transient = plain_values(volatile, "instance_attributes") if volatile is not None else {}
    names = [element.get("uname") for element in (configured, state) if element is not None]
    name = next((name for name in names if name), node_id)
    remote = name in connections or _is_remote(configured, state)
    online, pending, unclean = (
        (connections.get(name, False), False, False) if remote else _presence(state, fencing=fencing)
    )
    return Node(
        name=NodeName(name),
        id=node_id,
        kind="remote" if remote else "member",
        online=online,
        pending=pending,
        unclean=unclean,
        standby=is_true(transient.get("standby", attributes.get("standby"))),
        maintenance=is_true(transient.get("maintenance", attributes.get("maintenance"))) or _maintained(state),
        attributes=attributes,
        transient=transient,
        marks={},
        joining=pending,
    )


def _is_remote(configured: ET.Element | None, state: ET.Element | None) -> bool:
    if configured is not None and configured.get("type", "member") in {"remote", "ping"}:
        return True
    return state is not None and is_true(state.get("remote_node"))


def _maintained(state: ET.Element | None) -> bool:
    # A remote node carries it in its state: what its connection resource was told.
    return state is not None and is_true(state.get("node_in_maintenance")) and is_true(state.get("remote_node"))


def _presence(state: ET.Element | None, *, fencing: bool) -> tuple[bool, bool, bool]:
    """Online, pending, unclean: `determine_online_status_fencing` of lib/pengine/unpack.c in short."""
    if state is None:
        # Never seen. With fencing, Pacemaker does not trust such a node (startup-fencing).
        return False, False, fencing
    member, peer = _since(state.get("in_ccm")), _since(state.get("crmd"))
    joined = state.get("join") == "member"
    if member and peer and joined:
        return True, False, False
    expected = state.get("expected") == "member"
    if member and (peer or not expected):
        return False, True, False
    return False, False, fencing and (expected or member or state.get("join") == "member")


def _since(value: str | None) -> bool:
    # Until feature set 3.18 `true` and `online`; from then on the second since when, or 0.
    if value in {"true", "online"}:
        return True
    return number(value) > 0


def _told(histories: list[History], names: Mapping[str, NodeName]) -> Iterator[tuple[ResourceId, NodeName]]:
    for state, history in histories:
        # A probe under way has not told anything yet.
        if any(op.get("operation") != "monitor" or op.get("op-status") != "-1" for op in history):
            yield ResourceId(history.get("id", "").split(":", 1)[0]), names[state.get("id", "")]


def _all_of_it(
    root: ET.Element, names: Mapping[str, NodeName], resources: Mapping[ResourceId, Resource]
) -> Iterator[tuple[ResourceId, NodeName]]:
    """Where a cluster does not probe, a node says what it runs as it joins; what it does not name, it does not run."""
    joined = [
        names[state.get("id", "")] for state in root.iterfind("status/node_state") if state.find("lrm") is not None
    ]
    return ((resource, node) for resource in resources for node in joined)


def _read_instances(
    histories: list[History],
    names: Mapping[str, NodeName],
    nodes: Mapping[NodeName, Node],
    resources: Mapping[ResourceId, Resource],
) -> dict[ResourceId, tuple[Instance, ...]]:
    promotable = {resource_id: _promotable(resources, resource_id) for resource_id in resources}
    instances: dict[ResourceId, list[Instance]] = {}
    for state, history in histories:
        node = nodes[names[state.get("id", "")]]
        if not node.online and not node.unclean:
            continue  # a cleanly stopped node runs nothing, whatever its old history says
        resource = ResourceId(history.get("id", "").split(":", 1)[0])
        if resource not in resources:
            continue
        found = read_instance(history, resource, node.name, promotable=promotable[resource])
        if found is not None:
            instances.setdefault(resource, []).append(found)
    return {resource: tuple(found) for resource, found in instances.items()}


def _promotable(resources: Mapping[ResourceId, Resource], resource: ResourceId) -> bool:
    at: ResourceId | None = resource
    while at is not None:
        if is_true(resources[at].meta.get("promotable")):
            return True
        at = resources[at].parent
    return False
