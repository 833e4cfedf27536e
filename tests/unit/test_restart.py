"""Restart, decision by decision: a snapshot in, the next step out."""

from __future__ import annotations

from typing import TypeGuard

import pytest

from pacewright.cluster.edits.change import Change, Edit, SetMark, SetMeta, SetRevision
from pacewright.cluster.edits.hold import HoldInstance, HoldResource, Release
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.cluster.timeouts import timeouts
from pacewright.errors import OperationFailed, Refused
from pacewright.frozen import replace
from pacewright.operation.step import Ask, Check, Clean, Commit, Done, Fail, Next, Wait
from pacewright.service.ledger.debts import debts
from pacewright.service.ledger.promoted import with_roles
from pacewright.service.ledger.record import BEGUN
from pacewright.service.lookup import find
from pacewright.service.rolling.hold import MARGIN
from pacewright.service.rolling.policy import Policy
from pacewright.service.rolling.refresh import begin_refresh
from pacewright.service.rolling.restart import Restart, begin_restart
from pacewright.service.rolling.turns import Lead
from pacewright.service.settings import Settings
from pacewright.service.status import is_enabled
from pacewright.testing.clusters import Op, action, after, clone, cluster, forecast, group, primitive, revision_on, run
from tests.rolls import under

NOW = 1_700_000_500.0
TOKEN = "t1"
WEB = ResourceId("web")
N1, N2, N3 = (NodeName(name) for name in ("n1", "n2", "n3"))
CLONE = clone("web-clone", primitive("web", timeouts={"stop": "40s"}))
NEW = run(2, digest="d1")
STARTING = (Op(task="start", run=2, pending=True),)
STOPPING = (Op(task="stop", run=2, pending=True),)
STOPPED = (Op(task="stop", run=2, call=20),)
FAILED = (Op(task="start", run=2, call=20, rc=1, failure=True, reason="no config"),)
QUIET = forecast()
_SEEN = (BEGUN, "pacewright-promoted-")


def begin(
    snapshot: Snapshot,
    name: str = "web",
    planned: Forecast = QUIET,
    *,
    node: NodeName | None = None,
    at_once: bool = False,
    allow_collateral: bool = False,
) -> Restart:
    target = find(name, snapshot, Settings())
    assert target is not None
    job = begin_restart(
        target,
        snapshot,
        planned,
        token=TOKEN,
        node=node,
        policy=Policy(at_once=at_once, allow_collateral=allow_collateral),
    )
    return replace(job, here=N1)


def decide(job: Restart, snapshot: Snapshot, planned: Forecast | None = None, now: float = NOW) -> Next:
    step = job.decide(snapshot, planned, now)
    if (
        isinstance(step, Commit)
        and step.change.edits
        and all(isinstance(e, SetMark) and e.name.startswith(_SEEN) and e.value is None for e in step.change.edits)
    ):
        # What was seen to start, or to be promoted, is crossed out; here that goes without saying.
        return decide(going_on(step), after(snapshot, step.change), planned, now)
    return step


def is_begun(edit: object) -> TypeGuard[SetMark]:
    return isinstance(edit, SetMark) and edit.name.startswith(BEGUN)


def told(step: Commit) -> tuple[Edit, ...]:
    """Its edits, but for the notes of what is begun, which have tests of their own."""
    return tuple(edit for edit in step.change.edits if not is_begun(edit))


def commit(step: Next) -> Commit:
    assert isinstance(step, Commit), step
    return step


def going_on(step: Next) -> Restart:
    """The job that takes over."""
    assert isinstance(step, Commit | Wait | Clean), step
    assert isinstance(step.job, Restart)
    return step.job


def three() -> Snapshot:
    return cluster(CLONE, running={"web": ("n1", "n2", "n3")})


# --- may it begin?


def test_what_is_stopped_on_purpose_is_not_restarted() -> None:
    with pytest.raises(Refused, match="stopped on purpose") as caught:
        begin(cluster(clone("web-clone", primitive("web"), target_role="Stopped")))
    assert "pacewright service start web" in caught.value.hint


def test_what_runs_nowhere_is_not_restarted_and_says_which_nodes_are_away() -> None:
    with pytest.raises(Refused, match=r"it runs nowhere \(n2 standby, n3 offline\)"):
        begin(cluster(CLONE, states={"n3": "offline"}, attributes={"n2": {"standby": "on"}}))


def test_what_does_not_run_on_that_node_says_where_it_does() -> None:
    with pytest.raises(Refused, match="nothing to restart on n3: it does not run there; it runs on n1, n2"):
        begin(cluster(CLONE, running={"web": ("n1", "n2")}), node=N3)


def test_what_is_about_to_start_is_restarted_by_that() -> None:
    """Seen in the campaign: another call's restart had stopped it, and had not started it yet."""
    snapshot = cluster(primitive("web"))
    coming = forecast(action("start", "web", "n2"))
    job = begin(snapshot, planned=coming)
    step = decide(job, snapshot, coming)
    assert isinstance(step, Wait)
    up = after(snapshot, None, {("web", "n2"): run(7, digest="d7")})
    done = decide(going_on(step), up, QUIET)
    assert isinstance(done, Done), done
    assert done.outcome.message == "web: restarted; another call led, one restart was enough for both."
    with pytest.raises(Refused, match="runs nowhere"):
        begin(snapshot, planned=forecast(replace(action("start", "web", "n2"), blocked=True)))


def test_instances_that_are_all_about_to_start_are_restarted_by_that() -> None:
    snapshot = cluster(CLONE)
    coming = forecast(*(action("start", "web", node) for node in ("n1", "n2")))
    job = begin(snapshot, planned=coming)
    assert sorted(job.slots.before) == ["n1", "n2"]
    assert isinstance(decide(job, snapshot, coming), Wait)
    assert sorted(begin(snapshot, planned=coming, node=N2).slots.before) == ["n2"]


# --- one place: a primitive, a group


def test_a_primitive_whose_nodes_have_revisions_of_their_own_is_redefined_once() -> None:
    """Seen in the campaign: it was redefined again and again until the cluster had begun, or for ever if it did not."""
    sets = revision_on("web", "n1", "old1") + revision_on("web", "n2", "old2")
    attributes = {"n1": {"pacewright-config-web": "aaaa@1"}, "n2": {"pacewright-config-web": "bbbb@1"}}
    snapshot = cluster(primitive("web", sets=sets), running={"web": ("n2",)}, attributes=attributes)
    step = commit(decide(begin(snapshot), snapshot))
    job, snapshot = going_on(step), after(snapshot, step.change)
    assert snapshot.resources[WEB].revision_on(N2) == f"bbbb+{TOKEN}"
    assert isinstance(decide(job, snapshot), Wait)
    snapshot = after(snapshot, histories={("web", "n2"): NEW})
    assert isinstance(decide(job, snapshot), Done)


def test_a_report_of_another_node_does_not_look_like_the_restart_of_a_primitive() -> None:
    snapshot = cluster(primitive("web"), running={"web": ("n2",)})
    job = begin(snapshot)
    passive = Change(edits=(SetRevision(resource=WEB, default=None, nodes={N1: "aaaa"}),), reason="a report")
    assert commit(decide(job, after(snapshot, passive))).summary == "restarting web"


