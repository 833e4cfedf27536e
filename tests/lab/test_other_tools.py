"""Beside other tools: comments in the CIB, and files that are pushed from before a restart (docs/other-tools.md)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping

import pytest

from pacewright.clock import SYSTEM_CLOCK
from pacewright.cluster.names import ResourceId
from pacewright.lab import Lab
from pacewright.process import PIPE
from tests.lab.services import Counted, as_json, pacewright

pytestmark = pytest.mark.lab

NOBODY = {"n1": 0, "n2": 0, "n3": 0}


@pytest.fixture
def services(lab: Lab, counted_services: Counted) -> Iterator[Counted]:
    """Everything is up; the same is true when the test has ended."""
    assert lab.is_on("n1")
    counted_services.settle()
    yield counted_services
    counted_services.audit()


def sh(services: Counted, command: str) -> str:
    return services.lab.run("n1", ["sh", "-c", command], timeout=60).checked().stdout.decode()


def since(before: Mapping[str, int], services: Counted) -> dict[str, int]:
    services.settle()
    return {node: starts - before[node] for node, starts in services.starts("counted-counted").items()}


@pytest.mark.trixie
def test_a_third_member_of_a_group_that_begins_with_a_comment_is_the_third_and_the_comment_stays(
    services: Counted,
) -> None:
    names, agent = ("ca", "cb", "cc"), "ocf:heartbeat:Dummy"

    def apply(*words: str, wanted: list[dict[str, str]]) -> None:
        said = json.dumps({"resources": wanted}).encode()
        services.lab.run("n1", ["pacewright", "resource", "apply", "-", *words], stdin=said, timeout=90).checked()

    apply("--wait", wanted=[{"id": name, "agent": agent, "group": "cg"} for name in names[:2]])
    sh(services, "cibadmin -Q --scope resources >/root/commented")
    sh(services, "sed -i 's/<group id=.cg.>/&<!-- the first of them -->/' /root/commented")
    sh(services, "cibadmin --replace --scope resources --xml-file /root/commented")
    apply("--wait", wanted=[{"id": name, "agent": agent, "group": "cg"} for name in names])
    assert services.snapshot().resources[ResourceId("cg")].children == names
    assert "<!-- the first of them -->" in sh(services, "cibadmin --query --scope resources")
    apply(wanted=[{"id": name, "ensure": "absent"} for name in names])
    assert "the first of them" not in sh(services, "cibadmin --query --scope resources")


@pytest.mark.trixie
def test_pcs_pushes_the_difference_only_and_refuses_an_old_file(services: Counted) -> None:
    sh(services, "pcs cluster cib /root/old && cp /root/old /root/new")
    sh(services, "pcs -f /root/new resource meta counted-clone priority=1")
    pacewright(services.lab, "n1", "service", "restart", "counted").checked()
    before = services.starts("counted-counted")
    refused = services.lab.run("n1", ["pcs", "cluster", "cib-push", "/root/new"], timeout=60)
    assert (refused.code, b"older than existing one" in refused.output.encode()) == (1, True)
    sh(services, "pcs cluster cib-push /root/new diff-against=/root/old")
    assert services.snapshot().resources[ResourceId("counted-clone")].meta["priority"] == "1"
    assert since(before, services) == NOBODY
    sh(services, "pcs resource meta counted-clone priority=")


def test_what_a_push_from_before_a_roll_takes_away_is_said_with_the_restart_that_was_lost(services: Counted) -> None:
    pacewright(services.lab, "n1", "service", "restart", "counted").checked()
    sh(services, "pcs cluster cib /root/old")
    before = services.starts("counted-counted")
    call = services.lab.spawn("n1", ["pacewright", "service", "restart", "counted"], stdout=PIPE, stderr=PIPE)
    deadline = time.monotonic() + 60
    while services.starts("counted-counted") == before and time.monotonic() < deadline:
        SYSTEM_CLOCK.sleep(0.05)
    call.kill()
    call.communicate(timeout=10)
    rolled = since(before, services)
    assert 1 <= sum(rolled.values()) <= 2
    sh(services, "pcs cluster cib-push /root/old --config")
    again = since(before, services)
    assert again == {node: 2 * starts for node, starts in rolled.items()}, "what had restarted, and nothing else"
    told = as_json(pacewright(services.lab, "n1", "owed", "--json"))
    (lost,) = told["lost"]
    assert (told["owed"], lost["resource"]) == ([], "counted")
    assert lost["due"] == [node for node, starts in rolled.items() if not starts]
    pacewright(services.lab, "n1", "service", "restart", "counted").checked()
    assert as_json(pacewright(services.lab, "n1", "owed", "--json")) == {"owed": [], "lost": []}
