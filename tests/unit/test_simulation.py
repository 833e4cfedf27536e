"""A copy of a cluster on which an operation is rehearsed: it comes to an end, also where the scheduler does not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from pacewright.cluster import forecast
from pacewright.cluster.edits.change import Change, SetMark, SetMeta
from pacewright.cluster.forecast import Action, Forecast, Scheduler, what_if
from pacewright.cluster.live import LiveConnection
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.simulation import Simulation
from pacewright.errors import CommitConflict, NothingComes
from pacewright.testing.clock import FakeClock
from pacewright.testing.clusters import cluster, primitive

MOMENTS = itertools.count()
"""No two answers are the same: time goes on, in a copy too."""


def action(verb: str) -> Action:
    return Action(
        verb=verb, resource=ResourceId("a"), instance="a", node=NodeName("n1"), to=None, reason="", blocked=False
    )


def wants(verbs: Iterator[str]) -> Scheduler:
    """A scheduler that wants one thing after another."""

    def answered(asked: bytes) -> Forecast:
        return Forecast(
            actions=(action(next(verbs)),), known=asked.replace(b"<cib ", f'<cib at{next(MOMENTS)}="" '.encode(), 1)
        )

    return Scheduler(answered)


def test_a_scheduler_that_goes_to_and_fro_is_not_followed_for_ever() -> None:
    """As 2.1.5 and 3.0.0 do in their own case novell-252693-2, on which a copy was worked until its time was over."""
    scheduler = wants(itertools.cycle(["stop", "start", "restart"]))
    copy = Simulation(cluster(primitive("a")), patient=False, scheduler=scheduler)
    assert [copy.wait(1.0) for _ in range(4)] == [True, True, True, False]
    with pytest.raises(NothingComes):
        copy.wait(1.0)


def test_after_a_commit_the_same_may_come_again() -> None:
    scheduler = wants(itertools.cycle(["stop", "start", "restart"]))
    copy = Simulation(cluster(primitive("a")), patient=False, scheduler=scheduler)
    assert copy.wait(1.0)
    assert copy.wait(1.0)
    edit = SetMeta(resource=ResourceId("a"), name="target-role", value="Stopped")
    copy.commit(Change(edits=(edit,), reason="test"), based_on=copy.read())
    assert copy.wait(1.0), "the stop of before the commit"


def test_the_scheduler_is_asked_nothing_twice_by_a_cluster_and_its_copies() -> None:
    asked: list[bytes] = []

    def answered(cib: bytes) -> Forecast:
        asked.append(cib)
        return Forecast(actions=(), known=cib)

    scheduler = Scheduler(answered)
    snapshot = cluster(primitive("a"))
    stop = Change(edits=(SetMeta(resource=ResourceId("a"), name="target-role", value="Stopped"),), reason="test")
    copy = Simulation(snapshot, scheduler=scheduler)
    for _ in range(2):
        what_if(snapshot, stop, scheduler=scheduler)
        copy.what_if(snapshot, stop)
        copy.copy(snapshot).what_if(snapshot, stop)
    assert len(asked) == 1
    for number in range(20):
        scheduler(str(number).encode())
    copy.what_if(snapshot, stop)
    assert len(asked) == 22, "only the last answers are kept"


def test_once_time_has_passed_a_live_cluster_asks_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that has expired, or a failure that has, changes the answer, and nothing in the CIB."""
    asked: list[bytes] = []

    def answered(cib: bytes) -> Forecast:
        asked.append(cib)
        return Forecast(actions=(), known=cib)

    monkeypatch.setattr(forecast, "answered", answered)
    live, snapshot = LiveConnection(FakeClock()), cluster(primitive("a"))
    monkeypatch.setattr(live, "_watch", Nothing())
    for _ in range(2):
        live.what_if(snapshot)
        live.copy(snapshot).what_if(snapshot)
    assert len(asked) == 1
    assert not live.wait(1.0)
    live.what_if(snapshot)
    assert len(asked) == 2


class Nothing:
    """A watch that sees nothing."""

    def wait(self, _seconds: float) -> bool:
        return False


def test_marks_are_written_into_a_copy_without_asking_the_scheduler() -> None:
    def answered(cib: bytes) -> Forecast:
        raise AssertionError(cib)

    copy = Simulation(cluster(primitive("a")), scheduler=Scheduler(answered))
    before = copy.read()
    mark = SetMark(node=NodeName("n1"), name="pacewright-owed-a", value="t1")
    assert copy.commit(Change(edits=(mark,), reason="test", quiet=True), based_on=before)
    assert copy.read().nodes[NodeName("n1")].marks == {"pacewright-owed-a": "t1"}
    with pytest.raises(CommitConflict):
        copy.commit(Change(edits=(mark,), reason="test", quiet=True), based_on=before)
