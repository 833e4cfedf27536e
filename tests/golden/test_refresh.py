"""Refresh on a simulated cluster, where the real scheduler decides: what is stale restarts, once, and nothing else."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacewright.cluster.edits.change import Change, Edit, SetMark, SetMeta, SetRevision
from pacewright.cluster.edits.hold import HoldInstance, HoldResource
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import NoQuorum, Refused
from pacewright.operation.outcome import Outcome
from pacewright.operation.step import Job
from pacewright.service.ledger.debts import debts
from pacewright.service.ledger.record import REPORT, Report
from pacewright.service.ledger.report import own_report
from pacewright.service.lookup import Target, find
from pacewright.service.rolling.policy import Policy
from pacewright.service.rolling.refresh import Refresh, begin_refresh
from pacewright.service.settings import Settings
from pacewright.testing.clusters import cluster, primitive
from pacewright.testing.scheduled import Killed, ScheduledCluster, drive, operate, restarts, written
from tests.golden.test_operations import base, interleave, reloading, traces

pytestmark = pytest.mark.scheduler

LONG_AGO, LATER = 1.0, 4_000_000_000.0
NODES = ("n1", "n2", "n3")


def target_of(name: str, snapshot: Snapshot) -> Target:
    found = find(name, snapshot, Settings())
    assert found is not None
    return found


def begin(
    world: ScheduledCluster, name: str, node: str | None, config: str, changed: float = LATER, **more: bool
) -> Refresh:
    """The job of `pacewright service refresh NAME` on a node that has a config; on no node it is `reconcile`."""
    snapshot = world.read()
    target = target_of(name, snapshot)
    report = Report(fingerprint=config, changed=changed)
    return begin_refresh(
        target,
        snapshot,
        world.what_if(snapshot),
        own=own_report(NodeName(node), report, target, snapshot) if node is not None else None,
        policy=Policy(at_once=more.get("at_once", False)),
        only_report=more.get("only_report", False),
    )


def refresh(
    world: ScheduledCluster, name: str, node: str | None, config: str, changed: float = LATER, **more: bool
) -> Outcome:
    return drive(begin(world, name, node, config, changed, **more), world, name)


def owed(world: ScheduledCluster, name: str) -> list[str]:
    snapshot = world.read()
    return sorted(f"{debt.primitive} {debt.node}" for debt in debts(target_of(name, snapshot), snapshot))


def test_the_first_report_of_a_config_older_than_the_instance_restarts_nothing() -> None:
    world = ScheduledCluster(base())
    for node in NODES:
        assert "nothing was restarted" in refresh(world, "web", node, "aaaa", LONG_AGO).message
    assert restarts(world.forecasts) == []
    commits = len(world.forecasts)
    assert not refresh(world, "web", "n1", "aaaa", LONG_AGO).changed
    assert len(world.forecasts) == commits, "no config changed, so nothing is written"


def test_a_new_key_of_the_fingerprints_on_one_node_after_another_restarts_nothing() -> None:
    """The files are as they were, so what runs began after they last changed."""
    world = ScheduledCluster(base())
    for key in ("none", "new", "other"):
        for node in NODES:
            refresh(world, "web", node, f"by-{key}-{node}", LONG_AGO)
            assert not refresh(world, "web", node, f"by-{key}-{node}", LONG_AGO).changed
    assert restarts(world.forecasts) == []
    assert owed(world, "web") == []


def test_the_first_report_of_a_config_newer_than_the_instance_restarts_that_one() -> None:
    world = ScheduledCluster(base())
    refresh(world, "web", "n2", "aaaa")
    assert restarts(world.forecasts) == ["web n2"]
    assert [change.reason for change, _ in world.forecasts] == [
        "n2 reports its config for web; restart web on n2",
        "restart web: remove finished marks",
    ]
    refresh(world, "web", "n2", "aaaa")
    assert restarts(world.forecasts) == ["web n2"]


def test_a_new_config_on_each_node_restarts_each_instance_once_and_ends_in_one_plain_revision() -> None:
    world = ScheduledCluster(base())
    for config in ("aaaa", "bbbb"):
        world.forecasts.clear()
        for node in NODES:
            refresh(world, "web", node, config)
        assert restarts(world.forecasts) == ["web n1", "web n2", "web n3"]
        web = world.read().resources[ResourceId("web")]
        assert (web.revision, dict(web.node_revisions)) == (config, {})
        world.forecasts.clear()
        for node in NODES:
            assert not refresh(world, "web", node, config).changed
        assert world.forecasts == []


def test_whoever_calls_pays_for_all_that_have_reported_one_after_the_other() -> None:
    world = ScheduledCluster(base())
    for node in NODES:
        assert "restart is owed on" in refresh(world, "web", node, "aaaa", only_report=True).message
    assert owed(world, "web") == ["web n1", "web n2", "web n3"]
    assert restarts(world.forecasts) == []
    refresh(world, "web", None, "")
    assert [restarts([step]) for step in world.forecasts if restarts([step])] == [["web n2"], ["web n3"], ["web n1"]]
    assert owed(world, "web") == []


def test_together_restarts_all_that_are_stale_in_one_step() -> None:
    world = ScheduledCluster(base())
    for node in ("n1", "n3"):
        refresh(world, "web", node, "aaaa", only_report=True)
    refresh(world, "web", None, "", at_once=True)
    assert [restarts([step]) for step in world.forecasts if restarts([step])] == [["web n1", "web n3"]]


def test_nodes_may_have_different_configs() -> None:
    world = ScheduledCluster(base())
    for node in NODES:
        refresh(world, "web", node, f"of-{node}")
    assert restarts(world.forecasts) == ["web n1", "web n2", "web n3"]
    web = world.read().resources[ResourceId("web")]
    assert {node: web.revision_on(NodeName(node)) for node in NODES} == {node: f"of-{node}" for node in NODES}
    refresh(world, "web", "n2", "new")
    assert restarts(world.forecasts) == ["web n1", "web n2", "web n2", "web n3"]


def test_a_passive_node_reports_for_later_and_restarts_nothing() -> None:
    world = ScheduledCluster(base())
    (home,) = (i.node for i in world.read().instances[ResourceId("db")])
    passive = next(node for node in NODES if node != home)
    refresh(world, "db", passive, "aaaa")
    assert restarts(world.forecasts) == []
    assert world.read().resources[ResourceId("db")].revision_on(NodeName(passive)) == "aaaa"
    refresh(world, "db", home, "aaaa")
    assert restarts(world.forecasts) == [f"db {home}"]


@pytest.mark.parametrize("name", ["lb", "st"])
def test_a_reload_is_not_taken_for_a_restart(name: str) -> None:
    world = ScheduledCluster(reloading())
    before = {i.node: i.run and i.run.key for i in world.read().instances[ResourceId(name)]}
    for node in before:
        refresh(world, name, node, "aaaa")
    after = {i.node: i.run and i.run.key for i in world.read().instances[ResourceId(name)]}
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())
    assert owed(world, name) == []
    assert not any(action.verb.startswith("reload") for _, f in world.forecasts for action in f.actions)
    assert world.read().holds == {}


def test_a_restart_on_top_of_a_report_is_not_taken_for_an_old_config() -> None:
    world = ScheduledCluster(base())
    for node in NODES:
        refresh(world, "web", node, "aaaa")
    operate(world, "restart", "web")
    world.forecasts.clear()
    for node in NODES:
        assert not refresh(world, "web", node, "aaaa").changed
    assert world.forecasts == []


def test_a_restart_whose_caller_died_is_paid_by_a_reconcile() -> None:
    world = ScheduledCluster(base())
    world.kill_after = 1
    with pytest.raises(Killed):
        operate(world, "restart", "web")
    assert len(owed(world, "web")) == 2
    refresh(world, "web", None, "")
    assert restarts(world.forecasts) == ["web n1", "web n2", "web n3"]
    assert traces(world.read()) == []


def test_what_cannot_be_paid_now_stays_owed_and_is_paid_by_the_next_call_that_can() -> None:
    world = ScheduledCluster(
        written(base(), SetMeta(resource=ResourceId("web-clone"), name="is-managed", value="false"))
    )
    with pytest.raises(Refused, match=r"web: not restarted: it is not managed .* stays owed on n1"):
        refresh(world, "web", "n1", "aaaa")
    assert owed(world, "web") == ["web n1"]
    lift = SetMeta(resource=ResourceId("web-clone"), name="is-managed", value=None)
    world.commit(Change(edits=(lift,), reason="lift"), based_on=world.read())
    refresh(world, "web", "n3", "aaaa", LONG_AGO)
    assert restarts(world.forecasts) == ["web n1"]


def test_without_quorum_nothing_is_reported() -> None:
    snapshot = cluster(primitive("db"), running={"db": ("n1",)}, quorate=False)
    world = ScheduledCluster(snapshot)
    with pytest.raises(NoQuorum, match="stays owed"):
        refresh(world, "db", "n1", "aaaa")


def test_a_spoilt_report_counts_as_none() -> None:
    for value in ("", "aaaa", "aaaa@", "@12", "aaaa@soon"):
        snapshot = cluster(primitive("db"), running={"db": ("n1",)}, attributes={"n1": {f"{REPORT}db": value}})
        assert list(debts(target_of("db", snapshot), snapshot)) == []


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(["web", "st", "pair-clone", "g"]), st.lists(st.integers(min_value=0, max_value=2), max_size=24))
def test_three_nodes_refresh_at_once_and_each_instance_restarts_once(name: str, order: list[int]) -> None:
    world = ScheduledCluster(base())
    jobs = [begin(world, name, node, "aaaa") for node in NODES]
    interleave(world, list[Job](jobs), order)
    if owed(world, name):  # a call that was done before the last report came
        refresh(world, name, None, "")
    found = restarts(world.forecasts)
    assert found == sorted(set(found)), "an instance was restarted twice"
    assert owed(world, name) == []
    # What is promoted is held: a stop, and a start later, which no one forecast calls a restart.
    there = world.read().instances_of(ResourceId(target_of(name, world.read()).resource))
    assert len(there) - len(found) <= (name == "st")
    for _, forecast in world.forecasts:
        down = {a.node for a in forecast.actions if a.verb == "restart"}
        assert len(down) <= 1, "two instances of a rolling refresh were down together"


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NODES), st.integers(0, 2), st.sampled_from([None, 1, 2, 3])), max_size=7))
def test_whatever_dies_the_last_call_pays_and_nothing_restarts_more_often_than_its_config_changed(
    history: list[tuple[str, int, int | None]],
) -> None:
    world = ScheduledCluster(base())
    config: dict[str, str] = {}
    changes = dict.fromkeys(NODES, 0)
    for node, number, dies_after in history:
        changes[node] += config.get(node) != f"v{number}"
        config[node] = f"v{number}"
        world.kill_after = dies_after
        with contextlib.suppress(Killed):
            refresh(world, "web", node, config[node])
    world.kill_after = None
    for node, version in config.items():  # the next run of configuration management on each node
        refresh(world, "web", node, version)
    assert owed(world, "web") == []
    counted = restarts(world.forecasts)
    for node in NODES:
        assert counted.count(f"web {node}") <= changes[node]
    snapshot = world.read()
    for node, version in config.items():
        assert snapshot.resources[ResourceId("web")].revision_on(NodeName(node)) == version
    assert len(snapshot.instances[ResourceId("web")]) == len(NODES)


def test_a_config_that_changes_again_in_the_middle_of_a_roll_ends_as_the_newest() -> None:
    world = ScheduledCluster(base())
    refresh(world, "web", "n1", "aaaa", only_report=True)
    refresh(world, "web", "n2", "aaaa", only_report=True)
    jobs = [begin(world, "web", None, ""), begin(world, "web", "n1", "bbbb")]
    interleave(world, list[Job](jobs), [0, 0, 0, 0, 0, 0, 1, 1, 1])
    refresh(world, "web", None, "")
    assert owed(world, "web") == []
    assert world.read().resources[ResourceId("web")].revision_on(NodeName("n1")) == "bbbb"


def test_an_edit_of_another_tool_costs_one_restart_at_most() -> None:
    world = ScheduledCluster(base())
    for node in NODES:
        refresh(world, "web", node, "aaaa")
    wiped: Edit = SetRevision(resource=ResourceId("web"), default=None, nodes={})
    world.commit(Change(edits=(wiped,), reason="another tool rewrote the definition"), based_on=world.read())
    world.forecasts.clear()
    for _ in range(2):
        for node in NODES:
            refresh(world, "web", node, "aaaa")
    assert restarts(world.forecasts) == ["web n1", "web n2", "web n3"]


@pytest.mark.parametrize("order", [[0, 1], [1, 0], [0, 1, 1, 0], [1, 1, 1], [0, 0, 0, 1]])
def test_two_calls_on_one_node_that_read_its_config_before_and_after_a_change_do_not_fight(order: list[int]) -> None:
    """Seen in the campaign: each wrote its report over the other's, three times a second, until the time-out."""
    world = ScheduledCluster(base())
    jobs = [begin(world, "web", "n1", "aaaa", LATER), begin(world, "web", "n1", "bbbb", LATER + 0.01)]
    interleave(world, list[Job](jobs), order)
    refresh(world, "web", None, "")
    reports = [change.reason for change, _ in world.forecasts if "reports" in change.reason]
    assert len(reports) <= 2, "each call reports once"
    assert world.read().resources[ResourceId("web")].revision_on(NodeName("n1")) == "bbbb"
    assert len(restarts(world.forecasts)) <= 2


