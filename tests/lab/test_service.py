"""Operations on services of a real cluster, counted by the services themselves."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from pacewright.clock import SYSTEM_CLOCK
from pacewright.cluster.names import ResourceId
from pacewright.lab import Lab
from pacewright.testing.lab import snapshot_of
from tests.lab.services import Counted, as_json, pacewright

pytestmark = pytest.mark.lab


@pytest.fixture
def services(lab: Lab, counted_services: Counted) -> Iterator[Counted]:
    counted_services.settle()
    yield counted_services
    counted_services.audit()


def grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {node: after[node] - before[node] for node in before}


@pytest.mark.trixie
def test_a_clone_restarts_one_instance_after_the_other_each_once_with_the_new_config(services: Counted) -> None:
    services.configure("two")
    before = dict(services.starts("web"))
    done = pacewright(services.lab, "n2", "service", "restart", "web").checked()
    assert b"restarted on n1, n2, n3" in done.stdout
    assert grown(before, dict(services.starts("web"))) == {"n1": 1, "n2": 1, "n3": 1}
    assert {services.served(node) for node in services.lab.nodes} == {"two"}
    runs = sorted(i.run.since for i in services.instances("web") if i.run and i.run.since)
    assert runs[1] - runs[0] >= 1, "one after the other"
    assert runs[2] - runs[1] >= 1, "one after the other"


@pytest.mark.trixie
def test_all_at_once_and_a_single_node(services: Counted) -> None:
    before = dict(services.starts("counted-counted"))
    pacewright(services.lab, "n1", "service", "restart", "counted", "--all-at-once").checked()
    assert grown(before, dict(services.starts("counted-counted"))) == {"n1": 1, "n2": 1, "n3": 1}
    pacewright(services.lab, "n1", "service", "restart", "counted", "--node", "n3").checked()
    assert grown(before, dict(services.starts("counted-counted"))) == {"n1": 1, "n2": 1, "n3": 2}


@pytest.mark.trixie
def test_primitive_group_and_member_restart_in_place(services: Counted) -> None:
    place = {i.resource: i.node for found in services.snapshot().instances.values() for i in found}
    for name, expected in (("single", ("single",)), ("tier", ("first", "last")), ("last", ("last",))):
        before = {r: sum(services.starts(f"counted-{r}").values()) for r in ("single", "first", "last")}
        pacewright(services.lab, "n3", "service", "restart", name).checked()
        after = {r: sum(services.starts(f"counted-{r}").values()) for r in before}
        assert {r for r in before if after[r] == before[r] + 1} == set(expected)
        assert sum(after.values()) == sum(before.values()) + len(expected)
    after_all = {i.resource: i.node for found in services.snapshot().instances.values() for i in found}
    moved = [r for r in ("single", "first", "last") if place[ResourceId(r)] != after_all[ResourceId(r)]]
    assert moved == []


@pytest.mark.trixie
def test_an_agent_that_would_only_reload_is_restarted_by_a_hold(services: Counted) -> None:
    before = {i.node: i.run and i.run.key for i in services.instances("dum")}
    done = pacewright(services.lab, "n1", "service", "restart", "dum").checked()
    assert b"would only reload" in done.stderr
    after = {i.node: i.run for i in services.instances("dum")}
    for node, run in after.items():
        assert run is not None
        assert run.operation == "start"
        assert run.key != before[node]


@pytest.mark.trixie
def test_promotable_instances_restart_unpromoted_first(services: Counted) -> None:
    done = pacewright(services.lab, "n1", "service", "restart", "st", "--allow-collateral").checked()
    assert done.stderr.count(b"restarting st on") == 3
    roles = [i.state for i in services.instances("st")]
    assert sorted(roles) == ["Promoted", "Unpromoted", "Unpromoted"]


@pytest.mark.trixie
def test_two_callers_at_once_need_one_restart(services: Counted) -> None:
    before = dict(services.starts("counted-counted"))
    callers = [services.lab.spawn(node, ["pacewright", "service", "restart", "counted"]) for node in ("n1", "n2", "n3")]
    assert [caller.wait(timeout=60) for caller in callers] == [0, 0, 0]
    assert grown(before, dict(services.starts("counted-counted"))) == {"n1": 1, "n2": 1, "n3": 1}


def test_a_plan_changes_nothing_and_says_what_would_happen(services: Counted) -> None:
    before = services.snapshot().version
    plan = as_json(pacewright(services.lab, "n1", "service", "restart", "web", "--plan", "--json").checked())
    actions = [(a["verb"], a["resource"], a["node"]) for step in plan["steps"] for a in step["actions"]]
    assert sorted(actions) == [("restart", "web", "n1"), ("restart", "web", "n2"), ("restart", "web", "n3")]
    after = services.snapshot().version
    assert (after.admin_epoch, after.epoch) == (before.admin_epoch, before.epoch)


@pytest.mark.trixie
def test_stop_and_start_twice_change_nothing_the_second_time(services: Counted) -> None:
    lab = services.lab
    for verb, code, state in (("stop", 3, "stopped"), ("start", 0, "running")):
        first = as_json(pacewright(lab, "n1", "service", verb, "web", "--json").checked())
        epoch = services.snapshot().version.epoch
        second = as_json(pacewright(lab, "n2", "service", verb, "web", "--json").checked())
        assert (first["changed"], second["changed"]) == (True, False)
        assert services.snapshot().version.epoch == epoch
        status = pacewright(lab, "n3", "service", "status", "web")
        assert status.code == code
        assert state in status.stdout.decode()


@pytest.mark.trixie
def test_one_instance_stays_stopped_until_it_is_started_whatever_becomes_of_the_caller(services: Counted) -> None:
    lab, before = services.lab, dict(services.starts("counted-counted"))
    killed_after(services, 1, "stop", "counted", "--node", "n2")
    first = as_json(pacewright(lab, "n3", "service", "stop", "counted", "--node", "n2", "--json").checked())
    assert first == {**first, "changed": False, "message": "counted on n2: already stopped; nothing was changed."}
    assert sorted(i.node for i in services.instances("counted")) == ["n1", "n3"]
    assert [pacewright(lab, node, "service", "status", "counted").code for node in lab.nodes] == [0, 3, 0]
    (owed,) = as_json(pacewright(lab, "n1", "owed", "--json"))["owed"]
    assert (owed["node"], owed["reason"]) == ("n2", "stopped there on purpose")
    pacewright(lab, "n1", "service", "restart", "counted").checked()
    pacewright(lab, "n2", "reconcile", "--all").checked()
    assert sorted(i.node for i in services.instances("counted")) == ["n1", "n3"], "nobody else starts it"
    killed_after(services, 1, "start", "counted", "--node", "n2")
    pacewright(lab, "n2", "service", "start", "counted", "--node", "n2").checked()
    assert grown(before, dict(services.starts("counted-counted"))) == {"n1": 1, "n2": 1, "n3": 1}
    assert as_json(pacewright(lab, "n1", "owed", "--json"))["owed"] == []


def test_disable_and_enable_and_the_unit_stays_off_at_boot(services: Counted) -> None:
    lab = services.lab
    lab.run("n1", ["systemctl", "add-wants", "multi-user.target", "one.service"]).checked()
    assert pacewright(lab, "n1", "service", "disable", "one").code == 0
    refused = pacewright(lab, "n1", "service", "restart", "one")
    assert refused.code == 5
    assert b"not managed" in refused.stderr
    assert pacewright(lab, "n1", "service", "enable", "one").code == 0
    assert as_json(pacewright(lab, "n1", "service", "enable", "one", "--json"))["changed"] is False


def test_a_role_that_somebody_set_is_given_back(services: Counted) -> None:
    lab = services.lab
    lab.run("n1", ["pcs", "resource", "meta", "st-clone", "target-role=Unpromoted"]).checked()
    pacewright(lab, "n1", "service", "stop", "st").checked()
    pacewright(lab, "n1", "service", "start", "st").checked()
    assert services.snapshot().meta(ResourceId("st-clone"), "target-role") == "Unpromoted"
    lab.run("n1", ["pcs", "resource", "meta", "st-clone", "target-role="]).checked()


def test_maintenance_mode_and_standby_are_respected_and_named(services: Counted) -> None:
    lab = services.lab
    lab.run("n1", ["pcs", "property", "set", "maintenance-mode=true"]).checked()
    refused = pacewright(lab, "n1", "service", "restart", "web")
    lab.run("n1", ["pcs", "property", "set", "maintenance-mode=false"]).checked()
    assert refused.code == 5
    assert b"maintenance mode" in refused.stderr
    lab.run("n1", ["pcs", "node", "standby", "n3", "--wait=30"], timeout=60)
    before = dict(services.starts("web"))
    done = pacewright(lab, "n1", "service", "restart", "web").checked()
    assert grown(before, dict(services.starts("web"))) == {"n1": 1, "n2": 1, "n3": 0}
    assert b"n1, n2" in done.stdout
    assert pacewright(lab, "n3", "service", "status", "web").code == 0, "a passive node does not flap"
    lab.run("n1", ["pcs", "node", "unstandby", "n3"]).checked()


def test_a_failing_instance_stops_the_roll_and_a_second_run_goes_on(services: Counted) -> None:
    victim = next(node for node in services.lab.nodes if node != services.snapshot().dc)  # its turn comes first
    others = [node for node in services.lab.nodes if node != victim]
    old = services.served(others[0])
    services.configure("three")
    services.configure("bad", [victim])
    failed = pacewright(services.lab, others[0], "service", "restart", "web")
    assert failed.code == 1
    text = failed.stderr.decode()
    assert f"web did not come up on {victim}" in text
    assert f"{', '.join(others)} not touched" in text
    assert f"the last lines of web on {victim}:" in text
    assert "web.conf: bad value" in text, "they come from another node"
    assert [services.served(node) for node in others] == [old, old]
    before = dict(services.starts("web"))
    services.configure("three")
    pacewright(services.lab, others[0], "service", "restart", "web").checked()
    assert grown(before, dict(services.starts("web"))) == {"n1": 1, "n2": 1, "n3": 1}
    assert {services.served(node) for node in services.lab.nodes} == {"three"}


@pytest.mark.trixie
def test_what_an_agent_printed_on_another_node_is_shown_and_without_a_login_there_where_to_look(
    services: Counted,
) -> None:
    lab = services.lab
    victim = next(node for node in lab.nodes if node != services.snapshot().dc)
    caller = next(node for node in lab.nodes if node != victim)
    restart = ("service", "restart", "counted", "--node", victim)
    lab.write(victim, "/etc/counted.conf", "bad\n")
    shown = pacewright(lab, caller, *restart).stderr.decode()
    lab.run(caller, ["mv", "/root/.ssh", "/root/.ssh-away"]).checked()
    missing = pacewright(lab, caller, *restart).stderr.decode()
    lab.run(caller, ["mv", "/root/.ssh-away", "/root/.ssh"]).checked()
    lab.run(victim, ["rm", "/etc/counted.conf"]).checked()
    pacewright(lab, caller, *restart).checked()
    for text in (shown, missing):
        assert f"counted did not come up on {victim}" in text
        assert f"Look at `journalctl` on {victim}" in text
    assert f"the last lines of counted on {victim}:\n    counted.conf: bad value" in shown
    assert "counted.conf" not in missing


@pytest.mark.trixie
def test_pcs_keeps_working_beside_it(services: Counted) -> None:
    lab = services.lab
    pacewright(lab, "n1", "service", "restart", "counted", "--node", "n2").checked()
    lab.run("n1", ["pcs", "resource", "update", "counted", "slow_stop=0"]).checked()
    services.settle()
    config = lab.run("n1", ["pcs", "resource", "config", "counted"]).checked().stdout.decode()
    assert "slow_stop=0" in config
    lab.run("n1", ["pcs", "resource", "update", "counted", "slow_stop="]).checked()
    services.settle()
    pacewright(lab, "n1", "service", "restart", "counted").checked()


def test_what_the_cluster_does_not_know_goes_to_systemd(services: Counted) -> None:
    lab = services.lab
    unit = "systemd-journald"

    def started() -> bytes:
        return lab.run("n1", ["systemctl", "show", "-P", "ExecMainStartTimestampMonotonic", unit]).checked().stdout

    before = started()
    done = pacewright(lab, "n1", "service", "restart", unit).checked()
    assert b"the cluster does not know it" in done.stdout
    assert started() != before
    assert pacewright(lab, "n1", "service", "status", unit).code == 0
    assert pacewright(lab, "n1", "service", "status", "no-such-thing").code == 4


def test_a_node_whose_cluster_is_down_says_so_and_touches_nothing(services: Counted) -> None:
    lab = services.lab
    lab.run("n3", ["pcs", "cluster", "stop", "--force"], timeout=90).checked()
    for verb in ("status", "restart", "start", "stop"):
        done = pacewright(lab, "n3", "service", verb, "web")
        assert done.code == 6
        assert b"does not answer on this node" in done.stderr
    assert lab.run("n3", ["systemctl", "is-active", "web"]).code != 0, "not started behind the cluster's back"
    told = as_json(pacewright(lab, "n3", "fact").checked())
    assert (told["running"], told["leader"], told["is_leader"]) == (False, "n1", False)
    lab.run("n3", ["pcs", "cluster", "start"], timeout=90).checked()
    lab.wait_quorate(60)


def test_the_fact_is_there_within_two_seconds_whatever_hangs(services: Counted) -> None:
    lab = services.lab
    told = as_json(pacewright(lab, "n2", "fact").checked())
    snapshot = services.snapshot()
    assert (told["running"], told["quorate"], told["dc"], told["leader"]) == (True, True, snapshot.dc, snapshot.dc)
    assert told["services"]["web"]["state"] == "running"
    pid = lab.run("n2", ["pidof", "pacemaker-based"]).checked().stdout.decode().strip()
    lab.run("n2", ["kill", "-STOP", pid]).checked()
    try:
        begun = time.monotonic()
        told = as_json(pacewright(lab, "n2", "fact").checked())
        assert time.monotonic() - begun < 2.0
    finally:
        lab.run("n2", ["kill", "-CONT", pid]).checked()
    assert (told["running"], told["is_leader"]) == (None, False)


def test_without_quorum_nothing_is_written(services: Counted) -> None:
    lab = services.lab
    lab.run("n2", ["pcs", "property", "set", "stonith-enabled=false"]).checked()  # or n1 has no time to be asked
    lab.cut("n1")
    deadline = time.monotonic() + 20
    while as_json(pacewright(lab, "n1", "fact").checked()).get("quorate") is not False:
        assert time.monotonic() < deadline, "n1 never lost quorum"
    epoch = snapshot_of(lab, "n1").version.epoch
    refused = [pacewright(lab, "n1", "service", verb, "web") for verb in ("restart", "stop", "disable")]
    assert snapshot_of(lab, "n1").version.epoch == epoch
    lab.heal("n1")
    lab.wait_quorate(90)
    lab.run("n2", ["pcs", "property", "set", "stonith-enabled=true"]).checked()
    assert [done.code for done in refused] == [6, 6, 6]
    assert all(b"no quorum" in done.stderr for done in refused)


def test_full_disks_do_not_stop_a_restart(services: Counted) -> None:
    lab = services.lab
    fill = "for d in /tmp /var/tmp; do mount -t tmpfs -o size=64k full $d; head -c 1M /dev/zero >$d/x 2>/dev/null; done"
    lab.run("n1", ["sh", "-c", f"{fill}; true"])
    try:
        before = dict(services.starts("counted-counted"))
        pacewright(lab, "n1", "service", "restart", "counted").checked()
        assert grown(before, dict(services.starts("counted-counted"))) == {"n1": 1, "n2": 1, "n3": 1}
    finally:
        lab.run("n1", ["umount", "/tmp", "/var/tmp"])


KILLED_AFTER = """\
import os, signal, sys
from pacewright.cluster import live
wanted = int(sys.argv[2])
real = live.commit
def commit(change, **about):
    global wanted
    written = real(change, **about)
    wanted -= 1
    if wanted == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return written
