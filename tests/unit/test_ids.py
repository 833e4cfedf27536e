"""Ids of ours: no user's id stands in our way, none of ours in another's, and what we wrote is found again."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacewright.cluster.edits.change import Change, Edit, SetMark, SetMeta, SetRevision
from pacewright.cluster.edits.definition import DefinePrimitive
from pacewright.cluster.edits.gate import SetGate
from pacewright.cluster.edits.hold import HoldInstance, HoldResource, Release
from pacewright.cluster.names import Agent, NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import PacewrightError
from pacewright.testing.clusters import after, clone, cluster, primitive

UNTIL = 1_900_000_000.0
WEB, CLONE, DB = ResourceId("web"), ResourceId("web-clone"), ResourceId("db")
# What xml_id makes the same of.
NODES = {"1": "a:b", "2": "a_b", "3": "a@b"}
ALL = tuple(NodeName(name) for name in NODES.values())


def site(*more: str, constraints: str = "") -> Snapshot:
    return cluster(clone("web-clone", primitive("web")), primitive("db"), *more, nodes=NODES, constraints=constraints)


EDITS: tuple[Edit, ...] = (
    SetRevision(resource=WEB, default="r0", nodes={node: f"r-{node}" for node in ALL}),
    SetMeta(resource=CLONE, name="target-role", value="Stopped"),
    SetMeta(resource=DB, name="pacewright_wave", value="w"),
    *(SetMark(node=node, name="pacewright-owed-web", value=node) for node in ALL),
    *(HoldInstance(resource=CLONE, node=node, until=UNTIL) for node in ALL),
    HoldResource(resource=DB, until=UNTIL),
    SetGate(resource=CLONE, nodes=frozenset(ALL)),
)
UNDONE: tuple[Edit, ...] = (
    SetRevision(resource=WEB, default=None, nodes={}),
    SetMeta(resource=CLONE, name="target-role", value=None),
    SetMeta(resource=DB, name="pacewright_wave", value=None),
    *(SetMark(node=node, name="pacewright-owed-web", value=None) for node in ALL),
    Release(resource=CLONE),
    Release(resource=DB),
    SetGate(resource=CLONE, nodes=None),
)


def ids(snapshot: Snapshot) -> Counter[str]:
    return Counter(element.get("id", "") for element in snapshot.root.iterfind("configuration//*[@id]"))


OURS = sorted(set(ids(after(site(), Change(edits=EDITS, reason="test")))) - set(ids(site())))
"""Every id that we would give in a cluster where nobody stands in our way."""


def holds_true(found: Snapshot) -> None:
    """Everything that was written is there, once, and each id once."""
    assert max(ids(found).values()) == 1
    web = found.resources[WEB]
    assert (web.revision, web.node_revisions) == ("r0", {node: f"r-{node}" for node in ALL})
    assert found.resources[CLONE].meta["target-role"] == "Stopped"
    assert found.resources[DB].meta["pacewright_wave"] == "w"
    assert {node: found.nodes[node].marks["pacewright-owed-web"] for node in ALL} == {node: node for node in ALL}
    held: dict[tuple[ResourceId, NodeName | None], float] = {(CLONE, node): UNTIL for node in ALL}
    assert found.holds == held | {(DB, None): UNTIL}
    assert found.gates == {CLONE: frozenset(ALL)}


def told(found: Snapshot) -> tuple[object, ...]:
    """Everything of ours that is in the cluster."""
    revisions = [(r.revision, dict(r.node_revisions)) for r in found.resources.values()]
    marks = [dict(node.marks) for node in found.nodes.values()]
    return revisions, [dict(r.meta) for r in found.resources.values()], marks, found.holds, found.gates


def users(taken: str, *, as_resource: bool) -> Snapshot:
    """A cluster in which a user has given that id to something."""
    if as_resource:
        return site(primitive(taken, meta_values={"priority": "1"}))
    return site(constraints=f'<rsc_location id="{taken}" rsc="db" node="a_b" score="5"/>')


@pytest.mark.parametrize("as_resource", [True, False])
@pytest.mark.parametrize("taken", ["pacewright", *OURS])
def test_whatever_id_a_user_has_taken_ours_is_another(taken: str, as_resource: bool) -> None:  # noqa: FBT001
    before = users(taken, as_resource=as_resource)
    once = after(before, Change(edits=EDITS, reason="test"))
    assert ids(once)[taken] == 1
    holds_true(once)
    twice = after(once, Change(edits=EDITS, reason="test"))
    holds_true(twice)
    assert len(ids(twice)) == len(ids(once)), "what is there is found again"
    assert ids(after(twice, Change(edits=EDITS, reason="test"))) == ids(twice), "and keeps its id"
    undone = after(twice, Change(edits=UNDONE, reason="test"))
    assert told(undone) == told(before)
    assert element(undone, taken) == element(before, taken)


def element(found: Snapshot, name: str) -> str:
    """What has that id, as it stands there."""
    (one,) = found.root.findall(f"configuration//*[@id='{name}']")
    return ET.tostring(one, encoding="unicode")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["pacewright", *OURS]), unique=True, max_size=12))
def test_several_taken_at_once(taken: list[str]) -> None:
    before = site(*(primitive(name) for name in taken))
    once = after(before, Change(edits=EDITS, reason="test"))
    holds_true(once)
    assert told(after(once, Change(edits=UNDONE, reason="test"))) == told(before)


NAMES = st.text("ab-_.é@:", min_size=1, max_size=5).map(lambda name: f"n{name}")


@settings(max_examples=60, deadline=None)
@given(st.lists(NAMES, min_size=2, max_size=4, unique=True), st.lists(NAMES, min_size=2, max_size=4, unique=True))
def test_names_that_differ_in_what_an_id_may_not_hold(resources: list[str], nodes: list[str]) -> None:
    resources = [name.replace("@", "").replace(":", "") for name in resources]
    resources = list(dict.fromkeys(resources))
    found = cluster(*(primitive(name) for name in resources), nodes=dict(enumerate_from_one(nodes)))
    wanted = [(NodeName(node), f"pacewright-owed-{name}") for node in nodes for name in resources]
    holds = [HoldInstance(resource=ResourceId(r), node=NodeName(n), until=UNTIL) for r in resources for n in nodes]
    marks = [SetMark(node=node, name=name, value="x") for node, name in wanted]
    whole = [HoldResource(resource=ResourceId(r), until=UNTIL) for r in resources]
    once = after(found, Change(edits=(*marks, *holds, *whole), reason="test"))
    assert max(ids(once).values()) == 1
    assert all(name in once.nodes[node].marks for node, name in wanted)
    assert len(once.holds) == len(holds) + len(whole)


def enumerate_from_one(names: list[str]) -> list[tuple[str, str]]:
    return [(str(number), name) for number, name in enumerate(names, start=1)]


def test_a_new_resource_is_never_given_another_name_than_was_asked_for() -> None:
    taken = users("new", as_resource=False)
    agent = Agent(standard="ocf", provider="heartbeat", type="Dummy")
    edit = DefinePrimitive(resource=ResourceId("new"), agent=agent, parameters={}, meta={}, operations=())
    try:
        root = Change(edits=(edit,), reason="test").apply(taken)
    except PacewrightError:
        return
    assert [e.get("id") for e in root.findall("configuration/resources/primitive")] == ["db", "new"]