def test_a_primitive_gets_one_plain_revision_and_no_debt() -> None:
    snapshot = cluster(primitive("web"), running={"web": ("n2",)})
    step = commit(decide(begin(snapshot), snapshot))
    assert told(step) == (SetRevision(resource=WEB, default=TOKEN, nodes={}),)
    assert going_on(step).commits == 1


def test_a_primitive_from_the_commit_to_the_end() -> None:
    snapshot = cluster(primitive("web"), running={"web": ("n2",)})
    step = commit(decide(begin(snapshot), snapshot))
    job = going_on(step)
    written = after(snapshot, step.change)
    assert isinstance(decide(job, written), Wait)
    assert isinstance(decide(job, after(written, None, {("web", "n2"): STOPPING})), Wait)
    assert isinstance(decide(job, after(written, None, {("web", "n2"): STOPPED})), Wait)
    assert isinstance(decide(job, after(written, None, {("web", "n2"): STARTING})), Wait)
    end = decide(job, after(written, None, {("web", "n2"): NEW}))
    assert isinstance(end, Done)
    assert end.outcome.changed
    assert end.outcome.message == "web: restarted."


def test_it_may_start_on_another_node() -> None:
    snapshot = cluster(primitive("web"), running={"web": ("n2",)})
    step = commit(decide(begin(snapshot), snapshot))
    moved = after(snapshot, step.change, {("web", "n2"): STOPPED, ("web", "n3"): NEW})
    end = decide(going_on(step), moved)
    assert isinstance(end, Done)
    assert end.outcome.notes == ()


def test_that_it_did_not_start_where_it_ran_is_said_though_it_runs_on_another_node() -> None:
    snapshot = cluster(primitive("web"), running={"web": ("n2",)})
    step = commit(decide(begin(snapshot), snapshot))
    moved = after(
        snapshot, step.change, {("web", "n2"): (*FAILED, Op(task="stop", run=2, call=21)), ("web", "n3"): NEW}
    )
    end = decide(going_on(step), moved, QUIET)
    assert isinstance(end, Done)
    (note,) = end.outcome.notes
    assert note.startswith(
        "web did not come up on n2 (start failed (rc 1): no config), so the cluster has started it on n3"
    )


def test_a_group_restarts_in_one_step_and_is_done_when_every_member_is() -> None:
    snapshot = cluster(group("g", primitive("a"), primitive("b")), running={"a": ("n1",), "b": ("n1",)})
    step = commit(decide(begin(snapshot, "g"), snapshot))
    assert [e.resource for e in step.change.edits if isinstance(e, SetRevision)] == ["a", "b"]
    half = after(snapshot, step.change, {("a", "n1"): NEW})
    assert isinstance(decide(going_on(step), half), Wait)
    whole = after(half, None, {("b", "n1"): NEW})
    assert isinstance(decide(going_on(step), whole), Done)


# --- a clone, one after another


def test_the_first_step_writes_down_what_is_to_come() -> None:
    snapshot = three()
    step = commit(decide(begin(snapshot), snapshot))
    assert step.change.edits[0] == SetRevision(resource=WEB, default=None, nodes={N2: TOKEN})
    owed = {edit.node: (edit.name, edit.value) for edit in told(step) if isinstance(edit, SetMark)}
    assert owed == {N1: ("pacewright-owed-web", TOKEN), N3: ("pacewright-owed-web", TOKEN)}


def test_what_ran_on_a_node_that_is_being_asked_anew_is_written_down_too() -> None:
    """Found by the model check: its controller had died between the call's begin and its first commit."""
    snapshot = three()
    job = under(begin(snapshot), limit=2)
    silent = after(snapshot, None, {("web", "n3"): ()})
    edits = told(commit(decide(job, silent)))
    assert {edit.node for edit in edits if isinstance(edit, SetMark) and edit.value == TOKEN} == {N1, N3}


def test_the_next_step_pays_one_debt_and_no_more() -> None:
    snapshot = three()
    step = commit(decide(begin(snapshot), snapshot))
    later = after(snapshot, step.change, {("web", "n2"): NEW})
    second = commit(decide(going_on(step), later))
    assert told(second) == (
        SetRevision(resource=WEB, default=None, nodes={N2: TOKEN, N3: TOKEN}),
        SetMark(node=N3, name="pacewright-owed-web", value=None),
    )


def test_the_last_step_folds_every_revision_into_one() -> None:
    snapshot = three()
    job, state = begin(snapshot), snapshot
    for node in ("n2", "n3"):
        step = commit(decide(job, state))
        job, state = going_on(step), after(state, step.change, {("web", node): NEW})
    last = commit(decide(job, state))
    assert told(last)[0] == SetRevision(resource=WEB, default=TOKEN, nodes={})
    done = decide(going_on(last), after(state, last.change, {("web", "n1"): NEW}))
    assert isinstance(done, Done)
    assert done.outcome.message == "web: restarted on n1, n2, n3."


def test_an_older_debt_is_paid_with_its_own_revision() -> None:
    snapshot = cluster(CLONE, running={"web": ("n1", "n2")}, attributes={"n2": {"pacewright-owed-web": "older"}})
    step = commit(decide(begin(snapshot), snapshot))
    assert step.change.edits[0] == SetRevision(resource=WEB, default=None, nodes={N2: "older"})
    assert SetMark(node=N2, name="pacewright-owed-web", value=None) in step.change.edits


@pytest.mark.parametrize(("dc", "first"), [("1", "n2"), ("2", "n1"), ("3", "n1")])
def test_the_dc_comes_last(dc: str, first: str) -> None:
    snapshot = cluster(CLONE, running={"web": ("n1", "n2", "n3")}, dc=dc)
    step = commit(decide(begin(snapshot), snapshot))
    assert step.summary == f"restarting web on {first}"


def test_the_promoted_instance_comes_after_the_dc() -> None:
    snapshot = cluster(
        clone("web-clone", primitive("web"), promotable="true"),
        histories={("web", "n1"): run(), ("web", "n2"): run(promoted=True), ("web", "n3"): run()},
        dc="1",
    )
    job, state, order = begin(snapshot), snapshot, []
    for _ in range(3):
        assert isinstance(decide(job, state), Ask), "the cluster may have roles in mind"
        step = commit(decide(job, state, QUIET))
        order.append(step.summary.split()[3])
        job, state = going_on(step), after(state, step.change, {("web", order[-1]): NEW})
    assert order == ["n3", "n1", "n2"]


def test_all_at_once_is_one_step_without_debts() -> None:
    snapshot = three()
    step = commit(decide(begin(snapshot, at_once=True), snapshot))
    assert told(step) == (SetRevision(resource=WEB, default=TOKEN, nodes={}),)
    assert begin(snapshot, at_once=True).steps == 1
    assert begin(snapshot).steps == 3


