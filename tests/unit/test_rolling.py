"""How a roll goes, decision by decision: its order, what is drained, and what becomes of it when an instance fails."""

from __future__ import annotations

import pytest

from pacewright.cluster.edits.change import Change, SetMark, SetRevision
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import OperationFailed
from pacewright.frozen import replace
from pacewright.operation.step import Ask, Check, Commit, Done, Drain, Fail, Job, Next, Restore, Wait
from pacewright.service.ledger.debts import debts
from pacewright.service.ledger.drained import drained
from pacewright.service.lookup import Target, find
from pacewright.service.requests import Options, make_job
from pacewright.service.rolling.restart import Restart
from pacewright.service.settings import Last, ServiceSettings, Settings
from pacewright.service.status import leftovers
from pacewright.testing.clusters import Op, action, after, clone, cluster, forecast, primitive, run
from tests.rolls import under

NOW = 1_700_000_500.0
QUIET = forecast()
N1, N2, N3 = (NodeName(name) for name in ("n1", "n2", "n3"))
FAILED = (Op(task="start", run=2, call=20, rc=1, failure=True, reason="no config"),)


def three(**more: object) -> Snapshot:
    return cluster(clone("web-clone", primitive("web")), running={"web": ("n1", "n2", "n3")}, **more)  # type: ignore[arg-type]


def target_of(snapshot: Snapshot) -> Target:
    found = find("web", snapshot, Settings())
    assert found is not None
    return found


def begin(snapshot: Snapshot, **policy: object) -> Restart:
    found = make_job(
        "restart",
        target_of(snapshot),
        snapshot,
        lambda: QUIET,
        said=ServiceSettings(),
        options=Options(),
        here=N1,
        now=NOW,
    )
    assert isinstance(found, Restart)
    return under(found, **policy)


def written(step: Next, snapshot: Snapshot, **histories: tuple[Op, ...]) -> tuple[Job, Snapshot]:
    assert isinstance(step, Commit), step
    return step.job, after(snapshot, step.change, {("web", node): ops for node, ops in histories.items()})


def restarted(step: Next) -> bool:
    return isinstance(step, Commit) and any(isinstance(edit, SetRevision) for edit in step.change.edits)


# --- order


def test_without_rules_it_goes_by_name_even_through_the_dc() -> None:
    snapshot = three(dc="1")
    step = begin(snapshot, order=()).decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    assert step.summary == "restarting web on n1"


def test_the_first_rule_counts_before_the_others() -> None:
    promoted = {("web", "n1"): run(), ("web", "n2"): run(promoted=True), ("web", "n3"): run()}
    snapshot = cluster(clone("web-clone", primitive("web"), promotable="true"), histories=promoted, dc="1")
    slots = begin(snapshot).slots
    by = {
        order: sorted(slots.before, key=lambda s: slots.rank(s, snapshot, order))
        for order in (tuple(Last), (Last.DC, Last.PROMOTED))
    }
    assert by == {
        (Last.PROMOTED, Last.DC): ["n3", "n1", "n2"],
        (Last.DC, Last.PROMOTED): ["n3", "n2", "n1"],
    }


# --- drained before, given back after


def test_an_instance_is_noted_drained_restarted_checked_given_back_and_crossed_out_in_that_order() -> None:
    snapshot = three()
    job: Job = begin(snapshot, drains=True, health=True)
    note = job.decide(snapshot, None, NOW)
    assert isinstance(note, Commit)
    assert not restarted(note)
    job, snapshot = written(note, snapshot)
    assert drained(target_of(snapshot), snapshot) == {N2}
    drain = job.decide(snapshot, None, NOW)
    assert isinstance(drain, Drain)
    assert drain.nodes == (N2,)
    step = drain.job.decide(snapshot, None, NOW)
    assert restarted(step)
    job, snapshot = written(step, snapshot, n2=run(2, digest="d1"))
    check = job.decide(snapshot, None, NOW)
    assert isinstance(check, Check)
    back = check.job.decide(snapshot, None, NOW)
    assert isinstance(back, Restore)
    assert back.nodes == (N2,)
    following = back.job.decide(snapshot, None, NOW)
    _, snapshot = written(following, snapshot)
    assert drained(target_of(snapshot), snapshot) == {N3}, "with one write n2 is crossed out and n3 is noted"


