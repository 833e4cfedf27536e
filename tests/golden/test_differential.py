"""Our view of recorded clusters against Pacemaker's own: the same nodes, the same instances, in the same states.

Beside each CIB in cibs/ stands what crm_mon of the release that wrote it says of that very file (`record.py`).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pacewright.cluster import Snapshot, parse

CIBS = Path(__file__).parent / "cibs"
RECORDED = sorted(path.stem for path in CIBS.glob("*.xml") if not path.name.endswith(".crm_mon.xml"))
UNDER_WAY = {
    "start": "Starting",
    "stop": "Stopping",
    "promote": "Promoting",
    "demote": "Demoting",
    "migrate_to": "Migrating",
    "migrate_from": "Migrating",
}


def cluster(name: str) -> tuple[Snapshot, ET.Element]:
    """A recorded cluster as we see it, and crm_mon's answer."""
    return parse((CIBS / f"{name}.xml").read_bytes()), ET.parse(CIBS / f"{name}.crm_mon.xml").getroot()


def true(found: ET.Element, name: str) -> bool:
    return found.get(name) == "true"


def theirs(mon: ET.Element, snapshot: Snapshot) -> Counter[tuple[Any, ...]]:
    """Every active instance as crm_mon has it: resource, node, what it is or what is being done to it, failed."""
    found: Counter[tuple[Any, ...]] = Counter()
    left = departed(snapshot)
    for resource in mon.iterfind("resources//resource"):
        if resource.get("id", "").partition(":")[0] not in snapshot.resources:
            continue  # an orphan, or what a bundle or a guest node is made of: none of them is a service
        name, role = resource.get("id", "").partition(":")[0], resource.get("role", "")
        places = [node.get("name", "") for node in resource.iterfind("node")]
        if not places and role in UNDER_WAY.values():
            places = under_way(snapshot, name)  # 2.1 loses its place when nothing else is in its history
        for node in places:
            if (name, node) not in left:
                found[name, node, role, true(resource, "failed")] += 1
    return found


def under_way(snapshot: Snapshot, resource: str) -> list[str]:
    """Where something is being done to a resource and nothing else is on record."""
    return [
        state.get("uname", "")
        for state in snapshot.root.iterfind("status/node_state")
        for history in state.iterfind(f"lrm/lrm_resources/lrm_resource[@id='{resource}']")
        if [operation.get("op-status") for operation in history] == ["-1"]
    ]


def departed(snapshot: Snapshot) -> set[tuple[str, str]]:
    """Where something has migrated away and is not stopped yet: for Pacemaker it is on both nodes, for us on one."""
    return {
        (history.get("id", ""), state.get("uname", ""))
        for state in snapshot.root.iterfind("status/node_state")
        for history in state.iterfind("lrm/lrm_resources/lrm_resource")
        for last in history.findall("lrm_rsc_op[@operation='migrate_to'][@op-status='0']")
    }


def ours(snapshot: Snapshot) -> Counter[tuple[Any, ...]]:
    """The same of a Snapshot."""
    return Counter(
        (i.resource, i.node, UNDER_WAY.get(i.operation or "", i.role.value), i.failed)
        for instances in snapshot.instances.values()
        for i in instances
        if i.role.active or i.operation is not None
    )


@pytest.mark.parametrize("name", RECORDED)
def test_nodes(name: str) -> None:
    snapshot, mon = cluster(name)
    told = {
        node.get("name"): {
            # A node that has not joined yet is online and in standby for Pacemaker; for us it is just pending.
            "online": true(node, "online") and not true(node, "pending"),
            "standby": true(node, "standby") and not true(node, "pending"),
            "maintenance": true(node, "maintenance"),
            "unclean": true(node, "unclean"),
            "pending": true(node, "pending"),
            "dc": true(node, "is_dc"),
            "kind": node.get("type"),
        }
        for node in mon.iterfind("nodes/node")
    }
    seen = {
        node.name: {
            "online": node.online,
            "standby": node.standby,
            "maintenance": node.maintenance,
            "unclean": node.unclean,
            "pending": node.pending,
            "dc": node.name == snapshot.dc,
            "kind": node.kind,
        }
        for node in snapshot.nodes.values()
    }
    assert seen == told


@pytest.mark.parametrize("name", RECORDED)
def test_instances(name: str) -> None:
    snapshot, mon = cluster(name)
    assert ours(snapshot) == theirs(mon, snapshot)


@pytest.mark.parametrize("name", RECORDED)
def test_the_cluster_itself(name: str) -> None:
    snapshot, mon = cluster(name)
    dc, options = mon.find("summary/current_dc"), mon.find("summary/cluster_options")
    assert dc is not None
    assert options is not None
    assert snapshot.dc == (dc.get("name") if true(dc, "present") else None)
    assert snapshot.maintenance == true(options, "maintenance-mode")
    assert snapshot.fencing == true(options, "stonith-enabled")
    if true(dc, "present"):
        assert snapshot.quorate == true(dc, "with_quorum")


@pytest.mark.parametrize("name", RECORDED)
def test_agents(name: str) -> None:
    snapshot, mon = cluster(name)
    for found in mon.iterfind("resources//resource"):
        resource = found.get("id", "").partition(":")[0]
        if resource not in snapshot.resources:
            continue
        known = snapshot.resources[resource]  # type: ignore[index]
        assert str(known.agent) == found.get("resource_agent")
