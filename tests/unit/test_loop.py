"""The loop: snapshot, decide, preview, commit, wait, and again; on a cluster that is a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from pacewright.clock import Deadline
from pacewright.cluster.edits.change import Change
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import CommitConflict, DeadlinePassed, OperationFailed, Refused
from pacewright.operation.loop import carry_out
from pacewright.operation.outcome import Outcome
from pacewright.operation.step import Ask, Clean, Commit, Done, Fail, Job, Next, Wait
from pacewright.testing.clusters import Op, action, after, cluster, forecast, primitive

CHANGE = Change(edits=(), reason="test")
END = Done(outcome=Outcome(changed=True, message="done"))


class Hands:
    """A clock that jumps when somebody waits."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return 1_700_000_000.0 + self.at

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


@dataclass
class Scripted:
    """A cluster that records what is asked of it."""

    clock: Hands = field(default_factory=Hands)
    conflicts: int = 0
    all_so_already: bool = False
    changes_while_waiting: bool = False
    seen: list[str] = field(default_factory=list)
    snapshot: Snapshot = field(
        default_factory=lambda: cluster(primitive("web"), histories={("web", "n1"): (Op(task="stop", pending=True),)})
    )

    def read(self) -> Snapshot:
        self.seen.append("read")
        return self.snapshot

    def what_if(self, snapshot: Snapshot, change: Change | None = None, then: Change | None = None) -> Forecast:
        self.seen.append("what_if" if change is None else "what_if change")
        return forecast(action("restart", "web", "n1"))

    def commit(self, change: Change, *, based_on: Snapshot, still: Callable[[Snapshot], bool] | None = None) -> bool:
        assert based_on is self.snapshot
        if self.conflicts:
            self.conflicts -= 1
            self.seen.append("conflict")
            raise CommitConflict("moved on")
        self.seen.append("commit")
        return not self.all_so_already

    def cleanup(self, resource: ResourceId, node: NodeName) -> None:
        self.seen.append(f"cleanup {resource} {node}")

    def wait(self, seconds: float) -> bool:
        self.seen.append("wait")
        self.clock.sleep(0.1 if self.changes_while_waiting else seconds)
        return self.changes_while_waiting


@dataclass
class Played:
    """A job that plays its steps, one for each decision."""

    steps: Iterator[Callable[[Played], Next]]
    verdicts: list[object] = field(default_factory=list)
    planned: list[Forecast | None] = field(default_factory=list)

    def decide(self, snapshot: Snapshot, planned: Forecast | None, now: float) -> Next:
        self.planned.append(planned)
        return next(self.steps)(self)

    def examine(self, step: Commit, forecast: Forecast, planned: Forecast | None) -> Commit | Fail | Ask | Job:
        verdict = self.verdicts.pop(0) if self.verdicts else step
        assert isinstance(verdict, Commit | Fail | Ask | Played)
        return verdict


def write(job: Played) -> Next:
    return Commit(change=CHANGE, job=job, summary="written")


def idle(job: Played) -> Next:
    return Wait(reason="n1 to restart", job=job)


def end(job: Played) -> Next:
    return END


def ask(job: Played) -> Next:
    return Ask()


def play(
    *steps: Callable[[Played], Next], on: Scripted, seconds: float = 100, verdicts: list[object] | None = None
) -> tuple[Outcome, Played, list[str]]:
    job, said = Played(iter(steps), verdicts or []), list[str]()
    outcome = carry_out(
        job,
        on,
        name="web",
        deadline=Deadline.after(seconds, on.clock),
        clock=on.clock,
        progress=said.append,
    )
    return outcome, job, said


def test_a_commit_is_previewed_before_it_is_written() -> None:
    world = Scripted()
    outcome, _, said = play(write, end, on=world)
    assert world.seen == ["read", "what_if change", "commit", "read"]
    assert (outcome.message, said) == ("done", ["written"])


def test_a_conflict_means_read_and_decide_again() -> None:
    world = Scripted(conflicts=2)
    _, _, said = play(write, write, write, end, on=world)
    assert world.seen.count("conflict") == 2
    assert world.seen.count("commit") == 1
    assert world.seen.count("read") == 4
    assert said == ["written"]


def test_a_commit_that_changes_nothing_does_not_turn_in_a_circle() -> None:
    world = Scripted(all_so_already=True)
    _, _, said = play(write, end, on=world)
    assert world.seen == ["read", "what_if change", "commit", "wait", "read"]
    assert said == []


def last(job: Played) -> Next:
    return Commit(change=CHANGE, job=job, summary="", foreseen=True, ends=END.outcome)


