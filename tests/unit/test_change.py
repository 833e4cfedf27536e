"""Edits: each says how things should be, so once is the same as twice, in any order of events."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacewright.cluster.edits.change import Change, Edit, SetMark, SetMeta, SetRevision
from pacewright.cluster.edits.definition import DefinePrimitive
from pacewright.cluster.edits.hold import HoldInstance, HoldResource, Release
from pacewright.cluster.names import Agent, NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import Refused
from pacewright.testing.clusters import ALWAYS, after, clone, cluster, pairs, primitive

WEB, CLONE = ResourceId("web"), ResourceId("web-clone")
N1, N2, N3 = (NodeName(name) for name in ("n1", "n2", "n3"))
UNTIL = 1_800_000_000.0
SHARED = pairs(
    "instance_attributes",
    "by-hand",
    {"port": "8080"},
    rule='<rule id="by-hand-rule" score="5"><expression id="e" attribute="site" operation="eq" value="a"/></rule>',
)


def web(**parameters: str) -> Snapshot:
    return cluster(clone("web-clone", primitive("web", parameters=parameters, sets=SHARED)), running={"web": ("n1",)})


def written(snapshot: Snapshot, *edits: Edit) -> Snapshot:
    return after(snapshot, Change(edits=edits, reason="test"))


def sets(snapshot: Snapshot, resource: str = "web") -> list[tuple[str, dict[str, str]]]:
    """A primitive's sets of attributes, in order."""
    element = snapshot.root.find(f"configuration/resources//*[@id='{resource}']")
    assert element is not None
    return [
        (found.get("id", ""), {pair.get("name", ""): pair.get("value", "") for pair in found.findall("nvpair")})
        for found in element.findall("instance_attributes")
    ]


EVERY_EDIT: list[Edit] = [
    SetRevision(resource=WEB, default="r1", nodes={}),
    SetRevision(resource=WEB, default=None, nodes={N1: "r1"}),
    SetRevision(resource=WEB, default="r0", nodes={N1: "r1", N3: "r2"}),
    SetRevision(resource=WEB, default=None, nodes={}),
    SetMeta(resource=CLONE, name="target-role", value="Stopped"),
    SetMeta(resource=CLONE, name="target-role", value=None),
    SetMark(node=N2, name="pacewright-owed-web", value="r1"),
    SetMark(node=N2, name="pacewright-owed-web", value=None),
    HoldInstance(resource=CLONE, node=N2, until=UNTIL),
    HoldResource(resource=WEB, until=UNTIL),
    Release(resource=CLONE),
    Release(resource=CLONE, node=N2),
]


@pytest.mark.parametrize("edit", EVERY_EDIT, ids=repr)
def test_twice_is_the_same_as_once(edit: Edit) -> None:
    change = Change(edits=(edit,), reason="test")
    once = change.apply(web(port="80"))
    twice = Change(edits=(edit, edit), reason="test").apply(web(port="80"))
    assert ET.tostring(once) == ET.tostring(twice)


@pytest.mark.parametrize("edit", EVERY_EDIT, ids=repr)
def test_the_snapshot_itself_stays_as_it_is(edit: Edit) -> None:
    snapshot = web(port="80")
    before = ET.tostring(snapshot.root)
    Change(edits=(edit,), reason="test").apply(snapshot)
    assert ET.tostring(snapshot.root) == before


@pytest.mark.parametrize("edit", EVERY_EDIT, ids=repr)
def test_ids_stay_unique(edit: Edit) -> None:
    root = Change(edits=(edit,), reason="test").apply(web(port="80"))
    ids = [element.get("id") for element in root.find("configuration").iter() if element.get("id")]  # type: ignore[union-attr]
    assert len(ids) == len(set(ids))


def test_the_next_version_is_the_next_epoch() -> None:
    changed = written(web())
    assert (changed.version.epoch, changed.version.num_updates) == (11, 0)


# --- revisions


def test_a_plain_revision_stands_in_a_set_of_our_own() -> None:
    changed = written(web(port="80"), SetRevision(resource=WEB, default="r1", nodes={}))
    assert sets(changed) == [
        ("web-instance_attributes", {"port": "80"}),
        ("by-hand", {"port": "8080"}),
        ("web-pacewright", {"pacewright_revision": "r1"}),
    ]


@pytest.mark.parametrize("nodes", [{}, {N1: "r2"}])
@pytest.mark.parametrize("default", ["r1", None])
def test_the_first_set_is_everybody_elses_if_only_an_empty_one(default: str | None, nodes: dict[NodeName, str]) -> None:
    changed = written(cluster(primitive("web")), SetRevision(resource=WEB, default=default, nodes=nodes))
    if default or nodes:
        assert sets(changed)[0] == ("web-instance_attributes", {})
    edits = DefinePrimitive(
        resource=WEB,
        agent=Agent(standard="ocf", provider="heartbeat", type="Dummy"),
        parameters={"port": "81"},
        meta={},
        operations=(),
    )
    assert sets(written(changed, edits))[0] == ("web-instance_attributes", {"port": "81"})


