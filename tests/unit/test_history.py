"""What an instance is doing, from the history of its operations."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from pacewright.cluster.cib.operation_history import read_instance
from pacewright.cluster.names import NodeName, ResourceId, Role
from pacewright.cluster.snapshot import Instance
from pacewright.testing.clusters import Op, clone, cluster, primitive, run

UP = Op(task="start", run=4, call=10, digest="dig")


def seen(*ops: Op, promotable: bool = False, state: str = "online", fencing: str = "false") -> Instance | None:
    snapshot = cluster(
        clone("web-clone", primitive("web"), **({"promotable": "true"} if promotable else {})),
        histories={("web", "n1"): ops},
        states={"n1": state},
        properties={"stonith-enabled": fencing},
    )
    found = snapshot.instances.get(snapshot.resources["web"].id, ())  # type: ignore[index]
    assert len(found) <= 1
    return found[0] if found else None


def state(*ops: Op, promotable: bool = False) -> tuple[str, bool] | None:
    instance = seen(*ops, promotable=promotable)
    return (instance.state, instance.settled) if instance else None


@pytest.mark.parametrize(
    ("ops", "expected"),
    [
        ([], None),
        ([Op(task="monitor", rc=7, expected=7, call=1)], None),
        ([Op(task="monitor", rc=7, expected=7, call=1), UP], ("Started", True)),
        ([UP], ("Started", True)),
        ([UP, Op(task="monitor", interval=10000, call=11)], ("Started", True)),
        ([Op(task="monitor", interval=10000, call=11), Op(task="stop", call=12)], None),
        ([Op(task="stop", call=12)], None),
        ([Op(task="stop", call=12, rc=7)], ("failed", False)),
        ([Op(task="start", pending=True)], ("starting", False)),
        ([Op(task="stop", pending=True), Op(task="monitor", interval=10000, call=11)], ("stopping", False)),
        ([Op(task="migrate_to", pending=True)], ("migrating", False)),
        ([Op(task="migrate_from", call=12)], ("Started", True)),
        ([UP, Op(task="migrate_to", call=12)], ("Started", True)),
        ([Op(task="monitor", call=3, expected=7)], ("Started", True)),
        ([UP, Op(task="monitor", interval=10000, pending=True)], ("Started", True)),
        ([UP, Op(task="reload-agent", call=12)], ("Started", True)),
        ([UP, Op(task="notify", call=12, rc=1)], ("Started", True)),
        ([Op(task="start", call=10, rc=1, failure=True)], ("failed", False)),
        ([Op(task="start", call=10, rc=190)], ("failed", False)),
        ([UP, Op(task="monitor", interval=10000, call=12, rc=7)], ("failed", False)),
        ([UP, Op(task="monitor", interval=10000, call=12, rc=1, failure=True)], ("failed", False)),
        ([Op(task="stop", call=14), Op(task="start", call=10, rc=1, failure=True)], None),
        ([Op(task="stop", call=14, rc=1)], ("failed", False)),
        ([Op(task="monitor", call=1, rc=1, expected=7)], ("failed", False)),
        ([Op(task="monitor", call=1, rc=5, expected=7, status=7)], None),
    ],
)
def test_operations_and_what_they_come_to(ops: list[Op], expected: tuple[str, bool] | None) -> None:
    found = state(*ops)
    if expected is None and found is not None:
        # A failure stays on record after the instance has stopped; nothing else does.
        assert found == ("Stopped", False)
        instance = seen(*ops)
        assert instance is not None
        assert instance.failure is not None
        assert not instance.failed
    else:
        assert found == expected


@pytest.mark.parametrize(
    ("ops", "expected"),
    [
        ([UP], ("Unpromoted", True)),
        ([*run(2, promoted=True)], ("Promoted", True)),
        ([Op(task="demote", call=12)], ("Unpromoted", True)),
        ([UP, Op(task="promote", pending=True)], ("promoting", False)),
        ([*run(2, promoted=True), Op(task="demote", pending=True)], ("demoting", False)),
        ([Op(task="monitor", call=3, rc=8, expected=7)], ("Promoted", True)),
        ([*run(2, promoted=True), Op(task="monitor", interval=9000, call=99, rc=8, expected=8)], ("Promoted", True)),
        ([*run(2, promoted=True), Op(task="monitor", interval=9000, call=99, rc=191, expected=8)], ("Promoted", True)),
        ([*run(2, promoted=True), Op(task="monitor", interval=9000, call=99, rc=9, expected=8)], ("failed", False)),
    ],
)
def test_roles_of_a_promotable_clone(ops: list[Op], expected: tuple[str, bool]) -> None:
    assert state(*ops, promotable=True) == expected


@pytest.mark.parametrize(
    ("task", "role"),
    [
        ("start", Role.STOPPED),
        ("stop", Role.UNPROMOTED),
        ("promote", Role.UNPROMOTED),
        ("demote", Role.PROMOTED),
        ("migrate_to", Role.UNPROMOTED),
    ],
)
def test_what_it_is_while_something_is_done_to_it(task: str, role: Role) -> None:
    # The entry of what is under way has taken the place of the one before it.
    instance = seen(Op(task=task, pending=True), promotable=True)
    assert instance is not None
    assert (instance.role, instance.operation) == (role, task)


def test_a_run_carries_what_a_restart_is_judged_by() -> None:
    instance = seen(Op(task="start", run=7, call=10, digest="abc", at=1_700_000_123))
    assert instance is not None
    assert instance.run is not None
    assert (instance.run.key, instance.run.digest) == ("5:7:0:web-n1", "abc")
    assert (instance.run.operation, instance.run.since) == ("start", 1_700_000_123.0)


@pytest.mark.parametrize(
    ("agent", "interval", "began"),
    [("ocf", 0, 1_700_000_100.0), ("ocf", 10_000, 1_700_000_040.0), ("systemd", 0, 1_700_000_040.0)],
)
def test_a_slow_start_began_when_its_agent_was_asked_for_it(agent: str, interval: int, began: float) -> None:
    task = "monitor" if interval else "start"
    history = ET.fromstring(
        f'<lrm_resource id="web" class="{agent}"><lrm_rsc_op id="web_last_0" operation="{task}" interval="{interval}"'
        ' op-status="0" rc-code="0" transition-key="1:2:0:u" call-id="5" last-rc-change="1700000100"'
        ' exec-time="60000"/>'
        "</lrm_resource>"
    )
    instance = read_instance(history, ResourceId("web"), NodeName("n1"), promotable=False)
    assert instance is not None
    assert instance.run is not None
    assert instance.run.since == began


def test_a_start_under_way_carries_its_key() -> None:
    instance = seen(Op(task="start", run=8, pending=True))
    assert instance is not None
    assert (instance.operation, instance.operation_key, instance.run) == ("start", "5:8:0:web-n1", None)


def test_a_failure_says_what_the_agent_said() -> None:
    instance = seen(Op(task="start", run=9, rc=1, call=3, failure=True, reason="the config is wrong"))
    assert instance is not None
    assert str(instance.failure) == "start failed (rc 1): the config is wrong"


def test_a_failure_that_it_recovered_from_stays_on_record() -> None:
    instance = seen(
        Op(task="monitor", run=3, rc=7, call=11, interval=10000, failure=True), Op(task="start", run=5, call=20)
    )
    assert instance is not None
    assert (instance.settled, instance.role) == (True, Role.STARTED)
    assert instance.failure is not None


def test_the_order_of_calls_counts_not_the_order_of_lines() -> None:
    stop, start = Op(task="stop", call=10), Op(task="start", call=9)
    assert state(start, stop) is None
    assert state(stop, start) is None


def test_a_time_of_zero_is_no_time() -> None:
    instance = seen(Op(task="start", call=1, at=0))
    assert instance is not None
    assert instance.run is not None
    assert instance.run.since is None


@pytest.mark.parametrize(("node", "fencing", "there"), [("offline", "true", False), ("unclean", "true", True)])
def test_what_an_absent_node_had(node: str, fencing: str, there: bool) -> None:  # noqa: FBT001
    assert (seen(UP, state=node, fencing=fencing) is not None) == there


def test_the_history_of_a_resource_that_is_gone_is_no_instance() -> None:
    snapshot = cluster(primitive("web"), running={"web": ("n1",)})
    assert list(snapshot.instances) == ["web"]


def test_a_globally_unique_instance_belongs_to_its_primitive() -> None:
    document = cluster(clone("web-clone", primitive("web"), globally_unique="true"), running={"web": ("n1",)})
    history = document.root.find("status/node_state/lrm/lrm_resources/lrm_resource")
    assert history is not None
    assert [i.name for i in document.instances_of(document.resources["web-clone"].id)] == ["web"]  # type: ignore[index]
