"""Documents applied to a real cluster: what is written is counted in the CIB, what starts by the agents themselves."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pacewright.cluster.names import ResourceId
from pacewright.cluster.snapshot import Snapshot
from tests.lab.services import Counted, as_json, pacewright

pytestmark = pytest.mark.lab

COUNTED = "ocf:pacewright:counted"
NAMES = ("every", "front", "back", "both")


def document(**changed: Mapping[str, Any]) -> dict[str, Any]:
    """A clone, a group, a promotable one, constraints, and something that stays stopped."""
    said: dict[str, dict[str, Any]] = {
        "every": {"agent": COUNTED, "clone": {"meta": {"interleave": True}}, "parameters": {"slow_stop": 0}},
        "front": {"agent": COUNTED, "group": "house", "group_meta": {"resource-stickiness": 7}},
        "back": {"agent": COUNTED, "group": "house", "stopped": True},
        "both": {
            "agent": "ocf:pacemaker:Stateful",
            "promotable": True,
            "operations": {"monitor": [{"role": "Promoted", "interval": "9s"}, {"role": "Unpromoted", "interval": 11}]},
        },
    }
    return {
        "resources": [{"id": name, **one, **changed.get(name, {})} for name, one in said.items()],
        "constraints": [
            {"kind": "order", "first": "every", "then": "front", "order_kind": "Optional"},
            {"kind": "colocation", "resource": "house", "with": "both", "with_role": "Promoted", "score": 5},
            {"kind": "location", "resource": "front", "node": "n2", "score": 3},
        ],
    }


BY_PCS = """
cibadmin --query >/root/by-pcs
pcs() { /usr/sbin/pcs -f /root/by-pcs "$@"; }
pcs resource create every ocf:pacewright:counted slow_stop=0 clone interleave=true
pcs resource create front ocf:pacewright:counted --group house
pcs resource create back ocf:pacewright:counted --group house
pcs resource disable back
pcs resource meta house resource-stickiness=7
pcs resource create both ocf:pacemaker:Stateful promotable op \\
    monitor interval=9s role=Promoted monitor interval=11 role=Unpromoted
