"""Refresh: every running instance runs the config that its node has reported. The decisions, pure.

What configuration management calls after a change, and what pays whatever is owed. It does not trust events: it
compares what each node has reported with what each instance was started with, so it does not matter who asks, how
often, or whether the call that should have asked was lost.

It goes like a restart, of the instances that are stale and of no others. What is owed needs no note of its own: the
report in the cluster says it, until the definition has the same fingerprint.
"""

from __future__ import annotations

from collections.abc import Iterator

from pacewright.cluster.edits.change import Change, Edit, SetMark
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import NoQuorum, Refused
from pacewright.frozen import frozen, replace
from pacewright.operation.outcome import Outcome
from pacewright.operation.step import Ask, Commit, Done, Fail, Job, Next, Wait
from pacewright.service.ledger.debts import Debt, debts, stale, still_owed, unproven
from pacewright.service.ledger.promoted import has_roles
from pacewright.service.ledger.record import as_noted, owed_on, reported
from pacewright.service.ledger.report import OwnReport
from pacewright.service.ledger.revision import Revision
from pacewright.service.lookup import WHOLE, Target
from pacewright.service.rolling.policy import Policy
from pacewright.service.rolling.restart import Restart
from pacewright.service.rolling.slots import SlotState, left_behind, slots_at
from pacewright.service.rolling.turns import left_to_the_leader
from pacewright.service.status import hindrance

__all__ = ["Refresh", "begin_refresh"]

_AS_USUAL = Policy()
_AT_THE_SAME_TIME = 3.0
"""Seconds within which the runs of several nodes report where they were begun at once."""


def begin_refresh(
    target: Target,
    snapshot: Snapshot,
    planned: Forecast,
    *,
    own: OwnReport | None,
    policy: Policy = _AS_USUAL,
    only_report: bool = False,
) -> Refresh:
    """The refresh of a service, as decided on the snapshot that the call found.

    Args:
        target: the service.
        snapshot: the cluster when the call began.
        planned: what the scheduler would do by itself at that moment.
        own: what this node reports; None to report nothing.
        policy: how it goes.
        only_report: report, and restart nothing.

    Raises:
        NoQuorum: nothing can be written.
    """
    if not snapshot.quorate:
        raise NoQuorum(
            f"{target.name}: not reported: the cluster has no quorum. What is owed stays owed.",
            hint="Run it again when it has; nothing is forgotten, because the config on the disk tells.",
        )
    due = {debt.node for debt in debts(target, snapshot)}
    found = snapshot.instances_of(target.resource)
    due |= {i.node for i in found if i.operation is not None}
    # A restart that another call has committed and the cluster has not begun yet is only in the forecast.
    coming = {a.node for a in planned.actions if a.resource in target.primitives and a.node is not None}
    if own is not None and own.makes_due(target, snapshot):
        due |= {own.node, *(i.node for i in found if snapshot.home(i.node) == own.node)}
    due |= set(left_behind(target, snapshot))
    return Refresh(
        slots=slots_at(target, snapshot, planned, due | coming),
        token="",
        policy=policy,
        own=own,
        only_report=only_report,
    )


