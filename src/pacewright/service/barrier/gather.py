"""Gather: wait until every node that counts has its config in place, then go on, by one commit. The decisions, pure.

`start`, and a restart of all instances at once, are for the whole service: with a barrier they wait for the reports of
all nodes that could run it. Nobody leads: each call that waits runs the same decision, and the first one that finds all
reports there goes on. Its commit takes the marks of all away, by which the others see that it has been done.
"""

from __future__ import annotations

from collections.abc import Iterable

from pacewright.cluster.edits.change import Change, Edit, SetMark
from pacewright.cluster.edits.gate import SetGate
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName
from pacewright.cluster.placement import hosts
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import DeadlinePassed, PacewrightError, Refused
from pacewright.frozen import frozen, replace
from pacewright.operation.outcome import Outcome
from pacewright.operation.step import Ask, Commit, Done, Fail, Job, Next, Wait
from pacewright.service.barrier.waiting import arrived, deadlock, missing, take_away
from pacewright.service.ledger.debts import debts
from pacewright.service.ledger.record import MISSED, READY, Ready, ready_at
from pacewright.service.ledger.report import OwnReport
from pacewright.service.lookup import Target
from pacewright.service.rolling.refresh import Refresh
from pacewright.service.rolling.restart import Restart
from pacewright.service.settings import Barrier, OnTimeout
from pacewright.service.status import is_enabled
from pacewright.service.switch.switch import Start

__all__ = ["Gather"]

_CIRCLE = 15.0
"""Seconds for which a call that has seen a circle still counts as waiting, so that the others in it see it too."""


