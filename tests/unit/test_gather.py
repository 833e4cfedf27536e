"""Barriers, decision by decision: who is waited for, who goes on, and what is said."""

from __future__ import annotations

import pytest

from pacewright.cluster.edits.change import Change, SetMark, SetMeta
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.placement import hosts
from pacewright.cluster.snapshot import Snapshot
from pacewright.operation.step import Ask, Commit, Done, Fail, Job, Next, Wait
from pacewright.service.barrier.gather import Gather
from pacewright.service.barrier.waiting import missing
from pacewright.service.ledger.debts import debts
from pacewright.service.ledger.record import MISSED, Ready, Report, ready_at
from pacewright.service.ledger.report import own_report
from pacewright.service.lookup import Target, find
from pacewright.service.requests import Options, make_job
from pacewright.service.rolling.restart import Restart
from pacewright.service.settings import Barrier, ServiceSettings, Settings
from pacewright.service.switch.switch import Start, Stop
from pacewright.testing.clusters import after, clone, cluster, forecast, primitive, run

NOW = 1_700_000_500.0
N1, N2, N3 = (NodeName(name) for name in ("n1", "n2", "n3"))
CLONE = ResourceId("web-clone")
QUIET = forecast()


def stopped(**more: object) -> Snapshot:
    return cluster(clone("web-clone", primitive("web"), target_role="Stopped"), **more)  # type: ignore[arg-type]


def running(**more: object) -> Snapshot:
    return cluster(clone("web-clone", primitive("web")), running={"web": ("n1", "n2", "n3")}, **more)  # type: ignore[arg-type]


def target_of(snapshot: Snapshot) -> Target:
    found = find("web", snapshot, Settings())
    assert found is not None
    return found


def starting(snapshot: Snapshot, node: str, *, wave: str = "", gate: bool = False, **barrier: object) -> Gather:
    """`pacewright service start web --barrier` on a node."""
    target = target_of(snapshot)
    report = Report(fingerprint="aaaa", changed=1.0)
    return Gather(
        target=target,
        own=own_report(NodeName(node), report, target, snapshot, gate=gate),
        then=Start(target=target, allow_collateral=False),
        barrier=Barrier(**barrier),  # type: ignore[arg-type]
        wave=wave,
    )


def committed(step: Next, snapshot: Snapshot) -> tuple[Job, Snapshot]:
    assert isinstance(step, Commit), step
    return step.job, after(snapshot, step.change)


def joined(snapshot: Snapshot, *nodes: str, now: float = NOW, **more: str) -> tuple[list[Gather], Snapshot]:
    """So many nodes have called and wait."""
    jobs = []
    for node in nodes:
        job, snapshot = committed(starting(snapshot, node, **more).decide(snapshot, None, now), snapshot)  # type: ignore[arg-type]
        assert isinstance(job, Gather)
        jobs.append(job)
    return jobs, snapshot


def names(change: Change) -> list[str]:
    return [f"{e.name.removeprefix('pacewright-')}@{e.node}" for e in change.edits if isinstance(e, SetMark)]


# --- all nodes come


def test_the_first_reports_and_waits_for_the_others() -> None:
    snapshot = stopped()
    step = starting(snapshot, "n1").decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    assert names(step.change) == ["config-web@n1", "ready-web-clone@n1"]
    job, snapshot = committed(step, snapshot)
    wait = job.decide(snapshot, None, NOW + 1)
    assert isinstance(wait, Wait)
    assert wait.reason == "n2, n3 to report the config of web (n1 did)"


def test_the_last_one_reports_and_starts_it_with_one_write_that_takes_all_marks_away() -> None:
    _, snapshot = joined(stopped(), "n1", "n2")
    step = starting(snapshot, "n3").decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    assert SetMeta(resource=CLONE, name="target-role", value=None) in step.change.edits
    job, snapshot = committed(step, snapshot)
    assert isinstance(job, Start)
    assert dict(ready_at(CLONE, snapshot)) == {}
    assert snapshot.meta(ResourceId("web"), "target-role") is None


def test_one_that_waits_goes_on_if_the_last_one_dies_after_its_report() -> None:
    jobs, snapshot = joined(stopped(), "n1", "n2")
    _, snapshot = committed(_report_only(snapshot, "n3"), snapshot)
    step = jobs[0].decide(snapshot, None, NOW + 2)
    assert isinstance(step, Commit)
    assert SetMeta(resource=CLONE, name="target-role", value=None) in step.change.edits