def test_the_last_one_is_given_back_before_it_says_that_it_is_done() -> None:
    snapshot = three()
    job: Job = begin(snapshot, drains=True)
    seen = []
    for _ in range(30):
        step = job.decide(snapshot, QUIET, NOW)
        seen.append(type(step).__name__)
        if isinstance(step, Done):
            break
        if isinstance(step, Drain | Restore):
            job = step.job
            continue
        up = {edit.node: run(2, digest="d1") for edit in _revised(step)}
        job, snapshot = written(step, snapshot, **up)
    assert seen.count("Drain") == seen.count("Restore") == 3
    assert drained(target_of(snapshot), snapshot) == set()
    assert seen[-1] == "Done"


def _revised(step: Next) -> list[SetMark]:
    """The marks of what is begun: where an instance restarts."""
    assert isinstance(step, Commit), step
    marks = [e for e in step.change.edits if isinstance(e, SetMark) and e.name.startswith("pacewright-begun")]
    return [mark for mark in marks if mark.value is not None]


def test_what_a_call_that_died_has_drained_is_listed_and_given_back_by_the_next_refresh() -> None:
    snapshot = three(attributes={"n2": {"pacewright-drained-web-clone": "1700000000"}})
    assert [(debt.node, debt.reason) for debt in leftovers(target_of(snapshot), snapshot)] == [
        (N2, "still out of the load balancer after an interrupted command")
    ]
    job = make_job(
        "reconcile",
        target_of(snapshot),
        snapshot,
        lambda: QUIET,
        said=ServiceSettings(),
        options=Options(),
        here=N1,
        now=NOW,
    )
    assert isinstance(job, Restart)
    step = under(job, drains=True).rehearsed().decide(snapshot, None, NOW)
    assert isinstance(step, Restore)
    assert step.nodes == (N2,)
    job2, snapshot = written(step.job.decide(snapshot, None, NOW), snapshot)
    assert drained(target_of(snapshot), snapshot) == set()
    assert isinstance(job2.decide(snapshot, None, NOW), Done)


DRAINED = {"pacewright-drained-web-clone": "1700000000"}


def test_what_was_left_drained_is_given_back_only_once_it_is_healthy() -> None:
    snapshot = three(attributes={"n2": DRAINED})
    check = called(snapshot, "reconcile", health=True).decide(snapshot, None, NOW)
    assert isinstance(check, Check)
    assert check.nodes == (N2,)
    assert isinstance(check.job.decide(snapshot, None, NOW), Restore)


def test_what_was_left_drained_restarts_first_and_nothing_else_goes_down_beside_it() -> None:
    snapshot = three(attributes={"n3": DRAINED, "n1": {}})
    step = called(snapshot, "restart").decide(snapshot, None, NOW)
    assert isinstance(step, Drain)
    assert step.nodes == (N3,)


def test_what_was_left_drained_beyond_a_roll_is_given_back_before_another_is_drained() -> None:
    snapshot = three(attributes={"n1": DRAINED})
    step = called(snapshot, "restart", node="n2").decide(snapshot, None, NOW)
    assert isinstance(step, Restore)
    assert step.nodes == (N1,)
    assert isinstance(step.job.decide(snapshot, None, NOW), Commit)


def test_what_a_restart_is_draining_no_other_call_gives_back() -> None:
    snapshot = three()
    _, snapshot = written(begin(snapshot, drains=True).decide(snapshot, None, NOW), snapshot)
    assert drained(target_of(snapshot), snapshot) == {N2}
    beside = called(snapshot, "reconcile").decide(snapshot, None, NOW)
    assert isinstance(beside, Drain), "it is owed, so this call takes part in the restart"
    elsewhere = called(snapshot, "restart", node="n1").decide(snapshot, None, NOW)
    assert not isinstance(elsewhere, Restore)


def test_who_is_cut_off_gives_nothing_back() -> None:
    """Seen in a campaign: a node that had been frozen gave back what another was about to stop."""
    snapshot = three(attributes={"n2": DRAINED})
    job = called(snapshot, "reconcile")
    assert isinstance(job.decide(snapshot, None, NOW), Restore)
    assert not isinstance(job.decide(replace(snapshot, quorate=False), None, NOW), Restore)
    gone = replace(snapshot.nodes[N2], online=False)
    without = replace(snapshot, nodes={**snapshot.nodes, N2: gone})
    assert not isinstance(job.decide(without, None, NOW), Restore)