def test_a_last_commit_that_is_written_ends_it_without_another_look() -> None:
    world = Scripted()
    outcome, _, _ = play(write, last, on=world)
    assert world.seen == ["read", "what_if change", "commit", "read", "commit"]
    assert outcome == END.outcome


def test_a_last_commit_that_is_not_written_ends_nothing() -> None:
    moved_on, so_already = Scripted(conflicts=1), Scripted(all_so_already=True)
    assert play(last, last, on=moved_on)[0] == END.outcome
    assert moved_on.seen == ["read", "conflict", "read", "commit"]
    assert play(last, end, on=so_already)[0] == END.outcome
    assert so_already.seen == ["read", "commit", "wait", "read"]


def test_a_change_wakes_it_up_and_the_scheduler_is_not_asked() -> None:
    world = Scripted(changes_while_waiting=True)
    _, job, _ = play(idle, idle, end, on=world)
    assert world.seen == ["read", "wait", "read", "wait", "read"]
    assert job.planned == [None, None, None]


def test_silence_makes_it_ask_the_scheduler_and_say_once_what_it_waits_for() -> None:
    world = Scripted()
    _, job, said = play(idle, idle, end, on=world)
    assert [planned is not None for planned in job.planned] == [False, True, True]
    assert said == ["waiting: n1 to restart"]


def test_a_decision_that_asks_is_made_again_on_the_same_snapshot() -> None:
    world = Scripted()
    _, job, _ = play(ask, end, on=world)
    assert world.seen == ["read", "what_if"]
    assert [planned is not None for planned in job.planned] == [False, True]


def test_a_failure_is_forgotten_through_the_cluster() -> None:
    world = Scripted()

    def clean(job: Played) -> Next:
        return Clean(resource=ResourceId("web"), node=NodeName("n1"), job=job, reason="again")

    _, _, said = play(clean, end, on=world)
    assert "cleanup web n1" in world.seen
    assert said == ["again"]


def test_a_decision_that_fails_raises_its_error() -> None:
    world = Scripted()
    with pytest.raises(OperationFailed, match="broken"):
        play(lambda job: Fail(error=OperationFailed("broken")), on=world)


def test_a_refused_preview_writes_nothing() -> None:
    world = Scripted()
    with pytest.raises(Refused, match="no"):
        play(write, on=world, verdicts=[Fail(error=Refused("no"))])
    assert "commit" not in world.seen


def test_an_examination_that_asks_gets_what_would_happen_anyway() -> None:
    world = Scripted()
    step = Commit(change=CHANGE, job=Played(iter([end])), summary="written")
    play(write, on=world, verdicts=[Ask(), step])
    assert world.seen[:4] == ["read", "what_if change", "what_if", "commit"]


def test_an_examination_that_gives_another_job_decides_again_before_anything_is_written() -> None:
    world = Scripted()
    play(write, on=world, verdicts=[Played(iter([end]))])
    assert world.seen == ["read", "what_if change", "read"]


def test_the_deadline_says_what_was_waited_for_and_what_was_seen() -> None:
    world = Scripted()
    with pytest.raises(DeadlinePassed) as caught:
        play(*[idle] * 100, on=world, seconds=5)
    assert caught.value.message == (
        "web: not finished within 5 s; waiting for: n1 to restart. Last seen: web is stopping on n1."
    )
    assert "run it again" in caught.value.hint


def test_the_deadline_ends_a_row_of_conflicts_too() -> None:
    world = Scripted(conflicts=1000)

    def slow(job: Played) -> Next:
        world.clock.sleep(1)
        return write(job)

    with pytest.raises(DeadlinePassed, match="the cluster kept changing"):
        play(*[slow] * 1000, on=world, seconds=5)
    assert "commit" not in world.seen


def test_it_never_waits_beyond_the_deadline() -> None:
    world = Scripted()
    with pytest.raises(DeadlinePassed):
        play(*[idle] * 100, on=world, seconds=2.5)
    assert world.clock.at == 2.5


def test_what_the_scheduler_said_of_an_earlier_state_is_not_held_against_a_later_one() -> None:
    """Seen on a cluster: another call's commit came while this one asked, and it took the service for one that nobody
    starts.
    """
    on = Scripted()
    asked = on.what_if

    def asking(snapshot: Snapshot, change: Change | None = None, then: Change | None = None) -> Forecast:
        on.snapshot = after(on.snapshot, CHANGE)
        return asked(snapshot, change, then)

    on.what_if = asking  # type: ignore[method-assign]
    _, job, _ = play(idle, end, on=on)
    assert job.planned == [None, None]
