"""What the loop tells its journal, and when: before and after each thing that it does to the cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from pacewright.clock import Deadline
from pacewright.cluster.edits.change import Change
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import Refused
from pacewright.operation.loop import carry_out
from pacewright.operation.step import Check, Clean, Commit, Fail, Next, Wait
from tests.unit.test_loop import CHANGE, Played, Scripted, end, idle, write


@dataclass
class Notes:
    """A journal that writes into the list in which the cluster writes what is asked of it."""

    seen: list[str]

    def saw(self, snapshot: Snapshot) -> None:
        self.seen.append("* saw")

    def decided(self, what: str, why: str) -> None:
        self.seen.append(f"* decided {what}: {why}")

    def foresaw(self, forecast: Forecast) -> None:
        self.seen.append("* foresaw")

    def intends(self, change: Change, *, based_on: Snapshot) -> None:
        self.seen.append(f"* intends {change.reason}")

    def committed(self) -> None:
        self.seen.append("* committed")

    def refused(self) -> None:
        self.seen.append("* refused")

    def unanswered(self, reason: str, why: str) -> None:
        self.seen.append(f"* unanswered {reason}: {why}")


def told(*steps: Callable[[Played], Next], on: Scripted, verdicts: list[object] | None = None) -> list[str]:
    carry_out(
        Played(iter(steps), verdicts or []),
        on,
        name="web",
        deadline=Deadline.after(100, on.clock),
        clock=on.clock,
        progress=lambda line: None,
        journal=Notes(on.seen),
    )
    return on.seen


def test_a_commit() -> None:
    assert told(write, end, on=Scripted()) == [
        "read",
        "* saw",
        "what_if change",
        "* foresaw",
        "* intends test",
        "commit",
        "* committed",
        "read",
        "* saw",
    ]


def test_a_conflict() -> None:
    seen = told(write, write, end, on=Scripted(conflicts=1))
    assert [line for line in seen if line in {"conflict", "commit"} or line[:3] in {"* i", "* c", "* r"}] == [
        "* intends test",
        "conflict",
        "* refused",
        "* intends test",
        "commit",
        "* committed",
    ]


def test_a_commit_that_changes_nothing_is_no_commit() -> None:
    seen = told(write, end, on=Scripted(all_so_already=True))
    assert "* committed" not in seen
    assert "* refused" not in seen


def test_waiting_is_told_before_it_is_done() -> None:
    seen = told(idle, end, on=Scripted())
    assert seen[:4] == ["read", "* saw", "* decided wait: n1 to restart", "wait"]


def test_a_failure_that_is_forgotten_and_a_check() -> None:
    def clean(job: Played) -> Next:
        return Clean(resource=ResourceId("web"), node=NodeName("n1"), job=job, reason="again")

    def check(job: Played) -> Next:
        return Check(nodes=(NodeName("n1"), NodeName("n2")), job=job)

    seen = told(clean, check, end, on=Scripted())
    assert seen.index("* decided clean: again") < seen.index("cleanup web n1")
    assert "* decided check: n1, n2 to be healthy" in seen


def test_an_examination_that_puts_it_off() -> None:
    def put_off(job: Played) -> Next:
        return write(job)

    world = Scripted()
    later = Wait(reason="n2 to restart", job=Played(iter([end])))

    class Patient(Played):
        def examine(self, step: Commit, forecast: Forecast, planned: Forecast | None) -> Wait:  # type: ignore[override]
            return later

    carry_out(
        Patient(iter([put_off])),
        world,
        name="web",
        deadline=Deadline.after(100, world.clock),
        clock=world.clock,
        progress=lambda line: None,
        journal=Notes(world.seen),
    )
    assert "* decided wait: n2 to restart" in world.seen
    assert "* intends test" not in world.seen


def test_what_is_refused_is_not_intended() -> None:
    world = Scripted()
    with pytest.raises(Refused):
        told(write, on=world, verdicts=[Fail(error=Refused("no"))])
    assert world.seen == ["read", "* saw", "what_if change", "* foresaw"]


def test_what_is_not_previewed_is_not_foreseen() -> None:
    def release(job: Played) -> Next:
        return Commit(change=CHANGE, foreseen=True, job=job, summary="let it go")

    assert "* foresaw" not in told(release, end, on=Scripted())