def _report_only(snapshot: Snapshot, node: str, now: float = NOW) -> Commit:
    """A call that was killed right after its report: what `report --barrier` writes."""
    job = make_job(
        "report",
        target_of(snapshot),
        snapshot,
        lambda: QUIET,
        said=ServiceSettings(),
        options=Options(barrier=True),
        here=NodeName(node),
        now=now,
    )
    step = job.decide(snapshot, None, now)
    assert isinstance(step, Commit)
    return step


def test_the_others_see_that_it_was_done_and_say_who_led() -> None:
    jobs, snapshot = joined(stopped(), "n1", "n2")
    _, snapshot = committed(starting(snapshot, "n3").decide(snapshot, None, NOW + 7), snapshot)
    snapshot.root.set("update-origin", "n3")
    snapshot = after(snapshot, histories={("web", node): run(2) for node in ("n1", "n2", "n3")})
    step = jobs[0].decide(snapshot, None, NOW + 9)
    assert isinstance(step, Ask)
    end = jobs[0].decide(snapshot, QUIET, NOW + 9)
    assert isinstance(end, Done)
    assert end.outcome.message == "web: started on n1, n2, n3."
    assert end.outcome.notes == ("waited 9 s for n2, n3 to report", "n3 led")
    assert end.outcome.changed
    assert not end.outcome.led


def test_a_stop_in_between_takes_the_marks_and_a_call_that_waits_reports_anew() -> None:
    jobs, snapshot = joined(stopped(), "n1")
    enabled = after(snapshot, Change(edits=(SetMeta(resource=CLONE, name="target-role", value=None),), reason="pcs"))
    _, snapshot = committed(Stop(target=target_of(enabled), allow_collateral=False).decide(enabled, None, NOW), enabled)
    assert dict(ready_at(CLONE, snapshot)) == {}
    step = jobs[0].decide(snapshot, None, NOW + 1)
    assert isinstance(step, Commit)
    assert names(step.change) == ["ready-web-clone@n1"]


def test_one_that_waits_sees_that_somebody_else_has_started_it_without_the_barrier() -> None:
    jobs, snapshot = joined(stopped(), "n1", "n2")
    snapshot = after(snapshot, Change(edits=(SetMeta(resource=CLONE, name="target-role", value=None),), reason="pcs"))
    job, snapshot = committed(jobs[0].decide(snapshot, None, NOW + 1), snapshot)
    assert isinstance(job, Start)
    assert dict(ready_at(CLONE, snapshot)) == {}
    assert isinstance(jobs[1].decide(snapshot, None, NOW + 1), Ask), "the other one sees it too"


def test_where_it_runs_already_a_start_waits_for_nobody() -> None:
    snapshot = running()
    job, snapshot = committed(starting(snapshot, "n1").decide(snapshot, QUIET, NOW), snapshot)
    end = job.decide(snapshot, QUIET, NOW)
    assert isinstance(end, Done)
    assert "nothing was changed" in end.outcome.message


def test_a_call_that_was_killed_and_comes_again_waits_anew() -> None:
    _, snapshot = joined(stopped(), "n1", now=NOW - 1000)
    step = starting(snapshot, "n1").decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    assert Ready.read(snapshot.nodes[N1].marks["pacewright-ready-web-clone"]) == Ready(
        wave="", at=NOW - 1000, until=NOW - 700
    )
    _, snapshot = committed(step, snapshot)
    assert ready_at(CLONE, snapshot)[N1].at == NOW


# --- who counts


@pytest.mark.parametrize("state", ["offline", "pending"])
def test_a_node_that_is_away_is_not_waited_for_but_missed(state: str) -> None:
    snapshot = stopped(states={"n3": state})
    _, snapshot = joined(snapshot, "n1")
    _, snapshot = committed(starting(snapshot, "n2").decide(snapshot, None, NOW), snapshot)
    assert MISSED + "web-clone" in snapshot.nodes[N3].marks
    back, snapshot = committed(starting(snapshot, "n3").decide(snapshot, QUIET, NOW), snapshot)
    assert MISSED + "web-clone" not in snapshot.nodes[N3].marks
    assert isinstance(back, Start)


def test_standby_and_maintenance_are_not_waited_for() -> None:
    snapshot = stopped(attributes={"n2": {"standby": "on"}, "n3": {"maintenance": "true"}})
    assert missing(CLONE, "", snapshot, now=NOW, window=60) == (N1,)


