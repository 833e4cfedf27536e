"""Refresh, decision by decision: a snapshot in, the next step out."""

from __future__ import annotations

from functools import partial

import pytest

from pacewright.cluster.edits.change import Change, SetMark
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.frozen import replace
from pacewright.operation.step import Clean, Commit, Done, Next, Wait
from pacewright.service.ledger.debts import debts
from pacewright.service.ledger.record import Report
from pacewright.service.ledger.report import own_report
from pacewright.service.lookup import find
from pacewright.service.requests import Options, make_job
from pacewright.service.rolling.refresh import Refresh, begin_refresh
from pacewright.service.settings import ServiceSettings, Settings
from pacewright.testing.clusters import Op, action, after, clone, cluster, forecast, primitive, revision_on, run

NOW = 1_700_000_500.0
WEB = ResourceId("web")
FAILED = (
    Op(task="start", run=2, call=20, rc=1, failure=True, reason="no config"),
    Op(task="stop", run=3, call=21),
)
OLD = "".join(revision_on("web", node, "aaaa") for node in ("n1", "n2", "n3"))
REPORTS = {node: {"pacewright-config-web": "aaaa@1"} for node in ("n1", "n2", "n3")}


def one_failed() -> Snapshot:
    """n2 was given a config that does not start; n1 and n3 run."""
    snapshot = cluster(
        clone("web-clone", primitive("web", sets=OLD)), running={"web": ("n1", "n2", "n3")}, attributes=REPORTS
    )
    return after(snapshot, histories={("web", "n2"): FAILED})


def begin(snapshot: Snapshot, node: str, config: str) -> Refresh:
    target = find("web", snapshot, Settings())
    assert target is not None
    own = own_report(NodeName(node), Report(fingerprint=config, changed=NOW), target, snapshot)
    return begin_refresh(target, snapshot, forecast(), own=own)


def reported(snapshot: Snapshot, node: str, config: str) -> tuple[Next, Snapshot]:
    """What comes after the report."""
    step = replace(begin(snapshot, node, config), apart=True).decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    snapshot = after(snapshot, step.change)
    return step.job.decide(snapshot, None, NOW), snapshot


def two() -> Snapshot:
    return cluster(clone("web-clone", primitive("web", sets=OLD)), running={"web": ("n1", "n2")}, attributes=REPORTS)


def test_the_report_and_the_first_restart_are_one_commit() -> None:
    job = begin(two(), "n2", "bbbb")
    step = job.decide(two(), None, NOW)
    assert isinstance(step, Commit)
    assert step.summary.splitlines() == ["web: the config of n2 is reported", "restarting web on n2"]
    assert step.change.reason == "n2 reports its config for web; restart web on n2"
    assert step.places == {"n2"}
    both = after(two(), step.change)
    assert both.resources[WEB].revision_on(NodeName("n2")) == "bbbb"
    assert both.nodes[NodeName("n2")].marks["pacewright-config-web"].startswith("bbbb@")
    assert job.examine(step, forecast(action("restart", "web", "n2")), None) == step


@pytest.mark.parametrize(
    "coming",
    [forecast(action("restart", "web", "n2"), action("stop", "db", "n1")), forecast()],
    ids=["something else would stop", "Pacemaker would do nothing"],
)
def test_what_keeps_the_first_restart_from_being_begun_does_not_keep_the_report_from_being_written(
    coming: Forecast,
) -> None:
    job: object = begin(two(), "n2", "bbbb")
    for _ in range(2):  # where a new definition does nothing, it is held first
        assert isinstance(job, Refresh)
        step = job.decide(two(), None, NOW)
        assert isinstance(step, Commit)
        job = job.examine(step, coming, forecast())
        if isinstance(job, Refresh) and job.apart:
            break
    assert isinstance(job, Refresh)
    alone = job.decide(two(), None, NOW)
    assert isinstance(alone, Commit)
    assert alone.summary == "web: the config of n2 is reported"
    assert alone.change.reason == "n2 reports its config for web"


def test_while_an_instance_is_down_after_a_failure_no_other_is_restarted() -> None:
    """Seen in the campaign: a config that is wrong on all nodes took one instance after another away."""
    step, _ = reported(one_failed(), "n1", "bbbb")
    assert isinstance(step, Clean)
    assert (step.resource, step.node) == (WEB, "n2")


def test_a_failed_instance_is_tried_again_with_the_config_that_its_node_reports() -> None:
    step, snapshot = reported(one_failed(), "n2", "bbbb")
    assert snapshot.resources[WEB].revision_on(NodeName("n2")) == "bbbb"
    assert isinstance(step, Clean)
    done = step.job.decide(after(snapshot, histories={("web", "n2"): run(3, digest="d1")}), None, NOW)
    assert isinstance(done, Done)