def test_a_config_whose_time_lies_before_that_of_the_last_report_is_reported_all_the_same() -> None:
    """The clock was set back, or an older file was put in place again."""
    world = ScheduledCluster(base())
    refresh(world, "web", "n1", "aaaa", LATER)
    refresh(world, "web", "n1", "bbbb", LATER - 1000)
    assert world.read().resources[ResourceId("web")].revision_on(NodeName("n1")) == "bbbb"


def test_a_hold_that_expired_before_the_stop_has_paid_nothing() -> None:
    world = ScheduledCluster(reloading())
    for node in ("n1", "n2", "n3"):
        refresh(world, "lb", node, "aaaa", only_report=True)
    before = {i.node: i.run and i.run.key for i in world.read().instances[ResourceId("lb")]}
    (home, *_) = sorted(before)
    snapshot = world.read()
    many = target_of("lb", snapshot).many
    expired = (
        HoldInstance(resource=many, node=home, until=1.0)
        if many is not None
        else HoldResource(resource=ResourceId("lb"), until=1.0)
    )
    world.commit(Change(edits=(expired,), reason="a call that died, and a DC whose clock is ahead"), based_on=snapshot)
    refresh(world, "lb", None, "")
    after = {i.node: i.run and i.run.key for i in world.read().instances[ResourceId("lb")]}
    assert not set(after.values()) & set(before.values()), "taken for restarted because its hold was gone"
    assert world.read().holds == {}
    assert owed(world, "lb") == []
    assert not any(action.verb.startswith("reload") for _, forecast in world.forecasts for action in forecast.actions)