def test_one_in_maintenance_is_missed() -> None:
    _, snapshot = joined(stopped(attributes={"n3": {"maintenance": "true"}}), "n1")
    _, snapshot = committed(starting(snapshot, "n2").decide(snapshot, None, NOW), snapshot)
    assert MISSED + "web-clone" in snapshot.nodes[N3].marks


def test_one_that_is_away_is_missed_also_if_it_came_in_another_wave() -> None:
    was_here = {"n3": {"pacewright-ready-web-clone": f"v1@{NOW:.0f}@0"}}
    _, snapshot = joined(stopped(states={"n3": "offline"}, attributes=was_here), "n1", wave="v2")
    _, snapshot = committed(starting(snapshot, "n2", wave="v2").decide(snapshot, None, NOW), snapshot)
    assert MISSED + "web-clone" in snapshot.nodes[N3].marks


def test_only_reports_of_the_same_wave_count_or_those_of_the_last_while() -> None:
    def with_mark(wave: str, at: float) -> Snapshot:
        return stopped(attributes={"n1": {"pacewright-ready-web-clone": f"{wave}@{at:.0f}@0"}})

    assert missing(CLONE, "w2", with_mark("w1", NOW), now=NOW, window=60) == (N1, N2, N3)
    assert missing(CLONE, "w2", with_mark("w2", NOW - 9999), now=NOW, window=60) == (N2, N3)
    assert missing(CLONE, "", with_mark("w1", NOW - 59), now=NOW, window=60) == (N2, N3)
    assert missing(CLONE, "", with_mark("", NOW - 61), now=NOW, window=60) == (N1, N2, N3)
    assert missing(CLONE, "", with_mark("x@y", NOW), now=NOW, window=60) == (N1, N2, N3), "somebody spoilt it"
    assert missing(CLONE, "", with_mark("", NOW), now=NOW, window=60, without=("n3",)) == (N2,)


def test_of_two_calls_on_one_node_in_different_waves_the_later_one_counts() -> None:
    jobs, snapshot = joined(stopped(), "n1", wave="v1")
    later, snapshot = joined(snapshot, "n1", wave="v2")
    end = jobs[0].decide(snapshot, None, NOW + 1)
    assert isinstance(end, Fail), "it does not write its own wave again, and so on without end"
    assert "n1 has come to it in wave v2 meanwhile" in end.error.message
    assert isinstance(later[0].decide(snapshot, None, NOW + 1), Wait)


def test_a_call_without_a_wave_does_not_take_its_node_out_of_one() -> None:
    _, snapshot = joined(stopped(), "n1", wave="v1")
    jobs, snapshot = joined(snapshot, "n1", now=NOW + 5)
    assert ready_at(CLONE, snapshot)[N1].wave == "v1"
    assert isinstance(jobs[0].decide(snapshot, None, NOW + 6), Wait)
    snapshot = after(snapshot, _report_only(snapshot, "n1", now=NOW + 9).change)
    assert ready_at(CLONE, snapshot)[N1] == Ready(wave="v1", at=NOW + 9, until=NOW + 305)


def test_a_report_without_a_wave_counts_from_when_it_was_made_last() -> None:
    snapshot = after(stopped(), _report_only(stopped(), "n1", now=NOW - 9999).change)
    assert N1 in missing(CLONE, "", snapshot, now=NOW, window=3600)
    snapshot = after(snapshot, _report_only(snapshot, "n1").change)
    assert N1 not in missing(CLONE, "", snapshot, now=NOW, window=3600)


LOCATIONS = {
    "a ban": ('<rsc_location id="l" rsc="web-clone" node="n2" score="-INFINITY"/>', (N1, N3)),
    # Pacemaker does not heed a constraint of what is inside a clone.
    "a ban of the primitive": ('<rsc_location id="l" rsc="web" node="n2" score="-INFINITY"/>', (N1, N2, N3)),
    "a preference": ('<rsc_location id="l" rsc="web-clone" node="n2" score="-100"/>', (N1, N2, N3)),
    "another resource": ('<rsc_location id="l" rsc="db" node="n2" score="-INFINITY"/>', (N1, N2, N3)),
    "a pattern": ('<rsc_location id="l" rsc-pattern="^web" node="n2" score="-INFINITY"/>', (N1, N3)),
    "a rule over an attribute": (
        (
            '<rsc_location id="l" rsc="web-clone"><rule id="r" score="-INFINITY">'
            '<expression id="e" attribute="api" operation="ne" value="yes"/></rule></rsc_location>'
        ),
        (N1,),
    ),
    "exclusive discovery": (
        (
            '<rsc_location id="l" rsc="web-clone" resource-discovery="exclusive">'
            '<rule id="r" score="0" boolean-op="or">'
            '<expression id="e" attribute="api" operation="eq" value="yes"/>'
            '<expression id="f" attribute="#uname" operation="eq" value="n3"/></rule></rsc_location>'
        ),
        (N1, N3),
    ),
    "a hold of ours": (
        '<rsc_location id="pacewright-hold-web-clone-on-n2" rsc="web-clone" node="n2" score="-INFINITY"/>',
        (N1, N2, N3),
    ),
}


