"""What is looked at right before a commit is written: faults in a decision, made up here, are stopped."""

from __future__ import annotations

import pytest

from pacewright.cluster.edits.change import Change, Edit, SetRevision
from pacewright.cluster.edits.hold import HoldInstance
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.frozen import replace
from pacewright.operation.step import Commit, Fail, Next
from pacewright.service.lookup import find
from pacewright.service.rolling.policy import Policy
from pacewright.service.rolling.promises import broken_promise
from pacewright.service.rolling.restart import Restart, begin_restart
from pacewright.service.settings import Settings
from pacewright.testing.clusters import Op, after, clone, cluster, forecast, primitive, run

NOW = 1_700_000_500.0
WEB, MANY = ResourceId("web"), ResourceId("web-clone")
N1, N2, N3 = (NodeName(name) for name in ("n1", "n2", "n3"))
CLONE = clone("web-clone", primitive("web"))
STOPPING = (Op(task="stop", run=2, pending=True),)


def three(**histories: tuple[Op, ...]) -> Snapshot:
    """A clone on three nodes; where nothing else is said, it runs."""
    return cluster(CLONE, histories={("web", node): histories.get(node, run()) for node in ("n1", "n2", "n3")})


def seen(step: Commit, snapshot: Snapshot, lost: frozenset[NodeName] = frozenset(), **policy: object) -> str:
    target = find("web", snapshot, Settings())
    assert target is not None
    slots = begin_restart(target, snapshot, forecast(), token="t1").slots
    fault = broken_promise(step, slots, replace(Policy(), **policy), lost, snapshot)
    return fault.message if fault is not None else ""


def step(snapshot: Snapshot, edits: tuple[Edit, ...], *places: NodeName) -> Commit:
    target = find("web", snapshot, Settings())
    assert target is not None
    job = begin_restart(target, snapshot, forecast(), token="t1")
    return Commit(change=Change(edits=edits, reason="test"), places=frozenset(places), job=job, summary="")


def revised(**nodes: str) -> tuple[Edit, ...]:
    return (SetRevision(resource=WEB, default=None, nodes={NodeName(n): r for n, r in nodes.items()}),)


def held(node: NodeName) -> HoldInstance:
    return HoldInstance(resource=MANY, node=node, until=NOW + 60)


TWO = "web: not written: n1, n2 would be down at once, where 1 may be."


@pytest.mark.parametrize("edits", [revised(n1="x", n2="x"), (*revised(n1="x"), held(N2)), (held(N1), held(N2))])
def test_two_do_not_go_down_where_one_may(edits: tuple[Edit, ...]) -> None:
    snapshot = three()
    assert seen(step(snapshot, edits, N1, N2), snapshot) == TWO
    assert not seen(step(snapshot, edits, N1, N2), snapshot, limit=2)
    assert not seen(step(snapshot, edits, N1, N2), snapshot, at_once=True)


def test_what_is_on_its_way_or_held_already_counts_unless_the_roll_goes_on_without_it() -> None:
    one = revised(n1="x")
    for snapshot in (three(n2=STOPPING), after(three(), Change(edits=(held(N2),), reason="test"))):
        assert seen(step(snapshot, one, N1), snapshot) == TWO
        assert not seen(step(snapshot, one, N1), snapshot, frozenset({N2}))
    gone = cluster(CLONE, histories={("web", "n1"): run(), ("web", "n2"): STOPPING}, states={"n2": "offline"})
    assert not seen(step(gone, one, N1), gone), "it is not this roll that has taken n2 away"


def test_only_those_of_the_step_go_down() -> None:
    snapshot = three()
    everywhere = (SetRevision(resource=WEB, default="x", nodes={}),)
    assert seen(step(snapshot, everywhere, N1), snapshot) == "web: not written: n2, n3 would go down beside its step."


def test_no_definition_changes_behind_what_nobody_knows() -> None:
    snapshot = cluster(CLONE, histories={("web", "n1"): (), ("web", "n2"): run(), ("web", "n3"): run()}, dc="2")
    assert snapshot.silent(WEB, N1)
    told = seen(step(snapshot, revised(n1="x"), N1), snapshot)
    assert told == "web: not written: nobody knows what runs on n1, and its definition would change."


def test_a_decision_that_breaks_a_promise_ends_the_call_and_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = three()
    wrong = step(snapshot, revised(n1="x", n2="x"), N1, N2)

    def faulty(*_args: object) -> Next:
        return wrong

    monkeypatch.setattr(Restart, "_step", faulty)
    assert isinstance(wrong.job, Restart)
    end = wrong.job.decide(snapshot, forecast(), NOW)
    assert isinstance(end, Fail)
    assert end.error.message == TWO
    assert "fault of Pacewright" in (end.error.hint or "")