def test_one_node_is_one_step_and_leaves_the_others_alone() -> None:
    snapshot = three()
    step = commit(decide(begin(snapshot, node=N3), snapshot))
    assert told(step) == (SetRevision(resource=WEB, default=None, nodes={N3: TOKEN}),)
    done = decide(going_on(step), after(snapshot, step.change, {("web", "n3"): NEW}))
    assert isinstance(done, Done)
    assert done.outcome.message == "web: restarted on n3."


# --- what is begun and not seen to have started


def test_what_is_begun_is_noted_with_the_run_that_ends_and_crossed_out_when_the_next_has_started() -> None:
    snapshot = three()
    step = commit(begin(snapshot).decide(snapshot, None, NOW))
    assert [(e.node, e.value) for e in step.change.edits if is_begun(e)] == [("n2", "5:1:0:web-n2@n1")]
    later = after(snapshot, step.change, {("web", "n2"): NEW})
    second = commit(going_on(step).decide(later, None, NOW))
    assert [(e.node, e.value) for e in second.change.edits if is_begun(e)] == [("n2", None), ("n3", "5:1:0:web-n3@n1")]


def test_a_probe_after_the_commit_proves_nothing_so_the_next_call_restarts_it() -> None:
    """The controller and the caller died between the commit and the stop."""
    snapshot = cluster(primitive("web"), running={"web": ("n1",)})
    step = commit(decide(begin(snapshot), snapshot))
    probed = (Op(task="monitor", run=9, call=90, rc=0, expected=7, digest="d1"),)
    silent = after(snapshot, step.change, {("web", "n1"): probed})
    target = find("web", silent, Settings())
    assert target is not None
    assert [debt.reason for debt in debts(target, silent)] == ["its restart was begun, and nobody saw it start"]
    again = commit(decide(begin(silent).rehearsed(), silent))
    assert isinstance(again.change.edits[-1], HoldResource), "a new definition would go unnoticed"


def test_what_was_begun_by_a_call_that_died_and_has_started_since_is_not_owed_and_is_crossed_out() -> None:
    snapshot = cluster(primitive("web"), running={"web": ("n1",)})
    step = commit(decide(begin(snapshot), snapshot))
    started = after(snapshot, step.change, {("web", "n1"): NEW})
    target = find("web", started, Settings())
    assert target is not None
    assert list(debts(target, started)) == []


# --- what can happen meanwhile


def test_a_node_that_goes_away_is_not_waited_for() -> None:
    snapshot = three()
    step = commit(decide(begin(snapshot, at_once=True), snapshot))
    written = after(snapshot, step.change, {("web", "n1"): NEW, ("web", "n2"): NEW})
    gone = written.root.find("status/node_state[@uname='n3']")
    assert gone is not None
    gone.attrib.update({"in_ccm": "false", "crmd": "offline", "join": "down", "expected": "down"})
    done = decide(going_on(step), after(written))
    assert isinstance(done, Done)
    assert done.outcome.notes == ("n3: offline, nothing to restart there",)


def test_a_node_that_leaves_the_configuration_is_not_waited_for() -> None:
    snapshot = three()
    step = commit(decide(begin(snapshot, at_once=True), snapshot))
    smaller = cluster(CLONE, histories={("web", "n1"): NEW, ("web", "n2"): NEW}, nodes={"1": "n1", "2": "n2"})
    done = decide(going_on(step), smaller)
    assert isinstance(done, Done)
    assert done.outcome.notes == ("n3: no longer in the cluster, nothing to restart there",)


def test_when_everything_went_away_nothing_was_restarted() -> None:
    snapshot = cluster(CLONE, running={"web": ("n3",)})
    job = begin(snapshot)
    end = decide(job, cluster(CLONE, states={"n3": "offline"}))
    assert isinstance(end, Fail)
    assert isinstance(end.error, OperationFailed)


def test_maintenance_in_the_middle_ends_it_with_a_word() -> None:
    job = begin(three())
    end = decide(job, cluster(CLONE, running={"web": ("n1", "n2", "n3")}, properties={"maintenance-mode": "true"}))
    assert isinstance(end, Fail)
    assert "restart not finished: the cluster is in maintenance mode" in str(end.error)


def test_an_instance_that_does_not_come_up_ends_it_and_names_those_not_touched() -> None:
    snapshot = three()
    step = commit(decide(begin(snapshot), snapshot))
    broken = after(snapshot, step.change, {("web", "n2"): FAILED})
    assert isinstance(decide(going_on(step), broken), Ask)
    end = decide(going_on(step), broken, QUIET)
    assert isinstance(end, Fail)
    assert isinstance(end.error, OperationFailed)
    assert end.error.message == (
        "web: web did not come up on n2: start failed (rc 1): no config."
        " n1, n3 not touched and still running as before."
    )


DIED = Op(task="monitor", run=9, call=90, rc=7, interval=10_000, failure=True, reason="it died")


def test_one_that_dies_before_its_turn_is_waited_for_if_the_cluster_is_about_to_mend_it() -> None:
    snapshot = three()
    job = begin(snapshot)
    broken = after(snapshot, None, {("web", "n3"): (*run(), DIED)})
    assert isinstance(decide(job, broken), Ask)
    wait = decide(job, broken, forecast(action("recover", "web", "n3")))
    assert isinstance(wait, Wait)
    assert isinstance(decide(job, broken, forecast(action("recover", "web", "n3", blocked=True))), Fail)
    mended = after(broken, None, {("web", "n3"): (*run(12), DIED)})
    assert commit(decide(going_on(wait), mended)).summary == "restarting web on n2"


def test_one_that_has_restarted_and_dies_ends_the_roll_though_the_cluster_mends_it() -> None:
    snapshot = three()
    step = commit(decide(begin(snapshot), snapshot))
    up = after(snapshot, step.change, {("web", "n2"): NEW})
    second = commit(decide(going_on(step), up))
    dead = after(up, second.change, {("web", "n2"): (*NEW, DIED)})
    for state in (dead, after(dead, None, {("web", "n2"): (*run(12), DIED)})):
        end = decide(going_on(second), state, forecast(action("recover", "web", "n2")))
        assert isinstance(end, Fail), "also where it has been mended meanwhile"
        assert "web did not come up on n2: monitor failed (rc 7): it died" in end.error.message


@pytest.mark.parametrize("operation", ["start", "stop"])
def test_a_failed_start_ends_the_roll_though_the_cluster_is_about_to_try_again(operation: str) -> None:
    snapshot = three()
    step = commit(decide(begin(snapshot), snapshot))
    again = Op(task=operation, run=2, call=20, rc=1, failure=True, reason="no config")
    coming = forecast(action("recover", "web", "n2"))
    for state in ((again,), (again, *STARTING), (again, *run(3))):
        end = decide(going_on(step), after(snapshot, step.change, {("web", "n2"): state}), coming)
        assert isinstance(end, Fail)
        assert "n1, n3 not touched and still running as before" in end.error.message