def test_where_nothing_is_due_a_failure_elsewhere_is_left_alone() -> None:
    snapshot = one_failed()
    assert isinstance(begin(snapshot, "n1", "aaaa").decide(snapshot, None, NOW), Done)


def probed_after_a_restart(marks: dict[str, str], since: int) -> Snapshot:
    """A restart was asked for at 2026-11-24 08:00:00 UTC; later a probe has hidden when the instance began."""
    probe = (Op(task="monitor", run=9, call=90, rc=0, expected=7, at=since),)
    sets = revision_on("web", "n1", "20261124T080000Z-abcdef")
    return cluster(primitive("web", sets=sets), histories={("web", "n1"): probe}, attributes={"n1": marks})


ASKED = 1_795_507_200


def test_a_restart_that_was_asked_for_tells_when_an_instance_began_whose_start_is_hidden() -> None:
    """Seen in the campaign: a controller died after a restart, and the first report restarted once more."""
    for changed, is_due in ((ASKED - 10.0, False), (ASKED + 10.0, True)):
        snapshot = probed_after_a_restart({"pacewright-config-web": f"aaaa@{changed}"}, since=ASKED + 60)
        target = find("web", snapshot, Settings())
        assert target is not None
        assert bool(list(debts(target, snapshot))) == is_due


def test_a_token_tells_nothing_if_it_comes_from_the_future_or_nobody_saw_the_start() -> None:
    report = {"pacewright-config-web": f"aaaa@{ASKED - 10.0}"}
    for marks, since in ((report, ASKED - 60), ({**report, "pacewright-begun-web": "1:1:0:x"}, ASKED + 60)):
        snapshot = probed_after_a_restart(marks, since)
        target = find("web", snapshot, Settings())
        assert target is not None
        assert list(debts(target, snapshot))


def test_a_primitive_that_runs_is_not_failed_because_it_once_failed_elsewhere() -> None:
    """Found by the model check: whoever called on another node was told that it had failed."""
    failed = (Op(task="start", run=1, call=5, rc=1, failure=True), Op(task="stop", run=1, call=6))
    snapshot = cluster(
        primitive("web", sets=OLD), histories={("web", "n1"): run(2), ("web", "n2"): failed}, attributes=REPORTS
    )
    step, _ = reported(snapshot, "n1", "bbbb")
    assert isinstance(step, Commit)
    assert step.summary == "restarting web"


def test_the_report_of_a_node_where_it_once_failed_does_not_look_like_its_restart() -> None:
    """Found by the model check: a reconcile waited until its time was up for a restart that nobody had begun."""
    failed = (Op(task="start", run=1, call=5, rc=1, failure=True), Op(task="stop", run=1, call=6))
    snapshot = cluster(
        primitive("web", sets=OLD),
        histories={("web", "n1"): failed, ("web", "n2"): run(2)},
        attributes={"n2": {"pacewright-config-web": "bbbb@1800000000"}},
    )
    step, snapshot = reported(snapshot, "n1", "cccc")
    assert snapshot.resources[WEB].revision_on(NodeName("n1")) == "cccc"
    assert isinstance(step, Commit), step
    assert step.summary == "restarting web"


def test_a_change_whose_inputs_nobody_knows_counts_although_the_clock_was_set_back() -> None:
    """Found by the model check: what ran seemed to have begun after the change, so nothing was restarted."""
    snapshot = cluster(clone("web-clone", primitive("web")), running={"web": ("n1", "n2")})
    target = find("web", snapshot, Settings())
    assert target is not None
    job = make_job(
        "refresh",
        target,
        snapshot,
        forecast,
        said=ServiceSettings(),
        options=Options(),
        here=NodeName("n1"),
        now=NOW - 100_000,
    )
    assert isinstance(job, Refresh)
    step = replace(job, apart=True).decide(snapshot, None, NOW - 100_000)
    assert isinstance(step, Commit)
    assert [debt.node for debt in debts(target, after(snapshot, step.change))] == ["n1"]


def test_a_node_that_has_not_reported_does_not_get_the_revision_of_those_that_have() -> None:
    """Found by the model check: what it started with counted as the others' config, and was never restarted."""
    snapshot = cluster(
        primitive("web"),
        histories={("web", "n2"): run()},
        attributes={"n2": {"pacewright-config-web": "aaaa@1800000000"}},
    )
    step, snapshot = reported(snapshot, "n2", "bbbb")
    assert isinstance(step, Commit)
    snapshot = after(snapshot, step.change)
    assert snapshot.resources[WEB].revision_on(NodeName("n2")) == "bbbb"
    assert snapshot.resources[WEB].revision_on(NodeName("n1")) is None


