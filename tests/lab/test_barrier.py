"""Barriers, gates and drains on a real cluster: counted by the service itself and by who asks it for something."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pacewright.clock import SYSTEM_CLOCK
from pacewright.lab import Lab
from pacewright.process import Completed
from tests.lab.services import Counted, as_json, pacewright
from tests.lab.test_refresh import grown

pytestmark = pytest.mark.lab

BARRIER = "services:\n  counted:\n    config: [/etc/counted.conf]\n    barrier: {timeout: 60}\n"


def settings(lab: Lab, text: str) -> None:
    for node in lab.nodes:
        lab.write(node, "/etc/pacewright/services.yaml", text)


def changed(lab: Lab, *nodes: str) -> None:
    for node in nodes or lab.nodes:
        lab.write(node, "/etc/counted.conf", f"at {SYSTEM_CLOCK.now()}\n")


@pytest.fixture
def services(lab: Lab, counted_services: Counted) -> Iterator[Counted]:
    settings(lab, BARRIER)
    changed(lab)
    counted_services.settle()
    for node in lab.nodes:
        pacewright(lab, node, "service", "refresh", "counted").checked()
    yield counted_services
    for node in lab.nodes:
        lab.run(node, ["rm", "-f", "/etc/pacewright/services.yaml"])
    for name in ("counted", "web"):
        pacewright(lab, "n1", "service", "start", name).checked()
    cib = lab.run("n1", ["cibadmin", "--query"]).checked().stdout.decode()
    for leftover in (
        "pacewright-ready",
        "pacewright-missed",
        "pacewright-gate",
        "pacewright-drained",
        "pacewright-begun",
    ):
        assert f"pacewright-{leftover}-" not in cib
    counted_services.audit()


class Caller(threading.Thread):
    """A command on a node, in the background."""

    def __init__(self, lab: Lab, node: str, *words: str) -> None:
        super().__init__(daemon=True)
        self._of = (lab, node, words)
        self.done: Completed | None = None
        self.start()

    def run(self) -> None:
        lab, node, words = self._of
        self.done = pacewright(lab, node, *words)

    def end(self) -> Completed:
        self.join(timeout=120)
        assert self.done is not None
        return self.done


def until_marked(services: Counted, count: int) -> None:
    end = SYSTEM_CLOCK.monotonic() + 30
    while services.lab.run("n1", ["cibadmin", "--query"]).checked().stdout.count(b'"pacewright-ready-counted') < count:
        assert SYSTEM_CLOCK.monotonic() < end
        SYSTEM_CLOCK.sleep(0.1)


def test_a_service_starts_on_all_nodes_once_the_last_one_has_its_config_and_by_one_write(services: Counted) -> None:
    lab = services.lab
    pacewright(lab, "n1", "service", "stop", "counted").checked()
    before = dict(services.starts("counted-counted"))
    first = [Caller(lab, node, "service", "start", "counted", "--barrier", "--json") for node in ("n1", "n2")]
    until_marked(services, 2)
    SYSTEM_CLOCK.sleep(1.5)
    assert dict(services.starts("counted-counted")) == before, "n3 has not its config yet"
    epoch = services.snapshot().version.epoch
    last = as_json(pacewright(lab, "n3", "service", "start", "counted", "--barrier", "--json").checked())
    told = [as_json(caller.end().checked()) for caller in first]
    written = services.snapshot().version.epoch - epoch
    assert written in {1, 2}, "one write: the CIB manager of 2.1.5 counts a patch of the epoch twice"
    assert grown(before, dict(services.starts("counted-counted"))) == {"n1": 1, "n2": 1, "n3": 1}
    assert {said["message"] for said in [*told, last]} == {"counted: started on n1, n2, n3."}
    assert [said["led"] for said in [*told, last]] == [False, False, True]
    assert all(any("n3 led" in note for note in said["notes"]) for said in told)


def test_whoever_waits_goes_on_when_the_others_are_killed_after_their_reports(services: Counted) -> None:
    lab = services.lab
    pacewright(lab, "n1", "service", "stop", "counted").checked()
    before = dict(services.starts("counted-counted"))
    doomed = lab.spawn("n1", ["pacewright", "service", "start", "counted", "--barrier"])
    waiting = Caller(lab, "n2", "service", "start", "counted", "--barrier")
    until_marked(services, 2)
    lab.run("n1", ["pkill", "-KILL", "-f", "pacewright service start"])
    doomed.wait(timeout=30)
    pacewright(lab, "n3", "service", "report", "counted", "--barrier").checked()
    assert b"started on n1, n2, n3" in waiting.end().checked().stdout
    assert grown(before, dict(services.starts("counted-counted"))) == {"n1": 1, "n2": 1, "n3": 1}


def test_a_node_in_standby_is_not_waited_for_and_owed(services: Counted) -> None:
    lab = services.lab
    pacewright(lab, "n1", "service", "stop", "counted").checked()
    lab.run("n1", ["pcs", "node", "standby", "n3"]).checked()
    callers = [Caller(lab, node, "service", "start", "counted", "--barrier") for node in ("n1", "n2")]
    assert [caller.end().code for caller in callers] == [0, 0]
    owed = as_json(pacewright(lab, "n1", "owed", "--json").checked())["owed"]
    assert [(debt["node"], debt["reason"]) for debt in owed] == [
        ("n3", "the others went on without the report of its config")
    ]
    lab.run("n1", ["pcs", "node", "unstandby", "n3"]).checked()
    services.settle()
    pacewright(lab, "n3", "service", "refresh", "counted").checked()
    assert as_json(pacewright(lab, "n1", "owed", "--json").checked())["owed"] == []


def test_two_runs_that_wait_for_each_other_are_told_at_once(services: Counted) -> None:
    lab = services.lab
    for name in ("counted", "web"):
        pacewright(lab, "n1", "service", "stop", name).checked()
    lab.run("n1", ["pcs", "node", "standby", "n3"]).checked()
    begun = SYSTEM_CLOCK.monotonic()
    one = Caller(lab, "n1", "service", "start", "counted", "--barrier")
    two = Caller(lab, "n2", "service", "start", "web", "--barrier")
    first = one.end()
    second = two.end()
    took = SYSTEM_CLOCK.monotonic() - begun
    assert (first.code, second.code) == (5, 5)
    assert took < 40, "the time-out is 60 s"
    for told in (first, second):
        assert b"n1 waits at counted-clone for n2" in told.stderr
        assert b"n2 waits at web-clone for n1" in told.stderr
    lab.run("n1", ["pcs", "node", "unstandby", "n3"]).checked()
    finish = [Caller(lab, node, "service", "start", "counted", "--barrier") for node in ("n1", "n2", "n3")]
    finish += [Caller(lab, node, "service", "start", "web", "--barrier") for node in ("n1", "n3")]
    finish.append(Caller(lab, "n2", "service", "start", "web", "--barrier"))
    assert [caller.end().code for caller in finish] == [0] * 6


def test_all_at_once_waits_for_every_report_and_restarts_each_once(services: Counted) -> None:
    lab = services.lab
    settings(lab, BARRIER + "    strategy: together\n")
    before = dict(services.starts("counted-counted"))
    changed(lab)
    first = [Caller(lab, node, "service", "refresh", "counted", "--wave", "w1") for node in ("n1", "n3")]
    until_marked(services, 2)
    SYSTEM_CLOCK.sleep(1)
    assert dict(services.starts("counted-counted")) == before
    pacewright(lab, "n2", "service", "refresh", "counted", "--wave", "w1").checked()
    assert [caller.end().code for caller in first] == [0, 0]
    assert grown(before, dict(services.starts("counted-counted"))) == {"n1": 1, "n2": 1, "n3": 1}


def test_with_a_gate_a_node_that_comes_late_runs_it_only_after_its_report(services: Counted) -> None:
    lab = services.lab
    settings(lab, BARRIER + "    gate: true\n")
    lab.run("n3", ["pcs", "cluster", "stop", "--force"], timeout=90).checked()
    pacewright(lab, "n1", "service", "stop", "counted").checked()
    callers = [Caller(lab, node, "service", "start", "counted", "--barrier") for node in ("n1", "n2")]
    assert [caller.end().code for caller in callers] == [0, 0]
    before = dict(services.starts("counted-counted"))
    lab.run("n3", ["pcs", "cluster", "start"], timeout=90).checked()
    lab.wait_quorate(60)
    SYSTEM_CLOCK.sleep(4)
    assert dict(services.starts("counted-counted")) == before, "the cluster keeps it from n3"
    assert pacewright(lab, "n3", "service", "status", "counted").code == 3
    assert pacewright(lab, "n1", "service", "status", "counted").code == 0
    pacewright(lab, "n3", "service", "start", "counted", "--barrier").checked()
    assert grown(before, dict(services.starts("counted-counted"))) == {"n1": 0, "n2": 0, "n3": 1}
    settings(lab, BARRIER)
    changed(lab, "n3")
    pacewright(lab, "n3", "service", "refresh", "counted").checked()


HAPROXY = """\
global
    stats socket ipv4@0.0.0.0:9999 level admin
