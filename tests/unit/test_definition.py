"""Edits that define resources and constraints: what pcs would write, only what is named, twice the same as once."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from pacewright.cluster.cib.parse import parse
from pacewright.cluster.commit import changes_nothing
from pacewright.cluster.comparison import Difference, differences
from pacewright.cluster.edits.change import Change, Edit
from pacewright.cluster.edits.constraints import Detach, Remove, Tie
from pacewright.cluster.edits.definition import DefineClone, DefineGroup, DefinePrimitive, Operation, Values
from pacewright.cluster.names import Agent, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.testing.clusters import ALWAYS, cib, clone, cluster, group, pairs, primitive, revision_on

WEB, DB, G = ResourceId("web"), ResourceId("db"), ResourceId("g")
UNIT = Agent(standard="systemd", provider="", type="web")
OCF = Agent(standard="ocf", provider="heartbeat", type="Dummy")


def define(
    name: str = "web",
    agent: Agent = OCF,
    *operations: Operation,
    parameters: Values | None = None,
    meta: Values | None = None,
) -> DefinePrimitive:
    return DefinePrimitive(
        resource=ResourceId(name), agent=agent, parameters=parameters or {}, meta=meta or {}, operations=operations
    )


def op(name: str, role: str | None = None, **attributes: str | None) -> Operation:
    return Operation(
        name=name, role=role, attributes={key.replace("on_fail", "on-fail"): v for key, v in attributes.items()}
    )


def written(snapshot: Snapshot, *edits: Edit) -> ET.Element:
    """The configuration after them; twice must be the same as once."""
    change = Change(edits=edits, reason="test")
    after = change.apply(snapshot)
    again = change.apply(parse(ET.tostring(after)))
    assert changes_nothing(after, again), "a second time changes nothing"
    return after


def resources(root: ET.Element) -> list[str]:
    return [
        "".join(ET.tostring(e, encoding="unicode").split(" />")) for e in root.iterfind("configuration/resources/*")
    ]


def text(root: ET.Element, path: str) -> str:
    found = root.find(f"configuration/{path}")
    assert found is not None, path
    return ET.tostring(found, encoding="unicode").replace(" />", "/>")


def constraints(root: ET.Element) -> list[dict[str, str]]:
    return [dict(found.items()) for found in root.iterfind("configuration/constraints/*")]


# -- primitives -------------------------------------------------------------------------------------------------------


def test_a_new_primitive_has_the_ids_and_the_layout_that_pcs_gives() -> None:
    edit = define(
        "web",
        OCF,
        op("monitor", interval="10s", timeout="20s"),
        op("start", timeout="100s"),
        op("monitor", "Promoted", interval="9s", OCF_CHECK_LEVEL="10"),
        op("stop"),
        op("monitor", "Unpromoted"),
        parameters={"ip": "10.0.0.1", "nic": None},
        meta={"resource-stickiness": "5"},
    )
    # tests/lab/test_resource.py compares it with what pcs itself makes of the same.
    assert text(written(cluster(), edit), "resources/primitive") == (
        '<primitive id="web" class="ocf" provider="heartbeat" type="Dummy">'
        '<instance_attributes id="web-instance_attributes">'
        '<nvpair id="web-instance_attributes-ip" name="ip" value="10.0.0.1"/></instance_attributes>'
        '<meta_attributes id="web-meta_attributes">'
        '<nvpair id="web-meta_attributes-resource-stickiness" name="resource-stickiness" value="5"/></meta_attributes>'
        '<operations><op id="web-monitor-interval-10s" name="monitor" interval="10s" timeout="20s"/>'
        '<op id="web-start-interval-0s" name="start" interval="0s" timeout="100s"/>'
        '<op id="web-monitor-interval-9s" name="monitor" interval="9s" role="Promoted">'
        '<instance_attributes id="web-monitor-interval-9s-instance_attributes">'
        '<nvpair id="web-monitor-interval-9s-instance_attributes-OCF_CHECK_LEVEL" name="OCF_CHECK_LEVEL" value="10"/>'
        '</instance_attributes></op><op id="web-stop-interval-0s" name="stop" interval="0s"/>'
        '<op id="web-monitor-interval-60s" name="monitor" interval="60s" role="Unpromoted"/></operations></primitive>'
    )


def test_a_unit_has_no_provider() -> None:
    assert '<primitive id="web" class="systemd" type="web"/>' in text(
        written(cluster(), define(agent=UNIT)), "resources"
    )


def test_what_is_not_named_stays() -> None:
    sets = revision_on("web", "n2", "r2") + pairs("meta_attributes", "by-hand", {"target-role": "Stopped"}, rule=ALWAYS)
    before = primitive(
        "web", parameters={"port": "80", "pacewright_revision": "r1"}, meta_values={"is-managed": "false"}, sets=sets
    )
    snapshot = cluster(before)
    assert changes_nothing(snapshot.root, written(snapshot, define()))
    after = written(snapshot, define(parameters={"port": "81"}, meta={"priority": "7"}))
    assert text(after, "resources/primitive") == before.replace('value="80"', 'value="81"').replace(
        'value="false"/>', 'value="false"/><nvpair id="web-meta_attributes-priority" name="priority" value="7"/>'
    )


def test_none_takes_an_attribute_away_and_nothing_else() -> None:
    snapshot = cluster(primitive("web", parameters={"a": "1", "b": "2"}, timeouts={"start": "5s"}))
    after = written(snapshot, define("web", OCF, op("start", timeout=None), parameters={"a": None, "c": None}))
    assert differences(snapshot.root, after) == (
        Difference(resource="web", what="parameters.a", before="1", after=None),
        Difference(resource="web", what="operations.start.timeout", before="5s", after=None),
    )


def test_a_value_is_changed_where_it_stands() -> None:
    second = pairs("instance_attributes", "second", {"port": "80"})
    snapshot = cluster(primitive("web", parameters={"a": "1"}, sets=second))
    after = written(snapshot, define(parameters={"port": "81"}))
    assert '<nvpair id="second-port" name="port" value="81"/>' in text(after, "resources/primitive")
    assert "web-instance_attributes-port" not in text(after, "resources/primitive")


def test_an_operation_is_found_by_name_and_role_and_keeps_what_it_has() -> None:
    snapshot = cluster(primitive("web"))  # monitor every 10s with 20s time-out
    after = written(snapshot, define("web", OCF, op("monitor", interval="30s", on_fail="block")))
    assert text(after, "resources/primitive/operations") == (
        '<operations><op id="web-monitor" name="monitor" interval="30s" timeout="20s" on-fail="block"/></operations>'
    )


def test_of_several_operations_the_one_with_that_interval_is_meant() -> None:
    base = cluster(primitive("web"))
    two = Change(edits=(define("web", OCF, op("monitor", "Promoted", interval="5s")),), reason="test").apply(base)
    two.find("configuration/resources/primitive/operations/op[2]").attrib.pop("role")  # type: ignore[union-attr]
    after = written(parse(ET.tostring(two)), define("web", OCF, op("monitor", interval="5000ms", timeout="3s")))
    assert [(e.get("interval"), e.get("timeout")) for e in after.iter("op")] == [("10s", "20s"), ("5000ms", "3s")]


@pytest.mark.parametrize(
    ("schema", "roles"), [("pacemaker-3.9", ("Promoted", "Unpromoted")), ("pacemaker-3.6", ("Master", "Slave"))]
)
def test_roles_are_spelled_as_the_schema_has_them(schema: str, roles: tuple[str, str]) -> None:
    snapshot = parse(cib(primitive("web")).replace(b"pacemaker-3.9", schema.encode()))
    edits = (
        define("web", OCF, op("monitor", "Promoted", interval="5s"), op("monitor", "Unpromoted", interval="6s")),
        tie("colocation", {"rsc": "web", "with-rsc": "web", "with-rsc-role": "Promoted"}),
    )
    after = written(snapshot, *edits)
    assert [e.get("role") for e in after.iter("op")] == [None, *roles]
    assert constraints(after)[0]["with-rsc-role"] == roles[0]


# -- groups and clones ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "wanted", "expected"),
    [
        ("", "abc", "abc"),
        ("xa", "ab", "xab"),
        ("ax", "ab", "abx"),
        ("acx", "abc", "abcx"),
        ("xc", "abc", "xabc"),
        ("xy", "ab", "xyab"),
        ("ab", "b", "ab"),
    ],
)
def test_a_new_member_goes_behind_the_one_that_is_named_before_it(there: str, wanted: str, expected: str) -> None:
    snapshot = cluster(group("g", *(primitive(name) for name in there), meta_values={"m": "1"})) if there else cluster()
    members = tuple(ResourceId(name) for name in wanted)
    after = written(snapshot, *(define(name) for name in wanted), DefineGroup(resource=G, members=members, meta={}))
    found = parse(ET.tostring(after)).resources
    assert "".join(found[G].children) == expected
    assert [r for r in found.values() if r.parent is None] == [found[G]]
    assert found[G].meta == ({"m": "1"} if there else {})


def test_a_clone_around_a_new_group() -> None:
    edits = (
        define("web"),
        DefineGroup(resource=G, members=(WEB,), meta={"priority": "1"}),
        DefineClone(resource=ResourceId("g-clone"), child=G, meta={"interleave": "true"}),
    )
    found = parse(ET.tostring(written(cluster(primitive("db")), *edits)))
    assert [r.id for r in found.ancestors(WEB)] == ["web", "g", "g-clone"]
    assert found.resources[G].meta == {"priority": "1"}
    assert found.resources[ResourceId("g-clone")].meta == {"interleave": "true"}
    assert [r for r in found.resources if r != "db"] == ["g-clone", "g", "web"]


# -- constraints ------------------------------------------------------------------------------------------------------


def tie(kind: str, about: dict[str, str], values: dict[str, str] | None = None, *, present: bool = True) -> Tie:
    initial = {} if kind == "order" else {"score": "INFINITY"}
    return Tie(kind=kind, about=about, values=values or {}, initial=initial, present=present)


START = {"first-action": "start", "then-action": "start"}


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (
            tie("order", {"first": "web", "then": "db", **START}),
            {"id": "order-web-db-mandatory", "first": "web", "then": "db", **START},
        ),
        (
            tie("order", {"first": "web", "then": "db", **START}, {"kind": "Optional"}),
            {"id": "order-web-db-Optional", "first": "web", "then": "db", **START, "kind": "Optional"},
        ),
        (
            tie("colocation", {"rsc": "web", "with-rsc": "db"}),
            {"id": "colocation-web-db-INFINITY", "rsc": "web", "with-rsc": "db", "score": "INFINITY"},
        ),
        (
            tie("location", {"rsc": "web", "node": "n1"}, {"score": "-INFINITY"}),
            {"id": "location-web-n1--INFINITY", "rsc": "web", "node": "n1", "score": "-INFINITY"},
        ),
    ],
)
def test_a_new_constraint_has_the_id_that_pcs_gives(edit: Tie, expected: dict[str, str]) -> None:
    snapshot = cluster(primitive("web"), primitive("db"))
    assert constraints(written(snapshot, edit)) == [expected]
    gone = Tie(kind=edit.kind, about=edit.about, values={}, initial={}, present=False)
    assert constraints(written(parse(ET.tostring(written(snapshot, edit))), gone)) == []


def test_a_constraint_that_is_there_is_known_whatever_its_id_and_its_defaults() -> None:
    there = (
        '<rsc_order id="o" first="web" then="db"/><rsc_colocation id="c" rsc="web" with-rsc="db" score="5"/>'
        '<rsc_location id="l" rsc="web" node="n1" score="5"/>'
        '<rsc_location id="r" rsc="web"><rule id="x" score="1"/></rsc_location>'
    )
    snapshot = cluster(primitive("web"), primitive("db"), constraints=there)
    edits = (
        tie("order", {"first": "web", "then": "db", **START}),
        tie("colocation", {"rsc": "web", "with-rsc": "db", "rsc-role": "Started"}),
        tie("location", {"rsc": "web", "node": "n1"}),
    )
    assert changes_nothing(snapshot.root, written(snapshot, *edits)), "what it does not name stays"
    after = written(snapshot, tie("location", {"rsc": "web", "node": "n1"}, {"score": "9"}))
    assert [(found["id"], found.get("score")) for found in constraints(after)] == [
        ("o", None),
        ("c", "5"),
        ("l", "9"),
        ("r", None),
    ]


def test_others_are_other_constraints() -> None:
    snapshot = cluster(
        primitive("web"), primitive("db"), constraints='<rsc_order id="order-web-db-mandatory" first="db" then="web"/>'
    )
    after = written(
        snapshot,
        tie("order", {"first": "web", "then": "db", **START}),
        tie("order", {"first": "web", "then": "db", "first-action": "promote", "then-action": "start"}),
    )
    assert [found["id"] for found in constraints(after)] == [
        "order-web-db-mandatory",
        "order-web-db-mandatory-1",
        "order-web-db-mandatory-2",
    ]


# -- removing ---------------------------------------------------------------------------------------------------------

TIED = (
    '<rsc_order id="o1" first="a" then="db"/><rsc_order id="o2" first="db" then="web"/>'
    '<rsc_location id="l" rsc="g" node="n1" score="5"/><rsc_colocation id="c" rsc="db" with-rsc="g-clone"/>'
    '<rsc_order id="s"><resource_set id="s1"><resource_ref id="a"/><resource_ref id="db"/></resource_set>'
    '<resource_set id="s2"><resource_ref id="b"/></resource_set></rsc_order>'
)


def test_what_is_removed_takes_along_what_holds_nothing_else_and_what_names_it() -> None:
    snapshot = cluster(
        clone("g-clone", group("g", primitive("a"), primitive("b"))),
        primitive("db"),
        primitive("web"),
        constraints=TIED,
    )
    one = written(snapshot, Remove(resource=ResourceId("a")))
    assert list(parse(ET.tostring(one)).resources) == ["g-clone", "g", "b", "db", "web"]
    assert [found["id"] for found in constraints(one)] == ["o2", "l", "c", "s"]
    assert "".join(found.get("id", "") for found in one.iter("resource_ref")) == "dbb"
    both = written(snapshot, Remove(resource=ResourceId("a")), Remove(resource=ResourceId("b")))
    assert list(parse(ET.tostring(both)).resources) == ["db", "web"]
    assert [found["id"] for found in constraints(both)] == ["o2", "s"]
    assert [found.get("id") for found in both.iter("resource_set")] == ["s1"]


def test_tags_do_not_name_what_is_gone() -> None:
    tagged = cib(primitive("web"), primitive("db")).replace(
        b"</constraints>",
        b'</constraints><tags><tag id="t"><obj_ref id="web"/><obj_ref id="db"/></tag>'
        b'<tag id="u"><obj_ref id="web"/></tag></tags>',
    )
    after = written(parse(tagged), Remove(resource=WEB))
    assert [(tag.get("id"), [ref.get("id") for ref in tag]) for tag in after.iter("tag")] == [("t", ["db"])]


def test_detaching_keeps_the_ties_to_what_goes_too() -> None:
    snapshot = cluster(primitive("web"), primitive("db"), primitive("x"), constraints=(
        '<rsc_order id="o1" first="web" then="db"/><rsc_order id="o2" first="db" then="x"/>'
        '<rsc_location id="l" rsc="web" node="n1" score="5"/>'
    ))  # fmt: skip
    after = written(snapshot, *(Detach(resource=name, among=frozenset({WEB, DB})) for name in (WEB, DB)))
    assert [found["id"] for found in constraints(after)] == ["o1", "l"]


# -- what differs -----------------------------------------------------------------------------------------------------


def test_what_differs_is_told_thing_by_thing() -> None:
    before = cluster(
        group("g", primitive("a"), primitive("b")), constraints='<rsc_order id="o" first="a" then="b"/>'
    ).root
    after = cluster(group("g", primitive("a", meta_values={"x": "1"}), meta_values={"y": "2"})).root
    told = [(one.resource, one.what, one.before, one.after) for one in differences(before, after)]
    assert told == [
        ("g", "group", "a b", "a"),
        ("g", "meta.y", None, "2"),
        ("a", "meta.x", None, "1"),
        ("b", "primitive", "ocf:heartbeat:Dummy", None),
        ("b", "operations.monitor.interval", "10s", None),
        ("b", "operations.monitor.timeout", "20s", None),
        ("o", "order", "first=a then=b", None),
    ]
    assert differences(before, before) == ()


def test_operations_of_one_role_are_told_apart_by_their_intervals() -> None:
    second = '<op id="x" name="monitor" interval="60s" timeout="5s"/></operations>'
    before = cluster(primitive("web").replace("</operations>", second)).root
    after = cluster(primitive("web").replace("</operations>", second).replace('"20s"', '"21s"')).root
    assert differences(before, after) == (
        Difference(resource="web", what="operations.monitor.timeout", before="20s", after="21s"),
    )
    later = cluster(primitive("web").replace("</operations>", second.replace("5s", "6s"))).root
    assert [one.what for one in differences(before, later)] == ["operations.monitor[60s].timeout"]