def test_a_config_that_went_away_and_came_back_is_due_where_an_instance_began_in_between() -> None:
    """Found by the model check: the cluster had restarted it with the other one, and its revision named this one."""
    marks = {"n1": {"pacewright-config-web": "bbbb@1700000100"}}  # reported while the cluster had it down
    snapshot = cluster(
        clone("web-clone", primitive("web", sets=OLD)),
        histories={("web", "n1"): run(200), ("web", "n2"): run()},
        attributes={**REPORTS, **marks},
    )
    target = find("web", snapshot, Settings())
    assert target is not None
    assert list(debts(target, snapshot)) == []
    own = replace(
        own_report(NodeName("n1"), Report(fingerprint="aaaa", changed=NOW), target, snapshot),
        token="20231114T000000Z-a1",
    )
    assert own.makes_due(target, snapshot)
    later = replace(own, report=Report(fingerprint="aaaa", changed=1_700_000_150.0))
    assert not later.makes_due(target, snapshot), "it began after the change back"
    snapshot = after(snapshot, Change(edits=tuple(own.edits(target, snapshot)), reason="test"))
    assert [debt.node for debt in debts(target, snapshot)] == ["n1"]


def test_what_began_with_a_config_that_its_revision_does_not_name_stays_due_whatever_is_reported_next() -> None:
    """Found by the model check: after two more reports the config was what the revision named, and nothing was due."""
    marks = {"n1": {"pacewright-config-web": "bbbb@1700000100"}}  # the cluster restarted it with that one
    snapshot = cluster(
        clone("web-clone", primitive("web", sets=OLD)),
        histories={("web", "n1"): run(200), ("web", "n2"): run()},
        attributes={**REPORTS, **marks},
    )
    target = find("web", snapshot, Settings())
    assert target is not None
    for fingerprint, changed in (("cccc", NOW), ("aaaa", NOW + 10)):
        report = Report(fingerprint=fingerprint, changed=changed)
        own = replace(own_report(NodeName("n1"), report, target, snapshot), token="20231114T000000Z-a1")
        snapshot = after(snapshot, Change(edits=tuple(own.edits(target, snapshot)), reason="test"))
        assert [debt.node for debt in debts(target, snapshot)] == ["n1"], fingerprint


def test_a_probe_does_not_make_due_what_was_seen_to_run_the_config() -> None:
    """Found by the campaign: restarted by the cluster when the config was new, then the node's controller died."""
    cluster_with = partial(cluster, clone("web-clone", primitive("web", sets=OLD)))
    snapshot = cluster_with(histories={("web", "n1"): run(200), ("web", "n2"): run()}, attributes=REPORTS)
    target = find("web", snapshot, Settings())
    assert target is not None

    def now_reported(fingerprint: str, changed: float, snapshot: Snapshot) -> Snapshot:
        own = own_report(NodeName("n1"), Report(fingerprint=fingerprint, changed=changed), target, snapshot)
        return after(snapshot, Change(edits=tuple(own.edits(target, snapshot)), reason="test"))

    def probed(snapshot: Snapshot) -> list[str]:
        marks = {str(node): dict(snapshot.nodes[node].marks) for node in snapshot.nodes}
        probe = (Op(task="monitor", run=9, call=90, rc=0, expected=7, at=1_700_000_900),)
        now = cluster_with(histories={("web", "n1"): probe, ("web", "n2"): run()}, attributes=marks)
        return [debt.node for debt in debts(target, now)]

    with_it = now_reported("bbbb", 1_700_000_150.0, snapshot)
    assert list(debts(target, with_it)) == [], "it began after the change"
    assert probed(with_it) == []
    assert probed(now_reported("cccc", 1_700_000_160.0, with_it)) == [], "the same for the next one"
    assert probed(now_reported("dddd", NOW, with_it)) == ["n1"], "it began before this one"


def test_nor_does_it_where_its_revision_tells_of_an_earlier_restart() -> None:
    """Found by the campaign: a promote hid its start, and a token that it had begun after an older restart at least."""
    sets = clone("web-clone", primitive("web", sets=revision_on("web", "n1", "aaaa+20231114T221400Z-a1")))
    probe = (Op(task="monitor", run=9, call=90, rc=0, expected=7, at=1_700_000_900),)
    for said, due in (("@seen", []), ("", ["n1"])):
        marks = {"n1": {"pacewright-config-web": f"bbbb@1700000150{said}"}}
        snapshot = cluster(sets, histories={("web", "n1"): probe}, attributes={**REPORTS, **marks})
        target = find("web", snapshot, Settings())
        assert target is not None
        assert [debt.node for debt in debts(target, snapshot)] == due