@pytest.mark.parametrize("name", LOCATIONS)
def test_only_nodes_that_the_constraints_allow_are_waited_for(name: str) -> None:
    constraint, allowed = LOCATIONS[name]
    web = clone("web-clone", primitive("web"), target_role="Stopped")
    snapshot = cluster(web, primitive("db"), constraints=constraint, attributes={"n1": {"api": "yes"}})
    assert hosts(CLONE, snapshot) == allowed


def test_an_opt_in_cluster_waits_for_those_that_are_named() -> None:
    constraint = '<rsc_location id="l" rsc="web-clone" node="n2" score="100"/>'
    assert hosts(CLONE, stopped(constraints=constraint, properties={"symmetric-cluster": "false"})) == (N2,)


# --- all instances at once


def together(snapshot: Snapshot, node: str, config: str, verb: str = "refresh") -> Job:
    own = own_report(NodeName(node), Report(fingerprint=config, changed=NOW), target_of(snapshot), snapshot)
    job = make_job(
        verb,
        target_of(snapshot),
        snapshot,
        lambda: QUIET,
        said=ServiceSettings(together=True),
        options=Options(barrier=True),
        here=NodeName(node),
        now=NOW,
    )
    assert isinstance(job, Gather)
    return Gather(target=job.target, own=own, then=job.then, barrier=job.barrier) if verb == "refresh" else job


def test_a_refresh_of_all_at_once_waits_for_every_report_and_then_restarts_in_one_step() -> None:
    snapshot = running(attributes={n: {"pacewright-config-web": "aaaa@1"} for n in ("n1", "n2", "n3")})
    for node in ("n1", "n2"):
        job, snapshot = committed(together(snapshot, node, "bbbb").decide(snapshot, None, NOW), snapshot)
        assert isinstance(job.decide(snapshot, None, NOW), Wait)
    job, snapshot = committed(together(snapshot, "n3", "bbbb").decide(snapshot, None, NOW), snapshot)
    job, snapshot = committed(job.decide(snapshot, None, NOW), snapshot)
    assert list(debts(target_of(snapshot), snapshot)) == [], "that of the last one to come is not left for another step"
    assert {snapshot.resources[ResourceId("web")].revision_on(node) for node in (N1, N2, N3)} == {"bbbb"}
    assert dict(ready_at(CLONE, snapshot)) == {}


def test_a_refresh_with_nothing_due_and_nobody_waiting_waits_for_nobody() -> None:
    snapshot = running(attributes={n: {"pacewright-config-web": "aaaa@1"} for n in ("n1", "n2", "n3")})
    end = together(snapshot, "n1", "aaaa").decide(snapshot, None, NOW)
    assert isinstance(end, Commit | Done)
    assert not isinstance(end, Commit) or isinstance(end.job, Restart)


def test_a_mark_that_no_longer_counts_makes_no_refresh_wait() -> None:
    reports = {n: {"pacewright-config-web": "aaaa@1"} for n in ("n1", "n2", "n3")}
    reports["n2"]["pacewright-ready-web-clone"] = f"@{NOW - 9999:.0f}@0"
    snapshot = running(attributes=reports)
    step = together(snapshot, "n1", "aaaa").decide(snapshot, None, NOW)
    assert isinstance(step, Done)


# --- waves of stops


def test_a_wave_stops_a_service_once_also_for_a_node_that_comes_late() -> None:
    snapshot = running()
    stop = Stop(target=target_of(snapshot), allow_collateral=False, wave="v2")
    _, snapshot = committed(stop.decide(snapshot, None, NOW), snapshot)
    assert snapshot.resources[CLONE].meta["target-role"] == "Stopped"
    started = after(snapshot, Change(edits=(SetMeta(resource=CLONE, name="target-role", value=None),), reason="start"))
    end = stop.decide(started, None, NOW)
    assert isinstance(end, Done)
    assert "started again already" in end.outcome.message
    again = Stop(target=target_of(started), allow_collateral=False, wave="v3").decide(started, None, NOW)
    assert isinstance(again, Commit)