@frozen
class Refresh(Restart):
    """A refresh under way.

    Attributes:
        own: what this node reports; None once that is written.
        only_report: restart nothing.
        apart: the report is written by itself, because the first restart cannot be begun with it.
        renewed: where this call has reported another config than was there.
        reported: when it has, in seconds since the epoch; None until then.
    """

    own: OwnReport | None
    only_report: bool
    apart: bool = False
    renewed: NodeName | None = None
    reported: float | None = None

    def decide(self, snapshot: Snapshot, planned: Forecast | None, now: float) -> Next:
        """The next step."""
        if self.own is not None and (edits := tuple(self.own.edits(self.target, snapshot))):
            node = self.own.node
            reported = replace(self, own=None, renewed=node, commits=self.commits + 1, reported=now)
            report = Commit(
                change=Change(edits=edits, reason=f"{node} reports its config for {self.target.name}"),
                job=reported,
                summary=f"{self.target.name}: the config of {node} is reported",
            )
            alone = self.only_report or self.apart or has_roles(self.target, snapshot)
            alone = alone or not all(isinstance(edit, SetMark) for edit in edits)
            return report if alone else _together(report, reported.decide(as_noted(edits, snapshot), planned, now))
        if self.only_report:
            return Done(outcome=self._told(snapshot))
        due = list(debts(self.target, snapshot))
        why = hindrance(self.target, snapshot)
        if due and why:
            return Fail(error=self._put_off(why, due_on=sorted({debt.node for debt in due})))
        again = self._stale_again(snapshot)
        again |= self._broken(snapshot, all_of_them=bool(again or self.slots.before))
        slots = self.slots.including(again, snapshot)
        job = replace(self, slots=slots.without(self._no_longer_due(due, snapshot, planned)))
        if not job.slots.before:
            step = job._leftovers(snapshot) or Done(outcome=self._told(snapshot))  # noqa: SLF001 - itself
            return left_to_the_leader(job, step, {}, snapshot, now)
        step = Restart.decide(job, snapshot, planned, now)
        if isinstance(step, Commit) and job._too_early(step, snapshot, now):  # noqa: SLF001 - itself
            return Wait(reason="reports of other nodes, before what is promoted goes down", job=job)
        return step

    def _too_early(self, step: Commit, snapshot: Snapshot, now: float) -> bool:
        """True if what is promoted would go down first of all, and other nodes' runs may be about to report.

        They come at the same time, or nearly so, and what is promoted is to come last. In a rehearsal nobody comes.
        """
        if self.reported is None or not self.slots.awaits or not 0 <= now - self.reported < _AT_THE_SAME_TIME:
            return False
        return bool(step.places) and all(self.slots.promoted(slot, snapshot) for slot in step.places)

    def examine(self, step: Commit, forecast: Forecast, planned: Forecast | None) -> Commit | Fail | Ask | Wait | Job:
        """As a restart's; but what is reported is written, whatever keeps the first restart from being begun."""
        verdict = Restart.examine(self, step, forecast, planned)
        if self.own is None or self.apart or isinstance(verdict, Ask | Refresh):
            return verdict
        if isinstance(verdict, Commit) and not verdict.in_vain(forecast):
            return verdict
        return replace(self, apart=True)

    def _no_longer_due(self, due: list[Debt], snapshot: Snapshot, planned: Forecast | None) -> set[NodeName]:
        """Slots that are not due any more: a node has reported its old config again, or the cluster has started it.

        What was being started when this call began is old to a restart; here its config counts.
        """
        owing = {WHOLE if self.target.many is None else debt.node for debt in due}
        seen = (self.slots.states(snapshot, None), self.slots.states(snapshot, planned))
        old = {slot for states in seen for slot, state in states.items() if state is SlotState.OLD}
        return old - owing

    def _stale_again(self, snapshot: Snapshot) -> set[NodeName]:
        """Slots that are due and not in this roll yet, or that were restarted in it and have a newer config since."""
        states = self.slots.states(snapshot, None)
        again = set()
        for instance in snapshot.instances_of(self.target.resource):
            if instance.resource not in self.target.primitives or not instance.role.active:
                continue
            slot = WHOLE if self.target.many is None else instance.node
            old = stale(instance, snapshot)
            asked = still_owed(instance, snapshot) is not None or unproven(instance, snapshot)
            if ((old or asked) and slot not in states) or (old and states.get(slot) is SlotState.FRESH):
                again.add(slot)
        return again

    def _broken(self, snapshot: Snapshot, *, all_of_them: bool) -> set[NodeName]:
        """Slots where the service has failed and is down, which are tried again before anything else is restarted.

        Without them a config that is wrong on every node would take one instance after another away, each by the
        call of its own node. Where nothing is to be restarted, only the one whose config this call has renewed.
        """
        found: set[NodeName] = set()
        for instance in snapshot.instances_of(self.target.resource):
            slot = WHOLE if self.target.many is None else instance.node
            if instance.resource not in self.target.primitives or slot in self.slots.before:
                continue
            wanted = all_of_them or snapshot.home(instance.node) == self.renewed
            peers = (i for i in self.slots.instances(slot, snapshot) if i.resource == instance.resource)
            if wanted and instance.unexcused is not None and not any(i.settled or i.operation for i in peers):
                found.add(slot)
        return found

    def _next_revision(self, primitive: ResourceId, node: NodeName, snapshot: Snapshot) -> str:
        report = reported(primitive, node, snapshot)
        fingerprint = report.fingerprint if report is not None else None
        current = snapshot.resources[primitive].revision_on(node)
        wanted = str(Revision(fingerprint=fingerprint))
        owed = Revision.read(owed_on(primitive, node, snapshot)).anew
        return str(Revision(fingerprint=fingerprint, token=owed)) if owed and wanted in {"", current} else wanted

    def owing(
        self, primitive: ResourceId, chosen: tuple[NodeName, ...], old: tuple[NodeName, ...], snapshot: Snapshot
    ) -> Iterator[Edit]:
        """The report says what is owed; only a restart that was asked for leaves a note, which is paid here too."""
        paid = (slot for slot in old if slot in chosen)
        yield from Restart.owing(self, primitive, chosen, tuple(paid), snapshot)

    def _told(self, snapshot: Snapshot) -> Outcome:
        name = self.target.name
        due = sorted({debt.node for debt in debts(self.target, snapshot)})
        if self.only_report:
            lead = "reported" if self.commits else "reported already; nothing was changed"
            tail = f" A restart is owed on {', '.join(due)}." if due else ""
            return Outcome(changed=bool(self.commits), message=f"{name}: {lead}.{tail}")
        lead = "this node's config is reported; " if self.commits else ""
        message = f"{name}: {lead}every running instance runs the config that its node reported; nothing was restarted."
        return Outcome(changed=bool(self.commits), message=message)

    def _put_off(self, why: str, due_on: list[NodeName]) -> Refused:
        return Refused(
            f"{self.target.name}: not restarted: {why}. A restart stays owed on {', '.join(due_on)}.",
            hint="`pacewright reconcile` does it when that is lifted, and so does every later refresh.",
        )


def _together(report: Commit, step: Next) -> Next:
    """The report and the first restart in one commit, where that is the next step; else the report."""
    if isinstance(step, Ask):
        return step
    if not isinstance(step, Commit) or step.foreseen:
        return report
    change = step.change
    reason = f"{report.change.reason}; {change.reason}"
    change = replace(change, edits=(*report.change.edits, *change.edits), reason=reason, quiet=False)
    return replace(step, change=change, summary=f"{report.summary}\n{step.summary}")
