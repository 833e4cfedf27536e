"""Who is let in by a gate, and who is missed: by a run of configuration management, and by nothing else."""

from __future__ import annotations

from pathlib import Path

from pacewright.cluster import Change, NodeName, ResourceId, SetGate, Snapshot
from pacewright.service.config import ServiceSettings, Settings
from pacewright.service.jobs import Options, make_job
from pacewright.service.report import MISSED
from pacewright.service.step import Commit, Next
from pacewright.service.target import find
from tests.clusters import after, clone, cluster, forecast, primitive

NOW = 1_700_000_500.0
N1, N2, N3 = (NodeName(name) for name in ("n1", "n2", "n3"))
CLONE = ResourceId("web-clone")
GATED = ServiceSettings(gate=True)


def with_gate(*nodes: NodeName, attributes: dict[str, dict[str, str]] | None = None) -> Snapshot:
    """A service that runs where its gate has let it in."""
    snapshot = cluster(clone("web-clone", primitive("web")), running={"web": nodes}, attributes=attributes)
    return after(snapshot, Change(edits=(SetGate(resource=CLONE, nodes=frozenset(nodes)),), reason="t"))


def asked(verb: str, snapshot: Snapshot, node: NodeName, said: ServiceSettings, options: Options) -> Next:
    """The first step of a call on a node."""
    target = find("web", snapshot, Settings())
    assert target is not None
    job = make_job(verb, target, snapshot, forecast(), said=said, options=options, here=node, now=NOW)
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
