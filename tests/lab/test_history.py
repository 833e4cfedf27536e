"""The record on a real cluster, held against what Pacemaker itself has written down."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from pacewright.clock import SYSTEM_CLOCK
from pacewright.lab import Lab
from tests.lab.services import Counted, as_json, pacewright

pytestmark = pytest.mark.lab

LOG = "/var/log/pacewright/history.jsonl"
SERVICES = "services:\n  counted:\n    config: [/etc/counted.conf]\n"
WRITTEN = re.compile(r"Completed cib_apply_diff .*: OK \(rc=0, origin=(\w+)/cibadmin/\d+, version=(\d+\.\d+\.\d+)\)")


@pytest.fixture
def services(lab: Lab, counted_services: Counted) -> Iterator[Counted]:
    for node in lab.nodes:
        lab.write(node, "/etc/pacewright/services.yaml", SERVICES)
        lab.write(node, "/etc/counted.conf", "one\n")
        pacewright(lab, node, "service", "refresh", "counted").checked()
    counted_services.settle()
    yield counted_services
    for node in lab.nodes:
        lab.run(node, ["rm", "-f", "/etc/pacewright/services.yaml"])
    counted_services.audit()


def written(lab: Lab) -> list[tuple[str, str]]:
    """Every patch that the DC has taken, by its own log: on which node it was made, and which version came of it."""
    dc = as_json(pacewright(lab, "n1", "fact").checked())["dc"]
    return WRITTEN.findall(lab.read(dc, "/var/log/pacemaker/pacemaker.log"))


def entries(lab: Lab, node: str, since: float) -> list[dict[str, Any]]:
    """What a node has recorded of its calls since a moment."""
    told: dict[str, Any] = as_json(pacewright(lab, node, "history", "--json", "--since", f"@{since}").checked())
    assert told["notes"] == []
    return list(told["entries"])


@pytest.mark.trixie
def test_three_nodes_refresh_at_once_and_every_commit_is_in_one_record(services: Counted) -> None:
    lab = services.lab
    before, since = len(written(lab)), SYSTEM_CLOCK.now()
    epoch = services.snapshot().version.epoch
    for node in lab.nodes:
        lab.write(node, "/etc/counted.conf", f"at {since}\n")
    callers = [lab.spawn(node, ["pacewright", "service", "refresh", "counted"]) for node in lab.nodes]
    assert [caller.wait() for caller in callers] == [0, 0, 0]

    recorded = [entry for node in lab.nodes for entry in entries(lab, node, since)]
    commits = [entry for entry in recorded if entry["kind"] == "commit"]
    taken = written(lab)[before:]
    assert len(taken) >= 3, "three reports at least"
    assert Counter(entry["node"] for entry in commits) == Counter(node for node, _ in taken)
    # Each was written on the version that came of the one before: none is missing, and nobody else wrote anything, but
    # for what a call crosses out last, which it does not wait for.
    kinds = Counter(entry["kind"] for entry in recorded)
    left = kinds["intent"] - kinds["commit"] - kinds["conflict"]
    based_on = sorted(int(entry["cib_before"].split(".")[1]) for entry in commits)
    came = [epoch, *(int(version.split(".")[1]) for _, version in taken)]
    now = (*based_on, services.snapshot().version.epoch)
    beside = [later - earlier for earlier, later in zip(came, now, strict=True)]
    assert beside[0] == 0
    assert all(0 <= count <= 1 for count in beside)
    assert sum(beside) <= left <= 3

    calls = {entry["call"]: entry for entry in recorded if entry["kind"] == "call"}
    assert {call["node"] for call in calls.values()} == set(lab.nodes)
    assert all(call["user"] == "root" and call["verb"] == "refresh" for call in calls.values())
    assert all(entry["call"] in calls and entry["reason"] and entry["edits"] for entry in commits)
    reasons = Counter(entry["reason"] for entry in commits)
    for node in lab.nodes:  # one of them together with a restart
        assert any(reason.startswith(f"{node} reports its config for counted") for reason in reasons)
    assert {entry["call"] for entry in recorded if entry["kind"] == "end" and entry["changed"]} == set(calls)


def test_who_it_was_what_became_of_it_and_a_picture(services: Counted) -> None:
    lab, since = services.lab, SYSTEM_CLOCK.now()
    lab.run("n2", ["env", "SUDO_USER=anna", "sh", "-c", "pacewright service restart counted --node n2; true"]).checked()
    table = pacewright(lab, "n2", "history", "--since", f"@{since}", "--timeline", "/tmp/x.svg").checked()
    (row,) = table.stdout.decode().splitlines()[1:]
    assert re.search(
        r" n2 +anna \(\w+\) +counted +restart --node n2: restarted on n2\. \(\d commits?, \d\.\d s\)$", row
    )
    seen = [instance for entry in entries(lab, "n2", since) for instance in entry.get("instances", ())]
    assert ("n2", "Started") in {(i["node"], i["after"]) for i in seen if i["before"] is not None}
    picture = lab.read("n2", "/tmp/x.svg")
    assert "counted on n2" in picture
    assert "restart counted, anna" in picture
    assert pacewright(lab, "n1", "history", "--since", f"@{since}").stdout == b"Nothing that is recorded fits.\n"
    assert lab.run("n2", ["stat", "-c", "%a %U %G", LOG]).stdout == b"640 root adm\n"
    assert lab.run("n2", ["stat", "-c", "%a %U %G", "/var/log/pacewright"]).stdout == b"750 root adm\n"


def test_a_caller_that_is_killed_leaves_whole_lines(services: Counted) -> None:
    lab, since = services.lab, SYSTEM_CLOCK.now()
    before = len(written(lab))
    for pause in (0.15, 0.3, 0.4, 0.5, 0.6):
        caller = lab.spawn("n3", ["pacewright", "service", "restart", "counted"])
        SYSTEM_CLOCK.sleep(pause)
        lab.run("n3", ["pkill", "-KILL", "-f", "pacewright service restart"])
        caller.wait()
    pacewright(lab, "n3", "reconcile", "--all").checked()
    lines = lab.read("n3", LOG).splitlines()
    assert [json.loads(line)["kind"] for line in lines]
    recorded = entries(lab, "n3", since)
    kinds = Counter(entry["kind"] for entry in recorded)
    assert kinds["call"] > kinds["end"], "one was killed at least"
    # A commit that was written is recorded, or that it was about to be.
    open_ends = kinds["intent"] - kinds["commit"] - kinds["conflict"]
    assert kinds["commit"] <= len(written(lab)) - before <= kinds["commit"] + open_ends
    assert "so it was killed" in pacewright(lab, "n3", "history", "--since", f"@{since}").stdout.decode()


def test_a_full_disk_stops_nothing(services: Counted) -> None:
    lab = services.lab
    before = services.starts("counted-counted")["n1"]
    done = lab.run(
        "n1", ["env", "PACEWRIGHT_HISTORY=/dev/full", "pacewright", "service", "restart", "counted", "--node=n1"]
    )
    assert done.code == 0
    assert done.stderr.decode().count("is not recorded in /dev/full: No space left on device") == 1
    assert services.starts("counted-counted")["n1"] == before + 1
