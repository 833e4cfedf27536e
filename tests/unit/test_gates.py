"""Who is let in by a gate, and who is missed: by a run of configuration management, and by nothing else."""

from __future__ import annotations

from pathlib import Path

from pacewright.cluster.edits.change import Change
from pacewright.cluster.edits.gate import SetGate
from pacewright.cluster.names import NodeName
from pacewright.cluster.snapshot import Snapshot
from pacewright.frozen import replace
from pacewright.operation.step import Commit, Done, Fail, Next
from pacewright.service.ledger.record import MISSED
from pacewright.service.lookup import find
from pacewright.service.requests import Options, make_job
from pacewright.service.settings import Barrier, OnTimeout, ServiceSettings, Settings
from pacewright.service.status import State, local_state
from pacewright.service.switch.switch import Start
from pacewright.testing.clusters import action, after, clone, cluster, forecast, primitive, run
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

GATED = ServiceSettings(gate=True)


def with_gate(*nodes: NodeName, attributes: dict[str, dict[str, str]] | None = None) -> Snapshot:
    """A service that runs where its gate has let it in."""
    snapshot = cluster(clone("web-clone", primitive("web")), running={"web": nodes}, attributes=attributes)
    return after(snapshot, Change(edits=(SetGate(resource=CLONE, nodes=frozenset(nodes)),), reason="t"))


def asked(verb: str, snapshot: Snapshot, node: NodeName, said: ServiceSettings, options: Options) -> Next:
    """The first step of a call on a node."""
    target = find("web", snapshot, Settings())
    assert target is not None
    job = make_job(verb, target, snapshot, forecast, said=said, options=options, here=node, now=NOW)
    return job.decide(snapshot, None, NOW)


def test_what_a_package_is_kept_from_leaves_the_gate_and_who_is_missed() -> None:
    snapshot = with_gate(N1, N2, attributes={"n1": {MISSED + "web-clone": "@1"}})
    step = asked("owe", snapshot, N1, GATED, Options(since=NOW))
    assert isinstance(step, Commit)
    snapshot = after(snapshot, step.change)
    assert snapshot.gates == {CLONE: frozenset({N1, N2})}
    assert MISSED + "web-clone" in snapshot.nodes[N1].marks


def test_a_reconcile_reports_what_is_on_the_disk_and_lets_nobody_in(tmp_path: Path) -> None:
    config = tmp_path / "web.conf"
    config.write_text("of last month")
    snapshot = with_gate(N1, attributes={"n2": {MISSED + "web-clone": "@1"}})
    said = ServiceSettings(gate=True, config=(str(config),))
    step = asked("reconcile", snapshot, N2, said, Options())
    assert isinstance(step, Commit)
    snapshot = after(snapshot, step.change)
    assert "pacewright-config-web" in snapshot.nodes[N2].marks
    assert snapshot.gates == {CLONE: frozenset({N1})}
    assert MISSED + "web-clone" in snapshot.nodes[N2].marks
    step = asked("report", snapshot, N2, said, Options())
    assert isinstance(step, Commit)
    snapshot = after(snapshot, step.change)
    assert snapshot.gates == {CLONE: frozenset({N1, N2})}
    assert MISSED + "web-clone" not in snapshot.nodes[N2].marks


def test_a_new_gate_lets_in_who_reports_and_where_it_runs_and_nobody_else() -> None:
    snapshot = cluster(clone("web-clone", primitive("web")), running={"web": ("n2",)})
    job, snapshot = committed(starting(snapshot, "n1", gate=True).decide(snapshot, QUIET, NOW), snapshot)
    assert snapshot.gates == {CLONE: frozenset({N1, N2})}
    target = target_of(snapshot)
    assert local_state(target, snapshot, N3) is State.STOPPED
    assert local_state(target, snapshot, N2) is State.RUNNING
    assert isinstance(job, Start)


def test_a_node_that_was_left_out_of_the_barrier_is_shut_out_until_it_reports() -> None:
    snapshot = stopped(
        states={"n3": "offline"}, attributes={n: {"pacewright-config-web": "old@1"} for n in ("n1", "n2", "n3")}
    )
    first = starting(snapshot, "n1", gate=True)
    _, snapshot = committed(first.decide(snapshot, None, NOW), snapshot)
    assert snapshot.gates[CLONE] == frozenset({N1, N2, N3})
    _, snapshot = committed(starting(snapshot, "n2", gate=True).decide(snapshot, None, NOW), snapshot)
    assert snapshot.gates[CLONE] == frozenset({N1, N2})
    _, snapshot = committed(starting(snapshot, "n3", gate=True).decide(snapshot, QUIET, NOW), snapshot)
    assert snapshot.gates[CLONE] == frozenset({N1, N2, N3})


def test_a_start_that_lets_its_node_in_says_that_it_has_changed_something() -> None:
    snapshot = with_gate(N1, N2)
    job, snapshot = committed(starting(snapshot, "n3", gate=True).decide(snapshot, QUIET, NOW), snapshot)
    snapshot = after(snapshot, histories={("web", "n3"): run(2)})
    end = job.decide(snapshot, QUIET, NOW)
    assert isinstance(end, Done)
    assert end.outcome.changed
    assert end.outcome.message == "web: started on n1, n2, n3."


def test_a_gate_that_services_yaml_no_longer_wants_goes_with_the_next_report() -> None:
    snapshot = running()
    opened = Change(edits=(SetGate(resource=CLONE, nodes=frozenset({N1})),), reason="t")
    _, snapshot = committed(
        starting(snapshot, "n2").decide(after(snapshot, opened), QUIET, NOW), after(snapshot, opened)
    )
    assert snapshot.gates == {}


def test_a_gate_with_nobody_inside_shuts_everybody_out() -> None:
    snapshot = after(running(), Change(edits=(SetGate(resource=CLONE, nodes=frozenset()),), reason="t"))
    assert snapshot.gates == {CLONE: frozenset()}


def test_one_that_has_come_is_let_in_though_somebody_did_not_want_to_wait_for_it() -> None:
    _, snapshot = joined(stopped(), "n2", "n3", gate=True)  # type: ignore[arg-type]
    last = replace(starting(snapshot, "n1", gate=True), without=("n3",))
    _, snapshot = committed(last.decide(snapshot, None, NOW), snapshot)
    assert MISSED + "web-clone" not in snapshot.nodes[N3].marks
    assert snapshot.gates[CLONE] == frozenset({N1, N2, N3})


def test_going_on_without_a_node_stops_the_service_there_and_nothing_else_may_stop() -> None:
    snapshot = with_gate(N1, N2, N3)
    proceed = Barrier(timeout=0.0, on_timeout=OnTimeout.PROCEED)
    said = ServiceSettings(gate=True, together=True, barrier=proceed)
    target = target_of(snapshot)
    options = Options(barrier=True)
    job = make_job("restart", target, snapshot, lambda: QUIET, said=said, options=options, here=N1, now=NOW)
    step = job.decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    assert after(snapshot, step.change).gates == {CLONE: frozenset({N1})}
    meant = forecast(action("restart", "web", "n1"), action("stop", "web", "n2"), action("stop", "web", "n3"))
    assert isinstance(job.examine(step, meant, QUIET), Commit)
    for beyond in (action("stop", "web", "n1"), action("stop", "db", "n2")):
        assert isinstance(job.examine(step, forecast(*meant.actions, beyond), QUIET), Fail)
