"""A node's own report: "my config for this service is in place". What it writes into the cluster. Pure.

`record.py` tells what a report is, `debts.py` what follows from it. With it goes, in the same commit: that the node is
let in where the service has a gate, and that nobody needs to miss its report any longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pacewright.cluster.edits.change import Edit, SetMark, SetRevision
from pacewright.cluster.edits.gate import SetGate
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Instance, Snapshot
from pacewright.frozen import frozen, replace
from pacewright.service.ledger.debts import began_after, stale_with, still_owed
from pacewright.service.ledger.owed import noted_on
from pacewright.service.ledger.record import MISSED, READY, REPORT, Ready, Report, ready_at, reported
from pacewright.service.ledger.revision import Revision
from pacewright.service.lookup import Target

__all__ = ["OwnReport", "own_report", "seen_to_run"]


@frozen
class OwnReport:
    """What this node has to say.

    Attributes:
        node: this node.
        report: its config; None if nothing is known of it.
        found: what it had reported when the call began. A call reports once, so that two calls on one node, which have
            read its config at different times, do not overwrite each other without end.
        gate: the service runs only on nodes that have reported.
        ready: that the run on this node has come to the service, for others that wait at its barrier; None if that is
            said otherwise, or not at all.
        since: an instance here that began before then is due whatever its config says: something else that it depends
            on has changed (its program, a library); None if nothing has.
        token: what notes that.
        arrived: this node's run has come to the service, so it is let in and missed no longer; False for what is only
            read from its disk, which may be a config that its run has not renewed yet.
    """

    node: NodeName
    report: Report | None
    found: Mapping[ResourceId, Report | None]
    gate: bool = False
    ready: Ready | None = None
    since: float | None = None
    token: str = ""
    arrived: bool = True

    def makes_due(self, target: Target, snapshot: Snapshot) -> bool:
        """True if what runs on this node is to be restarted for what it has to say."""
        return self.makes_stale(target, snapshot) or any(True for _ in self._asked(target, snapshot))

    def makes_stale(self, target: Target, snapshot: Snapshot) -> bool:
        """True if what runs on this node is older than what it has to report, and has not reported before."""
        mine = (i for i in snapshot.instances_of(target.resource) if snapshot.home(i.node) == self.node)
        return any(self._news(i, snapshot) for i in mine if i.resource in target.primitives)

    def _news(self, instance: Instance, snapshot: Snapshot) -> bool:
        before = reported(instance.resource, self.node, snapshot)
        if self.report is None or (before is not None and before.fingerprint == self.report.fingerprint):
            return False
        if before is not None and self._overtaken(instance.resource, before):
            return False
        return stale_with(instance, self.report, snapshot)

    def edits(self, target: Target, snapshot: Snapshot) -> Iterator[Edit]:
        """What is not in the cluster yet."""
        for primitive in target.primitives if self.report is not None else ():
            yield from self._of(primitive, snapshot)
        yield from self._asked(target, snapshot)
        if not self.arrived:
            return
        if MISSED + target.outermost in snapshot.nodes[self.node].marks:
            yield SetMark(node=self.node, name=MISSED + target.outermost, value=None)
        yield from self._ready(target, snapshot)
        yield from self._let_in(target, snapshot)

    def _ready(self, target: Target, snapshot: Snapshot) -> Iterator[Edit]:
        before = ready_at(target.outermost, snapshot).get(self.node)
        ready = self.ready
        if ready is not None and before is not None:
            if ready.wave == before.wave and (ready.wave or round(ready.at) <= before.at):
                return
            ready = replace(ready, wave=ready.wave or before.wave, until=max(ready.until, before.until))
        if ready is not None:
            yield SetMark(node=self.node, name=READY + target.outermost, value=str(ready))

    def _asked(self, target: Target, snapshot: Snapshot) -> Iterator[Edit]:
        """The notes of restarts that are due though the revision says that it runs this config, or whatever it runs."""
        if not self.token:
            return
        stale = self.makes_stale(target, snapshot)
        for instance in snapshot.instances_of(target.resource):
            mine = snapshot.home(instance.node) == self.node and instance.resource in target.primitives
            if not mine or not instance.role.active:
                continue
            # A promote hides when it was started, which was not later.
            began = instance.run.since if instance.run is not None else None
            other = not stale and self.since is not None and (began is None or began < self.since)
            if (other and still_owed(instance, snapshot) is None) or self._ran_between(instance, snapshot, stale=stale):
                yield from noted_on(instance.resource, instance.node, self.token, snapshot)

    def _ran_between(self, instance: Instance, snapshot: Snapshot, *, stale: bool) -> bool:
        """True if it began with the config that was reported before, and its revision names another one.

        Then it would pass for fresh once the config is again what the revision names: by this report, or by a later one
        where this one makes it stale. Where nothing tells when it began, it may have.
        """
        before = reported(instance.resource, self.node, snapshot)
        if self.report is None or before is None or before.fingerprint == self.report.fingerprint:
            return False
        if self._overtaken(instance.resource, before):
            return False
        began = began_after(instance, snapshot)
        if began is None:
            return not stale
        named = Revision.read(snapshot.resources[instance.resource].revision_on(instance.node)).fingerprint
        return before.changed < began <= self.report.changed and named != before.fingerprint

    def _of(self, primitive: ResourceId, snapshot: Snapshot) -> Iterator[Edit]:
        before = reported(primitive, self.node, snapshot)
        if self.report is None or (before is not None and before.fingerprint == self.report.fingerprint):
            return
        if before is not None and self._overtaken(primitive, before):
            return
        resource = snapshot.resources[primitive]
        here = [i for i in snapshot.instances.get(primitive, ()) if snapshot.home(i.node) == self.node]
        seen = _only_its_start_tells(primitive, self.node, self.report, snapshot)
        yield SetMark(node=self.node, name=REPORT + primitive, value=str(replace(self.report, seen=seen)))
        idle = not any(i.role.active or i.operation for i in here) and not snapshot.silent(primitive, self.node)
        idle = idle and not snapshot.in_bundle(primitive)  # which replica will be here one day, nobody knows
        if idle and resource.revision_on(self.node) != self.report.fingerprint:
            # Nothing runs here, so it costs nothing to say at once with what it will start.
            nodes = {**resource.node_revisions, self.node: self.report.fingerprint}
            yield SetRevision(resource=primitive, default=resource.revision, nodes=nodes)

    def _overtaken(self, primitive: ResourceId, now: Report) -> bool:
        """True if another call on this node has reported a newer config than this one read when it began."""
        return self.report is not None and now != self.found.get(primitive) and now.changed > self.report.changed

    def _let_in(self, target: Target, snapshot: Snapshot) -> Iterator[Edit]:
        gate = snapshot.gates.get(target.outermost)
        if not self.gate:
            if gate is not None:
                yield SetGate(resource=target.outermost, nodes=None)
            return
        inside = gate
        if inside is None:  # where it runs already, a new gate must not stop it
            found = snapshot.instances_of(target.resource)
            active = {snapshot.home(i.node) for i in found if i.role.active or i.operation}
            known = {n for n in snapshot.nodes if any(reported(p, n, snapshot) for p in target.primitives)}
            inside = frozenset(active | known)
        if gate is None or self.node not in gate:
            yield SetGate(resource=target.outermost, nodes=inside | {self.node})


def seen_to_run(target: Target, snapshot: Snapshot) -> Iterator[SetMark]:
    """Note in the reports what runs them, where nothing but the time of its start tells that: a probe may hide it."""
    for primitive in target.primitives:
        for node in snapshot.nodes:
            report = reported(primitive, node, snapshot) if snapshot.home(node) == node else None
            if report is not None and not report.seen and _only_its_start_tells(primitive, node, report, snapshot):
                yield SetMark(node=node, name=REPORT + primitive, value=str(replace(report, seen=True)))


def _only_its_start_tells(primitive: ResourceId, node: NodeName, report: Report, snapshot: Snapshot) -> bool:
    """True if what runs there is known to have begun with that config, and its revision names another."""
    found = snapshot.instances.get(primitive, ())
    running = [i for i in found if snapshot.home(i.node) == node and i.run is not None]
    named = {Revision.read(snapshot.resources[primitive].revision_on(i.node)).fingerprint for i in running}
    fresh = all(i.settled and not stale_with(i, report, snapshot) for i in running)
    return bool(running) and fresh and named != {report.fingerprint}


def own_report(
    node: NodeName, report: Report | None, target: Target, snapshot: Snapshot, *, gate: bool = False
) -> OwnReport:
    """What a node has to say, as its call finds the cluster."""
    found = {primitive: reported(primitive, node, snapshot) for primitive in target.primitives}
    return OwnReport(node=node, report=report, found=found, gate=gate)
