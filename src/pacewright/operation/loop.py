"""The loop that every operation runs: snapshot, decide (pure), preview, commit, wait for the cluster; and again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from pacewright.clock import Clock, Deadline
from pacewright.cluster.connection import Connection
from pacewright.cluster.edits.hold import HoldInstance, HoldResource
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import Version
from pacewright.cluster.snapshot import Snapshot
from pacewright.cluster.waiting import under_way, wait
from pacewright.errors import CommitConflict, DeadlinePassed, OperationFailed, OutcomeUnknown, PacewrightError, Refused
from pacewright.frozen import frozen, replace
from pacewright.operation.outcome import Outcome
from pacewright.operation.step import Ask, Check, Clean, Commit, Done, Drain, Fail, Job, Restore, Wait
from pacewright.operation.write import write
from pacewright.record.journal import SILENT, Journal

if TYPE_CHECKING:
    from pacewright.service.instance.health import HealthCheck
    from pacewright.service.instance.load_balancer import Balancer

__all__ = ["Means", "Progress", "Turn", "carry_out", "take"]

Progress = Callable[[str], None]
"""Told one short line for each step, for people."""

_QUIET = 1.0
"""Seconds without any change after which the scheduler is asked what it is about to do."""
_WRITES = 3
"""Writes in a row without a clear answer, and without anything of them in the cluster, that end an operation."""


def carry_out(
    job: Job,
    cluster: Connection,
    *,
    name: str,
    deadline: Deadline,
    clock: Clock,
    progress: Progress,
    health: HealthCheck | None = None,
    balancer: Balancer | None = None,
    journal: Journal = SILENT,
    first: Snapshot | None = None,
) -> Outcome:
    """Take a job to its end.

    Args:
        job: what to do.
        cluster: with which cluster.
        name: the service's, for messages.
        deadline: when to give up.
        clock: where time comes from.
        progress: told each step.
        health: asked of each instance that was restarted before the next one is; None where nothing can be asked.
        balancer: what sends requests to the instances; None if nothing is known of it.
        journal: told what is seen, decided and written; a rehearsal's keeps nothing.
        first: the cluster as it was read last, with a DC: what is decided on it is not written if that has changed.

    Raises:
        DeadlinePassed: says what was waited for and what was seen last.
        PacewrightError: what a decision ended in.
    """
    means = Means(deadline=deadline, clock=clock, progress=progress, health=health, balancer=balancer, journal=journal)
    turn = Turn(job=job)
    snapshot = first or _with_a_dc(cluster, deadline, clock)
    while True:
        after = take(turn, snapshot, cluster, means)
        if isinstance(after, Outcome):
            return after
        turn = after
        if deadline.passed(clock):
            raise _too_late(name, turn, cluster.read(), deadline)
        snapshot = _with_a_dc(cluster, deadline, clock)


@frozen
class Means:
    """What an operation is carried out with, beside the cluster; `carry_out` says what each is."""

    deadline: Deadline
    clock: Clock
    progress: Progress
    health: HealthCheck | None = None
    balancer: Balancer | None = None
    journal: Journal = SILENT


@frozen
class Turn:
    """An operation between two looks at the cluster.

    Attributes:
        job: what goes on.
        planned: what the scheduler would do by itself, if nothing has moved for a while.
        of: the version of the cluster for which that was asked; of any other it says nothing.
        waiting_for: what the last turn waited for; empty if it did something.
        said: what people were last told that it waits for.
        unclear: how many writes in a row have had no clear answer.
    """

    job: Job
    planned: Forecast | None = None
    of: Version | None = None
    waiting_for: str = ""
    said: str = ""
    unclear: int = 0


def take(turn: Turn, snapshot: Snapshot, cluster: Connection, means: Means) -> Turn | Outcome:
    """One turn: decide on a snapshot and do what was decided.

    Returns:
        The next turn, to be taken on a new snapshot, or how it ended.

    Raises:
        PacewrightError: what the decision ended in.
    """
    means.journal.saw(snapshot)
    planned = turn.planned if turn.of == snapshot.version else None
    now = means.clock.now()
    step = turn.job.decide(snapshot, planned, now)
    if isinstance(step, Ask):
        planned = cluster.what_if(snapshot)
        step = turn.job.decide(snapshot, planned, now)
    going_on = replace(turn, planned=None, waiting_for="")
    match step:
        case Done(outcome=outcome):
            return outcome
        case Fail(error=error):
            raise error
        case Commit():
            again = partial(_decided_again, turn.job, step, planned, now)
            return _commit(going_on, step, snapshot, cluster, means, still=None if step.foreseen else again)
        case Clean():
            return _clean(going_on, step, cluster, means)
        case Check() | Drain() | Restore():
            return replace(going_on, job=_outside(step, means, snapshot))
        case Wait(reason=reason):
            means.journal.decided("wait", reason)
            going_on = replace(going_on, job=step.job, waiting_for=reason)
            if cluster.wait(min(_QUIET, means.deadline.left(means.clock))):
                return going_on
            said = _say_once(reason, turn.said, means.progress)
            return replace(going_on, planned=cluster.what_if(snapshot), of=snapshot.version, said=said)
    return going_on


def _say_once(reason: str, said: str, progress: Progress) -> str:
    if reason != said:
        progress(f"waiting: {reason}")
    return reason


def _with_a_dc(cluster: Connection, deadline: Deadline, clock: Clock) -> Snapshot:
    """The cluster once it has a DC: without one nobody acts, and a node that is just starting only has old news."""
    what = "the cluster to have a DC (it is starting, or electing one)"
    return wait(lambda snapshot: snapshot.dc is not None, deadline, cluster=cluster, waiting_for=what, clock=clock)


def _outside(step: Check | Drain | Restore, means: Means, snapshot: Snapshot) -> Job:
    """What is not the cluster's business: is an instance fit to serve, and does it get requests."""
    nodes = ", ".join(step.nodes)
    if isinstance(step, Check):
        means.journal.decided("check", f"{nodes} to be healthy")
        return _pass(step, means, snapshot)
    if means.balancer is not None:
        back = isinstance(step, Restore)
        means.journal.decided("restore" if back else "drain", nodes)
        means.progress(f"putting {nodes} back into the load balancer" if back else f"draining {nodes}")
        for node in step.nodes:
            (means.balancer.restore if back else means.balancer.drain)(snapshot.home(node))
    return step.job