def test_a_failure_that_pacemaker_was_told_to_ignore_ends_no_roll() -> None:
    """Found by the campaign: a monitor that always fails, with `on-fail=ignore`, before the next one had its turn."""
    web = primitive("web").replace('name="monitor"', 'name="monitor" on-fail="ignore"')
    snapshot = cluster(clone("web-clone", web), running={"web": ("n1", "n2", "n3")})
    step = commit(decide(begin(snapshot), snapshot))
    stopped = after(snapshot, step.change, {("web", "n2"): STOPPED})
    job = going_on(decide(going_on(step), stopped))
    ill = (*run(2, digest="d1"), replace(DIED, rc=1))
    seen = after(stopped, None, {("web", "n2"): ill})
    (instance,) = (i for i in seen.instances_of(WEB) if i.node == N2)
    assert instance.ignored
    assert instance.failure is not None
    assert isinstance(decide(job, seen), Commit)


def test_an_instance_that_had_failed_before_is_cleaned_once_then_judged() -> None:
    earlier = (Op(task="start", run=1, call=9, rc=1, failure=True, reason="old"),)
    snapshot = cluster(CLONE, histories={("web", "n1"): run(), ("web", "n2"): earlier})
    step = decide(begin(snapshot), snapshot)
    assert isinstance(step, Clean)
    assert (step.resource, step.node) == ("web", "n2")
    job = going_on(step)
    back = after(snapshot, None, {("web", "n2"): NEW})
    assert commit(decide(job, back)).summary == "restarting web on n1"


def test_a_cleaned_instance_that_fails_again_ends_it() -> None:
    earlier = (Op(task="start", run=1, call=9, rc=1, failure=True, reason="old"),)
    snapshot = cluster(CLONE, histories={("web", "n1"): run(), ("web", "n2"): earlier})
    job = going_on(decide(begin(snapshot), snapshot))
    assert isinstance(decide(job, after(snapshot, None, {("web", "n2"): FAILED}), QUIET), Fail)


def test_what_stopped_meanwhile_and_will_not_come_back_is_away() -> None:
    snapshot = three()
    job = begin(snapshot)
    gone = after(snapshot, None, {("web", "n3"): STOPPED})
    assert isinstance(decide(job, gone), Wait)
    step = decide(job, gone, QUIET)
    assert commit(step).summary == "restarting web on n2"


# --- calls that overlap


def test_a_restart_that_was_coming_anyway_is_enough() -> None:
    snapshot = cluster(primitive("web"), running={"web": ("n1",)})
    job = begin(snapshot, planned=forecast(action("restart", "web", "n1")))
    assert isinstance(decide(job, snapshot), Wait)
    done = decide(job, after(snapshot, None, {("web", "n1"): NEW}))
    assert isinstance(done, Done)
    assert "another call led, one restart was enough for both" in done.outcome.message


def test_a_blocked_restart_is_not_coming() -> None:
    snapshot = cluster(primitive("web"), running={"web": ("n1",)})
    job = begin(snapshot, planned=forecast(action("restart", "web", "n1", blocked=True)))
    assert isinstance(decide(job, snapshot), Commit)


def test_what_is_stopping_when_the_call_begins_starts_after_it() -> None:
    snapshot = cluster(primitive("web"), histories={("web", "n1"): STOPPING})
    job = begin(snapshot)
    assert isinstance(decide(job, snapshot), Wait)
    assert isinstance(decide(job, after(snapshot, None, {("web", "n1"): run(3)})), Done)


def test_a_start_that_was_under_way_may_have_read_the_old_config() -> None:
    snapshot = cluster(primitive("web"), histories={("web", "n1"): STARTING})
    job = begin(snapshot)
    assert isinstance(decide(job, snapshot), Wait)
    up = after(snapshot, None, {("web", "n1"): run(2)})
    assert isinstance(decide(job, up), Commit)


def test_two_calls_need_one_restart_of_each_instance() -> None:
    snapshot = three()
    ours, theirs = begin(snapshot, at_once=True), replace(begin(snapshot, at_once=True), token="t2")
    step = commit(decide(theirs, snapshot))
    written = after(snapshot, step.change)
    assert isinstance(decide(ours, written), Wait)
    started = after(written, None, {("web", n): NEW for n in ("n1", "n2", "n3")})
    over = commit(going_on(step).decide(started, None, NOW))
    done = decide(going_on(decide(ours, started)), after(started, over.change))
    assert isinstance(done, Done)
    assert "; another call on n1 led, one restart was enough for both" in done.outcome.message
    assert not done.outcome.led


def test_a_monitor_that_found_it_running_is_no_new_start() -> None:
    snapshot = cluster(primitive("web"), running={"web": ("n1",)})
    job = begin(snapshot)
    probed = (Op(task="monitor", run=9, call=90, rc=0, expected=7, digest="d0"),)
    assert isinstance(decide(job, after(snapshot, None, {("web", "n1"): probed})), Commit)


# --- an agent that would only reload


RELOAD = forecast(action("reload", "web", "n2"))


def test_an_agent_that_would_only_reload_is_held_instead() -> None:
    snapshot = three()
    job = begin(snapshot)
    other = job.examine(commit(decide(job, snapshot)), RELOAD, None)
    assert isinstance(other, Restart)
    assert other.use_hold


def holding(snapshot: Snapshot) -> Restart:
    job = begin(snapshot)
    target = replace(job.target, timeouts=timeouts(job.target.outermost, snapshot))
    return replace(job, use_hold=True, slots=replace(job.slots, target=target))


def test_a_clone_is_held_on_one_node_for_longer_than_its_stop_may_take() -> None:
    snapshot = three()
    step = commit(decide(holding(snapshot), snapshot))
    assert step.change.edits[-1] == HoldInstance(resource=ResourceId("web-clone"), node=N2, until=NOW + 40 + MARGIN)
    assert {e.node for e in step.change.edits if isinstance(e, SetMark)} == {N1, N2, N3}
    assert step.then is not None
    assert step.then.edits == (Release(resource=ResourceId("web-clone"), node=N2),)


def test_a_primitive_is_held_by_a_role_that_expires() -> None:
    snapshot = cluster(primitive("web"), running={"web": ("n1",)})
    step = commit(decide(holding(snapshot), snapshot))
    # The hold may end before it has worked, so what is asked for is written down with it.
    owed = SetMark(node=N1, name="pacewright-owed-web", value=TOKEN)
    assert told(step) == (owed, HoldResource(resource=WEB, until=NOW + 100 + MARGIN))
    assert step.then is not None
    assert step.then.edits == (Release(resource=WEB),)


@pytest.mark.scheduler
def test_what_is_held_is_not_stopped_on_purpose() -> None:
    """Found by the model check: another call's restart was refused meanwhile, and a start wrote a target-role."""
    snapshot = cluster(primitive("web"), running={"web": ("n1",)})
    held = Change(edits=(HoldResource(resource=WEB, until=4_000_000_000.0),), reason="")
    job = begin(after(snapshot, held))
    assert is_enabled(job.target, after(snapshot, held))
    stopped = SetMeta(resource=WEB, name="target-role", value="Stopped")
    assert not is_enabled(job.target, after(snapshot, Change(edits=(*held.edits, stopped), reason="")))


