"""Documents applied to clusters in which Pacemaker's own scheduler decides."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pacewright.clock import Deadline
from pacewright.cluster.cib.parse import parse
from pacewright.cluster.cib.values import is_true
from pacewright.cluster.commit import changes_nothing
from pacewright.cluster.comparison import differences
from pacewright.cluster.edits.change import Change
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import Agent, Kind, ResourceId
from pacewright.cluster.simulation import Simulation
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import Refused
from pacewright.operation.loop import carry_out
from pacewright.operation.outcome import Outcome
from pacewright.resource import Options, Resources, load, resources
from pacewright.resource.apply import Apply
from pacewright.resource.model import Document
from pacewright.testing.clock import FakeClock
from pacewright.testing.scheduled import Killed, ScheduledCluster, everything, of, roles

pytestmark = pytest.mark.scheduler

CIBS = sorted(path for path in (Path(__file__).parent / "cibs").glob("*.xml") if "crm_mon" not in path.name)
DUMMY = "ocf:heartbeat:Dummy"


@cache
def base() -> Snapshot:
    """One of each sort of resource, started."""
    return everything()


def wanted(*said: dict[str, Any], constraints: list[dict[str, Any]] | None = None) -> Document:
    full = [{"agent": DUMMY, **resource} for resource in said]
    return load(json.dumps({"resources": full, "constraints": constraints or []}).encode(), "site.json")


def perform(world: Simulation, document: Document, *, allow_collateral: bool = False, wait: bool = True) -> Outcome:
    clock = world.clock if isinstance(world, ScheduledCluster) else FakeClock()
    job = Apply(document=document, usual={}, wait=wait, allow_collateral=allow_collateral)
    return carry_out(
        job, world, name="site.json", deadline=Deadline.after(60, clock), clock=clock, progress=lambda line: None
    )


def acted(world: ScheduledCluster) -> list[str]:
    """What the scheduler did, but for what it may not do."""
    return [
        f"{a.verb} {a.resource} {a.node}" for _, forecast in world.forecasts for a in forecast.actions if not a.blocked
    ]


NEW = wanted(
    {"id": "vip", "group": "front", "group_meta": {"resource-stickiness": 10}},
    {"id": "lb", "group": "front"},
    {"id": "api", "clone": {"meta": {"interleave": True}}},
    {"id": "mq", "agent": "ocf:pacemaker:Stateful", "promotable": True},
    {"id": "cap", "group": "each", "clone": True},
    {"id": "later", "clone": True, "stopped": True},
    constraints=[
        {"kind": "order", "first": "api", "then": "vip"},
        {"kind": "colocation", "resource": "front", "with": "api"},
        {"kind": "location", "resource": "front", "node": "n3", "score": 50},
    ],
)


# -- new resources ----------------------------------------------------------------------------------------------------


def test_new_resources_start_and_nothing_else_happens() -> None:
    world = ScheduledCluster(base())
    assert perform(world, NEW).changed
    assert len(world.forecasts) == 1, "one commit"
    assert {line.split()[0] for line in acted(world)} <= {"start", "promote"}
    assert {line.split()[1] for line in acted(world)} == {"vip", "lb", "api", "mq", "cap"}
    now = world.read()
    for name, count in {"vip": 1, "lb": 1, "api": 3, "mq": 3, "cap": 3, "later": 0}.items():
        assert len(roles(now, name)) == count
    assert [i.node for i in (*of(now, "vip"), *of(now, "lb"))] == ["n3", "n3"]


def test_a_second_time_nothing_is_written() -> None:
    world = ScheduledCluster(base())
    perform(world, NEW)
    before = world.read().version
    assert not perform(world, NEW).changed
    assert world.read().version == before


@pytest.mark.parametrize("path", CIBS, ids=lambda path: path.stem)
def test_what_a_cluster_has_said_as_a_document_changes_nothing(path: Path) -> None:
    mon = path.with_suffix(".crm_mon.xml")  # what the release that wrote it says, where we would ask
    snapshot = parse(path.read_bytes(), ask=(lambda _: ET.parse(mon).getroot()) if mon.exists() else None)
    document = load(json.dumps(described(snapshot)).encode(), "site.json")
    step = Apply(document=document, usual={}, wait=False, allow_collateral=False).decide(snapshot, None, 0.0)
    assert type(step).__name__ == "Done"
    assert len(document.resources) >= (0 if path.stem.startswith("made") else 2)


def described(snapshot: Snapshot) -> dict[str, Any]:
    """A document that says all that a cluster has, but for bundles and the values of rules."""
    said = []
    for found in snapshot.resources.values():
        around = list(snapshot.ancestors(found.id))[1:]
        if found.agent is None or any(outer.kind is Kind.BUNDLE for outer in around):
            continue
        one: dict[str, Any] = {"id": found.id, "agent": str(found.agent), "parameters": dict(found.parameters)}
        one["meta"] = _foreign(found.meta)
        for outer in around:
            if outer.kind is Kind.GROUP:
                one |= {"group": outer.id, "group_meta": _foreign(outer.meta)}
            else:
                meta = {name: value for name, value in _foreign(outer.meta).items() if name != "promotable"}
                one |= {"clone": {"id": outer.id, "meta": meta}}
                one["promotable"] = is_true(outer.meta.get("promotable"))
        operations: dict[str, list[dict[str, str]]] = {}
        for op in snapshot.root.iterfind(f"configuration/resources//primitive[@id='{found.id}']/operations/op"):
            attributes = {key: value for key, value in op.items() if key not in {"id", "name"}}
            operations.setdefault(op.get("name", ""), []).append(attributes)
        said.append(one | {"operations": operations})
    return {"resources": said}


def _foreign(meta: Any) -> dict[str, str]:
    return {name: value for name, value in meta.items() if not name.startswith("pacewright_")}


# -- changes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"id": "db", "parameters": {"path": "/srv/new"}}, {"restart db"}),
        ({"id": "web", "clone": True, "parameters": {"port": "81"}}, {"restart web"}),
        ({"id": "b", "group": "g", "parameters": {"x": "1"}}, {"restart b"}),
        ({"id": "db", "meta": {"priority": "5"}}, set()),
        ({"id": "db", "operations": {"monitor": {"interval": "33s", "timeout": "9s"}}}, set()),
        ({"id": "off", "parameters": {"x": "1"}}, set()),
    ],
)
def test_a_changed_definition_restarts_that_resource_only(resource: dict[str, Any], expected: set[str]) -> None:
    world = ScheduledCluster(base())
    assert perform(world, wanted(resource)).changed
    assert {line.rsplit(" ", 1)[0] for line in acted(world)} == expected


BEYOND = [
    (wanted({"id": "a", "group": "g", "parameters": {"x": "1"}}), "restart b"),
    (wanted({"id": "new", "stopped": True}, constraints=[{"kind": "order", "first": "new", "then": "db"}]), "stop db"),
    (wanted({"id": "a", "ensure": "absent"}), "stop b"),
]


@pytest.mark.parametrize(("document", "words"), BEYOND, ids=["member", "order", "absent"])
def test_what_the_document_does_not_name_is_not_disturbed(document: Document, words: str) -> None:
    world = ScheduledCluster(base())
    with pytest.raises(Refused, match=words):
        perform(world, document)
    assert world.forecasts == []
    assert perform(world, document, allow_collateral=True).changed


def test_what_the_document_names_may_be_disturbed() -> None:
    world = ScheduledCluster(base())
    document = wanted({"id": "a", "group": "g", "parameters": {"x": "1"}}, {"id": "b", "group": "g"})
    perform(world, document)
    assert {line.rsplit(" ", 1)[0] for line in acted(world)} == {"restart a", "restart b"}


# -- removing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["db", "web", "st", "b", "off"])
def test_what_is_absent_is_stopped_and_then_gone(name: str) -> None:
    world = ScheduledCluster(base())
    assert perform(world, wanted({"id": name, "ensure": "absent"})).changed
    now = world.read()
    assert ResourceId(name) not in now.resources
    assert {line.split()[1] for line in acted(world)} <= {name}
    assert {line.split()[0] for line in acted(world)} <= {"stop", "demote"}
    rest = set(base().resources) - {name, f"{name}-clone"}
    assert set(now.resources) == rest
    assert not perform(world, wanted({"id": name, "ensure": "absent"})).changed


def test_a_whole_cloned_group_goes() -> None:
    world = ScheduledCluster(base())
    perform(world, wanted({"id": "one", "ensure": "absent"}, {"id": "two", "ensure": "absent"}))
    assert not {"one", "two", "pair", "pair-clone"} & set(world.read().resources)


# -- killed, and together with others ---------------------------------------------------------------------------------

MIXED = wanted(
    {"id": "db", "parameters": {"path": "/srv/new"}},
    {"id": "api", "clone": True},
    {"id": "b", "ensure": "absent"},
    constraints=[{"kind": "order", "first": "db", "then": "api"}],
)


@pytest.mark.parametrize("commits", [1, 2])
def test_killed_after_any_commit_the_next_run_ends_in_the_same_state(commits: int) -> None:
    undisturbed = ScheduledCluster(base())
    perform(undisturbed, MIXED)
    world = ScheduledCluster(base())
    world.kill_after = commits
    with pytest.raises(Killed):
        perform(world, MIXED)
    world.kill_after = None
    perform(world, MIXED)
    assert changes_nothing(undisturbed.read().root, world.read().root)


class Overtaken(ScheduledCluster):
    """Between our question and our commit somebody else applies the same document."""

    def __init__(self, snapshot: Snapshot, document: Document) -> None:
        super().__init__(snapshot)
        self.other: Document | None = document

    def what_if(self, snapshot: Snapshot, change: Change | None = None, then: Change | None = None) -> Forecast:
        forecast = super().what_if(snapshot, change, then)
        if self.other is not None and change is not None:
            document, self.other = self.other, None
            assert perform(self, document, wait=False).changed
        return forecast


def test_who_comes_second_writes_nothing() -> None:
    world = Overtaken(base(), NEW)
    assert not perform(world, NEW).changed
    assert len(world.forecasts) == 1


# -- plans ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resources]:
    """`resource apply --plan` on the imagined cluster, with agents that advise nothing."""
    monkeypatch.setattr(resources, "read", base)
    monkeypatch.setattr(resources, "default_operations", lambda agent: () if agent.type != "nope" else None)
    before = ET.tostring(base().root)
    yield Resources()
    assert ET.tostring(base().root) == before


def test_a_plan_says_what_would_change_and_what_would_happen(planned: Resources) -> None:
    plan = planned.plan(wanted({"id": "db", "parameters": {"path": "/x"}}), Options())
    assert [(c.resource, c.what, c.before, c.after) for c in plan.changes] == [("db", "parameters.path", "/srv", "/x")]
    assert [(a.verb, a.resource) for a in plan.actions] == [("restart", "db")]
    assert (plan.outcome.changed, plan.refused) == (True, None)


def test_a_plan_of_what_would_be_refused_says_so(planned: Resources) -> None:
    plan = planned.plan(BEYOND[0][0], Options())
    assert plan.refused is not None
    assert {a.resource for a in plan.actions} == {"a", "b"}
    assert planned.plan(BEYOND[0][0], Options(allow_collateral=True)).refused is None


def test_a_plan_of_a_removal_has_both_commits(planned: Resources) -> None:
    plan = planned.plan(wanted({"id": "db", "ensure": "absent"}), Options())
    assert [(c.resource, c.what, c.after) for c in plan.changes][:2] == [
        ("db", "meta.target-role", "Stopped"),
        ("db", "primitive", None),
    ]


def test_what_would_be_no_valid_cib_is_refused_with_the_schemas_words() -> None:
    broken = base()
    root = parse(ET.tostring(broken.root)).root
    primitive = root.find("configuration/resources/primitive")
    assert primitive is not None
    primitive.set("bogus", "1")
    with pytest.raises(Refused, match="bogus"):
        ScheduledCluster(parse(ET.tostring(root))).what_if(
            parse(ET.tostring(root)), Change(edits=(), reason="test", given=True)
        )


def test_the_differences_of_one_apply_are_those_of_the_documents() -> None:
    world = ScheduledCluster(base())
    perform(world, NEW)
    new = {one.resource for one in differences(base().root, world.read().root)}
    assert new == {
        *("vip", "lb", "front", "api", "api-clone", "mq", "mq-clone", "cap", "each", "each-clone"),
        *("later", "later-clone", "order-api-clone-vip-mandatory", "colocation-front-api-clone-INFINITY"),
        "location-front-n3-50",
    }
    assert world.read().resources[ResourceId("mq")].agent == Agent(
        standard="ocf", provider="pacemaker", type="Stateful"
    )