def test_a_step_of_a_roll_notes_what_it_has_seen_to_run_the_config() -> None:
    """Found by the campaign: a node had reported while its instance was restarted with what it had reported before.

    Found with PostgreSQL: what had started with its config was promoted before the end, which hides when it began.
    """
    marks = {"n1": {"pacewright-config-web": "bbbb@1700000100"}}
    up = {("web", "n1"): run(200), ("web", "n2"): run()}
    sets = clone("web-clone", primitive("web", sets=OLD))
    step, snapshot = reported(cluster(sets, histories=up, attributes={**REPORTS, **marks}), "n2", "cccc")
    assert isinstance(step, Commit)
    seen = SetMark(node=NodeName("n1"), name="pacewright-config-web", value="bbbb@1700000100.000@seen")
    assert seen in step.change.edits
    snapshot = after(snapshot, step.change, {**up, ("web", "n2"): run(600, digest="d1")})
    assert isinstance(step.job.decide(snapshot, None, NOW), Commit)


def test_what_is_promoted_waits_a_moment_for_reports_that_come_at_the_same_time() -> None:
    """Seen with Redis on a busy machine: the promoted one's node was the first to report, so it was restarted first."""
    db = clone("db-clone", primitive("db", sets=OLD), promotable="true")
    ran = {("db", "n1"): run(promoted=True), ("db", "n2"): run()}
    reports = {node: {"pacewright-config-db": "aaaa@1"} for node in ("n1", "n2")}
    snapshot = cluster(db, histories=ran, attributes=reports)
    target = find("db", snapshot, Settings())
    assert target is not None
    own = own_report(NodeName("n1"), Report(fingerprint="bbbb", changed=NOW), target, snapshot)
    job = begin_refresh(target, snapshot, forecast(), own=own)
    step = job.decide(snapshot, forecast(), NOW)
    assert isinstance(step, Commit)
    assert step.summary == "db: the config of n1 is reported", "and nothing is restarted in the same commit"
    told = after(snapshot, step.change)
    wait = step.job.decide(told, forecast(), NOW + 1)
    assert isinstance(wait, Wait)
    assert wait.reason == "reports of other nodes, before what is promoted goes down"
    alone = wait.job.decide(told, forecast(), NOW + 3)
    assert isinstance(alone, Commit)
    assert alone.places == {"n1"}
    report = SetMark(node=NodeName("n2"), name="pacewright-config-db", value="bbbb@2000000000")
    now_both = after(told, Change(edits=(report,), reason="n2 reports"))
    other = wait.job.decide(now_both, forecast(), NOW + 2)
    assert isinstance(other, Commit)
    assert other.places == {"n2"}, "the other one is due by then, and goes first"


def test_what_a_call_has_read_before_a_newer_report_of_its_node_says_nothing_of_what_runs() -> None:
    """Seen in the model check: a call that had stood still restarted what was restarted for a newer config."""
    there = cluster(
        clone("web-clone", primitive("web", sets=revision_on("web", "n2", "aaaa")), promotable="true"),
        running={"web": ("n2",)},
        attributes={"n2": {"pacewright-config-web": "aaaa@1"}},
    )
    target = find("web", there, Settings())
    assert target is not None
    old = replace(own_report(NodeName("n2"), Report(fingerprint="bbbb", changed=2.0), target, there), token="t")
    assert any(isinstance(edit, SetMark) for edit in old.edits(target, there))
    newer = cluster(
        clone("web-clone", primitive("web", sets=revision_on("web", "n2", "cccc")), promotable="true"),
        running={"web": ("n2",)},
        attributes={"n2": {"pacewright-config-web": "cccc@9"}},
    )
    promoted = after(newer, histories={("web", "n2"): run(5, digest="d5", promoted=True)})
    assert list(old.edits(target, promoted)) == []
    assert not old.makes_due(target, promoted)


def test_what_was_being_started_when_the_call_began_and_has_its_config_is_left_alone() -> None:
    """Seen in the model check: the cluster was recovering it, and once it was up and well it was restarted."""
    pending = Op(task="start", run=7, call=-1, pending=True)
    starting = after(cluster(primitive("web"), running={"web": ("n1",)}), histories={("web", "n1"): (pending,)})
    target = find("web", starting, Settings())
    assert target is not None
    own = own_report(NodeName("n1"), Report(fingerprint="aaaa", changed=1.0), target, starting)
    job = begin_refresh(target, starting, forecast(action("recover", "web", "n1")), own=own)
    report = job.decide(starting, None, NOW)
    assert isinstance(report, Commit)
    assert report.change.reason == "n1 reports its config for web"
    up = after(starting, report.change, {("web", "n1"): run(7, digest="d7")})
    step = report.job.decide(up, forecast(), NOW)
    assert isinstance(step, Done), step
    assert "nothing was restarted" in step.outcome.message