def test_a_hold_on_a_primitive_that_ended_too_soon_is_paid_by_the_next_call() -> None:
    """Found by the model check: with a clock that is behind, and a caller that died, nobody knew of the restart."""
    snapshot = cluster(primitive("web"), running={"web": ("n1",)})
    snapshot = after(snapshot, commit(decide(holding(snapshot), snapshot)).change)
    target = find("web", snapshot, Settings())
    assert target is not None
    assert [debt.node for debt in debts(target, snapshot)] == [N1]
    later = begin_refresh(target, snapshot, QUIET, own=None)
    release = commit(later.rehearsed().decide(snapshot, None, NOW + 1000))
    assert snapshot.holds
    snapshot = after(snapshot, release.change)
    again = commit(release.job.decide(snapshot, None, NOW + 1000))
    assert again.summary == "restarting web"
    assert SetMark(node=N1, name="pacewright-owed-web", value=None) in again.change.edits


def test_what_is_noted_for_a_primitive_where_it_no_longer_runs_is_crossed_out() -> None:
    marked = {"n1": {"pacewright-owed-web": TOKEN}}
    snapshot = cluster(primitive("web"), running={"web": ("n2",)}, attributes=marked)
    target = find("web", snapshot, Settings())
    assert target is not None
    job = begin_refresh(target, snapshot, QUIET, own=None)
    assert commit(job.decide(snapshot, None, NOW)).change.edits == (
        SetMark(node=N1, name="pacewright-owed-web", value=None),
    )


def test_a_hold_is_taken_away_once_the_instance_has_stopped_and_its_debt_with_it() -> None:
    snapshot = three()
    step = commit(decide(holding(snapshot), snapshot))
    job, held = going_on(step), after(snapshot, step.change)
    assert isinstance(decide(job, held), Wait)
    assert isinstance(decide(job, after(held, None, {("web", "n2"): STOPPING})), Wait)
    stopped = after(held, None, {("web", "n2"): STOPPED})
    release = commit(decide(job, stopped))
    assert release.change.edits == (
        Release(resource=ResourceId("web-clone"), node=N2),
        SetMark(node=N2, name="pacewright-begun-web", value=None),
        SetMark(node=N2, name="pacewright-owed-web", value=None),
    )
    up = after(stopped, release.change, {("web", "n2"): run(3)})
    assert commit(decide(going_on(release), up)).summary.startswith("restarting web on n3")


def test_a_hold_that_ended_by_itself_after_the_stop_has_paid() -> None:
    """Found by the model check: its call had died, and the next one restarted the instance once more."""
    snapshot = three()
    held = after(snapshot, commit(decide(holding(snapshot), snapshot)).change)
    back = after(held, None, {("web", "n2"): NEW})
    target = find("web", back, Settings())
    assert target is not None
    assert [debt.node for debt in debts(target, held)] == [N1, N2, N3]
    assert [debt.node for debt in debts(target, back)] == [N1, N3]
    release = commit(decide(holding(back).rehearsed(), back, None, NOW + 1000))
    back = after(back, release.change)
    again = commit(decide(going_on(release), back, None, NOW + 1000))
    assert SetMark(node=N2, name="pacewright-owed-web", value=TOKEN) in again.change.edits, "asked for once more"
    assert N2 in [debt.node for debt in debts(target, after(back, again.change))]


def test_a_hold_that_has_expired_is_taken_away_too() -> None:
    snapshot = three()
    step = commit(decide(holding(snapshot), snapshot))
    job, held = going_on(step), after(snapshot, step.change)
    assert isinstance(decide(job, held, now=NOW + 39 + MARGIN), Wait)
    release = commit(decide(job, held, now=NOW + 41 + MARGIN))
    assert release.summary == (
        "n2: the temporary stop rule expired before the instance stopped; check this node's and the DC's clock"
    )


def test_a_held_primitive_is_done_when_it_has_started_again() -> None:
    snapshot = cluster(primitive("web"), running={"web": ("n1",)})
    step = commit(decide(holding(snapshot), snapshot))
    stopped = after(snapshot, step.change, {("web", "n1"): STOPPED})
    release = commit(decide(going_on(step), stopped))
    up = after(stopped, release.change, {("web", "n1"): run(3)})
    assert up.holds == {}
    assert isinstance(decide(going_on(release), up), Done)


# --- effects beyond the service


def examined(forecasted: Forecast, planned: Forecast | None = None, *, allow: bool = False) -> object:
    snapshot = three()
    job = begin(snapshot, allow_collateral=allow)
    return job.examine(commit(decide(job, snapshot)), forecasted, planned)


OWN = action("restart", "web", "n2")
MOVE = action("move", "db", "n2", to="n3")


def test_what_was_expected_goes_on() -> None:
    assert isinstance(examined(forecast(OWN)), Commit)


@pytest.mark.parametrize("verb", ["move", "stop", "demote", "migrate", "promote", "start"])
def test_what_nobody_would_expect_is_refused_with_its_name(verb: str) -> None:
    surprise = action(verb, "db", "n2")
    assert isinstance(examined(forecast(OWN, surprise)), Ask)
    verdict = examined(forecast(OWN, surprise), QUIET)
    assert isinstance(verdict, Fail)
    assert isinstance(verdict.error, Refused)
    assert f"the cluster would also {verb} db on n2" in verdict.error.message


@pytest.mark.parametrize("verb", ["stop", "move"])
def test_its_own_instances_may_not_go_away_either(verb: str) -> None:
    assert isinstance(examined(forecast(action(verb, "web", "n2")), QUIET), Fail)


def test_what_the_cluster_is_about_to_do_anyway_is_no_effect_of_ours() -> None:
    assert isinstance(examined(forecast(OWN, MOVE), forecast(MOVE)), Commit)


def test_what_is_blocked_does_not_happen() -> None:
    assert isinstance(examined(forecast(OWN, action("move", "db", "n2", blocked=True))), Commit)


def test_collateral_that_was_accepted_goes_on() -> None:
    assert isinstance(examined(forecast(OWN, MOVE), allow=True), Commit)


def pair_of_clones(*, b_on: tuple[str, ...] = ("n1", "n2", "n3")) -> Snapshot:
    b = clone("b-clone", primitive("b"))
    return cluster(CLONE, b, running={"web": ("n1", "n2", "n3"), "b": b_on})


def everywhere(*nodes: str) -> Forecast:
    return forecast(OWN, *(action("restart", "b", node) for node in nodes))


