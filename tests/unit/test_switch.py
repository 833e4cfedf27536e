"""Start, stop, enable, disable, decision by decision."""

from __future__ import annotations

import pytest

from pacewright.cluster.edits.change import SetMeta
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import OperationFailed, Refused
from pacewright.frozen import replace
from pacewright.operation.step import Ask, Clean, Commit, Done, Fail, Job, Next, Wait
from pacewright.service.lookup import Target, find
from pacewright.service.settings import Settings
from pacewright.service.switch.switch import Manage, Start, Stop
from pacewright.testing.clusters import Op, action, after, clone, cluster, forecast, group, primitive, run

NOW = 1_700_000_500.0
QUIET = forecast()
N1 = NodeName("n1")
STARTING = (Op(task="start", run=2, pending=True),)
STOPPING = (Op(task="stop", run=2, pending=True),)
FAILED = (Op(task="start", run=2, call=20, rc=1, failure=True, reason="no config"),)
STUCK = (Op(task="stop", run=2, call=20, rc=1, failure=True, reason="it hangs"),)


def target(name: str, snapshot: Snapshot) -> Target:
    found = find(name, snapshot, Settings())
    assert found is not None
    return found


def start(snapshot: Snapshot, name: str = "web") -> Start:
    return Start(target=target(name, snapshot), allow_collateral=False)


def stop(snapshot: Snapshot, name: str = "web") -> Stop:
    return Stop(target=target(name, snapshot), allow_collateral=False)


def manage(snapshot: Snapshot, name: str = "web", *, managed: bool) -> Manage:
    return Manage(target=target(name, snapshot), managed=managed, allow_collateral=False)


def decide(job: Job, snapshot: Snapshot, planned: Forecast | None = None) -> Next:
    return job.decide(snapshot, planned, NOW)


def commit(step: Next) -> Commit:
    assert isinstance(step, Commit), step
    return step


def meta(resource: str, name: str, value: str | None) -> SetMeta:
    return SetMeta(resource=ResourceId(resource), name=name, value=value)


def failed_with(step: Next, error: type[Exception], words: str) -> None:
    assert isinstance(step, Fail), step
    assert isinstance(step.error, error)
    assert words in str(step.error)


def done_with(step: Next, words: str, *, changed: bool) -> None:
    assert isinstance(step, Done), step
    assert step.outcome.changed == changed
    assert words in step.outcome.message


# --- start


def test_what_runs_is_left_alone() -> None:
    snapshot = cluster(primitive("web"), running={"web": ("n1",)})
    assert isinstance(decide(start(snapshot), snapshot), Ask)
    done_with(decide(start(snapshot), snapshot, QUIET), "already running on n1; nothing was changed", changed=False)


@pytest.mark.parametrize(
    ("resources", "name", "edits"),
    [
        ((primitive("web", meta_values={"target-role": "Stopped"}),), "web", [meta("web", "target-role", None)]),
        ((clone("c", primitive("web"), target_role="stopped"),), "web", [meta("c", "target-role", None)]),
        (
            (clone("c", primitive("web", meta_values={"target-role": "Stopped"}), target_role="Stopped"),),
            "web",
            [meta("web", "target-role", None), meta("c", "target-role", None)],
        ),
        (
            (group("g", primitive("web"), primitive("db"), meta_values={"target-role": "Stopped"}),),
            "db",
            [meta("g", "target-role", None)],
        ),
        (
            (primitive("web", meta_values={"target-role": "Stopped", "pacewright_role_before": "Unpromoted"}),),
            "web",
            [meta("web", "target-role", "Unpromoted"), meta("web", "pacewright_role_before", None)],
        ),
    ],
)
def test_start_takes_away_whatever_says_stopped(resources: tuple[str, ...], name: str, edits: list[SetMeta]) -> None:
    snapshot = cluster(*resources)
    assert list(commit(decide(start(snapshot, name), snapshot)).change.edits) == edits


def test_start_overrules_a_default_for_all() -> None:
    snapshot = cluster(clone("c", primitive("web")), defaults={"target-role": "Stopped"})
    assert commit(decide(start(snapshot), snapshot)).change.edits == (meta("c", "target-role", "Started"),)


