"""Debts: which restarts are due, and why. Pure.

An instance is **fresh** if its revision has the fingerprint that its node has reported, or if it began after the config
last changed (both by that node's clock); otherwise it is **stale**, and a restart is **owed**. So it is where one was
asked for, and where one was begun and nobody saw it start.

From the commit of a new revision until the start was seen, a mark stands on the node (`Begun`). A controller that dies
in between forgets the instance's history, and the probe that follows takes it for one that was started with the new
definition. Only the mark tells then that nobody saw it restart.
"""

from __future__ import annotations

from collections.abc import Iterator

from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Instance, Snapshot
from pacewright.frozen import frozen
from pacewright.node.fingerprint import Inputs
from pacewright.service.ledger.record import Report, begun_on, owed_on, reported
from pacewright.service.ledger.revision import Revision
from pacewright.service.lookup import Target

__all__ = ["Debt", "began_after", "debts", "stale", "stale_with", "still_owed", "unproven", "unreported"]


@frozen
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


def stale(instance: Instance, snapshot: Snapshot) -> bool:
    """True if a running instance does not run the config that its node has reported."""
    report = reported(instance.resource, instance.node, snapshot)
    return report is not None and stale_with(instance, report, snapshot)


def stale_with(instance: Instance, report: Report, snapshot: Snapshot) -> bool:
    """True if a running instance would be stale with that report of its node."""
    if instance.run is None:
        return False
    fingerprint = _revision(instance, snapshot).fingerprint
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
    asked = _revision(instance, snapshot).asked
    begun = begun_on(instance.resource, instance.node, snapshot)
    return asked if asked is not None and begun is None and run.since is not None and asked <= run.since else None


def unproven(instance: Instance, snapshot: Snapshot) -> bool:
    """True if its restart was committed, nobody saw it start, and a probe has hidden since whether it did."""
    begun = begun_on(instance.resource, instance.node, snapshot)
    run = instance.run
    return begun is not None and run is not None and run.operation == "monitor" and run.key != begun.key


def still_owed(instance: Instance, snapshot: Snapshot) -> str | None:
    """The revision of a restart that was asked for and is due for an instance.

    None also if it has started anew since that restart was begun, whoever let it: a hold that ended by itself, too.
    """
    begun = begun_on(instance.resource, instance.node, snapshot)
    run = instance.run
    anew = begun is not None and run is not None and run.key != begun.key and run.started is not None
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
            reason, since = "a restart was asked for", Revision.read(token).asked
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


def _revision(instance: Instance, snapshot: Snapshot) -> Revision:
    return Revision.read(snapshot.resources[instance.resource].revision_on(instance.node))