def test_a_step_that_takes_every_instance_of_a_dependent_down_is_refused_with_the_ways_out() -> None:
    snapshot = pair_of_clones()
    job = begin(snapshot)
    step = commit(decide(job, snapshot))
    verdict = job.examine(step, everywhere("n1", "n2", "n3"), QUIET)
    assert isinstance(verdict, Fail)
    assert "take everything of b (on n1, n2, n3) down" in verdict.error.message
    for way in ("--all-at-once", "interleave=true", "--allow-collateral"):
        assert way in verdict.error.hint
    assert isinstance(job.examine(step, everywhere("n2"), QUIET), Commit)
    daring = begin(snapshot, allow_collateral=True)
    assert isinstance(daring.examine(step, everywhere("n1", "n2", "n3"), QUIET), Commit)
    one = begin(snapshot, node=N2)
    assert isinstance(one.examine(commit(decide(one, snapshot)), everywhere("n1", "n2", "n3"), QUIET), Fail)
    together = begin(snapshot, at_once=True)
    step = commit(decide(together, snapshot))
    whole = forecast(*everywhere("n1", "n2", "n3").actions, *(action("restart", "web", n) for n in ("n1", "n3")))
    assert isinstance(together.examine(step, whole, QUIET), Commit)


def test_what_runs_in_one_place_may_go_down_once_in_a_roll_and_not_at_each_step() -> None:
    snapshot = pair_of_clones(b_on=("n3",))
    job = begin(snapshot)
    first = job.examine(commit(decide(job, snapshot)), everywhere("n3"), QUIET)
    assert isinstance(first, Commit)
    up = after(snapshot, first.change, {("web", "n2"): NEW})
    again = forecast(action("restart", "web", "n3"), action("restart", "b", "n3"))
    second = going_on(first).examine(commit(decide(going_on(first), up)), again, QUIET)
    assert isinstance(second, Fail)


def test_what_goes_with_the_promoted_role_moves_with_it_and_is_waited_for() -> None:
    snapshot = ranked("n3")
    job = begin(snapshot, node=N3)
    step = commit(decide(job, snapshot, QUIET))
    role = (action("restart", "web", "n3"), action("promote", "web", "n1"))
    along = job.examine(step, forecast(*role, action("move", "vip", "n3", to="n1")), QUIET)
    assert isinstance(along, Commit)
    assert going_on(along).companions == {"vip"}
    for other in (action("move", "vip", "n3", to="n2"), action("move", "vip", "n2", to="n1")):
        assert isinstance(job.examine(step, forecast(*role, other), QUIET), Fail)


def test_dependents_restart_along_and_are_waited_for() -> None:
    snapshot = cluster(primitive("web"), primitive("db"), running={"web": ("n1",), "db": ("n1",)})
    job = begin(snapshot)
    step = commit(decide(job, snapshot))
    verdict = job.examine(step, forecast(action("restart", "web", "n1"), action("restart", "db", "n1")), None)
    assert isinstance(verdict, Commit)
    job = going_on(verdict)
    assert job.companions == {"db"}
    web_up = after(snapshot, step.change, {("web", "n1"): NEW, ("db", "n1"): STARTING})
    wait = decide(job, web_up)
    assert isinstance(wait, Wait)
    assert "db, which depends on it" in wait.reason
    done = decide(job, after(web_up, None, {("db", "n1"): NEW}))
    assert isinstance(done, Done)
    assert done.outcome.notes == ("db depends on it and restarted along",)


def test_a_dependent_that_is_down_is_waited_for_as_long_as_the_cluster_wants_it() -> None:
    snapshot = cluster(primitive("web"), primitive("db"), running={"web": ("n1",), "db": ("n1",)})
    job = replace(begin(snapshot), companions=frozenset({ResourceId("db")}), commits=1)
    gone = after(snapshot, None, {("web", "n1"): NEW, ("db", "n1"): ()})
    assert isinstance(decide(job, gone), Ask)
    assert isinstance(decide(job, gone, forecast(action("start", "db", "n1"))), Wait)
    assert isinstance(decide(job, gone, QUIET), Done)


# --- promotable


PROMOTED = (Op(task="promote", run=2, call=21, digest="d1"),)
UNPROMOTED = NEW


def test_a_promotable_is_done_when_the_scheduler_has_nothing_more_to_do() -> None:
    snapshot = cluster(
        clone("web-clone", primitive("web"), promotable="true"), histories={("web", "n1"): run(promoted=True)}
    )
    job, down = begun(snapshot)
    up = after(down, None, {("web", "n1"): PROMOTED})
    assert isinstance(decide(job, up), Ask)
    assert isinstance(decide(job, up, forecast(action("demote", "web", "n1"))), Wait)
    blocked = forecast(action("demote", "web", "n1", blocked=True))
    assert all(isinstance(decide(job, up, planned), Done) for planned in (blocked, QUIET))


def test_a_promote_hides_the_start_before_it_but_what_was_seen_stopped_counts_as_renewed() -> None:
    snapshot = cluster(
        clone("web-clone", primitive("web"), promotable="true"), histories={("web", "n1"): run(promoted=True)}
    )
    job = replace(begin(snapshot), use_hold=True)
    step = commit(decide(job, snapshot, QUIET))
    stopped = after(snapshot, step.change, {("web", "n1"): STOPPED})
    release = commit(decide(going_on(step), stopped))
    promoted = after(stopped, release.change, {("web", "n1"): run(4, promoted=True)})
    assert isinstance(decide(going_on(release), promoted, QUIET), Done)


def test_what_was_demoted_last_is_held_because_pacemaker_would_not_notice_a_new_definition() -> None:
    demoted = (Op(task="demote", run=3, call=30),)
    snapshot = cluster(
        clone("web-clone", primitive("web"), promotable="true"),
        histories={("web", "n1"): demoted, ("web", "n2"): run(promoted=True)},
    )
    step = commit(decide(begin(snapshot), snapshot, QUIET))
    assert [type(edit) for edit in step.change.edits][-1] is HoldInstance
    assert (
        step.summary == "restarting web on n1 (Pacemaker would not notice a new definition now, so it is held stopped)"
    )
    up = after(snapshot, None, {("web", "n1"): run(4)})
    assert isinstance(commit(decide(begin(up), up, QUIET)).change.edits[0], SetRevision)


def test_a_node_that_says_nothing_is_not_taken_for_one_that_has_stopped() -> None:
    snapshot = three()
    step = commit(decide(holding(snapshot), snapshot))
    job, held = going_on(step), after(snapshot, step.change)
    silent = after(held, None, {("web", "n2"): ()})  # its controller was restarted and has not probed yet
    assert isinstance(decide(job, silent), Wait), "the hold would be taken away from an instance that still runs"
    still_up = after(held)
    assert isinstance(decide(going_on(decide(job, silent)), still_up), Wait)
    stopped = after(held, None, {("web", "n2"): STOPPED})
    assert isinstance(decide(job, stopped), Commit)


def test_what_runs_in_one_place_is_not_restarted_while_its_node_is_in_maintenance() -> None:
    """Found by the model check: nothing happened, and when the maintenance was over, the agent was only reloaded."""
    snapshot = cluster(primitive("web"), running={"web": ("n1",)}, attributes={"n1": {"maintenance": "true"}})
    with pytest.raises(Refused, match="not restarted: n1, where it runs, is in maintenance"):
        begin(snapshot)
    calm = cluster(primitive("web"), running={"web": ("n1",)})
    end = decide(begin(calm), snapshot)
    assert isinstance(end, Fail)
    assert "restart not finished: n1, where it runs, is in maintenance" in str(end.error)