pcs constraint order every-clone then front kind=Optional
pcs constraint colocation add house with Promoted both-clone 5
pcs constraint location front prefers n2=3
"""
"""What a person would type for the same."""

ABSENT = {"resources": [{"id": name, "ensure": "absent"} for name in NAMES]}


@pytest.fixture
def services(counted_services: Counted) -> Iterator[Counted]:
    for node in counted_services.lab.nodes:
        counted_services.lab.run(
            node, ["sh", "-c", "rm -f /var/lib/counted-every.starts /var/lib/counted-[fb]*.starts"]
        )
    counted_services.settle()
    yield counted_services
    apply(counted_services, ABSENT)
    cib = counted_services.lab.run("n1", ["cibadmin", "--query", "--scope", "configuration"]).checked().stdout.decode()
    assert [name for name in (*NAMES, "house") if f'"{name}' in cib or f"-{name}-" in cib] == []
    counted_services.audit()


def put(services: Counted, said: object, node: str = "n1") -> None:
    services.lab.write(node, "/root/site.json", json.dumps(said))


def apply(services: Counted, said: object, *options: str, node: str = "n1") -> Any:
    put(services, said, node)
    return as_json(pacewright(services.lab, node, "resource", "apply", "/root/site.json", "--json", *options).checked())


def pcs(services: Counted, *words: str) -> str:
    return services.lab.run("n1", ["pcs", *words], timeout=60).checked().stdout.decode()


def epoch(services: Counted) -> int:
    return services.snapshot().version.epoch


def there(snapshot: Snapshot) -> set[str]:
    return {name for name in NAMES if name in snapshot.resources}


@pytest.mark.trixie
def test_three_nodes_at_once_write_it_once_and_pcs_shows_what_was_meant(services: Counted) -> None:
    lab = services.lab
    for node in lab.nodes:
        put(services, document(), node)
    before = epoch(services)
    command = ["sh", "-c", "pacewright resource apply /root/site.json --wait --json >/root/told"]
    callers = [lab.spawn(node, command) for node in lab.nodes]
    assert [caller.wait(timeout=60) for caller in callers] == [0, 0, 0]
    told = [as_json(lab.run(node, ["cat", "/root/told"]).checked()) for node in lab.nodes]
    assert sorted(one["changed"] for one in told) == [False, False, True]
    written = epoch(services) - before
    assert written == one_commit(services), "one commit in all"

    config = pcs(services, "resource", "config")
    for words in ("Group: house", "Clone: every-clone", "interleave=true", "promotable=true", "resource-stickiness=7"):
        assert words in config
    assert "role=Promoted" in config
    constraints = pcs(services, "constraint", "--full")
    for found in ("order-every-clone-front-Optional", "colocation-house-both-clone-5", "location-front-n2-3"):
        assert found in constraints
    assert lab.run("n1", ["crm_verify", "--live-check"]).code == 0

    assert {node: services.starts("counted-every")[node] for node in lab.nodes} == dict.fromkeys(lab.nodes, 1)
    assert sum(services.starts("counted-front").values()) == 1
    assert sum(services.starts("counted-back").values()) == 0, "it was made stopped"
    before = epoch(services)
    for node in lab.nodes:
        done = as_json(pacewright(lab, node, "resource", "apply", "/root/site.json", "--json").checked())
        assert done["changed"] is False
    assert epoch(services) == before, "nothing to do, so nothing is written"
    pacewright(lab, "n3", "service", "start", "back").checked()
    assert sum(services.starts("counted-back").values()) == 1
    before = epoch(services)
    assert apply(services, document())["changed"] is False, "what is there is not stopped again"
    assert epoch(services) == before


def one_commit(services: Counted) -> int:
    """By how much a single commit raises the epoch: by 2, because Pacemaker 2.1.5 adds one to our own step."""
    before = epoch(services)
    pacewright(services.lab, "n1", "service", "disable", "one").checked()
    now = epoch(services)
    pacewright(services.lab, "n1", "service", "enable", "one").checked()
    return now - before


def test_what_is_written_is_what_pcs_would_write(services: Counted) -> None:
    lab = services.lab
    lab.run("n1", ["sh", "-e", "-c", BY_PCS], timeout=60).checked()
    apply(services, document())
    ours = elements(lab.run("n1", ["cibadmin", "--query"]).checked().stdout)
    theirs = elements(lab.run("n1", ["cat", "/root/by-pcs"]).checked().stdout)
    assert len(ours) >= 60
    assert ours == theirs


def elements(cib: bytes) -> list[str]:
    """Every element of the resources and constraints, with its place; their order among each other does not matter."""
    found: list[str] = []

    def collect(element: ET.Element, place: str) -> None:
        said = {name: value for name, value in element.items() if (name, value) != ("rsc-role", "Started")}
        found.append(f"{place}/{element.tag} {sorted(said.items())}")
        for child in element:
            collect(child, f"{place}/{element.get('id') or element.tag}")

    for part in ("resources", "constraints"):
        collect(next(ET.fromstring(cib).iterfind(f"configuration/{part}")), "")
    return sorted(found)


@pytest.mark.trixie
def test_a_change_restarts_what_it_is_about_and_keeps_what_others_have_set(services: Counted) -> None:
    apply(services, document(), "--wait")
    pcs(services, "resource", "update", "every", "op", "monitor", "interval=10s", "timeout=33s")
    pcs(services, "resource", "meta", "both-clone", "notify=true")
    pacewright(services.lab, "n1", "service", "restart", "every").checked()
    before = dict(services.starts("counted-every"))
    plan = apply(services, document(every={"parameters": {"slow_stop": 1}}), "--plan")
    assert [(c["resource"], c["what"], c["from"], c["to"]) for c in plan["changes"]] == [
        ("every", "parameters.slow_stop", "0", "1")
    ]
    assert {(a["verb"], a["resource"]) for a in plan["actions"]} == {("restart", "every")}
    apply(services, document(every={"parameters": {"slow_stop": 1}}), "--wait")
    assert {n: services.starts("counted-every")[n] - before[n] for n in before} == dict.fromkeys(before, 1)
    config = pcs(services, "resource", "config", "every-clone", "both-clone")
    assert "timeout=33s" in config
    assert "notify=true" in config
    assert services.snapshot().resources[ResourceId("every")].revision, (
        "ours stands in a set of its own; pcs shows it not"
    )


def test_killed_at_any_moment_all_is_written_or_nothing(services: Counted) -> None:
    lab = services.lab
    seen = set()
    put(services, document())
    for delay in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7):
        lab.run("n1", ["timeout", "-s", "KILL", str(delay), "pacewright", "resource", "apply", "/root/site.json"])
        found = services.snapshot()
        seen.add(bool(there(found)))
        assert there(found) in (set(), set(NAMES))
        assert len(found.constraints) in {0, 3}
        if there(found):
            break
    assert False in seen, "one of them was killed before it had written"
    assert apply(services, document(), "--wait")["changed"] is (True not in seen)
    assert sum(services.starts("counted-front").values()) == 1


def test_what_is_absent_is_stopped_with_its_own_timeout(services: Counted) -> None:
    slow = {"parameters": {"slow_stop": 4}, "operations": {"stop": {"timeout": "30s"}, "monitor": {"interval": "10s"}}}
    apply(services, document(every=slow), "--wait")
    pcs(services, "resource", "op", "defaults", "update", "timeout=3s")
    try:
        put(services, ABSENT, "n2")
        killed = ["timeout", "-s", "KILL", "2.5", "pacewright", "resource", "apply", "/root/site.json"]
        services.lab.run("n2", killed)
        told = apply(services, ABSENT, node="n3")
        assert {c["resource"] for c in told["changes"] if c["what"] == "primitive"} >= {"every"}
        assert there(services.snapshot()) == set()
        assert services.instances("every") == ()
        failed = [i for found in services.snapshot().instances.values() for i in found if i.failed]
        assert failed == []
        assert all(node.online for node in services.snapshot().nodes.values()), "nobody was fenced"
    finally:
        pcs(services, "resource", "op", "defaults", "update", "timeout=")


def test_another_sort_and_collateral_are_refused_and_nothing_is_written(services: Counted) -> None:
    before = epoch(services)
    cloned = {"resources": [{"id": "single", "agent": COUNTED, "clone": True}]}
    beyond = {"resources": [{"id": "first", "agent": COUNTED, "group": "tier", "parameters": {"slow_stop": "0.0"}}]}
    for said, words in ((cloned, b"is not cloned in the cluster"), (beyond, b"would also restart last on n")):
        put(services, said)
        done = pacewright(services.lab, "n1", "resource", "apply", "/root/site.json")
        assert done.code == 5
        assert words in done.stderr
    assert epoch(services) == before
    assert services.snapshot().clone_of(ResourceId("single")) is None
