"""Revisions and reports: what an instance was started with, and what its node has. Pure.

A **report** is a mark on a node (`cluster/marks.py`), `pacewright-config-<primitive>`, with the value
`FINGERPRINT@CHANGED`: "my config for this service is in place, it has this fingerprint, and it last changed then (by
my clock)". Only the node itself writes it.

A **revision** is the value of the instance attribute `pacewright_revision` in the primitive's definition:
`FINGERPRINT`, `FINGERPRINT+TOKEN` after a restart that was asked for, or `TOKEN` where no config is known.

An instance is **fresh** if its revision has the fingerprint that its node has reported, or if it began after the config
last changed (both by that node's clock); otherwise it is **stale**, and a restart is **owed**.

From the commit of a new revision until the start was seen, a mark `pacewright-begun-<primitive>` stands on the node. A
controller that dies in between forgets the instance's history, and the probe that follows takes it for one that was
started with the new definition. Only the mark tells then that nobody saw it restart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pacewright.cluster import Instance, NodeName, ResourceId, SetRevision, Snapshot
from pacewright.cluster.values import moment
from pacewright.node.fingerprint import Inputs
from pacewright.service.target import Target

__all__ = [
    "BEGUN",
    "ONCE",
    "OWED",
    "REPORT",
    "Debt",
    "Report",
    "begun_on",
    "debts",
    "fingerprint_in",
    "owed_on",
    "redefined",
    "reported",
    "revision_of",
    "stale",
    "stale_with",
    "still_owed",
    "token_time",
    "unproven",
    "unreported",
]

REPORT = "pacewright-config-"
OWED = "pacewright-owed-"
"""A mark of this name and a primitive's id holds the revision of a restart that is due there."""
BEGUN = "pacewright-begun-"
"""A mark of this name and a primitive's id holds `KEY@NODE`, until the next start was seen: the key of the run that a
commit has put an end to, and from which node that was written."""

ONCE = "once-"
"""How a fingerprint begins that stands for a change whose inputs nobody knows: this, and a token."""

_TOKEN_TIME = "%Y%m%dT%H%M%SZ"  # noqa: S105 - a format


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A node saying "my config for this service is in place".

    Attributes:
        fingerprint: of the config.
        changed: when it last changed, in seconds since the epoch by that node's clock.
        seen: what ran there then had begun since, though its revision names another one. A probe may hide that later.
    """

    fingerprint: str
    changed: float
    seen: bool = False

    def __str__(self) -> str:
        """The attribute's value."""
        return f"{self.fingerprint}@{self.changed:.3f}{'@seen' if self.seen else ''}"

    @classmethod
    def read(cls, value: str | None) -> Report | None:
        """From the attribute's value; None if there is none, or somebody has spoilt it (then it is as not reported)."""
        fingerprint, at, rest = (value or "").partition("@")
        said, _, seen = rest.partition("@")
        changed = moment(said)
        if not fingerprint or not at or changed is None:
            return None
        return cls(fingerprint=fingerprint, changed=changed, seen=bool(seen))


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """A restart that is due and not yet done.

    Attributes:
        since: seconds since the epoch; None if not known.
        reason: why it is due.
        hindrance: why it cannot be paid now; empty if it can.
    """

    primitive: ResourceId
    node: NodeName
    since: float | None
    reason: str
    hindrance: str


def reported(primitive: ResourceId, node: NodeName, snapshot: Snapshot) -> Report | None:
    """What a node has reported for a primitive; for a replica of a bundle its host. None if nothing."""
    found = snapshot.nodes.get(snapshot.home(node))
    return Report.read(found.marks.get(REPORT + primitive)) if found is not None else None


def owed_on(primitive: ResourceId, node: NodeName, snapshot: Snapshot) -> str | None:
    """The revision of a restart that was asked for and is due for a primitive on a node."""
    return snapshot.nodes[node].marks.get(OWED + primitive)


def begun_on(primitive: ResourceId, node: NodeName, snapshot: Snapshot) -> tuple[str, NodeName] | None:
    """A restart there whose start was not seen yet: the key of the run that was to end, and who wrote it."""
    key, _, by = (snapshot.nodes[node].marks.get(BEGUN + primitive) or "").partition("@")
    return (key, NodeName(by)) if key else None


def revision_of(fingerprint: str | None, token: str | None) -> str:
    """The revision of a config, started because of a token (or not)."""
    return "+".join(part for part in (fingerprint, token) if part)