def test_what_an_earlier_restart_has_left_does_not_pay_the_next_one() -> None:
    """Its note of what was begun still stands, because its call died; the start that followed paid that one only."""
    started = {"n2": {"pacewright-begun-web": "5:1:0:web-n2"}}
    snapshot = cluster(
        CLONE, histories={("web", "n1"): run(), ("web", "n2"): NEW, ("web", "n3"): run()}, attributes=started, dc="2"
    )
    step = commit(decide(begin(snapshot).rehearsed(), snapshot))
    assert step.summary == "restarting web on n1"
    snapshot = after(snapshot, step.change)
    target = find("web", snapshot, Settings())
    assert target is not None
    assert N2 in [debt.node for debt in debts(target, snapshot)]


ROLES = {"promotable": "true", "promoted_max": "3"}


def ranked(
    *promoted: str, states: dict[str, str] | None = None, attributes: dict[str, dict[str, str]] | None = None
) -> Snapshot:
    """Three instances, those that are promoted on these nodes."""
    histories = {("web", node): run(promoted=node in promoted) for node in ("n1", "n2", "n3")}
    web = clone("web-clone", primitive("web"), **ROLES)
    return cluster(web, histories=histories, states=states, attributes=attributes, dc="3")


def begun(snapshot: Snapshot, **policy: object) -> tuple[Restart, Snapshot]:
    """A restart that has held what comes first, on n1, and has let it go: it is stopped and about to start."""
    found = begin(snapshot)
    step = commit(decide(under(found, **policy), snapshot, QUIET))
    assert step.summary.startswith("restarting web on n1")
    held = {("web", str(e.node)): STOPPED for e in step.change.edits if isinstance(e, HoldInstance)}
    stopped = after(snapshot, step.change, held)
    letting = commit(decide(going_on(step), stopped))
    return going_on(letting), after(stopped, letting.change)


def test_on_a_copy_what_the_cluster_was_restarting_is_back_when_it_is_promoted() -> None:
    """Seen on a busy machine: "this never comes: n1 to restart", while the cluster recovered from a failed promote."""
    snapshot = ranked("n2", "n3")
    back = after(snapshot, None, {("web", "n1"): run(7, promoted=True)})
    job = begin(snapshot, planned=forecast(action("restart", "web", "n1")))
    assert commit(decide(job, back, QUIET)).summary.startswith("restarting web on n1"), "it was not seen to go down"
    assert not commit(decide(job.rehearsed(), back, QUIET)).summary.startswith("restarting web on n1")


@pytest.mark.parametrize("promoted", [False, True])
def test_a_restart_by_the_cluster_itself_that_a_cleanup_has_called_off_is_done_by_the_call(promoted: bool) -> None:  # noqa: FBT001
    """Seen on a busy machine: a call cleaned up a promote just when the cluster's next one had gone well, and hung."""
    coming = forecast(action("recover", "web", "n1"))
    failed = Op(task="promote", run=2, call=22, rc=1, failure=True)
    broken = after(ranked("n1", "n2", "n3"), None, {("web", "n1"): (*UNPROMOTED, failed)})
    job = begin(broken, planned=coming)
    clean = decide(job, broken, QUIET)
    assert isinstance(clean, Clean)
    probe = Op(task="monitor", run=3, call=30, rc=8 if promoted else 0)
    probed = after(broken, None, {("web", "n1"): (probe,)})
    wait = decide(going_on(clean), probed)
    assert isinstance(wait, Wait)
    assert wait.reason == "n1 to restart"
    assert isinstance(decide(going_on(wait), probed, coming), Wait), "it still comes"
    assert "web on n1" in commit(decide(going_on(wait), probed, QUIET)).summary


def test_the_next_one_waits_until_the_last_one_has_its_role_back() -> None:
    job, snapshot = begun(ranked("n1", "n2", "n3"))
    started = after(snapshot, None, {("web", "n1"): UNPROMOTED})
    late = decide(job, started, QUIET)
    assert isinstance(late, Wait), "the cluster wants nobody promoted yet: its agent sets the score later"
    assert late.reason == "n1 to be promoted again (3 were promoted, 2 are)"
    assert isinstance(decide(job, started, forecast(action("promote", "web", "n1"))), Wait)
    promoting = after(started, None, {("web", "n1"): (Op(task="promote", run=2, pending=True),)})
    assert isinstance(decide(job, promoting, QUIET), Wait)
    promoted = after(promoting, None, {("web", "n1"): PROMOTED})
    second = commit(decide(going_on(late), promoted, QUIET))
    assert second.summary == "restarting web on n2 (it is promoted, so it is held stopped)"
    marks = {(e.node, e.name): e.value for e in told(second) if isinstance(e, SetMark)}
    assert marks == {(N2, "pacewright-promoted-web"): "3"}
    assert {n.name for n in promoted.nodes.values() if "pacewright-promoted-web" in n.marks} == {N1}


@pytest.mark.parametrize("operation", ["promote", "demote", "monitor"])
def test_one_that_fails_on_its_way_to_its_role_ends_the_roll_whatever_the_cluster_does_next(operation: str) -> None:
    job, snapshot = begun(ranked("n1", "n2", "n3"))
    up = after(snapshot, None, {("web", "n1"): UNPROMOTED})
    job = going_on(decide(job, up, QUIET))
    failed = Op(task=operation, run=2, call=22, rc=1, failure=True, reason="no quorum of peers")
    recovered = (Op(task="stop", run=3, call=30),)
    for histories in ((*UNPROMOTED, failed), (*recovered, failed), (*run(4), failed), (*STARTING, failed)):
        state = after(up, None, {("web", "n1"): histories})
        end = decide(job, state, forecast(action("recover", "web", "n1")))
        assert isinstance(end, Fail)
        assert f"{operation} failed (rc 1): no quorum of peers." in end.error.message
        assert "n2, n3 not touched and still running as before" in end.error.message


def test_a_role_that_is_missing_counts_for_the_limit() -> None:
    job, snapshot = begun(ranked("n1", "n2", "n3"), limit=2)
    started = {("web", node): UNPROMOTED for node in ("n1", "n2")}
    assert isinstance(decide(job, after(snapshot, None, started), QUIET), Wait)
    one = after(snapshot, None, {("web", "n1"): PROMOTED, ("web", "n2"): UNPROMOTED})
    assert "restarting web on n3" in commit(decide(job, one, QUIET)).summary


def test_one_that_is_about_to_be_promoted_counts_as_down_and_is_not_restarted_meanwhile() -> None:
    """Found on a real cluster: promotes that were begun behind the commit of the next restart."""
    snapshot = ranked("n2")
    job = begin(snapshot)
    coming = forecast(action("promote", "web", "n3"))
    wait = decide(job, snapshot, coming)
    assert isinstance(wait, Wait)
    assert wait.reason == "n3 to restart"
    two = commit(decide(under(job, limit=2), snapshot, coming))
    assert two.summary == "restarting web on n1"
    assert SetMark(node=N3, name="pacewright-owed-web", value=TOKEN) in two.change.edits, "its turn comes"