def test_where_another_tool_has_taken_the_empty_set_away_ours_is_not_taken_for_everybody_elses() -> None:
    ours = pairs("instance_attributes", "web-pacewright", {"pacewright_revision": "r1"})
    changed = written(cluster(primitive("web", sets=ours)), SetRevision(resource=WEB, default="r2", nodes={}))
    assert sets(changed) == [("web-instance_attributes", {}), ("web-pacewright", {"pacewright_revision": "r2"})]


def test_a_revision_among_everybody_elses_attributes_moves_into_our_set() -> None:
    before = web(port="80", pacewright_revision="r1")
    assert before.resources[WEB].revision == "r1"
    moved = written(before, SetRevision(resource=WEB, default="r1", nodes={}))
    assert sets(moved)[0] == ("web-instance_attributes", {"port": "80"})
    assert moved.resources == before.resources


def test_what_others_have_set_stays() -> None:
    changed = written(web(port="80"), SetRevision(resource=WEB, default="r1", nodes={N1: "r2"}))
    back = written(changed, SetRevision(resource=WEB, default=None, nodes={}))
    assert sets(back) == sets(web(port="80"))


def test_a_fold_leaves_one_plain_revision() -> None:
    rolled = written(web(port="80"), SetRevision(resource=WEB, default=None, nodes={N1: "r1", N2: "r1"}))
    folded = written(rolled, SetRevision(resource=WEB, default="r1", nodes={}))
    assert sets(folded) == [
        ("web-instance_attributes", {"port": "80"}),
        ("by-hand", {"port": "8080"}),
        ("web-pacewright", {"pacewright_revision": "r1"}),
    ]


def test_somebody_elses_set_for_one_node_keeps_what_else_stands_in_it() -> None:
    theirs = pairs(
        "instance_attributes",
        "theirs",
        {"port": "81", "pacewright_revision": "old"},
        rule='<rule id="r" score="1"><expression id="x" attribute="#uname" operation="eq" value="n1"/></rule>',
    )
    snapshot = cluster(primitive("web", sets=theirs))
    assert sets(written(snapshot, SetRevision(resource=WEB, default=None, nodes={}))) == [("theirs", {"port": "81"})]


REVISIONS = st.one_of(st.none(), st.sampled_from(["r1", "r2", "r3"]))
EDITS = st.builds(
    SetRevision,
    resource=st.just(WEB),
    default=REVISIONS,
    nodes=st.dictionaries(st.sampled_from([N1, N2, N3]), st.sampled_from(["r1", "r2", "r3"])),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(EDITS, min_size=1, max_size=6))
def test_after_any_row_of_edits_every_node_has_what_the_last_one_asked_for(edits: list[SetRevision]) -> None:
    snapshot = web(port="80")
    for edit in edits:
        snapshot = written(snapshot, edit)
    found, last = snapshot.resources[WEB], edits[-1]
    assert {n: found.revision_on(n) for n in (N1, N2, N3)} == {n: last.nodes.get(n, last.default) for n in (N1, N2, N3)}
    assert found.parameters == {"port": "80"}
    assert sets(snapshot)[0][0] == "web-instance_attributes"
    direct = written(web(port="80"), last)
    assert sorted(sets(direct), key=str) == sorted(sets(snapshot), key=str)


# --- meta attributes, node attributes


def test_a_meta_attribute_comes_and_goes() -> None:
    on = written(web(), SetMeta(resource=CLONE, name="target-role", value="Stopped"))
    assert on.resources[CLONE].meta == {"target-role": "Stopped"}
    off = written(on, SetMeta(resource=CLONE, name="target-role", value=None))
    assert off.resources[CLONE].meta == {}


def test_our_own_meta_attributes_stand_in_a_set_of_our_own() -> None:
    edit = SetMeta(resource=WEB, name="pacewright_wave", value="w1")
    on = written(cluster(primitive("web", meta_values={"priority": "1"})), edit)
    found = [(each.get("id"), len(each)) for each in on.root.iterfind(".//primitive/meta_attributes")]
    assert found == [("web-meta_attributes", 1), ("pacewright-meta-web", 1)]
    assert on.resources[WEB].meta == {"priority": "1", "pacewright_wave": "w1"}
    off = written(on, SetMeta(resource=WEB, name="pacewright_wave", value=None))
    assert [each.get("id") for each in off.root.iterfind(".//primitive/meta_attributes")] == ["web-meta_attributes"]


