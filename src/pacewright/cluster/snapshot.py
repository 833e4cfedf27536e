"""Snapshot: everything we know of a cluster at one moment, frozen, from one read of its CIB."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping

from pacewright.cluster.cib.values import is_true
from pacewright.cluster.names import Agent, Kind, NodeName, ResourceId, Role, Version
from pacewright.frozen import field, frozen

__all__ = ["Constraint", "Failure", "Instance", "Node", "Resource", "Run", "Snapshot"]


@frozen
class Node:
    """A node as the cluster sees it.

    Attributes:
        id: its number (or a remote node's name).
        kind: `member`, or `remote` (pacemaker_remote, and the nodes inside bundles).
        online: it takes part and can run resources, as far as being there goes.
        pending: it is in the membership, but its controller has not joined yet.
        joining: as its state says, its controller has not joined; without fencing Pacemaker calls that offline.
        unclean: it failed and is not fenced yet.
        standby, maintenance: as somebody set them for this node.
        attributes: its permanent attributes (in the configuration).
        transient: its transient attributes (lost when its Pacemaker stops).
        marks: what we have written down about it (`marks.py`).
        host: of a bundle's replica, the node that runs its container, or has run it last; None of every other node.
    """

    name: NodeName
    id: str
    kind: str
    online: bool
    pending: bool
    unclean: bool
    standby: bool
    maintenance: bool
    attributes: Mapping[str, str]
    transient: Mapping[str, str]
    marks: Mapping[str, str]
    joining: bool = False
    host: NodeName | None = None

    @property
    def may_run(self) -> bool:
        """True if the cluster would start resources there: online, not standby, not unclean."""
        return self.online and not self.standby and not self.unclean

    @property
    def why_not(self) -> str:
        """Why the cluster starts nothing there, in a word; empty if it would."""
        for reason, holds in (
            ("unclean", self.unclean),
            ("pending", self.pending),
            ("offline", not self.online),
            ("standby", self.standby),
        ):
            if holds:
                return reason
        return ""


@frozen
class Resource:
    """A resource's definition.

    Attributes:
        parent: the group, clone or bundle around it.
        children: what it holds, in order; empty for a primitive.
        agent: what runs it; None for anything but a primitive.
        meta: its own meta attributes, without those that a rule guards.
        parameters: its own instance attributes without a rule.
        revision: our `pacewright_revision` without a rule; None if it has none.
        node_revisions: our revisions for single nodes, which win over `revision`.
        timeouts: seconds for `start`, `stop`, ... as far as its operations say.
        target_role: what somebody has set for it, in Pacemaker's reading of sets, rules and defaults; empty for
            nothing, None if Pacemaker need not be asked: then `Snapshot.target_role` reads it.
        managed: the same of `is-managed` and `maintenance`.
    """

    id: ResourceId
    kind: Kind
    parent: ResourceId | None
    children: tuple[ResourceId, ...] = ()
    agent: Agent | None = None
    meta: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    revision: str | None = None
    node_revisions: Mapping[NodeName, str] = field(default_factory=dict)
    timeouts: Mapping[str, float] = field(default_factory=dict)
    target_role: str | None = None
    managed: bool | None = None

    def revision_on(self, node: NodeName) -> str | None:
        """The revision that an instance starting on that node would get."""
        return self.node_revisions.get(node, self.revision)


@frozen
class Run:
    """One life of an instance, from a start to a stop.

    Attributes:
        key: Pacemaker's transition key of the operation that began it; no two runs share one.
        digest: digest of the definition that it was started with (`op-digest`).
        operation: what began it: `start`, `promote`, `demote`, `monitor` (found running), ...
        since: when, in seconds since the epoch by that node's clock; None if Pacemaker does not say.
    """

    key: str
    digest: str
    operation: str
    since: float | None

    @property
    def started(self) -> float | None:
        """When it was started; None if something later hides that (a promote, a demote, or a new probe)."""
        return self.since if self.operation in {"start", "migrate_from"} else None


@frozen
class Failure:
    """The last operation of an instance that failed.

    Attributes:
        operation: `start`, `monitor`, ...
        code: the agent's exit code (OCF).
        reason: what the agent said, or what Pacemaker thinks of it; may be empty.
        at: seconds since the epoch by that node's clock; None if not recorded.
        key: the transition key of the operation; no two share one.
    """

    operation: str
    code: int
    reason: str
    at: float | None
    key: str

    def __str__(self) -> str:
        """One phrase: `start failed (rc 1): the config is wrong`."""
        return f"{self.operation} failed (rc {self.code})" + (f": {self.reason}" if self.reason else "")


@frozen
class Instance:
    """A primitive's copy on one node: active, under way, or failed there.

    Attributes:
        resource: the primitive's id (without `:0`).
        name: as the node's history has it (`web`, or `web:0` in a globally unique clone).
        role: what it is as far as finished operations tell.
        operation: what is being done to it now (`start`, `stop`, `promote`, ...); None when nothing.
        operation_key: the transition key of that; empty when nothing is being done.
        run: its current life; None when it is stopped.
        failed: it has failed, and that was neither excused (`ignored`), nor forgotten, nor recovered from.
        failure: the last failure still on record, also when it has recovered since.
        ignored: it has failed, and its definition says not to mind (`on-fail=ignore`).
        blocked: the cluster does nothing with it until somebody has looked at it.
        managed: the cluster acts on it there.
    """

    resource: ResourceId
    name: str
    node: NodeName
    role: Role
    operation: str | None
    operation_key: str
    run: Run | None
    failed: bool
    failure: Failure | None
    ignored: bool = False
    blocked: bool = False
    managed: bool = True

    @property
    def unexcused(self) -> Failure | None:
        """The failure, if Pacemaker was not told to ignore it."""
        return None if self.ignored else self.failure

    @property
    def settled(self) -> bool:
        """Active, nothing under way, not failed."""
        return self.role.active and self.operation is None and not self.failed

    @property
    def state(self) -> str:
        """One word for people: Started, Promoted, starting, stopping, failed, ..."""
        words = {"start": "starting", "stop": "stopping", "promote": "promoting", "demote": "demoting"}
        if self.operation is not None:
            return words.get(self.operation, "migrating")
        return "failed" if self.failed else self.role.value


@frozen
class Constraint:
    """A constraint, as far as we need to know it.

    Attributes:
        kind: `location`, `order`, `colocation` or `ticket`.
        resources: the ids it speaks of.
        text: its attributes as written, for messages.
    """

    id: str
    kind: str
    resources: tuple[ResourceId, ...]
    text: str


@frozen
class Snapshot:
    """A cluster at one moment.

    Attributes:
        version: of the CIB it was read from; a commit based on it is refused once this has changed.
        cluster: the cluster's name; empty if it has none.
        quorate: this partition may act.
        dc: the designated controller; None while there is none.
        maintenance: the whole cluster is in maintenance mode.
        fencing: `stonith-enabled`.
        resource_defaults: `rsc_defaults` without a rule.
        nodes, resources: by name, in the CIB's order.
        instances: those that are active, under way or failed, by primitive.
        told: where the history of a primitive is known: one that is told of and has no instance there is stopped
            there. After its controller was restarted, a node is silent until it has probed again (see `silent`).
        constraints: all of them.
        holds: our own holds, by what they keep stopped (and where), with the moment at which each expires by itself.
        gates: our own gates: the nodes on which a resource may run, by the resource.
        kept_off: single instances that were stopped for good, by us: the clone, and the node that it is kept off.
        origin: the node that the last change came from, as Pacemaker notes it; empty if it does not say.
        root: the CIB itself. Nobody may change it: `Change.apply` works on a copy.
    """

    version: Version
    feature_set: str
    cluster: str
    quorate: bool
    dc: NodeName | None
    maintenance: bool
    fencing: bool
    resource_defaults: Mapping[str, str]
    nodes: Mapping[NodeName, Node]
    resources: Mapping[ResourceId, Resource]
    instances: Mapping[ResourceId, tuple[Instance, ...]]
    told: frozenset[tuple[ResourceId, NodeName]]
    constraints: tuple[Constraint, ...]
    holds: Mapping[tuple[ResourceId, NodeName | None], float]
    gates: Mapping[ResourceId, frozenset[NodeName]]
    kept_off: frozenset[tuple[ResourceId, NodeName]] = frozenset()
    origin: str
    root: ET.Element = field(repr=False, compare=False)

    def ancestors(self, resource: ResourceId) -> Iterator[Resource]:
        """The resource itself, then what is around it, outwards."""
        at: ResourceId | None = resource
        while at is not None:
            found = self.resources[at]
            yield found
            at = found.parent

    def top(self, resource: ResourceId) -> Resource:
        """The outermost group, clone or bundle around a resource; itself if there is none."""
        return list(self.ancestors(resource))[-1]

    def primitives(self, resource: ResourceId) -> tuple[ResourceId, ...]:
        """The primitives that a resource consists of, in order."""
        found = self.resources[resource]
        if found.kind is Kind.PRIMITIVE:
            return (resource,)
        return tuple(inner for child in found.children for inner in self.primitives(child))

    def in_bundle(self, resource: ResourceId) -> bool:
        """True if a resource runs in the containers of a bundle, on nodes of their own."""
        many = self.clone_of(resource)
        return many is not None and many.kind is Kind.BUNDLE

    def home(self, node: NodeName) -> NodeName:
        """The node whose config an instance there has: of a bundle's replica its host, else the node itself."""
        found = self.nodes.get(node)
        return node if found is None or found.host is None else found.host

    def silent(self, resource: ResourceId, node: NodeName) -> bool:
        """True if nobody knows whether a primitive runs there: the controller has not joined, or has not probed yet."""
        found = self.nodes.get(node)
        if found is None or (self.in_bundle(resource) and found.kind != "remote"):
            return False  # what is in a bundle runs on the bundle's own nodes
        return found.pending or found.joining or (found.online and (resource, node) not in self.told)

    def instances_of(self, resource: ResourceId) -> tuple[Instance, ...]:
        """The instances of every primitive in a resource, by node's name."""
        found = (i for primitive in self.primitives(resource) for i in self.instances.get(primitive, ()))
        return tuple(sorted(found, key=lambda instance: (instance.node, instance.resource)))

    def meta(self, resource: ResourceId, name: str) -> str | None:
        """A meta attribute as Pacemaker would see it: own, then inherited, then by default."""
        for found in self.ancestors(resource):
            if name in found.meta:
                return found.meta[name]
        return self.resource_defaults.get(name)

    def target_role(self, resource: ResourceId) -> str:
        """The role that somebody has set for a resource (`Started`, `Stopped`, ...); empty if nobody has."""
        told = self.resources[resource].target_role
        if any((found.id, None) in self.holds for found in self.ancestors(resource)):
            told = None  # Pacemaker's word has our own hold in it, which nobody has set
        return told if told is not None else self.meta(resource, "target-role") or ""

    def is_managed(self, resource: ResourceId) -> bool:
        """False if its definition takes a resource out of the cluster's hands (`is-managed`, `maintenance`)."""
        told = self.resources[resource].managed
        if told is not None:
            return told
        managed = is_true(self.meta(resource, "is-managed"), default=True)
        return managed and not is_true(self.meta(resource, "maintenance"))

    def clone_of(self, resource: ResourceId) -> Resource | None:
        """The clone or bundle that makes this resource run on several nodes; None if nothing does."""
        many = (r for r in self.ancestors(resource) if r.kind in {Kind.CLONE, Kind.BUNDLE})
        return next(many, None)

    def promotable(self, resource: ResourceId) -> bool:
        """True if its instances have the roles Promoted and Unpromoted."""
        return any(is_true(found.meta.get("promotable")) for found in self.ancestors(resource))
