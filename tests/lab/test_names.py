"""What a name means on a real cluster: links and umbrellas as systemd has them, host names that no node has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pacewright.lab import Lab
from pacewright.process import Completed
from tests.lab.services import Counted, as_json, pacewright

pytestmark = pytest.mark.lab

UMBRELLA = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n"
PART = "[Unit]\nPartOf=umbrella.service\n"
ODD = '<primitive id="données" class="ocf" provider="heartbeat" type="Dummy"/>'


@pytest.fixture(scope="module")
def named(whole_session_lab: Lab, counted_services: Counted) -> Iterator[Counted]:
    """The counted services, with a link to web's unit, an umbrella over one's, and an id of another script."""
    lab = whole_session_lab
    for node in lab.nodes:
        lab.run(node, ["mkdir", "-p", "/etc/systemd/system/one.service.d"]).checked()
        lab.write(node, "/etc/systemd/system/umbrella.service", UMBRELLA)
        lab.write(node, "/etc/systemd/system/one.service.d/part.conf", PART)
        lab.run(node, ["ln", "-sfn", "web.service", "/etc/systemd/system/www.service"]).checked()
        lab.run(node, ["systemctl", "daemon-reload"]).checked()
        lab.run(node, ["systemctl", "start", "umbrella"]).checked()
    lab.run("n1", ["cibadmin", "--create", "--scope", "resources", "--xml-text", ODD]).checked()
    counted_services.settle()
    yield counted_services
    lab.run("n1", ["cibadmin", "--delete", "--scope", "resources", "--xml-text", '<primitive id="données"/>']).checked()
    for node in lab.nodes:
        # First what binds one to the umbrella: a start while systemd reloads may hang until its time-out.
        lab.run(node, ["rm", "-r", "/etc/systemd/system/one.service.d", "/etc/systemd/system/www.service"]).checked()
        lab.run(node, ["systemctl", "daemon-reload"]).checked()
        lab.run(node, ["systemctl", "stop", "umbrella"]).checked()
        lab.run(node, ["rm", "/etc/systemd/system/umbrella.service"]).checked()
        lab.run(node, ["systemctl", "daemon-reload"]).checked()
    lab.run("n1", ["pacewright", "reconcile", "--all"], timeout=120).checked()
    counted_services.settle()


def guard(lab: Lab, node: str, unit: str, action: str = "restart") -> Completed:
    return pacewright(lab, node, "guard", unit, action)


@pytest.mark.trixie
def test_a_link_means_what_its_unit_means_and_an_umbrella_is_not_restarted(named: Counted) -> None:
    lab = named.lab
    (home,) = (i.node for i in named.instances("one"))
    before, one = named.starts("web"), named.starts("one")
    assert pacewright(lab, "n1", "service", "restart", "www", "--timeout", "1min").code == 0
    after = named.starts("web")
    assert {node: after[node] - before[node] for node in before} == dict.fromkeys(lab.nodes, 1)
    refused = pacewright(lab, home, "service", "restart", "umbrella")
    assert refused.code == 5
    assert b"one.service along with it" in refused.stderr
    assert {guard(lab, home, unit).code for unit in ("www.service", "umbrella.service", "one")} == {101}
    assert named.starts("one") == one
    assert "données" in pacewright(lab, "n1", "service", "list").checked().stdout.decode()
    assert pacewright(lab, "n1", "service", "restart", "données").code == 0


@pytest.mark.trixie
def test_the_hook_denies_what_goes_with_a_unit_and_the_cluster_itself_and_lets_others_pass(named: Counted) -> None:
    lab = named.lab
    (home,) = (i.node for i in named.instances("one"))

    def policy(unit: str) -> Completed:
        return lab.run(home, ["/usr/lib/pacewright/policy-rc.d", unit, "restart"], timeout=60)

    assert {unit: policy(unit).code for unit in ("www.service", "umbrella.service", "corosync.service")} == {
        "www.service": 101,
        "umbrella.service": 101,
        "corosync.service": 101,
    }
    assert b"pcs cluster stop" in policy("pacemaker.service").stderr
    assert policy("systemd-journald.service").code == 0


def test_a_node_whose_host_name_is_another_knows_what_the_cluster_calls_it(named: Counted) -> None:
    lab = named.lab
    try:
        for name in ("node-17.example.com", "N2"):
            lab.run("n2", ["hostname", name]).checked()
            assert as_json(pacewright(lab, "n2", "fact").checked())["node"] == "n2"
            lab.write("n2", "/etc/web/web.conf", f"{name}\n")
            before = named.starts("web")
            assert pacewright(lab, "n2", "service", "refresh", "web", "--input", "/etc/web").code == 0
            after = named.starts("web")
            assert {node: after[node] - before[node] for node in before} == {"n1": 0, "n2": 1, "n3": 0}
    finally:
        lab.run("n2", ["hostname", "n2"]).checked()