def test_start_from_the_commit_to_the_end() -> None:
    snapshot = cluster(primitive("web", meta_values={"target-role": "Stopped"}))
    step = commit(decide(start(snapshot), snapshot))
    written = after(snapshot, step.change)
    assert isinstance(decide(step.job, written), Ask)
    assert isinstance(decide(step.job, written, forecast(action("start", "web", "n1"))), Wait)
    assert isinstance(decide(step.job, after(written, None, {("web", "n1"): STARTING})), Wait)
    up = after(written, None, {("web", "n1"): run(2)})
    done_with(decide(step.job, up, QUIET), "web: started on n1.", changed=True)


def test_start_forgets_an_old_failure_once() -> None:
    snapshot = cluster(primitive("web"), histories={("web", "n1"): FAILED})
    step = decide(start(snapshot), snapshot)
    assert isinstance(step, Clean)
    assert (step.resource, step.node) == ("web", "n1")
    again = after(snapshot, None, {("web", "n1"): tuple(replace(op, run=3) for op in FAILED)})
    failed_with(decide(step.job, again, QUIET), OperationFailed, "did not start on n1: start failed (rc 1): no config")


def test_start_may_recover_what_had_failed_and_was_about_to_be_stopped() -> None:
    """Found by the model check: the start was refused, because 'the cluster would also recover' the service."""
    snapshot = cluster(primitive("db", meta_values={"target-role": "Stopped"}), running={"db": ("n1",)})
    job = start(snapshot, "db")
    step = commit(decide(job, snapshot))
    assert job.examine(step, forecast(action("recover", "db", "n1")), None) is step


def test_start_says_why_the_cluster_starts_it_nowhere() -> None:
    snapshot = cluster(primitive("web"), states={"n2": "offline"}, attributes={"n3": {"standby": "on"}})
    failed_with(decide(start(snapshot), snapshot, QUIET), OperationFailed, "n2 is offline, n3 is standby")
    failed_with(decide(start(cluster(primitive("web"))), cluster(primitive("web")), QUIET), OperationFailed, "constr")


def test_a_blocked_start_is_not_waited_for() -> None:
    snapshot = cluster(primitive("web"))
    blocked = forecast(action("start", "web", "n1", blocked=True))
    assert isinstance(decide(start(snapshot), snapshot, blocked), Fail)


# --- stop


def test_what_is_stopped_on_purpose_is_left_alone() -> None:
    snapshot = cluster(primitive("web", meta_values={"target-role": "Stopped"}))
    done_with(decide(stop(snapshot), snapshot), "already stopped; nothing was changed", changed=False)


@pytest.mark.parametrize(
    ("resources", "name", "edits"),
    [
        ((primitive("web"),), "web", [meta("web", "target-role", "Stopped")]),
        ((primitive("web", meta_values={"target-role": "Started"}),), "web", [meta("web", "target-role", "Stopped")]),
        ((clone("c", primitive("web")),), "web", [meta("c", "target-role", "Stopped")]),
        ((group("g", primitive("web"), primitive("db")),), "web", [meta("web", "target-role", "Stopped")]),
        ((group("g", primitive("web"), primitive("db")),), "g", [meta("g", "target-role", "Stopped")]),
        (
            (clone("c", group("g", primitive("web"), primitive("db"))),),
            "db",
            [meta("db", "target-role", "Stopped")],
        ),
        (
            (clone("c", primitive("web"), promotable="true", target_role="Unpromoted"),),
            "web",
            [meta("c", "target-role", "Stopped"), meta("c", "pacewright_role_before", "Unpromoted")],
        ),
    ],
)
def test_stop_says_it_where_start_takes_it_away(resources: tuple[str, ...], name: str, edits: list[SetMeta]) -> None:
    snapshot = cluster(*resources)
    step = commit(decide(stop(snapshot, name), snapshot))
    assert list(step.change.edits) == edits
    back = commit(decide(start(after(snapshot, step.change), name), after(snapshot, step.change)))
    restored = after(after(snapshot, step.change), back.change)
    for resource, found in snapshot.resources.items():
        without = {key: value for key, value in found.meta.items() if (key, value) != ("target-role", "Started")}
        assert restored.resources[resource].meta == without


