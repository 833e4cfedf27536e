"""What is owed is paid, once, on a real cluster: counted by the service itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pacewright.clock import SYSTEM_CLOCK
from pacewright.demo.openstack.commits import commits
from pacewright.lab import Lab
from tests.lab.services import Counted, as_json, pacewright

pytestmark = pytest.mark.lab

SERVICES = "services:\n  web:\n    config: [/etc/web/web.conf]\n  counted:\n    config: [/etc/counted.conf]\n"


@pytest.fixture
def services(lab: Lab, counted_services: Counted) -> Iterator[Counted]:
    for node in lab.nodes:
        lab.write(node, "/etc/pacewright/services.yaml", SERVICES)
        lab.write(node, "/etc/counted.conf", "one\n")
    counted_services.settle()
    for node in lab.nodes:
        for name in ("web", "counted"):
            pacewright(lab, node, "service", "refresh", name).checked()
    yield counted_services
    for node in lab.nodes:
        lab.run(node, ["rm", "-f", "/etc/pacewright/services.yaml"])
    counted_services.audit()


def grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {node: after[node] - before[node] for node in before}


def restarted_by(lab: Lab, primitive: str, *, since: int) -> list[str]:
    """From which node each change of its definition was written, as Pacemaker's log has it."""
    return [one.node for one in commits(lab, after=since) if one.touches(f"primitive[@id='{primitive}']")]


def test_three_nodes_refresh_at_once_and_each_instance_restarts_once_one_at_a_time(services: Counted) -> None:
    lab = services.lab
    before = dict(services.starts("web"))
    services.configure(f"at {SYSTEM_CLOCK.now()}")
    epoch = services.snapshot().version.epoch
    callers = [lab.spawn(node, ["pacewright", "service", "refresh", "web"]) for node in lab.nodes]
    most_down = 0
    while any(caller.poll() is None for caller in callers):
        up = sum(bool(services.served(node)) for node in lab.nodes)
        most_down = max(most_down, len(lab.nodes) - up)
    assert [caller.wait() for caller in callers] == [0, 0, 0]
    assert grown(before, dict(services.starts("web"))) == {"n1": 1, "n2": 1, "n3": 1}
    assert most_down == 1, "counted by asking each instance while it went on"
    assert len({services.served(node) for node in lab.nodes}) == 1
    writers = restarted_by(lab, "web", since=epoch)
    assert (len(writers), len(set(writers))) == (3, 1), "each instance's restart is written once, all by one node"
    epoch = services.snapshot().version.epoch
    for node in lab.nodes:
        assert as_json(pacewright(lab, node, "service", "refresh", "web", "--json").checked())["changed"] is False
    assert services.snapshot().version.epoch == epoch, "nothing to do, so nothing is written"


def test_a_leader_that_is_killed_is_replaced_by_one_of_those_who_wait(services: Counted) -> None:
    lab = services.lab
    before = dict(services.starts("web"))
    services.configure(f"at {SYSTEM_CLOCK.now()}")
    epoch = services.snapshot().version.epoch
    callers = {node: lab.spawn(node, ["pacewright", "service", "refresh", "web"]) for node in lab.nodes}
    while not (writers := restarted_by(lab, "web", since=epoch)):
        assert any(caller.poll() is None for caller in callers.values())
    lab.run(writers[0], ["pkill", "-KILL", "-f", "pacewright service refresh"]).checked()
    ended = {node: caller.wait(timeout=60) for node, caller in callers.items()}
    assert ended.pop(writers[0]) != 0
    assert list(ended.values()) == [0, 0]
    assert grown(before, dict(services.starts("web"))) == {"n1": 1, "n2": 1, "n3": 1}
    after = restarted_by(lab, "web", since=epoch)
    assert (len(after), len(set(after))) == (3, 2), "another one has led from then on"


