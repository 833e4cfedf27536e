"""Nodes of which nobody knows what they run: found by the model check, where each of these had lost a restart."""

from __future__ import annotations

import pytest

from pacewright.cluster.edits.change import SetMark, SetRevision
from pacewright.cluster.edits.hold import HoldInstance, HoldResource, Release
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.frozen import replace
from pacewright.operation.step import Commit, Done, Wait
from pacewright.service.ledger.record import Report
from pacewright.service.ledger.report import own_report
from pacewright.service.lookup import find
from pacewright.service.rolling.refresh import Refresh, begin_refresh
from pacewright.service.rolling.restart import Restart, begin_restart
from pacewright.service.settings import Settings
from pacewright.testing.clusters import Op, after, clone, cluster, forecast, primitive, revision_on, run
from tests.rolls import under

NOW = 1_700_000_500.0
WEB, N1, N2 = ResourceId("web"), NodeName("n1"), NodeName("n2")
OLD = "".join(revision_on("web", node, "aaaa") for node in ("n1", "n2", "n3"))
REPORTS = {node: {"pacewright-config-web": "aaaa@1"} for node in ("n1", "n2", "n3")}
PROBING = (Op(task="monitor", expected=7, pending=True),)


def three(*, silent: tuple[Op, ...] = (), states: dict[str, str] | None = None) -> Snapshot:
    """A clone whose instance on n1 runs, as it may be, though its node does not say so."""
    told = {("web", "n1"): silent, ("web", "n2"): run(), ("web", "n3"): run()}
    web = clone("web-clone", primitive("web", sets=OLD))
    return cluster(web, histories=told, attributes=REPORTS, states=states, dc="2")


def refresh(snapshot: Snapshot, node: str, config: str) -> Refresh:
    target = find("web", snapshot, Settings())
    assert target is not None
    own = own_report(NodeName(node), Report(fingerprint=config, changed=NOW), target, snapshot)
    return replace(begin_refresh(target, snapshot, forecast(), own=own), apart=True)


def restart(snapshot: Snapshot, name: str = "web") -> Restart:
    target = find(name, snapshot, Settings())
    assert target is not None
    return begin_restart(target, snapshot, forecast(), token="t1")


@pytest.mark.parametrize(
    "snapshot",
    [three(), three(silent=PROBING), three(silent=run(), states={"n1": "pending"})],
    ids=["not probed", "probing", "not joined"],
)
def test_a_report_does_not_say_with_what_a_silent_node_will_start(snapshot: Snapshot) -> None:
    """The probe would take what runs there for a run with the new config, and nobody would know that it is not."""
    assert snapshot.silent(WEB, N1)
    assert not snapshot.silent(WEB, N2)
    step = refresh(snapshot, "n1", "bbbb").decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    assert [type(edit) for edit in step.change.edits] == [SetMark]


def test_a_report_says_it_where_the_probe_has_found_nothing() -> None:
    snapshot = three(silent=(Op(task="monitor", rc=7, expected=7),))
    step = refresh(snapshot, "n1", "bbbb").decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    assert SetRevision(resource=WEB, default=None, nodes={N1: "bbbb", N2: "aaaa", NodeName("n3"): "aaaa"}) in (
        step.change.edits
    )


def test_what_a_silent_node_runs_keeps_its_revision_when_others_restart() -> None:
    """It had reported a new config and was not restarted yet when its controller died."""
    told = {("web", "n2"): run(), ("web", "n3"): run()}
    reports = {**REPORTS, "n1": {"pacewright-config-web": "bbbb@2"}}
    snapshot = cluster(clone("web-clone", primitive("web", sets=OLD)), histories=told, attributes=reports, dc="2")
    step = refresh(snapshot, "n2", "bbbb").decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    snapshot = after(snapshot, step.change)
    step = step.job.decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    snapshot = after(snapshot, step.change)
    assert snapshot.resources[WEB].revision_on(N2) == "bbbb"
    assert snapshot.resources[WEB].revision_on(N1) == "aaaa"


def test_a_held_primitive_has_not_stopped_because_its_node_is_silent() -> None:
    snapshot = cluster(primitive("web", "ocf:pacemaker:Dummy"), running={"web": ("n1",)}, dc="2")
    job = restart(snapshot)
    held = HoldResource(resource=WEB, until=NOW + 30)
    joining = cluster(
        primitive("web", "ocf:pacemaker:Dummy"), running={"web": ("n1",)}, states={"n1": "pending"}, dc="2"
    )
    root = joining.root
    held.apply(root)
    assert isinstance(job.decide(after(joining), None, NOW), Wait)


