"""The loop that every operation runs: snapshot, decide (pure), preview, commit, wait for the cluster; and again."""

from __future__ import annotations

from collections.abc import Callable

from pacewright.clock import Clock, Deadline
from pacewright.cluster import Connection, Forecast, NodeName, Snapshot, under_way, wait
from pacewright.errors import CommitConflict, DeadlinePassed, OperationFailed, PacewrightError
from pacewright.service.balancer import Balancer
from pacewright.service.health import Gate
from pacewright.service.step import Ask, Check, Clean, Commit, Done, Drain, Fail, Job, Next, Outcome, Restore, Wait

__all__ = ["Progress", "carry_out"]

Progress = Callable[[str], None]
"""Told one short line for each step, for people."""

_QUIET = 1.0
"""Seconds without any change after which the scheduler is asked what it is about to do."""


def carry_out(
    job: Job,
    cluster: Connection,
    *,
    name: str,
    deadline: Deadline,
    clock: Clock,
    progress: Progress,
    gate: Gate | None = None,
    balancer: Balancer | None = None,
) -> Outcome:
    """Take a job to its end.

    Args:
        job: what to do.
        cluster: with which cluster.
        name: the service's, for messages.
        deadline: when to give up.
        clock: where time comes from.
        progress: told each step.
        gate: passed by each instance that was restarted before the next one is; None where nothing can be asked.
        balancer: what sends requests to the instances; None if nothing is known of it.

    Raises:
        DeadlinePassed: says what was waited for and what was seen last.
        PacewrightError: what a decision ended in.
    """
    planned: Forecast | None = None
    said = ""
    while True:
        snapshot = _with_a_dc(cluster, deadline, clock)
        step = _decide(job, snapshot, planned, cluster, clock)
        planned = None
        match step:
            case Done(outcome=outcome):
                return outcome
            case Fail(error=error):
                raise error
            case Commit():
                job = _commit(job, step, snapshot, cluster, progress)
            case Clean():
                progress(step.reason)
                cluster.cleanup(step.resource, step.node)
                job = step.job
            case Check() | Drain() | Restore():
                job = _outside(step, gate, balancer, progress)
            case Wait(reason=reason):
                job = step.job
                if not cluster.wait(min(_QUIET, deadline.left(clock))):
                    planned = cluster.what_if(snapshot)
                    said = _say_once(reason, said, progress)
        if deadline.passed(clock):
            raise _too_late(name, step, cluster.read(), deadline)


def _say_once(reason: str, said: str, progress: Progress) -> str:
    if reason != said:
        progress(f"waiting: {reason}")
    return reason


def _with_a_dc(cluster: Connection, deadline: Deadline, clock: Clock) -> Snapshot:
    """The cluster once it has a DC: without one nobody acts, and a node that is just starting only has old news."""
    what = "the cluster to have a DC (it is starting, or electing one)"
    return wait(lambda snapshot: snapshot.dc is not None, deadline, cluster=cluster, waiting_for=what, clock=clock)


def _outside(step: Check | Drain | Restore, gate: Gate | None, balancer: Balancer | None, progress: Progress) -> Job:
    """What is not the cluster's business: is an instance fit to serve, and does it get requests."""
    if isinstance(step, Check):
        return _pass(gate, step, progress)
    _balance(balancer, step.nodes, progress, back=isinstance(step, Restore))
    return step.job


def _pass(gate: Gate | None, step: Check, progress: Progress) -> Job:
    if gate is None:
        return step.job
    progress(f"waiting: {', '.join(step.nodes)} to be healthy")
    for node in step.nodes:
        try:
            gate(node)
        except OperationFailed as error:
            if step.failed is None:
                raise
            return step.failed(node, error.message)
    return step.job


def _balance(balancer: Balancer | None, nodes: tuple[NodeName, ...], progress: Progress, *, back: bool) -> None:
    if balancer is None:
        return
    progress(f"{'giving back' if back else 'draining'} {', '.join(nodes)}")
    for node in nodes:
        (balancer.restore if back else balancer.drain)(node)


def _decide(job: Job, snapshot: Snapshot, planned: Forecast | None, cluster: Connection, clock: Clock) -> Next:
    step = job.decide(snapshot, planned, clock.now())
    if isinstance(step, Ask):
        step = job.decide(snapshot, cluster.what_if(snapshot), clock.now())
    return step


def _examine(job: Job, step: Commit, snapshot: Snapshot, cluster: Connection) -> Commit | Fail | Ask | Wait | Job:
    if step.foreseen:
        return step
    forecast = cluster.what_if(snapshot, step.change, step.then)
    verdict = job.examine(step, forecast, None)
    return job.examine(step, forecast, cluster.what_if(snapshot)) if isinstance(verdict, Ask) else verdict


def _commit(job: Job, step: Commit, snapshot: Snapshot, cluster: Connection, progress: Progress) -> Job:
    verdict = _examine(job, step, snapshot, cluster)
    if isinstance(verdict, Fail):
        raise verdict.error
    if isinstance(verdict, Wait):
        cluster.wait(_QUIET)
        return verdict.job
    if not isinstance(verdict, Commit):
        assert not isinstance(verdict, Ask)  # noqa: S101 - it had what it asked for
        return verdict
    try:
        written = cluster.commit(verdict.change, based_on=snapshot)
    except CommitConflict:
        return job  # the cluster moved on: read and decide again
    if written and verdict.summary:
        progress(verdict.summary)
    if not written:
        cluster.wait(_QUIET)  # a decision that changes nothing must not turn in a circle
    return verdict.job


def _too_late(name: str, step: Next, snapshot: Snapshot, deadline: Deadline) -> PacewrightError:
    waited = step.reason if isinstance(step, Wait) else "the cluster kept changing"
    return DeadlinePassed(
        f"{name}: not finished within {deadline.seconds:g} s; waiting for: {waited}. Last seen: {under_way(snapshot)}.",
        hint="What was committed, the cluster goes on with. Look at `pacewright service status`, then run it again.",
    )