def test_only_what_is_stale_restarts(services: Counted) -> None:
    lab = services.lab
    before = dict(services.starts("counted-counted"))
    lab.write("n2", "/etc/counted.conf", f"at {SYSTEM_CLOCK.now()}\n")
    owed = as_json(pacewright(lab, "n2", "owed", "--json").checked())["owed"]
    assert [(debt["service"], debt["node"]) for debt in owed] == [("counted", "n2")]
    pacewright(lab, "n2", "service", "refresh", "counted").checked()
    assert grown(before, dict(services.starts("counted-counted"))) == {"n1": 0, "n2": 1, "n3": 0}


def test_a_lost_notification_is_paid_by_the_next_run_an_hour_later(services: Counted) -> None:
    lab = services.lab
    before = dict(services.starts("counted-counted"))
    lab.write("n1", "/etc/counted.conf", f"at {SYSTEM_CLOCK.now()}\n")  # and the run dies here
    done = as_json(pacewright(lab, "n1", "reconcile", "--all", "--json").checked())
    assert {said["name"]: said["changed"] for said in done["services"]} == {"web": False, "counted": True}
    assert grown(before, dict(services.starts("counted-counted"))) == {"n1": 1, "n2": 0, "n3": 0}


def test_a_killed_refresh_is_finished_by_whoever_comes_next(services: Counted) -> None:
    lab = services.lab
    before = dict(services.starts("counted-counted"))
    for node in lab.nodes:
        lab.write(node, "/etc/counted.conf", f"at {SYSTEM_CLOCK.now()}\n")
        pacewright(lab, node, "service", "report", "counted").checked()
    caller = lab.spawn("n1", ["pacewright", "reconcile", "counted"])
    SYSTEM_CLOCK.sleep(0.25)
    lab.run("n1", ["pkill", "-KILL", "-f", "pacewright reconcile"])
    caller.wait(timeout=30)
    pacewright(lab, "n3", "reconcile", "counted").checked()
    assert grown(before, dict(services.starts("counted-counted"))) == {"n1": 1, "n2": 1, "n3": 1}


def settings(lab: Lab, *more: str) -> None:
    text = "\n".join(["services:", "  web:", "    config: [/etc/web/web.conf]", *(f"    {line}" for line in more), ""])
    for node in lab.nodes:
        lab.write(node, "/etc/pacewright/services.yaml", text)


@pytest.mark.parametrize("rules", ["[dc_last]", "[]"])
def test_a_roll_goes_in_the_order_that_the_site_wants(services: Counted, rules: str) -> None:
    lab = services.lab
    settings(lab, f"order: {rules}")
    dc = str(services.snapshot().dc)
    by_name = list(lab.nodes)
    wanted = by_name if rules == "[]" else [*(node for node in by_name if node != dc), dc]
    pacewright(lab, "n2", "service", "restart", "web").checked()
    began = {str(i.node): i.run.started or 0.0 for i in services.instances("web") if i.run is not None}
    assert sorted(by_name, key=lambda node: began[node]) == wanted


def test_a_roll_that_is_to_continue_goes_on_without_what_fails_and_says_so_in_the_end(services: Counted) -> None:
    lab = services.lab
    settings(lab, "on_failure: continue")
    victim = next(node for node in lab.nodes if node != services.snapshot().dc)  # its turn comes first
    others = [node for node in lab.nodes if node != victim]
    services.configure(f"at {SYSTEM_CLOCK.now()}")
    for node in others:
        pacewright(lab, node, "service", "report", "web").checked()
    services.configure("bad", [victim])
    before = dict(services.starts("web"))
    failed = pacewright(lab, victim, "service", "refresh", "web")
    assert failed.code == 1
    text = failed.stderr.decode()
    assert f"did not come up on {victim}" in text
    assert f"Restarted on {', '.join(others)}." in text
    assert grown(before, dict(services.starts("web"))) == {victim: 0} | dict.fromkeys(others, 1)
    services.configure(f"at {SYSTEM_CLOCK.now()}", [victim])
    pacewright(lab, victim, "service", "refresh", "web").checked()
    assert grown(before, dict(services.starts("web"))) == {"n1": 1, "n2": 1, "n3": 1}


