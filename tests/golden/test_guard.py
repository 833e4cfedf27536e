"""What is due for something else than a config, with the real scheduler on a simulated cluster: noted, paid once."""

from __future__ import annotations

import pytest

from pacewright.cluster.names import NodeName
from pacewright.frozen import replace
from pacewright.operation.outcome import Outcome
from pacewright.operation.step import Job
from pacewright.service.ledger.record import Report
from pacewright.service.ledger.report import own_report
from pacewright.testing.scheduled import ScheduledCluster, drive, restarts
from tests.golden.test_operations import base, interleave, traces
from tests.golden.test_refresh import LATER, LONG_AGO, NODES, begin, owed, refresh, target_of

pytestmark = pytest.mark.scheduler


def asking(world: ScheduledCluster, name: str, node: str, since: float, config: str = "", **more: bool) -> Job:
    """A call on a node where something else than the config has changed; without a config, it is the guard's."""
    snapshot = world.read()
    target = target_of(name, snapshot)
    report = Report(fingerprint=config, changed=LONG_AGO) if config else None
    own = replace(own_report(NodeName(node), report, target, snapshot), since=since, token="20261124T080000Z-abcdef")
    return replace(begin(world, name, None, "", **more), own=own)


def ask(world: ScheduledCluster, name: str, node: str, since: float, config: str = "", **more: bool) -> Outcome:
    return drive(asking(world, name, node, since, config, **more), world, name)


def left_behind(world: ScheduledCluster) -> list[str]:
    """Nodes that were restarted for a reason of their own may have revisions of their own."""
    return [trace for trace in traces(world.read()) if not trace.startswith("revisions")]


@pytest.mark.parametrize("name", ["web", "db", "g", "st"])
def test_a_guarded_restart_is_owed_on_its_node_and_paid_once(name: str) -> None:
    world = ScheduledCluster(base())
    places = {i.node for i in world.read().instances_of(target_of(name, world.read()).resource)}
    node = min(places)
    assert ask(world, name, node, LATER, only_report=True).changed
    assert restarts(world.forecasts) == []
    assert {due.rpartition(" ")[2] for due in owed(world, name)} == {node}
    assert not ask(world, name, node, LATER, only_report=True).changed, "noted once is enough"
    refresh(world, name, None, "")
    assert {due.rpartition(" ")[2] for due in restarts(world.forecasts)} == {node}
    assert owed(world, name) == []
    assert left_behind(world) == []
    done = len(world.forecasts)
    refresh(world, name, None, "")
    assert len(world.forecasts) == done


def test_on_a_node_where_nothing_runs_nothing_is_owed() -> None:
    world = ScheduledCluster(base())
    (home,) = (i.node for i in world.read().instances_of(target_of("db", world.read()).resource))
    passive = next(node for node in NODES if node != home)
    assert not ask(world, "db", passive, LATER, only_report=True).changed
    assert world.forecasts == []


def test_a_refresh_for_something_else_restarts_although_the_config_is_the_same() -> None:
    world = ScheduledCluster(base())
    for node in NODES:
        refresh(world, "web", node, "aaaa")
    world.forecasts.clear()
    ask(world, "web", "n2", LATER, "aaaa")
    assert restarts(world.forecasts) == ["web n2"]
    assert owed(world, "web") == []
    assert left_behind(world) == []


def test_an_instance_that_has_begun_since_is_left_alone() -> None:
    world = ScheduledCluster(base())
    refresh(world, "web", "n1", "aaaa")
    world.forecasts.clear()
    assert not ask(world, "web", "n1", LONG_AGO, "aaaa").changed
    assert world.forecasts == []


def test_a_new_config_and_something_else_are_one_restart() -> None:
    world = ScheduledCluster(base())
    for node in NODES:
        refresh(world, "web", node, "aaaa")
    world.forecasts.clear()
    ask(world, "web", "n3", LATER, "bbbb")
    assert restarts(world.forecasts) == ["web n3"]
    assert owed(world, "web") == []


def test_three_nodes_at_once_restart_each_instance_once() -> None:
    world = ScheduledCluster(base())
    for node in NODES:
        refresh(world, "web", node, "aaaa")
    world.forecasts.clear()
    interleave(world, [asking(world, "web", node, LATER, "aaaa") for node in NODES], [0, 1, 2] * 5)
    assert restarts(world.forecasts) == ["web n1", "web n2", "web n3"]
    assert left_behind(world) == []
