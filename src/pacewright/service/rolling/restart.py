"""Restart: every instance has started after this call. The decisions, pure.

An instance is restarted by a change of its definition: a new revision (DESIGN, idea 1). From the commit on the
cluster does it by itself, so a process that dies has lost nothing. What is still to come is written down with the
first commit, as a mark on the node (`pacewright-owed-<primitive>`), and taken away with the commit that pays it.

An agent that would only reload for a new revision gets a **hold** instead (`holding.py`).
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from functools import partial

from pacewright.cluster.edits.change import Change, Edit, SetMark, SetRevision
from pacewright.cluster.edits.hold import Release
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import OperationFailed, Refused
from pacewright.frozen import field, frozen, replace
from pacewright.operation.collateral import collateral, dependents, down_everywhere, left_without, others_up, replicas
from pacewright.operation.outcome import Outcome
from pacewright.operation.step import Ask, Clean, Commit, Done, Fail, Job, Next, Wait
from pacewright.service.ledger.begun import set_begun
from pacewright.service.ledger.drained import Drained, drained, drains, given_back
from pacewright.service.ledger.owed import crossed_out, noted, stray
from pacewright.service.ledger.promoted import has_roles, set_promoted, with_roles
from pacewright.service.ledger.record import BEGUN, owed_on, reported
from pacewright.service.ledger.report import seen_to_run
from pacewright.service.ledger.revision import Revision
from pacewright.service.lookup import WHOLE, Target
from pacewright.service.rolling.beside import busy_beside, down_meanwhile, newly_held
from pacewright.service.rolling.finished import over
from pacewright.service.rolling.hold import disturbed, hold, let_go, released
from pacewright.service.rolling.policy import Policy
from pacewright.service.rolling.promises import broken_promise
from pacewright.service.rolling.result import awaited, failure, given_up, not_promoted, outcome, unfinished
from pacewright.service.rolling.revisions import renewed
from pacewright.service.rolling.slots import Slots, SlotState, slot_of, slots_at
from pacewright.service.rolling.traffic import drained_first, give_back, in_turn, serving_again
from pacewright.service.rolling.turns import NOBODY, Lead, left_to_the_leader
from pacewright.service.status import hindrance, is_enabled, nothing_runs, refuse_if_hindered

__all__ = ["Restart", "begin_restart"]


_AS_USUAL = Policy()
_NOT_OVER = {SlotState.UNDER_WAY, SlotState.HELD, SlotState.FAILED, SlotState.BROKEN}


def begin_restart(
    target: Target,
    snapshot: Snapshot,
    planned: Forecast,
    *,
    token: str,
    node: NodeName | None = None,
    policy: Policy = _AS_USUAL,
) -> Restart:
    """The restart of a service, as decided on the snapshot that the call found.

    Args:
        target: the service.
        snapshot: the cluster when the call began.
        planned: what the scheduler would do by itself at that moment.
        token: the new revision; nobody else may use it.
        node: only the instance there.
        policy: how it goes.

    Raises:
        Refused: it is stopped, unmanaged, or runs nowhere.
    """
    refuse_if_hindered(target, snapshot, "not restarted")
    if not is_enabled(target, snapshot):
        raise Refused(
            f"{target.name}: not restarted: it is stopped on purpose (target-role=Stopped).",
            hint=f"`pacewright service start {target.name}` starts it.",
        )
    slots = slots_at(target, snapshot, planned, None if node is None else (node,))
    if not slots.before:
        raise Refused(nothing_runs(target, snapshot, node), hint="`pacewright service start` starts it.")
    return Restart(slots=slots, token=token, policy=policy)


@frozen
class Restart:
    """A restart under way.

    Attributes:
        slots: what restarts in one step each.
        token: the new revision.
        policy: how it goes.
        use_hold: the agent would only reload, so instances are held stopped for a moment.
        companions: dependents that restart along, and must be up again in the end.
        felled: dependents that were down on every node, by a step of this roll.
        commits: how many steps of ours were written.
        calm: for what is held until a moment, that moment and the one at which it is let go, whatever follows; None if
            that is not so far. Seconds since the epoch.
        healthy: keys of the runs that were seen healthy.
        lost: slots that failed in a roll that keeps going, with what was seen.
        drained: what this call has drained.
        restored: what this call has given back.
        notes: what else is to be said in the end.
        lead: who writes the steps, this call or another.
        here: this node, if it is in the cluster.
    """

    slots: Slots
    token: str
    policy: Policy
    use_hold: bool = False
    companions: frozenset[ResourceId] = frozenset()
    felled: frozenset[ResourceId] = frozenset()
    commits: int = 0
    calm: tuple[float, float] | None = None
    healthy: frozenset[str] = frozenset()
    lost: Mapping[NodeName, str] = field(default_factory=dict)
    drained: frozenset[Drained] = frozenset()
    restored: frozenset[Drained] = frozenset()
    notes: tuple[str, ...] = ()
    lead: Lead = NOBODY
    here: NodeName | None = None

    @property
    def target(self) -> Target:
        """The service."""
        return self.slots.target

    @property
    def steps(self) -> int:
        """In how many steps it goes."""
        return 1 if self.policy.at_once else len(self.slots.before)

    def rehearsed(self) -> Restart:
        """The same on a copy of the cluster, where nobody else does anything, and no agent sets a promotion score."""
        return replace(self, lead=Lead(mine=True), slots=self.slots.rehearsed())

    def decide(self, snapshot: Snapshot, planned: Forecast | None, now: float) -> Next:
        """The next step."""
        why = hindrance(self.target, snapshot)
        if why:
            return Fail(error=Refused(f"{self.target.name}: restart not finished: {why}."))
        slots = self.slots.including(newly_held(self.slots, snapshot), snapshot)
        if slots is not self.slots:
            return replace(self, slots=slots).decide(snapshot, planned, now)
        states = {s: is_ for s, is_ in self.slots.states(snapshot, planned).items() if s not in self.lost}
        if SlotState.FAILED in states.values() and planned is None:
            return Ask()
        job = replace(self, slots=self.slots.knowing(states, snapshot), lead=self.lead.told(self.slots, snapshot))
        step = job._step(states, snapshot, planned, now)  # noqa: SLF001 - itself
        if isinstance(step, Commit) and (fault := broken_promise(step, job.slots, self.policy, self.lost, snapshot)):
            return Fail(error=fault)
        return left_to_the_leader(job, step, states, snapshot, now)

    def _step(
        self, states: Mapping[NodeName, SlotState], snapshot: Snapshot, planned: Forecast | None, now: float
    ) -> Next:
        def those(*wanted: SlotState) -> list[NodeName]:
            return sorted(slot for slot, is_ in states.items() if is_ in wanted)

        if over := [slot for slot in those(SlotState.HELD) if self.slots.may_be_released(slot, snapshot, now)]:
            return let_go(self, over, snapshot, planned, now)
        for slot in those(SlotState.FAILED):
            error = failure(self.slots, slot, snapshot)
            lost = self.without(slot, error.message)
            return lost.decide(snapshot, planned, now) if self.policy.keeps_going else Fail(error=error)
        waiting = [self.slots.called(slot) for slot in those(SlotState.UNDER_WAY, SlotState.HELD)]
        waiting += [] if self.policy.at_once else busy_beside(self.slots, states, snapshot)
        room = self._room(waiting, those(SlotState.HELD), snapshot)
        if waiting and (room <= 0 or not those(SlotState.OLD)):
            return self._wait(waiting, snapshot, planned)
        for slot in those(SlotState.BROKEN):
            return self._clean(slot, snapshot)
        if planned is None and not self.policy.at_once and has_roles(self.target, snapshot):
            return Ask()  # what has started is not back as long as the cluster is about to promote it
        if step := serving_again(self, states, snapshot):
            return step
        if old := in_turn(self, those(SlotState.OLD), snapshot):
            step = self._restart(old[:room], (*old, *self._later(old, states, snapshot)), snapshot, now)
            if isinstance(step, Commit) and step.places:  # those that are down already count, too
                places = step.places.union(map(NodeName, waiting))
                step = replace(step, places=places, others=others_up(self.target, places, snapshot))
            return step
        return self._finish(those(SlotState.FRESH), snapshot, planned)

    def _room(self, waiting: list[str], held: list[NodeName], snapshot: Snapshot) -> int:
        """How many more may go down; none while the hold on one that has failed is to be taken away."""
        if any(self.slots.stricken(slot, snapshot) for slot in held):
            return 0
        return len(self.slots.before) if self.policy.at_once else self.policy.limit - len(waiting)

    def _wait(self, waiting: list[str], snapshot: Snapshot, planned: Forecast | None) -> Wait | Fail:
        hopeless = not_promoted(self.slots, waiting, snapshot, planned)
        if hopeless is not None:
            return Fail(error=hopeless)
        return Wait(reason=awaited(self.slots, waiting, snapshot), job=self)

    def _later(
        self, old: Container[NodeName], states: Mapping[NodeName, SlotState], snapshot: Snapshot
    ) -> list[NodeName]:
        """What is due and has no turn yet: it cannot be restarted now, or the cluster has something in mind with it."""
        busy = [slot for slot, state in self.slots.states(snapshot, None).items() if state is SlotState.OLD]
        return [s for s in busy if s not in old and s in states] + self.slots.put_off(states, snapshot)

    def without(self, slot: NodeName, seen: str) -> Restart:
        """The roll that goes on though an instance has failed."""
        return replace(self, lost={**self.lost, slot: seen})

    def _restart(self, chosen: tuple[NodeName, ...], old: tuple[NodeName, ...], snapshot: Snapshot, now: float) -> Next:
        """Restart these, drained first if that is wanted; each thing is written down before it is done."""
        if step := drained_first(self, chosen, old, snapshot, now):
            return step
        unnoticed = any(self.slots.unnoticed(slot, snapshot) for slot in chosen)
        if self.use_hold or unnoticed:
            return hold(self, chosen, old, snapshot, now)
        return self._redefine(chosen, old, snapshot)

    def examine(self, step: Commit, forecast: Forecast, planned: Forecast | None) -> Commit | Fail | Ask | Wait | Job:
        """Refuse effects beyond the service; switch to holds where the cluster would only reload, or do nothing.

        It does nothing where it has forgotten with which definition something began: a history can be so short.
        """
        mine = [action for action in forecast.actions if action.resource in self.target.primitives]
        if not self.use_hold and (any(action.verb.startswith("reload") for action in mine) or step.in_vain(forecast)):
            return replace(self, use_hold=True)
        if step.places:
            others = down_meanwhile(self.target, forecast) - step.places
            if len(others | step.places) > self.policy.limit:  # another call has just committed it
                return Wait(reason=f"{', '.join(sorted(others))} to restart", job=self)
        if any(isinstance(edit, Release) for edit in step.change.edits):
            return disturbed(step, self.target, forecast, planned) or step
        if not self.policy.allow_collateral:
            may = {"restart", "promote", "demote", "start", "recover"}
            if verdict := collateral(self.target, "not restarted", forecast, planned, own=may):
                return verdict
        down = down_everywhere(forecast, self.target.primitives, step.others)
        if not self.policy.allow_collateral and (error := left_without(self.target, down, step.others, self.felled)):
            return Fail(error=error)
        along = dependents(forecast, self.target.primitives) - replicas(self.target.many, forecast)
        job = step.job
        if isinstance(job, Restart):
            job = replace(job, companions=job.companions | along, felled=job.felled.union(down))
        return replace(step, job=job)

    # -- steps ----------------------------------------------------------------------------------------------------

    def _redefine(self, chosen: tuple[NodeName, ...], old: tuple[NodeName, ...], snapshot: Snapshot) -> Commit:
        edits: list[Edit] = list(self.finished(snapshot))
        for primitive in self.target.primitives:
            edits.append(self.revisions(primitive, chosen, snapshot))
            edits += self.owing(primitive, chosen, old, snapshot)
        edits += set_promoted(self.target, chosen, snapshot)
        edits += seen_to_run(self.target, snapshot)  # before a promote hides when it began
        edits += set_begun((i for slot in chosen for i in self.slots.instances(slot, snapshot)), by=self.here)
        reason = f"restart {self.target.name}" + (f" on {', '.join(chosen)}" if chosen != (WHOLE,) else "")
        return Commit(
            change=Change(edits=tuple(edits), reason=reason),
            places=self.places(chosen),
            moves=self.moves(chosen, snapshot),
            job=replace(self, commits=self.commits + 1),
            summary=f"restarting {self.told_of(chosen)}",
        )

    def revisions(self, primitive: ResourceId, chosen: tuple[NodeName, ...], snapshot: Snapshot) -> SetRevision:
        """The primitive's revisions once the chosen slots have their new ones."""
        anew = None if chosen == (WHOLE,) else frozenset(chosen)
        by_node = partial(self._next_revision, primitive, snapshot=snapshot)
        return renewed(self.target, primitive, anew, by_node, snapshot)

    def _next_revision(self, primitive: ResourceId, node: NodeName, snapshot: Snapshot) -> str:
        """One that the node does not have; if possible the token that others got in this roll, whoever wrote it."""
        report = reported(primitive, node, snapshot)
        fingerprint = report.fingerprint if report is not None else None
        done = (slot for slot in sorted(self.slots.before) if self.slots.committed(slot, snapshot))
        revisions = [self.slots.revision(primitive, slot, snapshot) for slot in done]
        tokens = [Revision.read(one).anew for one in (*revisions, owed_on(primitive, node, snapshot))] + [self.token]
        wished = [str(Revision(fingerprint=fingerprint, token=one)) for one in tokens if one and one != fingerprint]
        current = snapshot.resources[primitive].revision_on(node)
        otherwise = str(Revision(fingerprint=fingerprint, token=self.token))
        return next((revision for revision in wished if revision != current), otherwise)

    def owing(
        self, primitive: ResourceId, chosen: tuple[NodeName, ...], old: tuple[NodeName, ...], snapshot: Snapshot
    ) -> Iterator[Edit]:
        """What is to come is written down before anything is done; what is done is no longer owed."""
        for slot in old:
            if slot in chosen:
                yield from crossed_out(primitive, slot, snapshot)
            else:
                yield from noted(primitive, slot, self.token, snapshot)

    def finished(self, snapshot: Snapshot) -> Iterator[Edit]:
        """What was seen to start is no longer under way; what was given back is not drained any more."""
        states = self.slots.states(snapshot, None)
        yield from over(self.target, states, self.lost, snapshot)
        settled = {node for node in snapshot.nodes if states.get(slot_of(self.target, node)) not in _NOT_OVER}
        yield from with_roles(self.target, settled.difference(self.lost), snapshot)
        yield from stray(self.target, snapshot)
        standing = drains(self.target, snapshot)
        over_with = standing & self.restored if self.policy.drains else standing
        yield from given_back(self.target, {node for node, _ in over_with}, snapshot)

    def _settled_debts(self, snapshot: Snapshot) -> Iterator[Edit]:
        yield from self.finished(snapshot)
        yield from seen_to_run(self.target, snapshot)
        states = self.slots.states(snapshot, None)
        mine = self.slots.owed | {(node, self.token) for node in snapshot.nodes}
        for slot in self.slots.before:
            if slot in self.lost:
                continue
            if self.slots.expiry(slot, snapshot) is not None:
                yield released(self.target, slot)  # its node went away under it
            # Where nothing can be done now and an instance runs on, or nobody knows, what is due stays due.
            paid = states[slot] is SlotState.FRESH or self.slots.stopped(slot, snapshot)
            for primitive in self.target.primitives if paid else ():
                yield from crossed_out(primitive, slot, snapshot, only=mine)

    def _clean(self, slot: NodeName, snapshot: Snapshot) -> Clean:
        broken = next(i for i in self.slots.instances(slot, snapshot) if i.unexcused is not None or i.failed)
        return Clean(
            resource=broken.resource,
            node=broken.node,
            job=replace(self, slots=replace(self.slots, tried=self.slots.tried | {slot}), commits=self.commits + 1),
            reason=f"{broken.resource} on {broken.node} had failed ({broken.failure}); trying it again",
        )

    # -- the end --------------------------------------------------------------------------------------------------

    def _finish(self, fresh: list[NodeName], snapshot: Snapshot, planned: Forecast | None) -> Next:
        # A promote or demote hides when the instance began, so there the scheduler has the last word.
        missing = [c for c in sorted(self.companions) if not snapshot.instances.get(c)]
        if planned is None and (missing or snapshot.promotable(self.target.primitives[0])):
            return Ask()
        if reason := unfinished(self.target, self.companions, missing, snapshot, planned):
            return Wait(reason=reason, job=self)
        if not fresh and not self.lost:
            return Fail(error=OperationFailed(nothing_runs(self.target, snapshot, None)))
        step = self._leftovers(snapshot, tuple(self._settled_debts(snapshot)))
        if self.lost:
            return step or Fail(error=given_up(self.target, self.lost, fresh))
        told = outcome(self.slots, fresh, self.companions, snapshot, self.notes, self.lead)
        return _last(step, told) if isinstance(step, Commit) else step or Done(outcome=told)

    def _leftovers(self, snapshot: Snapshot, settled: tuple[Edit, ...] = ()) -> Next | None:
        """What stands in the cluster though it is over: by this call, or by one that died."""
        if step := give_back(self, drained(self.target, snapshot), snapshot):
            return step
        edits = settled or tuple(self.finished(snapshot))
        if not edits:
            return None
        # It restarted by itself, or its node went away, or its start was seen: nothing is due there any more.
        change = Change(edits=edits, reason=f"restart {self.target.name}: remove finished marks", quiet=True)
        return Commit(change=change, job=self, summary="", foreseen=True)

    def places(self, chosen: tuple[NodeName, ...]) -> frozenset[NodeName]:
        """The nodes where a step takes instances down while others must stay up."""
        return frozenset() if self.policy.at_once or WHOLE in chosen else frozenset(slot for slot in chosen)

    def moves(self, chosen: tuple[NodeName, ...], snapshot: Snapshot) -> frozenset[tuple[ResourceId, NodeName | None]]:
        """What the scheduler has to act on in a step, or it is in vain."""
        found = (i for slot in chosen for i in self.slots.instances(slot, snapshot))
        return frozenset((i.resource, i.node) for i in found if i.settled)

    def told_of(self, chosen: tuple[NodeName, ...]) -> str:
        """What a step restarts, for people."""
        if chosen == (WHOLE,):
            return self.target.name
        return f"{self.target.name} on {', '.join(chosen)}"


def _last(step: Commit, outcome: Outcome) -> Commit:
    """A step behind which a call has ended. Nobody waits for it where it crosses out no more than what was begun.

    Such a note names a run, so it never comes again: nothing that another call writes meanwhile can be meant by it.
    """
    begun = all(isinstance(e, SetMark) and e.value is None and e.name.startswith(BEGUN) for e in step.change.edits)
    return replace(step, change=replace(step.change, last=step.change.quiet and begun), ends=outcome)