def test_stop_from_the_commit_to_the_end() -> None:
    snapshot = cluster(primitive("web"), running={"web": ("n1",)})
    step = commit(decide(stop(snapshot), snapshot))
    written = after(snapshot, step.change)
    assert isinstance(decide(step.job, written), Wait)
    assert isinstance(decide(step.job, after(written, None, {("web", "n1"): STOPPING})), Wait)
    down = after(written, None, {("web", "n1"): (Op(task="stop", call=30),)})
    done_with(decide(step.job, down), "web: stopped.", changed=True)


def test_a_stop_that_failed_is_told_with_its_words() -> None:
    snapshot = cluster(primitive("web", meta_values={"target-role": "Stopped"}), histories={("web", "n1"): STUCK})
    failed_with(decide(stop(snapshot), snapshot), OperationFailed, "did not stop on n1: stop failed (rc 1): it hangs")


# --- enable and disable


def test_disable_says_it_at_the_outermost() -> None:
    snapshot = cluster(clone("c", primitive("web")))
    step = commit(decide(manage(snapshot, managed=False), snapshot))
    assert step.change.edits == (meta("c", "is-managed", "false"),)
    written = after(snapshot, step.change)
    done_with(decide(step.job, written), "now not managed by the cluster", changed=True)
    done_with(decide(manage(written, managed=False), written), "already not managed", changed=False)


@pytest.mark.parametrize(
    ("resources", "edits"),
    [
        ((primitive("web", meta_values={"is-managed": "false"}),), [meta("web", "is-managed", None)]),
        ((primitive("web", meta_values={"maintenance": "true"}),), [meta("web", "maintenance", None)]),
        (
            (clone("c", primitive("web", meta_values={"is-managed": "no"}), is_managed="off", maintenance="yes"),),
            [meta("web", "is-managed", None), meta("c", "is-managed", None), meta("c", "maintenance", None)],
        ),
    ],
)
def test_enable_takes_away_whatever_says_unmanaged(resources: tuple[str, ...], edits: list[SetMeta]) -> None:
    snapshot = cluster(*resources)
    step = commit(decide(manage(snapshot, managed=True), snapshot))
    assert list(step.change.edits) == edits
    written = after(snapshot, step.change)
    done_with(decide(step.job, written), "now managed by the cluster", changed=True)
    done_with(decide(manage(written, managed=True), written), "already managed", changed=False)


def test_enable_overrules_a_default_for_all() -> None:
    snapshot = cluster(primitive("web"), defaults={"is-managed": "false"})
    step = commit(decide(manage(snapshot, managed=True), snapshot))
    assert step.change.edits == (meta("web", "is-managed", "true"),)
    done_with(decide(step.job, after(snapshot, step.change)), "now managed", changed=True)


def test_enable_that_something_else_overrules_says_so_instead_of_writing_for_ever() -> None:
    snapshot = cluster(primitive("web"), defaults={"maintenance": "true"})
    step = commit(decide(manage(snapshot, managed=True), snapshot))
    failed_with(decide(step.job, after(snapshot, step.change)), Refused, "something else says so")


# --- effects beyond the service


@pytest.mark.parametrize(
    ("verb", "expected", "surprising"),
    [
        ("start", ("start", "promote"), ("stop", "move", "restart", "demote")),
        ("stop", ("stop", "demote"), ("start", "move", "restart", "promote")),
        ("enable", ("start", "restart", "promote"), ("stop", "move", "demote")),
    ],
)
def test_what_may_happen_to_others(verb: str, expected: tuple[str, ...], surprising: tuple[str, ...]) -> None:
    snapshot = cluster(
        primitive("web", meta_values={"target-role": "Stopped", "is-managed": "false"} if verb != "stop" else None)
    )
    jobs: dict[str, Start | Stop | Manage] = {
        "start": start(snapshot),
        "stop": stop(snapshot),
        "enable": manage(snapshot, managed=True),
    }
    job = jobs[verb]
    step = commit(decide(job, snapshot))
    for other in expected:
        assert job.examine(step, forecast(action(other, "db", "n2")), QUIET) is step
    for other in surprising:
        happening = forecast(action(other, "db", "n2"))
        assert isinstance(job.examine(step, happening, None), Ask)
        verdict = job.examine(step, happening, QUIET)
        assert isinstance(verdict, Fail)
        assert f"{other} db on n2" in str(verdict.error)
        assert job.examine(step, happening, happening) is step
        assert replace(job, allow_collateral=True).examine(step, happening, QUIET) is step
