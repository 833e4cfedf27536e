"""The document of `resource apply`: what it means, and that what is wrong is said with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacewright.cluster.edits.definition import Operation
from pacewright.cluster.names import Agent
from pacewright.errors import ConfigError
from pacewright.resource import document, load
from pacewright.resource.constraints import CONSTRAINT_KEYS
from pacewright.resource.model import Document, WantedResource

SCHEMA = json.loads((Path(document.__file__).parent / "resources.schema.json").read_text(encoding="utf-8"))
WEB = {"id": "web", "agent": "systemd:web"}
ORDER = {"kind": "order", "first": "a", "then": "b"}


def of(value: object) -> Document:
    return load(json.dumps(value).encode(), "site.json")


def web(**said: object) -> dict[str, Any]:
    return {"resources": [WEB | said]}


def tie(**said: object) -> dict[str, Any]:
    return {"constraints": [said]}


def the(value: object) -> WantedResource:
    return of(value).resources[0]


GOOD: list[dict[str, Any]] = [
    {},
    {"resources": [], "constraints": []},
    web(),
    web(
        agent="ocf:heartbeat:IPaddr2",
        parameters={"ip": "10.0.0.1", "cidr_netmask": 24, "lvs_support": False, "x": None},
    ),
    web(agent="systemd:neutron@a:b.c", clone=True, stopped=True),
    web(agent="stonith:fence_ipmilan", clone=False),
    web(clone={"id": "web-c", "meta": {"interleave": True}}, promotable=True, meta={"is-managed": "false"}),
    web(operations={"monitor": {"interval": "30s", "timeout": 60, "on-fail": "restart", "enabled": True}}),
    web(
        operations={"monitor": [{"role": "Promoted", "interval": "1 min"}, {"interval": "PT11S", "start-delay": None}]}
    ),
    web(operations={"monitor": {"OCF_CHECK_LEVEL": 10, "interval": 5}, "start": {"timeout": None}, "stop": {}}),
    web(group="g", group_meta={"target-role": "Started"}, ensure="present"),
    {"resources": [{"id": "web", "ensure": "absent"}]},
    {"resources": [{"id": "web", "ensure": "absent", "agent": "systemd:web", "clone": True}]},
    {"resources": [{"id": n, "agent": "ocf:x:y", "group": "g", "clone": True} for n in ("a", "b")]},
    tie(**ORDER),
    tie(**ORDER, first_action="promote", then_action="start", order_kind="Serialize", symmetrical="false"),
    tie(kind="colocation", resource="a", **{"with": "b"}, with_role="Promoted", resource_role="Started", score=-5),
    tie(kind="location", resource="a", node="n 1", score="-INFINITY", ensure="absent"),
]

BAD: list[tuple[Any, str]] = [
    ([], "the document: expected keys and values, found a list"),
    ({"resource": []}, "the document: the key 'resource' is not known (known: constraints, resources)"),
    ({"resources": {}}, "resources: expected a list, found keys and values"),
    ({"resources": [5]}, "resources[0]: expected keys and values, found 5"),
    ({"resources": [{"id": "a"}]}, "resources[0]: the key 'agent' is missing"),
    ({"resources": [{"agent": "systemd:a"}]}, "resources[0]: the key 'id' is missing"),
    (web(id="7up"), "resources[0].id: '7up' cannot be an id"),
    (web(id=""), "resources[0].id: '' cannot be an id"),
    (web(id=None), "resources[0].id: expected a text, found null"),
    (web(agent="IPaddr2"), "resources[0].agent: 'IPaddr2' is no agent: expected systemd:UNIT, ocf:PROVIDER:TYPE"),
    (web(agent="ocf:IPaddr2"), "resources[0].agent: 'ocf:IPaddr2' is no agent"),
    (web(agent="systemd:"), "is no agent"),
    (web(agent="upstart:x"), "is no agent"),
    (web(params={}), "resources[0]: the key 'params' is not known (known: agent, clone, ensure,"),
    (web(parameters=[]), "resources[0].parameters: expected keys and values, found a list"),
    (web(parameters={"ip": ["a"]}), "resources[0].parameters.ip: expected a text, found a list"),
    (web(parameters={"a b": "c"}), "resources[0].parameters.a b: 'a b' cannot be a name"),
    (web(parameters={"x": 1.5}), "resources[0].parameters.x: expected a text, found 1.5"),
    (web(parameters={"pacewright_revision": "x"}), "names that begin with pacewright_ are Pacewright's own"),
    (web(meta={"pacewright_role_before": "x"}), "resources[0].meta.pacewright_role_before: names that begin"),
    (web(operations={"monitor": "30s"}), "resources[0].operations.monitor: expected keys and values, found '30s'"),
    (web(operations={"monitor": {"interval": "soon"}}), "monitor.interval: expected a time such as 30s or 2min"),
    (web(operations={"monitor": {"interval": None}}), "monitor.interval: expected a text, found null"),
    (web(operations={"monitor": {"interval": -5}}), "monitor.interval: expected a time such as 30s or 2min"),
    (web(operations={"monitor": {"every": "5s"}}), "operations.monitor: the key 'every' is not known"),
    (web(operations={"monitor": [{"role": "Master"}]}), "monitor[0].role: expected Started or Stopped or Promoted"),
    (web(operations={"start": {"on-fail": "cry"}}), "start.on-fail: expected ignore or block"),
    (web(operations={"start": {"enabled": "yes"}}), "start.enabled: expected true or false, found 'yes'"),
    (web(operations={"a b": {}}), "operations.a b: 'a b' cannot be a name"),
    (web(clone="web-clone"), "resources[0].clone: expected keys and values, found 'web-clone'"),
    (web(clone={"interleave": True}), "resources[0].clone: the key 'interleave' is not known (known: id, meta)"),
    (web(clone={"meta": {"promotable": True}}), "clone.meta: say `promotable` beside `clone`"),
    (web(promotable="yes"), "resources[0].promotable: expected true or false, found 'yes'"),
    (web(stopped=1), "resources[0].stopped: expected true or false, found 1"),
    (web(group_meta={}), "resources[0].group_meta: there is no group"),
    (web(ensure="gone"), "resources[0].ensure: expected present or absent, found 'gone'"),
    (tie(first="a", then="b"), "constraints[0]: the key 'kind' is missing"),
    (tie(kind="ticket"), "constraints[0].kind: expected order or colocation or location"),
    (tie(kind="order", first="a"), "constraints[0]: the key 'then' is missing"),
    (tie(**ORDER, score=5), "constraints[0]: the key 'score' is not known"),
    (tie(**ORDER, first_action="run"), "constraints[0].first_action: expected start or stop"),
    (tie(**ORDER, order_kind="mandatory"), "constraints[0].order_kind: expected Mandatory or Optional"),
    (tie(kind="colocation", resource="a", **{"with": "b"}, score="lots"), "score: expected a whole number, INFINITY"),
    (tie(kind="location", resource="a", node=None), "constraints[0].node: expected a text, found null"),
    (tie(kind="location", resource="a", node=""), "constraints[0].node: expected a node's name"),
]

TWICE: list[tuple[Any, str]] = [
    ({"resources": [WEB, WEB]}, "resources[1]: the id 'web' stands there twice; resources[0] has it"),
    ({"resources": [WEB, {"id": "web", "ensure": "absent"}]}, "resources[1]: the id 'web' stands there twice"),
    (
        {"resources": [{**WEB, "clone": True}, {**WEB, "id": "web-clone"}]},
        "resources[1]: the id 'web-clone' is that of the primitive resources[1] here, and of the clone of web in",
    ),
    (
        {"resources": [{**WEB, "group": "g"}, {**WEB, "id": "g"}]},
        "resources[1]: the id 'g' is that of the primitive resources[1] here, and of the group g in resources[0]",
    ),
    (
        {"resources": [{**WEB, "group": "g", "clone": {"id": i}, "id": i + "x"} for i in ("c", "d")]},
        "resources[1]: the clone of g has the id 'c' in resources[0]",
    ),
    (
        {"resources": [{**WEB, "group": "g", "group_meta": {"x": i}, "id": i} for i in ("c", "d")]},
        "resources[1]: group_meta says x=d, and x=c in resources[0]",
    ),
    (
        web(operations={"monitor": [{"interval": "5s"}, {"role": "Started", "interval": "6s"}]}),
        "resources[0].operations.monitor[1]: resources[0].operations.monitor[0] is for the same role",
    ),
    (
        web(operations={"monitor": [{"interval": "60s"}, {"role": "Promoted", "interval": "1min"}]}),
        "resources[0].operations.monitor[1]: resources[0].operations.monitor[0] has the same interval",
    ),
    (
        {"constraints": [ORDER, {**ORDER, "order_kind": "Optional"}]},
        "constraints[1]: constraints[0] says something else",
    ),
]


# -- meaning ----------------------------------------------------------------------------------------------------------


def test_texts_numbers_and_booleans_are_pacemakers_texts() -> None:
    found = the(web(parameters={"a": "x", "b": 24, "c": True, "d": None, "e": ""}))
    assert found.parameters == {"a": "x", "b": "24", "c": "true", "d": None, "e": ""}


@pytest.mark.parametrize(
    ("text", "agent"),
    [
        ("systemd:a@b:c", Agent(standard="systemd", provider="", type="a@b:c")),
        ("ocf:heartbeat:IPaddr2", Agent(standard="ocf", provider="heartbeat", type="IPaddr2")),
        ("stonith:fence_x", Agent(standard="stonith", provider="", type="fence_x")),
    ],
)
def test_agents(text: str, agent: Agent) -> None:
    assert the(web(agent=text)).agent == agent


def test_operations_have_roles_and_attributes() -> None:
    found = the(web(operations={"monitor": [{"role": "Promoted", "interval": 9}, {"role": "Started"}], "start": {}}))
    assert found.operations == (
        Operation(name="monitor", role="Promoted", attributes={"interval": "9"}),
        Operation(name="monitor", role=None, attributes={}),
        Operation(name="start", attributes={}),
    )


def test_a_promotable_one_is_cloned() -> None:
    assert [the(web(promotable=p)).cloned for p in (True, False)] == [True, False]
    assert [the(web(clone=said)).cloned for said in (True, False)] == [True, False]
    assert the(web(clone={})).cloned


def test_constraints_are_pacemakers() -> None:
    found = of({"constraints": [ORDER, {"kind": "colocation", "resource": "a", "with": "b", "score": 7}]}).constraints
    assert found[0].resources == {"first": "a", "then": "b"}
    assert found[0].about == {"first-action": "start", "then-action": "start"}
    assert found[1].resources == {"rsc": "a", "with-rsc": "b"}
    assert found[1].values == {"score": "7"}


def test_a_constraint_that_two_resources_bring_along_is_one() -> None:
    found = of({"constraints": [ORDER, dict(ORDER), ORDER | {"then": "c"}]}).constraints
    assert [one.resources["then"] for one in found] == ["b", "c"]


# -- what is wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "words"), BAD + TWICE, ids=lambda value: str(value)[:60])
def test_what_is_wrong_is_said_with_its_place(value: object, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        of(value)
    assert str(caught.value).startswith("site.json: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "it is not JSON"),
        (b"{", "it is not JSON"),
        (b"\xff\xfe", "it is not JSON"),
        (b'{"resources": [], "resources": []}', "the key 'resources' stands twice in one place"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"resources": [' + b"9" * 5000 + b"]}", "it is not JSON"),
        (b'{"resources": [{"id": "a", "agent": "ocf:a:b", "parameters": {"x": "\\u0000"}}]}', "cannot be written"),
        (b'{"resources": [{"id": "a", "agent": "ocf:a:b", "parameters": {"x": "\\ud800"}}]}', "cannot be written"),
    ],
    ids=range(8),
)
def test_what_is_no_json_is_said(text: bytes, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load(text, "site.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [*(k for keys in (*document.KEYS.values(), *CONSTRAINT_KEYS.values()) for k in keys), "monitor", "x"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_nothing_ends_in_anything_but_a_document_or_a_message(value: object) -> None:
    wrong = None
    try:
        load(json.dumps(value).encode(), "site.json")
    except ConfigError as error:
        wrong = error
    assert wrong is None or str(wrong).startswith("site.json: ")


# -- the schema -------------------------------------------------------------------------------------------------------


def test_the_schema_is_a_schema_and_has_the_readers_keys() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    defined = SCHEMA["$defs"]
    assert set(SCHEMA["properties"]) == set(document.KEYS["document"])
    for name in ("resource", "operation"):
        assert set(defined[name]["properties"]) == set(document.KEYS[name])
    assert set(defined["resource"]["properties"]["clone"]["oneOf"][1]["properties"]) == set(document.KEYS["clone"])
    for name, keys in CONSTRAINT_KEYS.items():
        assert set(defined[name]["properties"]) == set(keys)


@pytest.mark.parametrize("value", GOOD, ids=lambda value: str(value)[:60])
def test_both_take_what_is_right(value: dict[str, Any]) -> None:
    jsonschema.validate(value, SCHEMA)
    of(value)


@pytest.mark.parametrize("value", [value for value, _ in BAD], ids=lambda value: str(value)[:60])
def test_the_schema_refuses_what_the_reader_refuses(value: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, SCHEMA)