def redefined(
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


def stale(instance: Instance, snapshot: Snapshot) -> bool:
    """True if a running instance does not run the config that its node has reported."""
    report = reported(instance.resource, instance.node, snapshot)
    return report is not None and stale_with(instance, report, snapshot)


def stale_with(instance: Instance, report: Report, snapshot: Snapshot) -> bool:
    """True if a running instance would be stale with that report of its node."""
    if instance.run is None:
        return False
    fingerprint = fingerprint_in(snapshot.resources[instance.resource].revision_on(instance.node))
    if fingerprint == report.fingerprint:
        return False
    if report.seen and instance.run.started is None:
        return False  # what hides its start now had not hidden it then
    began = began_after(instance, snapshot)
    return began is None or began <= report.changed


def began_after(instance: Instance, snapshot: Snapshot) -> float | None:
    """A moment since which an instance's present run has begun, in seconds since the epoch; None if nothing tells.

    Where a probe or a promote hides its start, the token in its revision tells when a restart was asked for which was
    seen to be done (no mark says that it is only begun). A token from the future is a clock's fault and tells nothing.
    """
    run = instance.run
    if run is None or run.started is not None:
        return run.started if run is not None else None
    asked = token_time(snapshot.resources[instance.resource].revision_on(instance.node) or "")
    begun = begun_on(instance.resource, instance.node, snapshot)
    return asked if asked is not None and begun is None and run.since is not None and asked <= run.since else None


def unproven(instance: Instance, snapshot: Snapshot) -> bool:
    """True if its restart was committed, nobody saw it start, and a probe has hidden since whether it did."""
    begun = begun_on(instance.resource, instance.node, snapshot)
    run = instance.run
    return begun is not None and run is not None and run.operation == "monitor" and run.key != begun[0]


def still_owed(instance: Instance, snapshot: Snapshot) -> str | None:
    """The revision of a restart that was asked for and is due for an instance.

    None also if it has started anew since that restart was begun, whoever let it: a hold that ended by itself, too.
    """
    begun = begun_on(instance.resource, instance.node, snapshot)
    run = instance.run
    anew = begun is not None and run is not None and run.key != begun[0] and run.started is not None
    return None if anew else owed_on(instance.resource, instance.node, snapshot)


def debts(target: Target, snapshot: Snapshot) -> Iterator[Debt]:
    """Every restart that is due for a service, by node."""
    for instance in snapshot.instances_of(target.resource):
        if instance.resource not in target.primitives or not instance.role.active:
            continue
        token = still_owed(instance, snapshot)
        report = reported(instance.resource, instance.node, snapshot)
        if report is not None and stale(instance, snapshot):
            reason, since = "it runs an older config than its node has reported", report.changed or None
        elif token is not None:
            reason, since = "a restart was asked for", token_time(token)
        elif unproven(instance, snapshot):
            reason, since = "its restart was begun, and nobody saw it start", None
        else:
            continue
        node = snapshot.nodes[instance.node]
        why = node.why_not or ("in maintenance" if node.maintenance else "")
        yield Debt(primitive=instance.resource, node=instance.node, since=since, reason=reason, hindrance=why)


def unreported(target: Target, node: NodeName, inputs: Inputs, snapshot: Snapshot) -> Iterator[Debt]:
    """What is due on this node because its config has changed since it was reported, or was never reported."""
    for instance in snapshot.instances_of(target.resource):
        if instance.resource not in target.primitives or snapshot.home(instance.node) != node or instance.run is None:
            continue
        report = reported(instance.resource, node, snapshot)
        began = began_after(instance, snapshot)
        known = report.fingerprint if report is not None else None
        fresh = began is not None and began > inputs.changed
        if known != inputs.fingerprint and not fresh:
            reason = "its config has changed and was not reported"
            yield Debt(
                primitive=instance.resource, node=instance.node, since=inputs.changed, reason=reason, hindrance=""
            )


def token_time(token: str) -> float | None:
    """When a token was made, in seconds since the epoch."""
    stamp = token.rpartition("+")[2].partition("-")[0]
    try:
        return moment(datetime.strptime(stamp, _TOKEN_TIME).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def fingerprint_in(revision: str | None) -> str | None:
    """The fingerprint in a revision; None where no config was known (no revision, or a restart's token alone)."""
    head = (revision or "").partition("+")[0]
    return head if head and token_time(head) is None else None