def _pass(step: Check, means: Means, snapshot: Snapshot) -> Job:
    if means.health is None:
        return step.job
    means.progress(f"waiting: {', '.join(step.nodes)} to be healthy")
    for node in step.nodes:
        try:
            means.health(snapshot.home(node))
        except OperationFailed as error:
            if step.failed is None:
                raise
            means.journal.decided("without", error.message)
            return step.failed(node, error.message)
    return step.job


def _decided_again(job: Job, step: Commit, planned: Forecast | None, now: float, snapshot: Snapshot) -> bool:
    """True if a step is what would be decided on a newer snapshot, too."""
    again = job.decide(snapshot, planned, now)
    return isinstance(again, Commit) and (again.change, again.places) == (step.change, step.places)


def _examine(
    job: Job, step: Commit, snapshot: Snapshot, cluster: Connection, journal: Journal
) -> Commit | Fail | Ask | Wait | Job:
    if step.foreseen:
        return step
    forecast = cluster.what_if(snapshot, step.change, step.then)
    journal.foresaw(forecast)
    verdict = job.examine(step, forecast, None)
    if isinstance(verdict, Ask):
        verdict = job.examine(step, forecast, cluster.what_if(snapshot))
    return _not_in_vain(verdict, forecast) if isinstance(verdict, Commit) else verdict


def _not_in_vain(step: Commit, forecast: Forecast) -> Commit | Fail:
    """The commit, or why the cluster would not do what it is for."""
    idle = step.in_vain(forecast)
    if not idle:
        return step
    why = forecast.why_not({resource for resource, _ in step.moves})
    look = "What Pacemaker says:" if why else "Look at `pcs status`."
    if any(isinstance(edit, HoldInstance | HoldResource) for edit in step.change.edits):
        look = f"Is this node's clock right (`chronyc tracking`)? By it the stop rule ends at a certain time. {look}"
    return Fail(
        error=Refused(
            f"{step.change.reason}: not written: Pacemaker would do nothing with {', '.join(idle)}.",
            hint=f"Nothing was changed for this step. {look}",
            output="\n".join(why),
        )
    )


def _commit(
    turn: Turn,
    step: Commit,
    snapshot: Snapshot,
    cluster: Connection,
    means: Means,
    still: Callable[[Snapshot], bool] | None,
) -> Turn | Outcome:
    verdict = _examine(turn.job, step, snapshot, cluster, means.journal)
    if isinstance(verdict, Fail):
        raise verdict.error
    if isinstance(verdict, Wait):
        means.journal.decided("wait", verdict.reason)
        cluster.wait(_QUIET)
        return replace(turn, job=verdict.job)
    if not isinstance(verdict, Commit):
        assert not isinstance(verdict, Ask)  # noqa: S101 - it had what it asked for
        return replace(turn, job=verdict)
    try:
        written = write(verdict.change, based_on=snapshot, cluster=cluster, journal=means.journal, still=still)
    except CommitConflict:
        return turn  # the cluster moved on: read and decide again
    except OutcomeUnknown as error:
        return _again(turn, error, cluster, means)
    for line in verdict.summary.splitlines() if written else ():
        means.progress(line)
    if written and verdict.ends is not None:
        return verdict.ends  # nobody has changed the configuration since this was decided, or it were not written
    if not written:
        cluster.wait(_QUIET)  # a decision that changes nothing must not turn in a circle
    return replace(turn, job=verdict.job, unclear=0)


def _clean(turn: Turn, step: Clean, cluster: Connection, means: Means) -> Turn:
    means.journal.decided("clean", step.reason)
    means.progress(step.reason)
    try:
        cluster.cleanup(step.resource, step.node)
    except OutcomeUnknown as error:
        means.journal.unanswered(step.reason, error.message)
        return _again(turn, error, cluster, means)
    return replace(turn, job=step.job, unclear=0)


def _again(turn: Turn, error: OutcomeUnknown, cluster: Connection, means: Means) -> Turn:
    """Nobody knows what became of the last write: decide again on what the cluster has then."""
    if turn.unclear + 1 >= _WRITES:
        raise error
    means.progress(f"{error.message} Looking again")
    cluster.wait(_QUIET)
    return replace(turn, unclear=turn.unclear + 1, waiting_for=f"a clear answer ({error.message.rstrip('.')})")


def _too_late(name: str, turn: Turn, snapshot: Snapshot, deadline: Deadline) -> PacewrightError:
    waited = turn.waiting_for or "the cluster kept changing"
    return DeadlinePassed(
        f"{name}: not finished within {deadline.seconds:g} s; waiting for: {waited}. Last seen: {under_way(snapshot)}.",
        hint="What was committed, the cluster goes on with. Look at `pacewright service status`, then run it again.",
    )