@pytest.mark.parametrize("state", ["pending", "online"])
def test_what_is_owed_where_nothing_can_be_done_now_stays_owed(state: str) -> None:
    """Its node joins anew, or is in maintenance: the roll goes on without it, and must not cross out what is due."""
    snapshot = cluster(clone("web-clone", primitive("web")), running={"web": ("n1", "n2")}, dc="2")
    step = restart(snapshot).decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    assert step.summary == "restarting web on n1"
    owing = {"n2": {"pacewright-owed-web": "t1", **({"maintenance": "true"} if state == "online" else {})}}
    away = cluster(
        clone("web-clone", primitive("web", sets=revision_on("web", "n1", "t1"))),
        histories={("web", "n1"): run(2, digest="d1"), ("web", "n2"): run()},
        attributes=owing,
        states={"n2": state},
        dc="1",
    )
    end = step.job.decide(away, None, NOW)
    assert isinstance(end, Done), end
    assert end.outcome.notes


def test_what_is_being_started_is_not_given_another_revision_meanwhile() -> None:
    """It would be restarted as soon as it is up, for nothing: its config is the same."""
    starting = (Op(task="start", pending=True),)
    snapshot = cluster(clone("web-clone", primitive("web")), histories={("web", "n1"): starting, ("web", "n2"): run()})
    step = refresh(snapshot, "n1", "aaaa").decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    assert [type(edit) for edit in step.change.edits] == [SetMark]


def test_a_restart_notes_what_runs_on_where_nothing_can_be_done_now() -> None:
    """Found by the model check: it was left out, and when the maintenance was over, nobody knew of it."""
    snapshot = cluster(
        clone("web-clone", primitive("web")),
        running={"web": ("n1", "n2", "n3")},
        attributes={"n3": {"maintenance": "true"}},
        dc="2",
    )
    step = restart(snapshot).decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    assert [edit.node for edit in step.change.edits if isinstance(edit, SetMark) and "owed" in edit.name] == [N2, "n3"]


def test_a_restart_notes_what_was_being_started_when_it_was_called() -> None:
    """Its config may have been read before, so it restarts too, as soon as it is up; also if the call has died."""
    starting = (Op(task="start", pending=True),)
    snapshot = cluster(
        clone("web-clone", primitive("web")),
        histories={("web", "n1"): run(), ("web", "n2"): run(), ("web", "n3"): starting},
        dc="2",
    )
    job = under(restart(snapshot), limit=2)
    step = job.decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    assert [edit.node for edit in step.change.edits if isinstance(edit, SetMark) and "owed" in edit.name] == [N2, "n3"]


def test_a_hold_that_a_call_has_left_is_taken_away_by_any_refresh() -> None:
    """Found by the model check: where nothing ran, nobody looked, and it stayed down until the hold ended."""
    snapshot = cluster(
        clone("web-clone", primitive("web")),
        histories={("web", "n1"): (Op(task="stop", run=2, call=20),), ("web", "n2"): run()},
        attributes={"n1": {"pacewright-owed-web": "t1"}},
    )
    HoldInstance(resource=ResourceId("web-clone"), node=N1, until=NOW + 60).apply(snapshot.root)
    snapshot = after(snapshot)
    step = refresh(snapshot, "n2", "aaaa").rehearsed().decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    snapshot = after(snapshot, step.change)
    step = step.job.decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    assert Release(resource=ResourceId("web-clone"), node=N1) in step.change.edits
    assert SetMark(node=N1, name="pacewright-owed-web", value=None) in step.change.edits


def test_what_another_call_holds_on_a_silent_node_has_not_stopped() -> None:
    """Found by the model check: this call had never seen it run, so it let it go, and took it for restarted."""
    snapshot = three(silent=PROBING)
    HoldInstance(resource=ResourceId("web-clone"), node=N1, until=NOW + 60).apply(snapshot.root)
    step = refresh(after(snapshot), "n2", "aaaa").decide(after(snapshot), None, NOW)
    assert isinstance(step, Wait), step