def test_what_was_given_back_under_a_call_is_drained_anew() -> None:
    snapshot = three()
    job, snapshot = written(begin(snapshot, drains=True).decide(snapshot, None, NOW), snapshot)
    drain = job.decide(snapshot, None, NOW)
    assert isinstance(drain, Drain)
    given = Change(edits=(SetMark(node=N2, name="pacewright-drained-web-clone", value=None),), reason="t")
    snapshot = after(snapshot, given)
    job, snapshot = written(drain.job.decide(snapshot, None, NOW), snapshot)
    assert isinstance(job.decide(snapshot, None, NOW), Drain)


def test_what_is_drained_anew_is_not_crossed_out_because_it_was_given_back_before() -> None:
    """Found by the campaign: a call restarted an instance twice and ended; it got no requests from then on."""
    snapshot = three(attributes={"n2": DRAINED})
    back = called(snapshot, "reconcile").decide(snapshot, None, NOW)
    assert isinstance(back, Restore)
    again = Change(edits=(SetMark(node=N2, name="pacewright-drained-web-clone", value="1700000009.123"),), reason="t")
    for later in (after(snapshot, again), after(after(snapshot, None, {("web", "n2"): run(2, digest="d1")}), again)):
        step = back.job.decide(later, None, NOW)
        assert isinstance(step, Restore), step
        assert step.nodes == (N2,)
        crossed_out = step.job.decide(later, None, NOW)
        assert isinstance(crossed_out, Commit)
        assert crossed_out.change.edits == (SetMark(node=N2, name="pacewright-drained-web-clone", value=None),)


def called(snapshot: Snapshot, verb: str, *, health: bool = False, node: str | None = None) -> Restart:
    job = make_job(
        verb,
        target_of(snapshot),
        snapshot,
        lambda: QUIET,
        said=ServiceSettings(),
        options=Options(node=node),
        here=N1,
        now=NOW,
    )
    assert isinstance(job, Restart)
    return under(job, drains=True, health=health).rehearsed()  # no other call is there


def test_where_all_go_at_once_nothing_is_drained() -> None:
    snapshot = three()
    assert restarted(begin(snapshot, drains=True, at_once=True).decide(snapshot, None, NOW))


# --- what is begun stays noted until it is certain that the old run has ended


@pytest.mark.parametrize(
    ("states", "attributes", "ops", "stays"),
    [
        ({"n2": "pending"}, {}, run(), True),
        ({"n2": "offline"}, {}, run(), True),
        ({}, {"maintenance": "true"}, run(), True),
        ({}, {"standby": "on"}, (*run(), Op(task="stop", run=2, call=20)), False),
        ({}, {"standby": "on"}, (), True),
    ],
    ids=["its controller is gone", "it is away", "it is left alone", "it has stopped", "it has not probed yet"],
)
def test_what_is_begun_on_a_node_that_leaves(
    states: dict[str, str], attributes: dict[str, str], ops: tuple[Op, ...], *, stays: bool
) -> None:
    snapshot = three()
    job, snapshot = written(begin(snapshot).decide(snapshot, None, NOW), snapshot)
    marks = snapshot.nodes[N2].marks
    assert "pacewright-begun-web" in marks
    histories = {("web", "n1"): run(), ("web", "n2"): ops, ("web", "n3"): run()}
    left = cluster(
        clone("web-clone", primitive("web")),
        histories=histories,
        states=states,
        attributes={"n2": {**attributes, **marks}},
    )
    _, left = written(job.decide(left, None, NOW), left)
    assert ("pacewright-begun-web" in left.nodes[N2].marks) is stays


def test_what_is_due_on_a_node_that_gets_into_maintenance_stays_due() -> None:
    snapshot = three()
    job, snapshot = written(begin(snapshot).decide(snapshot, None, NOW), snapshot)
    marks = {str(node): dict(snapshot.nodes[node].marks) for node in (N1, N2, N3)}
    assert "pacewright-owed-web" in marks[N3]
    histories = {("web", "n1"): run(2, digest="d1"), ("web", "n2"): run(2, digest="d1"), ("web", "n3"): run()}
    marks[N3]["maintenance"] = "true"
    snapshot = cluster(clone("web-clone", primitive("web")), histories=histories, attributes=marks)
    end = job.decide(snapshot, QUIET, NOW)
    while isinstance(end, Commit):
        job, snapshot = written(end, snapshot)
        end = job.decide(snapshot, QUIET, NOW)
    assert isinstance(end, Done)
    assert end.outcome.notes == ("n3: in maintenance, its restart stays owed",)
    assert [(debt.node, debt.hindrance) for debt in debts(target_of(snapshot), snapshot)] == [(N3, "in maintenance")]