def test_a_meta_attribute_under_somebodys_rule_stays() -> None:
    theirs = pairs("meta_attributes", "m", {"target-role": "Stopped"}, rule=ALWAYS)
    snapshot = cluster(primitive("web").replace("<operations>", f"{theirs}<operations>"))
    off = written(snapshot, SetMeta(resource=WEB, name="target-role", value=None))
    assert off.root.find(".//*[@id='m-target-role']") is not None


def test_a_mark_comes_and_goes_without_a_trace() -> None:
    before = web()
    on = written(before, SetMark(node=N2, name="a", value="1"), SetMark(node=N2, name="b", value="2"))
    assert on.nodes[N2].marks == {"a": "1", "b": "2"}
    off = written(on, SetMark(node=N2, name="a", value=None), SetMark(node=N2, name="b", value=None))
    nodes = [ET.tostring(s.root.find("configuration/crm_config") or ET.Element("none")) for s in (before, off)]
    assert nodes[0] == nodes[1]


def test_a_node_that_has_no_entry_gets_none() -> None:
    changed = written(web(), SetMark(node=NodeName("remote9"), name="a", value="1"))
    assert set(changed.nodes) == {"n1", "n2", "n3"}


# --- holds


def test_holds_are_read_back_with_their_moment() -> None:
    held = written(
        web(), HoldInstance(resource=CLONE, node=N2, until=UNTIL), HoldResource(resource=WEB, until=UNTIL + 5)
    )
    assert held.holds == {(CLONE, N2): UNTIL, (WEB, None): UNTIL + 5}


def test_a_hold_can_be_renewed() -> None:
    held = written(web(), HoldInstance(resource=CLONE, node=N2, until=UNTIL), HoldResource(resource=WEB, until=UNTIL))
    later = written(
        held, HoldInstance(resource=CLONE, node=N2, until=UNTIL + 60), HoldResource(resource=WEB, until=UNTIL + 60)
    )
    assert later.holds == {(CLONE, N2): UNTIL + 60, (WEB, None): UNTIL + 60}


def test_a_release_takes_away_ours_and_nothing_else() -> None:
    theirs = '<rsc_location id="cli-ban-web-clone-on-n2" rsc="web-clone" node="n2" score="-INFINITY"/>'
    before = cluster(clone("web-clone", primitive("web")), primitive("db"), constraints=theirs)
    held = written(
        before,
        HoldInstance(resource=CLONE, node=N2, until=UNTIL),
        HoldInstance(resource=CLONE, node=N3, until=UNTIL),
        HoldResource(resource=ResourceId("db"), until=UNTIL),
    )
    one = written(held, Release(resource=CLONE, node=N2))
    assert set(one.holds) == {(CLONE, N3), (ResourceId("db"), None)}
    rest = written(one, Release(resource=CLONE, node=N3), Release(resource=ResourceId("db")))
    assert rest.holds == {}
    assert [constraint.id for constraint in rest.constraints] == ["cli-ban-web-clone-on-n2"]
    configuration = [ET.tostring(s.root.find("configuration") or ET.Element("none")) for s in (before, rest)]
    assert configuration[0] == configuration[1]


def test_a_release_without_a_node_takes_away_every_hold_of_the_resource() -> None:
    held = written(
        web(), HoldInstance(resource=CLONE, node=N2, until=UNTIL), HoldInstance(resource=CLONE, node=N3, until=UNTIL)
    )
    assert written(held, Release(resource=CLONE)).holds == {}


def test_resources_whose_names_begin_alike_do_not_release_each_other() -> None:
    both = cluster(clone("web", primitive("w")), primitive("web-n2"))
    held = written(
        both,
        HoldInstance(resource=WEB, node=N2, until=UNTIL),
        HoldResource(resource=ResourceId("web-n2"), until=UNTIL),
    )
    assert set(written(held, Release(resource=ResourceId("web-n2"))).holds) == {(WEB, N2)}
    assert set(written(held, Release(resource=WEB, node=N2)).holds) == {(ResourceId("web-n2"), None)}


def test_a_hold_that_somebody_edited_counts_as_expired() -> None:
    held = written(web(), HoldResource(resource=WEB, until=UNTIL))
    date = held.root.find(".//date_expression")
    assert date is not None
    date.set("end", "some day")
    assert after(held).holds == {(WEB, None): 0.0}


def test_an_edit_of_a_resource_that_went_away_is_refused() -> None:
    for edit in (
        SetRevision(resource=ResourceId("gone"), default="r", nodes={}),
        SetMeta(resource=ResourceId("gone"), name="a", value="b"),
        HoldResource(resource=ResourceId("gone"), until=UNTIL),
    ):
        with pytest.raises(Refused, match="no longer in the cluster"):
            written(web(), edit)