def test_maintenance_puts_it_off_and_the_next_call_pays(services: Counted) -> None:
    lab = services.lab
    before = dict(services.starts("counted-counted"))
    lab.run("n1", ["pcs", "property", "set", "maintenance-mode=true"]).checked()
    lab.write("n3", "/etc/counted.conf", f"at {SYSTEM_CLOCK.now()}\n")
    refused = pacewright(lab, "n3", "service", "refresh", "counted")
    owed = as_json(pacewright(lab, "n1", "owed", "--json").checked())["owed"]
    lab.run("n1", ["pcs", "property", "set", "maintenance-mode=false"]).checked()
    assert refused.code == 5
    assert b"stays owed on n3" in refused.stderr
    assert [(debt["node"], debt["hindrance"]) for debt in owed] == [("n3", "the cluster is in maintenance mode")]
    pacewright(lab, "n2", "reconcile", "--all").checked()
    assert grown(before, dict(services.starts("counted-counted"))) == {"n1": 0, "n2": 0, "n3": 1}


def test_a_call_without_inputs_counts_as_a_change_on_its_node(services: Counted) -> None:
    lab = services.lab
    before = {resource: dict(services.starts(f"counted-{resource}")) for resource in ("single",)}
    (home,) = (i.node for i in services.instances("single"))
    other = next(node for node in lab.nodes if node != home)
    pacewright(lab, other, "service", "refresh", "single").checked()
    assert sum(services.starts("counted-single").values()) == sum(before["single"].values())
    pacewright(lab, home, "service", "refresh", "single").checked()
    assert sum(services.starts("counted-single").values()) == sum(before["single"].values()) + 1


def test_a_node_that_was_down_during_the_change_is_brought_up_to_date_by_its_own_run(services: Counted) -> None:
    lab = services.lab
    lab.run("n3", ["pcs", "cluster", "stop", "--force"], timeout=90).checked()
    before = dict(services.starts("counted-counted"))
    for node in ("n1", "n2"):
        lab.write(node, "/etc/counted.conf", "while n3 was down\n")
        pacewright(lab, node, "service", "refresh", "counted").checked()
    assert grown(before, dict(services.starts("counted-counted"))) == {"n1": 1, "n2": 1, "n3": 0}
    lab.run("n3", ["pcs", "cluster", "start"], timeout=90).checked()
    lab.wait_quorate(60)
    services.settle()
    came_back = dict(services.starts("counted-counted"))
    lab.write("n3", "/etc/counted.conf", "while n3 was down\n")
    pacewright(lab, "n3", "service", "refresh", "counted").checked()
    assert grown(came_back, dict(services.starts("counted-counted"))) == {"n1": 0, "n2": 0, "n3": 1}


def test_the_next_instance_waits_until_the_last_one_is_healthy(services: Counted) -> None:
    lab = services.lab
    gate = "    health: {http: 'http://{node}:8080/', timeout: 5}\n"
    for node in lab.nodes:
        lab.write(
            node, "/etc/pacewright/services.yaml", f"services:\n  counted:\n    config: [/etc/counted.conf]\n{gate}"
        )
    before = dict(services.starts("counted-counted"))
    pacewright(lab, "n1", "service", "restart", "counted").checked()
    assert grown(before, dict(services.starts("counted-counted"))) == {"n1": 1, "n2": 1, "n3": 1}
    for node in lab.nodes:
        lab.write(node, "/etc/pacewright/services.yaml", f"services:\n  counted:\n{gate.replace('8080', '8081')}")
    refused = pacewright(lab, "n1", "service", "restart", "counted")
    assert refused.code == 1
    assert b"was not healthy within 5 s" in refused.stderr
    after = grown(before, dict(services.starts("counted-counted")))
    assert sorted(after.values()) == [1, 1, 2], "the roll stopped at the first"
    owed = as_json(pacewright(lab, "n2", "owed", "--json").checked())["owed"]
    assert len([debt for debt in owed if debt["service"] == "counted"]) == 2
    for node in lab.nodes:
        lab.write(node, "/etc/pacewright/services.yaml", SERVICES)
    pacewright(lab, "n3", "reconcile", "counted").checked()
    assert sorted(grown(before, dict(services.starts("counted-counted"))).values()) == [2, 2, 2]
