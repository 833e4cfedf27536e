"""How a service is: for people, for exit codes, for configuration management."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pacewright.cli import main as command_line
from pacewright.cluster.names import NodeName
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import NodeUnclean, NoQuorum, Refused, UnknownService
from pacewright.node import place, units
from pacewright.service import survey
from pacewright.service.lookup import find
from pacewright.service.settings import Settings
from pacewright.service.status import ServiceStatus, State, refuse_if_hindered, status_of
from pacewright.testing.clusters import Op, clone, cluster, group, primitive, run

N1, N2, N3 = (NodeName(name) for name in ("n1", "n2", "n3"))
FAILED = (Op(task="start", rc=1, call=3, failure=True, reason="no config"),)
CLEARED = Op(task="stop", call=4)
STARTING = (Op(task="start", pending=True),)


def status(name: str, snapshot: Snapshot, node: NodeName | None = N1) -> ServiceStatus:
    target = find(name, snapshot, Settings())
    assert target is not None
    return status_of(target, snapshot, node)


# --- a primitive: what counts is the whole service, seen from wherever


@pytest.mark.parametrize("node", [N1, N2, None])
def test_a_primitive_runs_for_every_node(node: NodeName | None) -> None:
    found = status("db", cluster(primitive("db"), running={"db": ("n1",)}), node)
    assert (found.state, found.here) == (State.RUNNING, State.RUNNING)


@pytest.mark.parametrize(
    ("ops", "expected"),
    [((), State.STOPPED), (STARTING, State.CHANGING), (FAILED, State.FAILED), (run(), State.RUNNING)],
)
def test_a_primitive_in_every_state(ops: tuple[Op, ...], expected: State) -> None:
    found = status("db", cluster(primitive("db"), histories={("db", "n2"): ops}))
    assert (found.state, found.here) == (expected, expected)


def test_a_failure_on_one_node_does_not_hide_that_it_runs_on_another() -> None:
    found = status("db", cluster(primitive("db"), histories={("db", "n1"): (*FAILED, CLEARED), ("db", "n2"): run()}))
    assert found.state is State.RUNNING


# --- a clone: on a node that may run it, its own instance


CLONE = clone("web-clone", primitive("web"))


def test_a_clones_own_instance_counts() -> None:
    snapshot = cluster(CLONE, histories={("web", "n1"): FAILED, ("web", "n2"): run()})
    assert status("web", snapshot, N1).here is State.FAILED
    assert status("web", snapshot, N2).here is State.RUNNING
    assert status("web", snapshot).state is State.RUNNING


def test_a_node_in_standby_is_passive() -> None:
    snapshot = cluster(CLONE, running={"web": ("n2",)}, attributes={"n1": {"standby": "on"}})
    assert status("web", snapshot, N1).here is State.RUNNING


def test_an_instance_that_is_still_stopping_on_a_node_in_standby_does_not_count_there() -> None:
    snapshot = cluster(
        CLONE,
        histories={("web", "n1"): (Op(task="stop", pending=True),), ("web", "n2"): run()},
        attributes={"n1": {"standby": "on"}},
    )
    assert status("web", snapshot, N1).here is State.RUNNING


def test_a_node_that_a_constraint_keeps_free_is_passive() -> None:
    snapshot = cluster(
        CLONE,
        running={"web": ("n2", "n3")},
        constraints='<rsc_location id="l" rsc="web-clone" node="n1" score="-INFINITY"/>',
    )
    assert status("web", snapshot, N1).here is State.RUNNING


def test_a_clone_that_runs_nowhere_is_stopped_everywhere() -> None:
    assert status("web", cluster(CLONE), N1).here is State.STOPPED


def test_seen_from_outside_the_whole_clone_counts() -> None:
    snapshot = cluster(CLONE, histories={("web", "n1"): FAILED, ("web", "n2"): run()})
    assert status("web", snapshot, None).here is State.RUNNING


def test_a_member_of_a_group_is_judged_by_itself() -> None:
    snapshot = cluster(group("g", primitive("vip"), primitive("lb")), running={"vip": ("n1",)})
    assert status("vip", snapshot).state is State.RUNNING
    assert status("lb", snapshot).state is State.STOPPED


# --- what people did to it


@pytest.mark.parametrize("where", ["clone", "primitive", "default"])
def test_disabled_wherever_it_is_said(where: str) -> None:
    said = {"target-role": "Stopped"}
    snapshot = cluster(
        clone(
            "web-clone",
            primitive("web", meta_values=said if where == "primitive" else None),
            **({"target_role": "stopped"} if where == "clone" else {}),
        ),
        defaults=said if where == "default" else None,
    )
    assert not status("web", snapshot).enabled


def test_what_the_primitive_says_wins_over_its_clone() -> None:
    inner = primitive("web", meta_values={"target-role": "Started"})
    assert status("web", cluster(clone("web-clone", inner, target_role="Stopped"))).enabled


@pytest.mark.parametrize(("name", "value"), [("is-managed", "false"), ("maintenance", "true")])
def test_unmanaged(name: str, value: str) -> None:
    found = status("db", cluster(primitive("db", meta_values={name: value})))
    assert not found.managed
    assert "not managed" in found.hindrance


def test_owed_restarts_are_told_with_node_and_reason() -> None:
    snapshot = cluster(CLONE, running={"web": ("n1", "n2")}, attributes={"n2": {"pacewright-owed-web": "r9"}})
    assert [(debt.node, debt.reason) for debt in status("web", snapshot).owed] == [(N2, "a restart was asked for")]


def test_what_keeps_the_cluster_from_acting_is_raised_before_anything_is_begun() -> None:
    cases: list[tuple[Snapshot, type[Exception], str]] = [
        (cluster(CLONE, quorate=False, states={"n3": "offline"}), NoQuorum, "n3 is offline"),
        (
            cluster(CLONE, states={"n2": "unclean"}, properties={"stonith-enabled": "true"}),
            NodeUnclean,
            "n2 failed and is not fenced yet",
        ),
        (cluster(CLONE, properties={"maintenance-mode": "true"}), Refused, "maintenance mode"),
        (cluster(clone("web-clone", primitive("web"), is_managed="false")), Refused, "not managed"),
    ]
    for snapshot, error, words in cases:
        target = find("web", snapshot, Settings())
        assert target is not None
        with pytest.raises(error, match=words):
            refuse_if_hindered(target, snapshot, "not restarted")


def test_an_absent_node_that_left_cleanly_keeps_nobody_from_acting() -> None:
    snapshot = cluster(CLONE, states={"n2": "offline"}, properties={"stonith-enabled": "true"})
    target = find("web", snapshot, Settings())
    assert target is not None
    refuse_if_hindered(target, snapshot, "not restarted")


# --- exit codes of the command


def unit(name: str, *, known: bool = True, active: bool = True, state: str = "active (running)") -> units.Unit:
    return units.Unit(
        name=f"{name}.service", known=known, active=active, changing=False, state=state, enabled=False, main_pid=0
    )


def command(monkeypatch: pytest.MonkeyPatch, snapshot: Snapshot, *arguments: str, here: str = "n1") -> int:
    monkeypatch.setattr(survey, "read", lambda: snapshot)
    monkeypatch.setattr(survey.Survey._snapshot, "__defaults__", (lambda: snapshot,))
    monkeypatch.setattr(place, "local_names", lambda: (here,))
    config = Path("/nonexistent/services.yaml")
    return command_line.main(["service", *arguments, "--config", str(config)])


@pytest.mark.parametrize(
    ("ops", "code"), [(run(), 0), ((), 3), (STARTING, 3), (FAILED, 3), ((Op(task="stop", pending=True),), 3)]
)
def test_status_has_systemctls_exit_codes(
    ops: tuple[Op, ...], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, cluster(CLONE, histories={("web", "n1"): ops}), "status", "web") == code
    assert "web" in capsys.readouterr().out


def test_several_names_end_with_the_worst(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    snapshot = cluster(CLONE, primitive("db"), running={"web": ("n1",)})
    assert command(monkeypatch, snapshot, "status", "web", "db") == 3


def test_status_from_another_node(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    snapshot = cluster(CLONE, histories={("web", "n1"): FAILED, ("web", "n2"): run()})
    assert command(monkeypatch, snapshot, "status", "web", "--node", "n2") == 0
    assert command(monkeypatch, snapshot, "status", "web") == 3


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(units, "show", lambda name: unit(name, known=False))
    assert command(monkeypatch, cluster(CLONE), "status", "nosuch") == 4
    assert "neither the cluster nor systemd" in capsys.readouterr().err
    assert UnknownService.exit_code == 4


@pytest.mark.parametrize(("active", "state", "code"), [(True, "active (running)", 0), (False, "failed (failed)", 3)])
def test_a_native_units_status_says_whose_it_is(
    active: bool,  # noqa: FBT001
    state: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(units, "show", lambda name: unit(name, active=active, state=state))
    assert command(monkeypatch, cluster(CLONE), "status", "cron") == code
    assert "not known to the cluster" in capsys.readouterr().out


def test_list_ends_with_0_and_names_aliases_but_no_fence_devices(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = tmp_path / "services.yaml"
    config.write_text("services:\n  frontend: {resource: web-clone}\n", encoding="utf-8")
    snapshot = cluster(CLONE, primitive("db"), primitive("fencing", "stonith:fence_x"))
    monkeypatch.setattr(survey.Survey._snapshot, "__defaults__", (lambda: snapshot,))
    monkeypatch.setattr(place, "local_names", lambda: ("n1",))
    assert command_line.main(["service", "list", "--json", "--config", str(config)]) == 0
    listed: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert [service["name"] for service in listed["services"]] == ["frontend", "db"]


def test_the_json_of_a_status_has_everything(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = cluster(CLONE, histories={("web", "n1"): run(4), ("web", "n2"): FAILED})
    assert command(monkeypatch, snapshot, "status", "web", "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)["services"]
    assert told == {
        "name": "web",
        "provider": "cluster",
        "resource": "web-clone",
        "primitives": ["web"],
        "agent": "ocf:heartbeat:Dummy",
        "state": "running",
        "here": "running",
        "enabled": True,
        "managed": True,
        "hindrance": None,
        "instances": [
            {
                "node": "n1",
                "resource": "web",
                "state": "Started",
                "role": "Started",
                "since": 1700000004.0,
                "failure": None,
            },
            {
                "node": "n2",
                "resource": "web",
                "state": "failed",
                "role": "Started",
                "since": 1700000000.0,
                "failure": "start failed (rc 1): no config",
            },
        ],
        "owed": [],
        "config": [],
        "at_boot": [],
    }