# --- an instance that fails


def test_with_continue_the_roll_goes_on_and_ends_with_what_failed() -> None:
    snapshot = three()
    job, snapshot = written(begin(snapshot, keeps_going=True).decide(snapshot, None, NOW), snapshot, n2=FAILED)
    assert isinstance(job.decide(snapshot, None, NOW), Ask)
    for node in ("n3", "n1"):
        step = job.decide(snapshot, QUIET, NOW)
        assert restarted(step)
        job, snapshot = written(step, snapshot, **{node: run(2, digest="d1")})
    end = job.decide(snapshot, QUIET, NOW)
    if isinstance(end, Commit):  # what has started is crossed out
        end = end.job.decide(after(snapshot, end.change), QUIET, NOW)
    assert isinstance(end, Fail)
    assert isinstance(end.error, OperationFailed)
    assert "web did not come up on n2: start failed (rc 1): no config" in end.error.message
    assert end.error.message.endswith("Restarted on n1, n3.")


def test_with_continue_one_that_is_not_healthy_is_left_behind() -> None:
    snapshot = three()
    job, snapshot = written(
        begin(snapshot, keeps_going=True, health=True).decide(snapshot, None, NOW), snapshot, n2=run(2, digest="d1")
    )
    check = job.decide(snapshot, None, NOW)
    assert isinstance(check, Check)
    assert check.failed is not None
    assert restarted(check.failed(N2, "n2 answers 500").decide(snapshot, None, NOW))
    stop = begin(three(), health=True)
    assert stop.decide(three(), None, NOW) is not None
    again = replace(stop, slots=job.slots) if isinstance(job, Restart) else stop
    last = again.decide(snapshot, None, NOW)
    assert isinstance(last, Check)
    assert last.failed is None, "else the first one ends it"


def test_a_debt_of_what_failed_stays() -> None:
    reports = {node: {"pacewright-owed-web": "t0"} for node in ("n2",)}
    snapshot = three(attributes=reports)
    job, snapshot = written(begin(snapshot, keeps_going=True).decide(snapshot, None, NOW), snapshot, n2=FAILED)
    change = Change(edits=(), reason="nothing")
    later = after(snapshot, change)
    assert "pacewright-begun-web" in later.nodes[N2].marks
    assert isinstance(job.decide(later, QUIET, NOW), Commit | Wait)


def test_the_first_step_leaves_other_resources_alone() -> None:
    snapshot = three()
    step = begin(snapshot).decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    assert {edit.resource for edit in step.change.edits if isinstance(edit, SetRevision)} == {ResourceId("web")}


def test_what_another_call_has_restarted_since_is_asked_after_anew() -> None:
    """Found by the model check: it had been seen healthy, was restarted by another call, and came up sick."""
    snapshot = three()
    check = called(snapshot, "restart", health=True, node="n3").decide(snapshot, None, NOW)
    assert isinstance(check, Check)
    assert check.nodes == (N1, N2)
    assert isinstance(check.job.decide(snapshot, None, NOW), Commit)
    again = check.job.decide(after(snapshot, None, {("web", "n1"): run(7)}), None, NOW)
    assert isinstance(again, Check)
    assert again.nodes == (N1,)


# --- how many are down at once


def test_what_is_under_way_counts_with_what_the_cluster_is_about_to_start_elsewhere() -> None:
    """Found by the model check: one was starting, another one had been cleaned and was in no roll, and a third went."""
    snapshot = cluster(
        clone("web-clone", primitive("web")),
        histories={("web", "n1"): run(), ("web", "n2"): (Op(task="start", pending=True),)},
    )
    job = begin(snapshot, limit=2)
    step = job.decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    assert restarted(step)
    coming = forecast(action("restart", "web", "n1"), action("start", "web", "n3"))
    assert isinstance(job.examine(step, coming, None), Wait)
    assert isinstance(job.examine(step, forecast(action("restart", "web", "n1")), None), Commit)
