"""Who leads a roll, decision by decision: one call writes its steps, the others leave them to it while it goes on."""

from __future__ import annotations

import pytest

from pacewright.cluster.names import NodeName
from pacewright.cluster.snapshot import Snapshot
from pacewright.operation.step import Check, Clean, Commit, Done, Drain, Job, Next, Wait
from pacewright.service.lookup import find
from pacewright.service.requests import Options, make_job
from pacewright.service.rolling.restart import Restart
from pacewright.service.rolling.turns import PATIENCE
from pacewright.service.settings import ServiceSettings, Settings
from pacewright.testing.clusters import Op, after, clone, cluster, forecast, primitive, run
from tests.rolls import under

NOW = 1_700_000_500.0
QUIET = forecast()
NEW = run(2, digest="d1")
FAILED = (Op(task="start", run=2, call=20, rc=1, failure=True, reason="no config"),)


def three(**more: object) -> Snapshot:
    return cluster(clone("web-clone", primitive("web")), running={"web": ("n1", "n2", "n3")}, **more)  # type: ignore[arg-type]


def call(snapshot: Snapshot, here: str, verb: str = "restart", **policy: object) -> Restart:
    target = find("web", snapshot, Settings())
    assert target is not None
    said, options = ServiceSettings(), Options()
    here_ = NodeName(here)
    made = make_job(verb, target, snapshot, lambda: QUIET, said=said, options=options, here=here_, now=NOW)
    assert isinstance(made, Restart)
    return under(made, **policy)


def led(snapshot: Snapshot) -> tuple[Job, Snapshot]:
    """A call on n1 has restarted the instance on n2: what goes on with it, and the cluster when that has started."""
    step = call(snapshot, "n1").decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    assert step.summary == "restarting web on n2"
    return step.job, after(snapshot, step.change, {("web", "n2"): NEW})


def left(step: Next, *, by: str = " on n1") -> Job:
    """Who it is left to is known by the mark of what that one has begun."""
    assert isinstance(step, Wait), step
    assert step.reason == f"another pacewright call{by} to take the next step"
    return step.job


def test_the_call_that_has_begun_goes_on_and_the_others_leave_it_the_next_step() -> None:
    begun = three()
    follower = call(begun, "n3")
    leader, snapshot = led(begun)
    following = leader.decide(snapshot, None, NOW)
    assert isinstance(following, Commit)
    assert following.summary == "restarting web on n3"
    left(follower.decide(snapshot, None, NOW))


def test_a_leader_that_has_died_is_missed_for_three_seconds() -> None:
    begun = three()
    follower = call(begun, "n3")
    _, snapshot = led(begun)
    waits: Job = follower
    for second in (0, 1, 2, 2.9):
        waits = left(waits.decide(snapshot, None, NOW + second))
    step = waits.decide(snapshot, None, NOW + PATIENCE)
    assert isinstance(step, Commit)
    assert step.summary == "restarting web on n3"
    snapshot = after(snapshot, step.change, {("web", "n3"): NEW})
    following = step.job.decide(snapshot, None, NOW + PATIENCE)
    assert isinstance(following, Commit), "it leads from then on"


def test_progress_tells_that_the_leader_lives() -> None:
    begun = three()
    follower = call(begun, "n3")
    leader, snapshot = led(begun)
    waits = left(follower.decide(snapshot, None, NOW))
    following = leader.decide(snapshot, None, NOW)
    assert isinstance(following, Commit)
    snapshot = after(snapshot, following.change, {("web", "n3"): NEW})
    waits = left(waits.decide(snapshot, None, NOW + 2 * PATIENCE))
    last = following.job.decide(snapshot, None, NOW)
    assert isinstance(last, Commit)
    left(waits.decide(snapshot, None, NOW + 2 * PATIENCE + 2))


@pytest.mark.parametrize("jump", [-600.0, 600.0], ids=["set back", "frozen, or set forward"])
def test_a_call_that_stood_still_itself_waits_anew_and_not_for_long(jump: float) -> None:
    begun = three()
    follower = call(begun, "n3")
    _, snapshot = led(begun)
    waits = left(follower.decide(snapshot, None, NOW))
    for second in range(3):
        waits = left(waits.decide(snapshot, None, NOW + jump + second))
    assert isinstance(waits.decide(snapshot, None, NOW + jump + 3), Commit)


def test_the_end_is_written_by_the_leader_and_all_tell_who_it_was() -> None:
    begun = three()
    follower: Job = call(begun, "n3")
    leader, snapshot = led(begun)
    for starts in ({"n3"}, {"n1"}, set[str]()):
        follower = left(follower.decide(snapshot, QUIET, NOW))
        step = leader.decide(snapshot, QUIET, NOW)
        assert isinstance(step, Commit)
        leader, snapshot = step.job, after(snapshot, step.change, {("web", node): NEW for node in starts})
    told = [job.decide(snapshot, QUIET, NOW) for job in (leader, follower)]
    assert [step.outcome.led for step in told if isinstance(step, Done)] == [True, False]
    assert [step.outcome.message for step in told if isinstance(step, Done)] == [
        "web: restarted on n1, n2, n3.",
        "web: restarted on n1, n2, n3; another call on n1 led, one restart was enough for both.",
    ]


def test_a_call_that_begins_in_the_midst_of_it_leaves_it_to_the_leader_too() -> None:
    _, snapshot = led(three())
    left(call(snapshot, "n3", "reconcile").decide(snapshot, None, NOW))


def test_a_step_that_has_failed_is_nobodys_any_more() -> None:
    """Mended by hand, and tried again: that need not wait."""
    step = call(three(), "n1").decide(three(), None, NOW)
    assert isinstance(step, Commit)
    failed = after(three(), step.change, {("web", "n2"): FAILED})
    assert isinstance(call(failed, "n1").decide(failed, None, NOW), Clean)


def test_every_call_looks_for_itself_whether_what_has_started_is_healthy() -> None:
    begun = three()
    follower = call(begun, "n3", health=True)
    _, snapshot = led(begun)
    assert isinstance(follower.decide(snapshot, None, NOW), Check)


def test_an_instance_that_another_call_has_drained_is_that_calls() -> None:
    begun = three()
    follower = call(begun, "n3", drains=True)
    note = call(begun, "n1", drains=True).decide(begun, None, NOW)
    assert isinstance(note, Commit)
    snapshot = after(begun, note.change)
    left(follower.decide(snapshot, None, NOW), by="")
    assert isinstance(note.job.decide(snapshot, None, NOW), Drain)


def test_a_rehearsal_waits_for_nobody() -> None:
    begun = three()
    _, snapshot = led(begun)
    assert isinstance(call(snapshot, "n3").rehearsed().decide(snapshot, None, NOW), Commit)
