"""A promotable bundle: what is promoted or was demoted last restarts with its container, and nothing else does."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import pytest

from pacewright.cluster.cib.parse import parse
from pacewright.cluster.edits.change import Change
from pacewright.cluster.edits.hold import HoldInstance, Release
from pacewright.cluster.names import NodeName, ResourceId, Role
from pacewright.cluster.snapshot import Instance, Snapshot
from pacewright.service.lookup import find
from pacewright.service.requests import Options
from pacewright.service.settings import Settings
from pacewright.service.status import status_of
from pacewright.testing.scheduled import ScheduledCluster, of, operate, written
from tests.golden.test_operations import debts, traces
from tests.golden.test_refresh import refresh

pytestmark = pytest.mark.scheduler

CIB = Path(__file__).parent / "cibs" / "made-bundle.xml"
ZERO, ONE, TWO = (f"cache-bundle-{number}" for number in range(3))
STICKY = (
    '<rsc_defaults><meta_attributes id="d"><nvpair id="d-s" name="resource-stickiness" value="100"/></meta_attributes>'
    "</rsc_defaults>"
)


def scored(root: ET.Element, scores: Mapping[str, int]) -> Snapshot:
    """The same with these promotion scores, once the scheduler has done what it wants then."""
    for state in root.iterfind("status/node_state"):
        name = state.get("uname", "")
        for old in state.findall("transient_attributes") if name in scores else ():
            state.remove(old)
        if name in scores:
            state.insert(
                0,
                ET.fromstring(
                    f'<transient_attributes id="{name}"><instance_attributes id="status-{name}">'
                    f'<nvpair id="status-{name}-m" name="master-cache" value="{scores[name]}"/>'
                    "</instance_attributes></transient_attributes>"
                ),
            )
    return written(parse(ET.tostring(root)))


def moved() -> Snapshot:
    """The promoted role was on the first replica and has moved to the second."""
    root = ET.fromstring(CIB.read_bytes())
    configuration = root.find("configuration")
    assert configuration is not None
    configuration.append(ET.fromstring(STICKY))
    before = scored(root, {ZERO: 10, ONE: 5, TWO: 5})
    return scored(before.root, {ZERO: 5, ONE: 100, TWO: 5})


def cache(snapshot: Snapshot) -> dict[str, Instance]:
    return {instance.node: instance for instance in of(snapshot, "cache")}


def test_the_last_operation_of_what_had_the_role_is_a_demote() -> None:
    found = {node: (i.role, i.run.operation) for node, i in cache(moved()).items() if i.run is not None}
    assert found == {
        ZERO: (Role.UNPROMOTED, "demote"),
        ONE: (Role.PROMOTED, "promote"),
        TWO: (Role.UNPROMOTED, "start"),
    }


@pytest.mark.parametrize(("node", "containers"), [(None, {"0", "1"}), (ZERO, {"0"}), (ONE, {"1"}), (TWO, set())])
def test_every_replica_restarts_and_the_promoted_one_last(node: str | None, containers: set[str]) -> None:
    world = ScheduledCluster(moved())
    before = cache(world.read())
    outcome = operate(world, "restart", "cache", Options(node=node))
    assert outcome.restarted == ((node,) if node else (ZERO, ONE, TWO))
    assert outcome.notes == (), "its containers are no dependents"
    ended = [(a.verb, a.resource) for _, f in world.forecasts for a in f.actions if a.verb in {"stop", "restart"}]
    assert {resource[-1] for _, resource in ended if "podman" in resource} == containers
    assert not any(a.verb == "move" for _, forecast in world.forecasts for a in forecast.actions)
    for one in (node,) if node else (ZERO, ONE, TWO):
        assert before[one].run != cache(world.read())[one].run
    assert [trace for trace in traces(world.read()) if node is None or "single nodes" not in trace] == []
    assert world.read().holds == {}


def test_a_hold_on_a_replica_keeps_it_from_its_host_and_from_those_that_run_none() -> None:
    snapshot = moved()
    hold = HoldInstance(resource=ResourceId("cache-bundle"), node=NodeName(ZERO), until=4_000_000_000.0)
    held = parse(ET.tostring(Change(edits=(hold,), reason="").apply(snapshot)))
    assert list(held.holds) == [("cache-bundle", ZERO)]
    (rule,) = held.root.iterfind("configuration/constraints/rsc_location/rule")
    told = [(e.get("operation"), e.get("value")) for e in rule.findall("expression")]
    assert told == [("ne", "n2"), ("ne", "n3")]
    stopped = written(snapshot, hold)
    assert set(cache(stopped)) == {ONE, TWO}
    back = Release(resource=ResourceId("cache-bundle"), node=NodeName(ZERO))
    assert parse(ET.tostring(Change(edits=(back,), reason="").apply(stopped))).holds == {}
    assert set(cache(written(stopped, back))) == {ZERO, ONE, TWO}


def test_a_host_reports_its_config_for_the_replica_whose_container_it_runs() -> None:
    world = ScheduledCluster(moved())
    found = world.read()
    assert {node: found.home(NodeName(node)) for node in (ZERO, ONE, TWO)} == {ZERO: "n1", ONE: "n2", TWO: "n3"}
    before = cache(found)
    outcome = refresh(world, "cache", "n1", "new")
    assert outcome.restarted == (ZERO,)
    after = cache(world.read())
    assert {node for node in (ZERO, ONE, TWO) if before[node].run != after[node].run} == {ZERO}
    for host in ("n3", "n2"):
        refresh(world, "cache", host, "new")
    for host in ("n1", "n2", "n3"):
        assert "nothing was restarted" in refresh(world, "cache", host, "new").message
    begun = [f"{a.resource} {a.node}" for _, f in world.forecasts for a in f.actions if a.verb in {"restart", "start"}]
    assert sorted(line for line in begun if line.startswith("cache ")) == [f"cache {node}" for node in (ZERO, ONE, TWO)]
    assert debts(world.read()) == []
    target = find("cache", world.read(), Settings())
    assert target is not None
    assert status_of(target, world.read(), NodeName("n1")).owed == ()


def test_the_node_that_is_named_may_be_the_replicas_host() -> None:
    world = ScheduledCluster(moved())
    assert operate(world, "restart", "cache", Options(node="n2")).restarted == (ONE,)
