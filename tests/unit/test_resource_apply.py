"""Applying a document, decision by decision."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from pacewright.cluster.cib.parse import parse
from pacewright.cluster.edits.change import Change, SetMeta
from pacewright.cluster.edits.definition import DefinePrimitive, Operation
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import ConfigError, OperationFailed, Refused
from pacewright.operation.step import Ask, Commit, Done, Fail, Job, Next, Wait
from pacewright.resource import load
from pacewright.resource.apply import Apply
from pacewright.resource.edits import edits
from pacewright.resource.model import Document
from pacewright.testing.clusters import Op, action, after, clone, cluster, forecast, group, primitive, run

DUMMY = "ocf:heartbeat:Dummy"
QUIET = forecast()
STARTING = (Op(task="start", run=2, pending=True),)
FAILED = (Op(task="start", run=2, call=20, rc=1, failure=True, reason="no config"),)
STUCK = (Op(task="stop", run=2, call=20, rc=1, failure=True, reason="it hangs"),)
STOPPED = (Op(task="stop", call=30),)


def wanted(*resources: dict[str, Any], constraints: list[dict[str, Any]] | None = None) -> Document:
    """A document in which every resource is a Dummy unless it says otherwise."""
    full = [{"agent": DUMMY, **resource} for resource in resources]
    return load(json.dumps({"resources": full, "constraints": constraints or []}).encode(), "site.json")


def apply(document: Document, *, wait: bool = False, usual: dict[str, tuple[Operation, ...]] | None = None) -> Apply:
    return Apply(document=document, usual=usual or {}, wait=wait, allow_collateral=False)


def decide(job: Job, snapshot: Snapshot, planned: Forecast | None = None) -> Next:
    return job.decide(snapshot, planned, 1_700_000_500.0)


def commit(step: Next) -> Commit:
    assert isinstance(step, Commit), step
    return step


def applied(document: Document, snapshot: Snapshot) -> Snapshot:
    return after(snapshot, commit(decide(apply(document), snapshot)).change)


def done_with(step: Next, *, changed: bool) -> None:
    assert isinstance(step, Done), step
    assert step.outcome.changed == changed


# -- what is written --------------------------------------------------------------------------------------------------


def test_a_commit_once_and_then_it_is_done() -> None:
    snapshot = cluster(primitive("web", parameters={"port": "80"}))
    document = wanted({"id": "web", "parameters": {"port": 81}}, {"id": "db"})
    step = commit(decide(apply(document), snapshot))
    done_with(decide(step.job, after(snapshot, step.change)), changed=True)
    done_with(decide(apply(document), after(snapshot, step.change)), changed=False)


def test_what_somebody_else_then_changes_is_not_fought_over() -> None:
    snapshot = cluster(primitive("web", parameters={"port": "80"}))
    step = commit(decide(apply(wanted({"id": "web", "parameters": {"port": 81}})), snapshot))
    done_with(decide(step.job, snapshot), changed=True)


def test_what_is_so_already_is_left_alone() -> None:
    snapshot = cluster(
        clone("web-clone", primitive("web", parameters={"port": "80"}), promotable="true", interleave="true"),
        group("g", primitive("a"), primitive("x"), primitive("b")),
        constraints='<rsc_order id="o" first="web-clone" then="g"/>',
    )
    document = wanted(
        {"id": "web", "promotable": True, "parameters": {"port": 80}, "stopped": True},
        {"id": "a", "group": "g"},
        {"id": "b", "group": "g"},
        {"id": "gone", "ensure": "absent"},
        constraints=[{"kind": "order", "first": "web", "then": "g"}],
    )
    done_with(decide(apply(document), snapshot), changed=False)


def test_a_new_primitive_gets_what_its_agent_advises_and_a_monitor_in_any_case() -> None:
    advised = (Operation(name="monitor", attributes={}), Operation(name="start", attributes={"timeout": "90s"}))
    usual = {DUMMY: advised, "systemd:web": ()}

    def operations(resource: dict[str, Any], snapshot: Snapshot) -> list[tuple[str, str | None]]:
        defined = next(e for e in edits(wanted(resource), snapshot, usual) if isinstance(e, DefinePrimitive))
        return sorted((operation.name, operation.attributes.get("timeout")) for operation in defined.operations)

    assert operations({"id": "web"}, cluster()) == [("monitor", None), ("start", "90s")]
    assert operations({"id": "web", "operations": {"start": {"timeout": "5s"}}}, cluster()) == [
        ("monitor", None),
        ("start", "5s"),
    ]
    assert operations({"id": "web", "agent": "systemd:web"}, cluster()) == [("monitor", None)]
    assert operations({"id": "web"}, cluster(primitive("web"))) == [], "what is there keeps its own"


@pytest.mark.parametrize(
    ("resource", "where"),
    [
        ({"id": "web"}, "web"),
        ({"id": "web", "clone": True}, "web-clone"),
        ({"id": "web", "clone": {"id": "w"}}, "w"),
        ({"id": "web", "group": "g"}, "web"),
        ({"id": "web", "group": "g", "clone": True}, "web"),
    ],
)
def test_a_new_one_stays_stopped_where_service_stop_would_say_so(resource: dict[str, Any], where: str) -> None:
    document = wanted(resource | {"stopped": True})
    snapshot = applied(document, cluster())
    assert {r.id: r.meta.get("target-role") for r in snapshot.resources.values() if "target-role" in r.meta} == {
        where: "Stopped"
    }
    started = SetMeta(resource=ResourceId(where), name="target-role", value=None)
    on = after(snapshot, Change(edits=(started,), reason="started"))
    done_with(decide(apply(document), on), changed=False)


def test_a_constraint_on_what_is_cloned_is_one_on_the_clone() -> None:
    document = wanted(
        {"id": "new", "clone": {"id": "news"}},
        {"id": "m", "group": "g", "clone": True},
        constraints=[
            {"kind": "order", "first": "new", "then": "old"},
            {"kind": "order", "first": "m", "then": "g-clone", "order_kind": "Optional"},
            {"kind": "location", "resource": "single", "node": "n2"},
        ],
    )
    snapshot = applied(document, cluster(clone("old-clone", primitive("old")), primitive("single")))
    assert [tuple(found.resources) for found in snapshot.constraints] == [
        ("news", "old-clone"),
        ("g-clone", "g-clone"),
        ("single",),
    ]


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        ({"kind": "order", "first": "web", "then": "nobody"}, "constraints[0].then: the resource 'nobody' is neither"),
        (
            {"kind": "order", "first": "gone", "then": "web"},
            "constraints[0].first: the resource 'gone' is not to be th",
        ),
        (
            {"kind": "location", "resource": "web", "node": "n9"},
            "constraints[0].node: the cluster has no node 'n9' (it has n1, n2, n3)",
        ),
        ({"kind": "colocation", "resource": "web", "with": "w-clone"}, "constraints[0].with: the resource 'w-clone'"),
    ],
)
def test_a_constraint_that_names_what_is_nowhere_is_an_error(constraint: dict[str, Any], words: str) -> None:
    document = wanted({"id": "web"}, {"id": "gone", "ensure": "absent"}, constraints=[constraint])
    with pytest.raises(ConfigError) as caught:
        decide(apply(document), cluster(primitive("gone")))
    assert str(caught.value).startswith(f"site.json: {words}")
    absent = wanted({"id": "web"}, constraints=[constraint | {"ensure": "absent"}])
    done_with(decide(apply(absent), cluster(primitive("web"))), changed=False)


# -- what is refused --------------------------------------------------------------------------------------------------

BUNDLE = (
    '<bundle id="bun"><docker image="x"/><primitive id="inner" class="ocf" provider="heartbeat" type="Dummy"/></bundle>'
)


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        (
            {"id": "web", "agent": "systemd:web"},
            "is ocf:heartbeat:Dummy in the cluster, and systemd:web in the document",
        ),
        ({"id": "g"}, "is a group in the cluster, and a primitive in the document"),
        ({"id": "web"}, "is in the clone web-clone in the cluster, and not cloned in the document"),
        (
            {"id": "web", "clone": {"id": "w"}},
            "is in the clone web-clone in the cluster, and in the clone w in the doc",
        ),
        (
            {"id": "web", "promotable": True},
            "the clone web-clone, which is not promotable in the cluster, and promotab",
        ),
        (
            {"id": "st", "clone": True},
            "the clone st-clone, which is promotable in the cluster, and not promotable here",
        ),
        ({"id": "single", "clone": True}, "is not cloned in the cluster, and cloned in the document"),
        ({"id": "single", "group": "g"}, "is in no group in the cluster, and in the group g in the document"),
        ({"id": "a"}, "is in the group g in the cluster, and in no group in the document"),
        ({"id": "a", "group": "h"}, "is in the group g in the cluster, and in the group h in the document"),
        ({"id": "a", "group": "g", "clone": True}, "is not cloned in the cluster, and cloned in the document"),
        ({"id": "one", "group": "pair"}, "is in the clone pair-clone in the cluster, and not cloned in the document"),
        ({"id": "new", "group": "single"}, "is to be in the group single, which is a primitive in the cluster"),
        ({"id": "new", "clone": {"id": "web-clone"}}, "is to have the clone web-clone, which is around something else"),
        ({"id": "inner"}, "is in the bundle bun, which this command does not change"),
        ({"id": "web-monitor", "agent": DUMMY}, "cannot be made: web-monitor is the id of a op"),
        ({"id": "g", "ensure": "absent"}, "not removed: it is a group; name the primitives in it"),
    ],
)
def test_another_sort_is_refused(resource: dict[str, Any], words: str) -> None:
    snapshot = cluster(
        clone("web-clone", primitive("web")),
        clone("st-clone", primitive("st"), promotable="true"),
        group("g", primitive("a"), primitive("b")),
        clone("pair-clone", group("pair", primitive("one"))),
        primitive("single"),
        BUNDLE,
    )
    with pytest.raises(Refused) as caught:
        decide(apply(wanted(resource)), snapshot)
    assert words in str(caught.value)
    assert "resources[0]" in str(caught.value)


def test_the_order_of_a_group_is_not_turned_around() -> None:
    document = wanted({"id": "b", "group": "g"}, {"id": "a", "group": "g"})
    with pytest.raises(Refused, match="a: stands before b in the group g in the cluster, and behind it here"):
        decide(apply(document), cluster(group("g", primitive("a"), primitive("b"))))


@pytest.mark.parametrize("verb", ["stop", "restart", "move", "demote"])
def test_what_happens_beyond_the_document_is_refused(verb: str) -> None:
    snapshot = cluster(primitive("web"), primitive("db"))
    job = apply(wanted({"id": "web", "parameters": {"port": "81"}}))
    step = commit(decide(job, snapshot))
    assert job.examine(step, forecast(action(verb, "web", "n1"), action("start", "db", "n1")), None) is step
    happening = forecast(action(verb, "db", "n2"))
    assert isinstance(job.examine(step, happening, None), Ask)
    verdict = job.examine(step, happening, QUIET)
    assert isinstance(verdict, Fail)
    assert isinstance(verdict.error, Refused)
    assert f"{verb} db on n2" in str(verdict.error)
    assert job.examine(step, happening, happening) is step, "it would happen anyway"


# -- removing ---------------------------------------------------------------------------------------------------------


MARKS = ("pacewright-owed-web", "pacewright-config-web", "pacewright-begun-web", "pacewright-ready-web-clone")


def test_what_runs_is_stopped_before_it_is_removed() -> None:
    ties = (
        '<rsc_order id="o1" first="web-clone" then="db"/><rsc_order id="o2" first="x" then="web-clone"/>'
        '<rsc_location id="l" rsc="web-clone" node="n1" score="5"/>'
    )
    marked = {"n1": dict.fromkeys(MARKS, "1") | {"pacewright-config-db": "1", "pacewright-owed-a-web": "1"}}
    snapshot = cluster(
        clone("web-clone", primitive("web")),
        primitive("db"),
        primitive("x"),
        running={"web": ("n1", "n2"), "db": ("n1",), "x": ("n1",)},
        constraints=ties,
        attributes=marked,
    )
    document = wanted({"id": "web", "ensure": "absent"}, {"id": "x", "ensure": "absent"})
    first = commit(decide(apply(document), snapshot))
    stopping = after(snapshot, first.change)
    assert [found.id for found in stopping.constraints] == ["o2", "l"], "db stays up without web"
    assert stopping.resources[ResourceId("web")].meta["target-role"] == "Stopped"
    assert isinstance(decide(first.job, stopping), Wait)
    one = after(stopping, None, {("web", n): STOPPED for n in ("n1", "n2")})
    second = commit(decide(first.job, one))
    gone = after(one, second.change)
    assert [*gone.resources] == ["db", "x"]
    assert [found.id for found in gone.constraints] == []
    assert gone.nodes[snapshot.dc or next(iter(gone.nodes))].marks == {
        "pacewright-config-db": "1",
        "pacewright-owed-a-web": "1",
    }
    third = commit(decide(second.job, after(gone, None, {("x", "n1"): STOPPED})))
    assert [*after(gone, third.change).resources] == ["db"]


def test_a_stop_that_fails_ends_it() -> None:
    snapshot = cluster(
        primitive("web", meta_values={"target-role": "Stopped"}), histories={("web", "n1"): (*run(), *STUCK)}
    )
    step = decide(apply(wanted({"id": "web", "ensure": "absent"})), snapshot)
    assert isinstance(step, Fail)
    assert isinstance(step.error, OperationFailed)
    assert "did not stop on n1: stop failed (rc 1): it hangs" in str(step.error)


@pytest.mark.parametrize("how", [{"maintenance-mode": "true"}, {}])
def test_what_the_cluster_may_not_stop_is_not_removed(how: dict[str, str]) -> None:
    unmanaged = {} if how else {"is-managed": "false"}
    snapshot = cluster(primitive("web", meta_values=unmanaged), running={"web": ("n1",)}, properties=how)
    with pytest.raises(Refused, match="it runs, and the cluster may not stop it now"):
        decide(apply(wanted({"id": "web", "ensure": "absent"})), snapshot)


# -- waiting ----------------------------------------------------------------------------------------------------------


def test_waiting_is_until_the_cluster_has_carried_it_out() -> None:
    snapshot = cluster(primitive("old"), histories={("old", "n2"): FAILED})
    document = wanted({"id": "web"}, {"id": "old", "meta": {"priority": 1}})
    step = commit(decide(apply(document, wait=True), snapshot))
    job = step.job
    assert isinstance(job, Apply)
    written = after(snapshot, step.change)
    assert isinstance(decide(job, written), Ask)
    assert isinstance(decide(job, written, forecast(action("start", "web", "n1"))), Wait)
    assert isinstance(decide(job, after(written, None, {("web", "n1"): STARTING})), Wait)
    done_with(decide(job, written, forecast(action("start", "web", "n1", blocked=True))), changed=True)
    done_with(decide(job, after(written, None, {("web", "n1"): run(2)}), QUIET), changed=True)
    failed = decide(job, after(written, None, {("web", "n1"): FAILED}), QUIET)
    assert isinstance(failed, Fail)
    assert "web: it failed on n1: start failed (rc 1): no config" in str(failed.error)


def test_without_waiting_it_ends_with_the_commit() -> None:
    snapshot = cluster()
    step = commit(decide(apply(wanted({"id": "web"})), snapshot))
    starting = after(after(snapshot, step.change), None, {("web", "n1"): STARTING})
    done_with(decide(step.job, starting), changed=True)


def test_nothing_that_is_read_is_changed() -> None:
    snapshot = cluster(primitive("web"))
    before = ET.tostring(snapshot.root)
    applied(wanted({"id": "web", "parameters": {"a": 1}}, {"id": "new", "clone": True}), snapshot)
    assert ET.tostring(snapshot.root) == before
    assert parse(before) == snapshot