def test_health_is_asked_for_once_the_role_is_there() -> None:
    job, snapshot = begun(ranked("n1", "n2", "n3"), health=True)
    up = after(snapshot, None, {("web", "n1"): UNPROMOTED})
    assert isinstance(decide(job, up), Wait)
    assert isinstance(decide(job, up, QUIET), Wait)
    promoted = after(up, None, {("web", "n1"): PROMOTED})
    assert isinstance(decide(job, promoted), Ask)
    assert isinstance(job.decide(promoted, QUIET, NOW), Check)


def test_a_role_that_has_moved_to_another_node_is_not_missing() -> None:
    snapshot = cluster(
        clone("web-clone", primitive("web"), promotable="true"),
        histories={("web", "n1"): run(), ("web", "n2"): run(promoted=True)},
    )
    job = begin(snapshot, node=N2)
    step = commit(decide(job, snapshot, QUIET))
    assert SetMark(node=N2, name="pacewright-promoted-web", value="1") in step.change.edits
    snapshot = after(snapshot, step.change, {("web", "n2"): STOPPED})
    assert isinstance(decide(going_on(step), snapshot), Ask)
    soon = forecast(action("promote", "web", "n1"))
    assert isinstance(decide(going_on(step), snapshot, soon), Wait), "n1 is about to be promoted, so n2 is not let go"
    step = commit(decide(going_on(step), snapshot, QUIET))
    snapshot = after(snapshot, step.change, {("web", "n2"): UNPROMOTED})
    assert isinstance(decide(going_on(step), snapshot, QUIET), Wait), "nobody is promoted"
    moved = after(snapshot, None, {("web", "n1"): run(3, promoted=True)})
    over = commit(going_on(step).decide(moved, QUIET, NOW))
    assert SetMark(node=N2, name="pacewright-promoted-web", value=None) in over.change.edits
    assert over.ends is not None


def test_a_role_is_not_missed_where_fewer_may_be_promoted_than_were() -> None:
    job, snapshot = begun(ranked("n1", "n2", "n3"))
    started = after(snapshot, None, {("web", "n1"): UNPROMOTED})
    lowered = SetMeta(resource=ResourceId("web-clone"), name="promoted-max", value="2")
    assert isinstance(decide(job, after(started, Change(edits=(lowered,), reason="")), QUIET), Commit)
    unpromoted = SetMeta(resource=ResourceId("web-clone"), name="target-role", value="Unpromoted")
    assert isinstance(decide(job, after(started, Change(edits=(unpromoted,), reason="")), QUIET), Commit)
    gone = after(snapshot, None, {("web", "n1"): STOPPED})
    assert isinstance(decide(job, gone, QUIET), Commit), "it stopped and is not to come back"


def test_the_next_call_sees_that_a_role_is_missing_though_the_one_that_took_it_died() -> None:
    _, snapshot = begun(ranked("n1", "n2", "n3"))
    started = after(snapshot, None, {("web", "n1"): UNPROMOTED})
    other = begin(started, node=N2).rehearsed()
    other = replace(other, slots=replace(other.slots, awaits=True))
    wait = decide(other, started, QUIET)
    assert isinstance(wait, Wait)
    assert "n1 to be promoted again" in wait.reason
    anew = commit(replace(begin(started), lead=Lead(mine=True)).decide(started, QUIET, NOW))
    assert anew.summary == "restarting web on n1", "what misses its role comes first"
    assert SetMark(node=N1, name="pacewright-promoted-web", value=None) not in anew.change.edits


def test_a_note_of_roles_stays_while_what_was_taken_down_is_not_up_again_whoever_looks() -> None:
    job, stopped = begun(ranked("n1", "n2", "n3"))
    target = job.target
    assert list(with_roles(target, (NodeName("n1"),), stopped)) == [], "two are promoted, and two are there"
    started = after(stopped, None, {("web", "n1"): UNPROMOTED})
    assert list(with_roles(target, (NodeName("n1"),), started)) == []
    promoted = after(started, None, {("web", "n1"): PROMOTED})
    assert [mark.node for mark in with_roles(target, (NodeName("n1"),), promoted)] == ["n1"]
    assert list(with_roles(target, (NodeName("n2"),), promoted)) == []


def test_no_roll_begins_over_one_whose_promote_has_failed_before_and_that_stays_so() -> None:
    _, snapshot = begun(ranked("n1", "n2", "n3"))
    failed = Op(task="promote", run=2, call=22, rc=1, failure=True, reason="too far behind")
    down = after(snapshot, None, {("web", "n1"): (*run(4), failed)})
    other = replace(begin(down, node=N2), lead=Lead(mine=True))
    assert isinstance(decide(other, down), Wait)
    assert isinstance(decide(other, down, forecast(action("promote", "web", "n1"))), Wait)
    end = decide(other, down, QUIET)
    assert isinstance(end, Fail)
    assert "promote failed (rc 1): too far behind" in end.error.message
    assert "pacewright service restart web --node n1" in end.error.hint


def test_a_rehearsal_does_not_wait_for_an_agent_to_set_its_promotion_score() -> None:
    job, snapshot = begun(ranked("n1", "n2", "n3"))
    started = after(snapshot, None, {("web", "n1"): UNPROMOTED})
    assert "restarting web on n2" in commit(decide(job.rehearsed(), started, QUIET)).summary


def test_a_hold_on_one_that_has_failed_is_taken_away_before_the_roll_ends() -> None:
    snapshot = ranked("n1", "n2", "n3")
    step = commit(decide(begin(snapshot), snapshot, QUIET))
    job, snapshot = under(going_on(step), limit=2), after(snapshot, step.change)
    failed = Op(task="demote", run=2, call=22, rc=1, failure=True, reason="stuck")
    stopping = after(snapshot, None, {("web", "n1"): (failed, *STOPPING)})
    assert isinstance(decide(job, stopping, QUIET), Wait), "and nobody else goes down"
    stopped = after(snapshot, None, {("web", "n1"): (failed, Op(task="stop", run=3, call=30))})
    letting = commit(decide(job, stopped, QUIET))
    assert letting.summary == "n1 stopped, starting"
    end = decide(going_on(letting), after(stopped, letting.change, {("web", "n1"): (failed, *run(4))}), QUIET)
    assert isinstance(end, Fail)
    assert "was not demoted on n1" in end.error.message


def test_what_is_promoted_is_held_because_its_demote_may_make_pacemaker_forget_the_restart() -> None:
    """Found on a real cluster (2.1.5): demoted, promoted again with the new definition, and never restarted."""
    snapshot = ranked("n1")
    job = begin(snapshot, node=N1)
    step = commit(decide(job, snapshot, QUIET))
    assert [type(edit) for edit in step.change.edits][-1] is HoldInstance
    until = NOW + 2 * 100 + MARGIN
    assert step.change.edits[-1] == HoldInstance(resource=ResourceId("web-clone"), node=N1, until=until)
    assert commit(decide(begin(snapshot, node=N2), snapshot, QUIET)).summary == "restarting web on n2"
