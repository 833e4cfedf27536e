"""Barriers at which not everybody comes: when time is up, in a rehearsal, and where two nodes wait for each other."""

from __future__ import annotations

import pytest

from pacewright.cluster.edits.change import SetMeta
from pacewright.cluster.names import ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import DeadlinePassed, Refused, UsageError
from pacewright.operation.step import Commit, Done, Fail, Wait
from pacewright.service.barrier.waiting import deadlock
from pacewright.service.ledger.record import MISSED, Ready, ready_at
from pacewright.service.requests import Options, make_job
from pacewright.service.rolling.restart import Restart
from pacewright.service.settings import OnTimeout, ServiceSettings
from pacewright.service.switch.switch import Start
from pacewright.testing.clusters import clone, cluster, primitive
from tests.unit.test_gather import (
    CLONE,
    N1,
    N2,
    N3,
    NOW,
    QUIET,
    committed,
    joined,
    running,
    starting,
    stopped,
    target_of,
)

# --- when time is up


def test_it_fails_with_the_names_and_lets_the_others_know_that_it_waits_no_more() -> None:
    jobs, snapshot = joined(stopped(), "n1", "n2")
    job, snapshot = committed(jobs[0].decide(snapshot, None, NOW + 301), snapshot)
    assert ready_at(CLONE, snapshot)[N1] == Ready(wave="", at=NOW, until=NOW)
    end = job.decide(snapshot, None, NOW + 301)
    assert isinstance(end, Fail)
    assert isinstance(end.error, DeadlinePassed)
    assert end.error.message == "web: not started: n3 did not report its config within 300 s (n1, n2 did)."


def test_it_proceeds_without_those_that_did_not_come_and_notes_them() -> None:
    snapshot = stopped()
    step = starting(snapshot, "n1", on_timeout=OnTimeout.PROCEED).decide(snapshot, None, NOW)
    job, snapshot = committed(step, snapshot)
    assert isinstance(job.decide(snapshot, None, NOW + 299), Wait)
    job, snapshot = committed(job.decide(snapshot, None, NOW + 300), snapshot)
    assert [node for node in (N1, N2, N3) if MISSED + "web-clone" in snapshot.nodes[node].marks] == [N2, N3]
    assert isinstance(job, Start)
    assert "n2 has not reported; not waited for" in job.notes


def test_later_ends_well_at_once_and_the_last_one_starts_it() -> None:
    snapshot = stopped()
    for node in ("n1", "n2"):
        step = starting(snapshot, node, timeout=0.0, on_timeout=OnTimeout.LATER).decide(snapshot, None, NOW)
        job, snapshot = committed(step, snapshot)
        end = job.decide(snapshot, None, NOW)
        assert isinstance(end, Done)
        assert f"{node} is ready; it will be started by the last of" in end.outcome.message
    step = starting(snapshot, "n3", timeout=0.0, on_timeout=OnTimeout.LATER).decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    assert SetMeta(resource=CLONE, name="target-role", value=None) in step.change.edits


# --- what it would do, and a single instance


@pytest.mark.parametrize("on_timeout", OnTimeout)
def test_a_rehearsal_ends_where_it_would_wait(on_timeout: OnTimeout) -> None:
    snapshot = stopped()
    job, snapshot = committed(
        starting(snapshot, "n1", on_timeout=on_timeout).rehearsed().decide(snapshot, None, NOW), snapshot
    )
    end = job.decide(snapshot, None, NOW)
    assert isinstance(end, Done)
    assert end.outcome.message == "web: n1 is ready; it will be started by the last of n2, n3 to report."


def test_a_restart_of_one_instance_waits_for_nobody() -> None:
    said, options = ServiceSettings(together=True), Options(node="n2", barrier=True, wave="v1")
    job = make_job(
        "restart", target_of(running()), running(), lambda: QUIET, said=said, options=options, here=N1, now=NOW
    )
    assert isinstance(job, Restart)


@pytest.mark.parametrize(("verb", "snapshot"), [("start", stopped()), ("restart", running())])
def test_who_is_no_node_does_not_pass_a_barrier_by(verb: str, snapshot: Snapshot) -> None:
    target, said = target_of(snapshot), ServiceSettings(together=True)
    with pytest.raises(UsageError, match="cannot come to a barrier"):
        make_job(verb, target, snapshot, lambda: QUIET, said=said, options=Options(barrier=True), here=None, now=NOW)


# --- two that wait for each other


def two_services(**marks: dict[str, str]) -> Snapshot:
    return cluster(
        clone("web-clone", primitive("web"), target_role="Stopped"),
        clone("api-clone", primitive("api"), target_role="Stopped"),
        attributes=marks,
        nodes={"1": "n1", "2": "n2", "3": "n3"},
        states={"n3": "offline"},
    )


def waits(resource: str, until: float = NOW + 100) -> dict[str, str]:
    return {f"pacewright-ready-{resource}": f"@{NOW:.0f}@{until:.0f}"}


def test_a_circle_of_waiting_is_seen_once_it_is_quiet_and_told_with_its_chain() -> None:
    snapshot = two_services(n2=waits("api-clone"))
    job, snapshot = committed(starting(snapshot, "n1").decide(snapshot, None, NOW), snapshot)
    assert isinstance(job.decide(snapshot, None, NOW), Wait), "not before nothing has changed for a while"
    job, snapshot = committed(job.decide(snapshot, QUIET, NOW + 1), snapshot)
    end = job.decide(snapshot, QUIET, NOW + 1)
    assert isinstance(end, Fail)
    assert isinstance(end.error, Refused)
    assert "n1 waits at web-clone for n2; n2 waits at api-clone for n1" in end.error.message
    api = ResourceId("api-clone")
    assert deadlock(N2, api, snapshot, now=NOW + 3, window=3600), "n2 is told as well"
    assert deadlock(N2, api, snapshot, now=NOW + 30, window=3600) == [], "n1 waits no more"


def test_no_circle_where_the_other_one_has_stopped_waiting_or_has_what_it_waits_for() -> None:
    for marks in ({"n2": waits("api-clone", NOW - 1)}, {"n2": waits("api-clone"), "n1": waits("api-clone", NOW)}):
        snapshot = two_services(**marks)
        job, snapshot = committed(starting(snapshot, "n1").decide(snapshot, None, NOW), snapshot)
        assert isinstance(job.decide(snapshot, QUIET, NOW + 1), Wait)