defaults
    mode http
    timeout connect 20s
    timeout client 60s
    timeout server 60s
frontend in
    bind :8000
    default_backend web
backend web
{servers}
"""
DRAINED = """\
services:
  web:
    config: [/etc/web/web.conf]
    health: {http: "http://{node}:8080/", timeout: 20}
    drain: {haproxy: {sockets: ["n1:9999"], server: "web/{node}"}, timeout: 10}
"""


def test_a_drained_roll_under_load_loses_no_request_without_any_health_check_in_haproxy(services: Counted) -> None:
    """HAProxy does not look itself whether a server is up, so each request to one that is down would be lost."""
    lab = services.lab
    settings(lab, DRAINED)
    servers = "\n".join(f"    server {node} {node}:8080" for node in lab.nodes)
    lab.write("n1", "/etc/haproxy/drained.cfg", HAPROXY.format(servers=servers))
    proxy = lab.spawn("n1", ["haproxy", "-f", "/etc/haproxy/drained.cfg"])
    try:
        lab.run(
            "n1", ["curl", "-s", "--retry", "30", "--retry-connrefused", "--retry-delay", "1", "http://n1:8000/"]
        ).checked()
        before = dict(services.starts("web"))
        served, failed, over = [0], [0], threading.Event()

        def ask() -> None:
            while not over.is_set():
                done = lab.run(
                    "n1", ["curl", "-s", "-m", "60", "-o", "/dev/null", "-w", "%{http_code}", "http://n1:8000/"]
                )
                (served if done.stdout == b"200" else failed)[0] += 1

        asking = [threading.Thread(target=ask, daemon=True) for _ in range(2)]
        for thread in asking:
            thread.start()
        services.configure(f"at {SYSTEM_CLOCK.now()}")
        for node in lab.nodes:
            pacewright(lab, node, "service", "report", "web").checked()
        done = pacewright(lab, "n2", "reconcile", "web").checked()
        over.set()
        for thread in asking:
            thread.join(timeout=10)
        assert grown(before, dict(services.starts("web"))) == {"n1": 1, "n2": 1, "n3": 1}
        assert (failed[0], served[0] > 50) == (0, True), done.output
        caller = lab.spawn("n3", ["pacewright", "service", "restart", "web"])
        SYSTEM_CLOCK.sleep(1.0)
        lab.run("n3", ["pkill", "-KILL", "-f", "pacewright service restart"])
        caller.wait(timeout=30)
        pacewright(lab, "n1", "reconcile", "web").checked()
        stat = lab.run("n1", ["sh", "-c", "curl -s http://127.0.0.1:1/ ; echo 'show stat' | nc -w1 n1 9999 || true"])
        assert b"DRAIN" not in stat.stdout, "whatever the killed call had drained was given back"
    finally:
        proxy.terminate()
        proxy.wait(timeout=10)
        lab.run("n1", ["pkill", "-f", "drained.cfg"])