@frozen
class Gather:
    """A call that takes part in a barrier.

    Attributes:
        target: the service.
        own: what this node reports.
        then: the operation that waits.
        barrier: what services.yaml says.
        wave: which change it is; empty if the caller did not say.
        alone: nobody is waited for: this node reports and goes on.
        without: nodes that are not waited for.
        until: when this call stops waiting, in seconds since the epoch; None before it has begun to.
        since: when it began.
        last_missing: who was missing when it last looked, for what is said in the end.
        error: what it ends with, once the others have been told that it waits no more.
    """

    target: Target
    own: OwnReport
    then: Start | Restart
    barrier: Barrier
    wave: str = ""
    alone: bool = False
    without: tuple[str, ...] = ()
    until: float | None = None
    since: float = 0.0
    last_missing: tuple[NodeName, ...] = ()
    error: PacewrightError | None = None

    @property
    def steps(self) -> int:
        """In how many steps it goes."""
        return self.then.steps if isinstance(self.then, Restart) else 1

    def rehearsed(self) -> Gather:
        """The same on a copy of the cluster, where no other node comes: it ends where it would begin to wait."""
        proceeds = self.barrier.timeout == 0 and self.barrier.on_timeout is OnTimeout.PROCEED
        barrier = self.barrier if proceeds else replace(self.barrier, timeout=0.0, on_timeout=OnTimeout.LATER)
        then = self.then.rehearsed() if isinstance(self.then, Restart) else self.then
        return replace(self, barrier=barrier, then=then)

    def decide(self, snapshot: Snapshot, planned: Forecast | None, now: float) -> Next:
        """The next step."""
        if self.error is not None:
            return Fail(error=self.error)
        mine = ready_at(self.target.outermost, snapshot).get(self.own.node)
        still_to_do = self._still_to_do(snapshot, now)
        if self.until is not None and not still_to_do:
            return self._done_by_another(snapshot, planned, now)
        if self.alone or (self.until is None and not still_to_do):
            return self._with(self.then, tuple(self.own.edits(self.target, snapshot)), snapshot, planned, now)
        absent = self._missing(snapshot, now)
        others = tuple(node for node in absent if node != self.own.node)
        if not others or (self._too_late(now) and self.barrier.on_timeout is OnTimeout.PROCEED):
            if isinstance(self.then, Restart) and self.until is None and any(self.own.edits(self.target, snapshot)):
                return self._join(others, now, snapshot)  # with it, this node's instance restarts in the same step
            return self._go_on(others, snapshot, planned, now)
        if self.until is None or mine is None:
            return self._join(others, now, snapshot)
        if self.wave and mine.wave != self.wave:
            return Fail(error=_overtaken(self.target, self.own.node, self.wave, mine.wave))
        job = replace(self, last_missing=others)
        if self._too_late(now):
            return job._give_up(others, snapshot)  # noqa: SLF001 - itself
        if planned is not None and (chain := self._deadlock(snapshot, now)):
            return job._leave(snapshot, _deadlocked(self.target, chain), until=now + _CIRCLE)  # noqa: SLF001
        return Wait(reason=self._waiting_for(others, snapshot), job=job)

    def examine(self, step: Commit, forecast: Forecast, planned: Forecast | None) -> Commit | Fail | Ask | Wait | Job:
        """As the operation that waits judges it; that it stops where the gate shuts it out is meant."""
        gate = next((e.nodes for e in step.change.edits if isinstance(e, SetGate) and e.nodes is not None), None)
        if gate is not None:
            mine = self.target.primitives
            shut = {a for a in forecast.actions if a.verb == "stop" and a.resource in mine and a.node not in gate}
            forecast = replace(forecast, actions=tuple(a for a in forecast.actions if a not in shut))
            step = replace(step, moves=frozenset(move for move in step.moves if move[1] is None or move[1] in gate))
        verdict = self.then.examine(step, forecast, planned)
        if isinstance(verdict, Wait):
            return replace(verdict, job=self)
        return replace(self, then=verdict) if isinstance(verdict, Start | Restart) else verdict

    def _still_to_do(self, snapshot: Snapshot, now: float) -> bool:
        """A start: the service is stopped. A restart: something is due, or others have begun to gather for it."""
        if isinstance(self.then, Start):
            return not is_enabled(self.target, snapshot)
        if self.until is not None:  # who has taken the marks away has done it
            return self.own.node in ready_at(self.target.outermost, snapshot)
        due = not isinstance(self.then, Refresh) or any(True for _ in debts(self.target, snapshot))
        return due or self.own.makes_stale(self.target, snapshot) or bool(self._arrived(snapshot, now))

    def _missing(self, snapshot: Snapshot, now: float) -> tuple[NodeName, ...]:
        window = self.barrier.window
        return missing(self.target.outermost, self.wave, snapshot, now=now, window=window, without=self.without)

    def _too_late(self, now: float) -> bool:
        return self.barrier.timeout == 0 or (self.until is not None and now >= self.until)

    # -- steps ----------------------------------------------------------------------------------------------------

    def _join(self, others: tuple[NodeName, ...], now: float, snapshot: Snapshot) -> Commit:
        until = now + self.barrier.timeout
        before = ready_at(self.target.outermost, snapshot).get(self.own.node)
        # What a call without a wave has in place is no less than what the node was ready with.
        wave = self.wave or (before.wave if before is not None else "")
        ready = Ready(wave=wave, at=now, until=until)
        edits = (*self.own.edits(self.target, snapshot), self._mark(str(ready)))
        return Commit(
            change=Change(edits=edits, reason=f"{self.own.node} is ready for {self.target.name}"),
            job=replace(self, until=until, since=self.since or now, last_missing=others),
            summary=f"{self.target.name}: {self.own.node} is ready; {', '.join(others) or 'so are all others'}"
            + (" not yet" if others else ""),
        )

    def _go_on(self, others: tuple[NodeName, ...], snapshot: Snapshot, planned: Forecast | None, now: float) -> Next:
        """Everybody who counts is there: one commit for all of it."""
        edits = [*self.own.edits(self.target, snapshot), *take_away(self.target.outermost, snapshot)]
        left_out = self._left_out(others, snapshot, now)
        at = f"{self.wave}@{now:.0f}"
        edits += [SetMark(node=node, name=MISSED + self.target.outermost, value=at) for node in left_out]
        if self.own.gate and left_out:
            let_in = next((e.nodes for e in edits if isinstance(e, SetGate)), None)
            inside = let_in if let_in is not None else snapshot.gates.get(self.target.outermost, frozenset())
            edits = [edit for edit in edits if not isinstance(edit, SetGate)]
            edits.append(SetGate(resource=self.target.outermost, nodes=inside - set(left_out)))
        then = self._noting(self.then, now, (f"{node} has not reported; not waited for" for node in left_out))
        return self._with(then, tuple(edits), snapshot, planned, now)

    def _left_out(self, others: tuple[NodeName, ...], snapshot: Snapshot, now: float) -> list[NodeName]:
        """Nodes that may run the service one day and have not reported: away, in maintenance, or not waited for."""
        anybody = set(hosts(self.target.outermost, snapshot))
        away = {n for n in anybody if not snapshot.nodes[n].may_run or snapshot.nodes[n].maintenance}
        ignored = away | set(others) | {NodeName(n) for n in self.without}
        return sorted(ignored & anybody - self._arrived(snapshot, now) - {self.own.node})

    def _arrived(self, snapshot: Snapshot, now: float) -> frozenset[NodeName]:
        return arrived(self.target.outermost, self.wave, snapshot, now=now, window=self.barrier.window)

    def _with(
        self,
        then: Start | Restart,
        edits: tuple[Edit, ...],
        snapshot: Snapshot,
        planned: Forecast | None,
        now: float,
    ) -> Next:
        """The operation's first step, with these edits in the same commit; or these alone, if it writes nothing now."""
        step = then.decide(snapshot, planned, now)
        if not edits or isinstance(step, Ask):
            return step
        if isinstance(step, Commit):
            return replace(step, change=replace(step.change, edits=(*edits, *step.change.edits)))
        reason = f"{self.own.node} reports its config for {self.target.name}"
        summary = f"{self.target.name}: the config of {self.own.node} is reported"
        gate = snapshot.gates.get(self.target.outermost)
        if isinstance(then, Start):
            then = replace(then, acted=then.acted or (gate is not None and self.own.node not in gate))
        else:
            then = replace(then, commits=then.commits + 1)
        return Commit(change=Change(edits=edits, reason=reason), job=then, summary=summary)

    def _done_by_another(self, snapshot: Snapshot, planned: Forecast | None, now: float) -> Next:
        then = self._told(snapshot, now)
        marks = tuple(take_away(self.target.outermost, snapshot))
        if not marks or not isinstance(then, Start):
            return then.decide(snapshot, planned, now)
        # It was started by somebody who did not come to the barrier, and so left the marks.
        change = Change(edits=marks, reason=f"{self.target.name} was started; nobody waits for it", quiet=True)
        return Commit(change=change, job=then, summary="", foreseen=True)

    def _told(self, snapshot: Snapshot, now: float) -> Start | Restart:
        """Another call has gone on, so this one waits for the same end."""
        by = f"{snapshot.origin} led" if snapshot.origin and snapshot.origin != self.own.node else "another call led"
        then = replace(self.then, by_others=True) if isinstance(self.then, Start) else self.then
        return self._noting(then, now, (by,))

    def _noting(self, then: Start | Restart, now: float, more: Iterable[str]) -> Start | Restart:
        waited = f"waited {now - self.since:.0f} s for {', '.join(self.last_missing)} to report"
        return replace(then, notes=((waited,) if self.since and self.last_missing else ()) + tuple(more))

    def _give_up(self, others: tuple[NodeName, ...], snapshot: Snapshot) -> Next:
        verb = "started" if isinstance(self.then, Start) else "restarted"
        name, who = self.target.name, ", ".join(others)
        if self.barrier.on_timeout is OnTimeout.LATER:
            message = f"{name}: {self.own.node} is ready; it will be {verb} by the last of {who} to report."
            return Done(outcome=Outcome(changed=True, message=message))
        came = ", ".join(sorted(ready_at(self.target.outermost, snapshot)))
        error = DeadlinePassed(
            f"{name}: not {verb}: {who} did not report its config within {self.barrier.timeout:g} s ({came} did).",
            hint=f"Run the config run on {who}, or use --without {others[0]}. The reports that are there stay.",
        )
        return self._leave(snapshot, error, until=0.0)

    def _leave(self, snapshot: Snapshot, error: PacewrightError, *, until: float) -> Next:
        """End, but first let the others see that this call waits no more; of a circle, all are to see it before."""
        mine = ready_at(self.target.outermost, snapshot)[self.own.node]
        over = replace(mine, until=max(mine.at, until))
        change = Change(edits=(self._mark(str(over)),), reason=f"{self.own.node} waits no longer", quiet=True)
        return Commit(change=change, job=replace(self, error=error), summary="", foreseen=True)

    def _mark(self, value: str) -> SetMark:
        return SetMark(node=self.own.node, name=READY + self.target.outermost, value=value)

    def _deadlock(self, snapshot: Snapshot, now: float) -> list[str]:
        chain = deadlock(self.own.node, self.target.outermost, snapshot, now=now, window=self.barrier.window)
        return [str(link) for link in chain]

    def _waiting_for(self, others: tuple[NodeName, ...], snapshot: Snapshot) -> str:
        came = sorted(ready_at(self.target.outermost, snapshot))
        return f"{', '.join(others)} to report the config of {self.target.name} ({', '.join(came)} did)"


def _overtaken(target: Target, node: NodeName, wave: str, by: str) -> Refused:
    other = f"in wave {by}" if by else "without a wave"
    return Refused(
        f"{target.name}: {node} has come to it {other} meanwhile, so nobody waits here for {wave} any more.",
        hint="Two runs on one node at once? The later one counts.",
    )


def _deadlocked(target: Target, chain: list[str]) -> Refused:
    return Refused(
        f"{target.name}: nobody can go on: {'; '.join(chain)}.",
        hint="Let the runs come to these services in the same order, or report a service's config before a run waits "
        "elsewhere (`pacewright service report NAME --barrier`), or use --without.",
    )