live.commit = commit
from pacewright.cli.main import main
sys.exit(main(["service", *sys.argv[3:]]))
"""


@pytest.mark.trixie
@pytest.mark.parametrize("commits", [1, 2, 3])
def test_killed_after_any_commit_nothing_stays_down_and_the_next_call_finishes(services: Counted, commits: int) -> None:
    killed_after(services, commits, "restart", "counted")
    services.settle()
    before = dict(services.starts("counted-counted"))
    pacewright(services.lab, "n2", "service", "restart", "counted").checked()
    assert grown(before, dict(services.starts("counted-counted"))) == {"n1": 1, "n2": 1, "n3": 1}


@pytest.mark.parametrize("commits", [1, 2])
def test_killed_while_holding_the_hold_expires_by_itself(services: Counted, commits: int) -> None:
    killed_after(services, commits, "restart", "dum")
    services.settle(40)
    pacewright(services.lab, "n2", "service", "restart", "dum").checked()


def test_killed_after_stop_or_start_the_cluster_finishes(services: Counted) -> None:
    killed_after(services, 1, "stop", "counted")
    deadline = time.monotonic() + 20
    while services.instances("counted"):
        assert time.monotonic() < deadline
    killed_after(services, 1, "start", "counted")
    services.settle()


def killed_after(services: Counted, commits: int, *words: str) -> None:
    done = services.lab.run("n1", ["python3", "-c", KILLED_AFTER, "x", str(commits), *words], timeout=60)
    assert done.code in {-9, 137}, done


def test_killed_by_surprise_at_any_moment(services: Counted) -> None:
    """Killed with -9 at moments that no commit marks."""
    for pause in (0.05, 0.15, 0.25, 0.35):
        caller = services.lab.spawn("n1", ["pacewright", "service", "restart", "counted"])
        SYSTEM_CLOCK.sleep(pause)
        services.lab.run("n1", ["pkill", "-KILL", "-f", "pacewright service restart"])
        caller.wait(timeout=30)
        services.settle()
    pacewright(services.lab, "n3", "service", "restart", "counted").checked()


CIBADMIN = """\
#!/bin/sh
# Pacemaker's own; but the first write is carried out and its answer lost.
/usr/sbin/cibadmin "$@"
code=$?
case $1 in --patch) [ -e /run/answered ] || { : >/run/answered; exit 124; } ;; esac
exit $code
"""


@pytest.mark.trixie
def test_a_lost_answer_and_a_reader_that_has_gone_change_nothing_of_a_roll(services: Counted) -> None:
    lab, shim = services.lab, "/usr/local/bin/cibadmin"
    before = dict(services.starts("counted-counted"))
    lab.run("n1", ["rm", "-f", "/run/answered"]).checked()
    lab.write("n1", shim, CIBADMIN)
    lab.run("n1", ["chmod", "755", shim]).checked()
    script = "{ pacewright service restart counted; echo $? >/run/code; } 2>&1 | head -n 1; cat /run/code"
    try:
        done = lab.run("n1", ["sh", "-c", script], timeout=120).checked()
        assert lab.run("n1", ["test", "-e", "/run/answered"]).code == 0, "an answer was lost"
    finally:
        lab.run("n1", ["rm", "-f", shim])
    assert done.stdout.split()[-1] == b"0"
    assert grown(before, dict(services.starts("counted-counted"))) == {"n1": 1, "n2": 1, "n3": 1}
    told = as_json(pacewright(lab, "n1", "history", "--json", "--service", "counted").checked())["entries"]
    call = next(entry["call"] for entry in reversed(told) if entry["kind"] == "unknown")
    kinds = [entry["kind"] for entry in told if entry["call"] == call and entry["kind"] != "seen"]
    begin = kinds.index("unknown")
    assert kinds[begin - 1 : begin + 2] == ["intent", "unknown", "commit"], "what the cluster had counted"