def test_marks_as_earlier_versions_wrote_them_are_taken_over_without_a_restart() -> None:
    """Word for word, and not by the code that writes them today."""
    world = ScheduledCluster(base())
    for node in NODES:
        refresh(world, "web", node, "aaaa")
    before = restarts(world.forecasts)
    earlier = {
        "n1": {"config-web": "aaaa@1700000000.000", "begun-web": "1:0:0:gone", "missed-web-clone": "v1@1700000000"},
        "n2": {"config-web": "aaaa@1700000000.000@seen", "begun-web": "1:0:0:gone@n1", "promoted-web": "1"},
        "n3": {"config-web": "aaaa@1700000000.000", "ready-web-clone": "v1@1700000000@1700000000"},
    }
    edits = tuple(
        SetMark(node=NodeName(node), name=f"pacewright-{name}", value=value)
        for node, marks in earlier.items()
        for name, value in marks.items()
    )
    world.commit(Change(edits=edits, reason="an earlier version"), based_on=world.read())
    for node in NODES:
        refresh(world, "web", node, "aaaa")
        operate(world, "reconcile", "web", here=node)
    assert restarts(world.forecasts) == before
    left = {f"{node}: {name}" for node, found in world.read().nodes.items() for name in found.marks if "begun" in name}
    assert left == set()
    assert owed(world, "web") == []
