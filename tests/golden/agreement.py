"""What must agree between a Snapshot and crm_mon of the same CIB: nodes, instances, definitions, the cluster itself."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from typing import Any

from pacewright.cluster.names import Kind
from pacewright.cluster.snapshot import Snapshot

__all__ = ["agree", "our_nodes", "ours", "their_nodes", "theirs"]

UNDER_WAY = {"start": "Starting", "stop": "Stopping", "promote": "Promoting", "demote": "Demoting"}
UNDER_WAY |= {"migrate_to": "Migrating", "migrate_from": "Migrating"}


def agree(snapshot: Snapshot, mon: ET.Element) -> None:
    """Fail where anything differs."""
    assert our_nodes(snapshot) == their_nodes(mon)
    assert ours(snapshot, mon) == theirs(mon, snapshot)
    agrees_on_definitions(snapshot, mon)
    agrees_on_the_cluster(snapshot, mon)


def true(found: ET.Element, name: str) -> bool:
    return found.get(name) == "true"


def their_nodes(mon: ET.Element) -> dict[str, dict[str, Any]]:
    return {
        node.get("name", ""): {
            # A node that has not joined yet is online and in standby for Pacemaker; for us it is just pending.
            "online": true(node, "online") and not true(node, "pending"),
            "standby": (true(node, "standby") and not true(node, "pending")) or true(node, "standby_onfail"),
            "maintenance": true(node, "maintenance"),
            "unclean": true(node, "unclean"),
            "pending": true(node, "pending"),
            "kind": node.get("type"),
        }
        for node in mon.iterfind("nodes/node")
    }


def our_nodes(snapshot: Snapshot) -> dict[str, dict[str, Any]]:
    return {
        node.name: {
            "online": node.online,
            "standby": node.standby,
            "maintenance": node.maintenance,
            "unclean": node.unclean,
            "pending": node.pending,
            "kind": node.kind,
        }
        for node in snapshot.nodes.values()
    }


def theirs(mon: ET.Element, snapshot: Snapshot) -> Counter[tuple[Any, ...]]:
    """Every copy of a resource of the configuration that is somewhere: what it is, and whether it is well."""
    found: Counter[tuple[Any, ...]] = Counter()
    for resource in mon.iterfind("resources//resource"):
        name = resource.get("id", "").partition(":")[0]
        if name not in snapshot.resources:
            continue  # an orphan, or what a bundle or a guest node is made of: none of them is a service
        flags = tuple(true(resource, flag) for flag in ("failed", "failure_ignored", "blocked", "managed"))
        for node in resource.iterfind("node"):
            found[name, node.get("name"), resource.get("role"), *flags] += 1
    return found


def ours(snapshot: Snapshot, mon: ET.Element) -> Counter[tuple[Any, ...]]:
    """The same of a Snapshot. What is being started, and has no place in crm_mon's answer, counts as agreed."""
    placeless = Counter(
        (r.get("id", "").partition(":")[0], r.get("role"))
        for r in mon.iterfind("resources//resource")
        if r.find("node") is None and r.get("role") in UNDER_WAY.values()
    )
    told, found = theirs(mon, snapshot), Counter[tuple[Any, ...]]()
    for instance in (i for instances in snapshot.instances.values() for i in instances):
        role = UNDER_WAY.get(instance.operation or "", instance.role.value)
        flags = (instance.failed, instance.ignored, instance.blocked, instance.managed)
        entry = (instance.resource, instance.node, role, *flags)
        if entry not in told and placeless[instance.resource, role]:
            placeless[instance.resource, role] -= 1
        elif instance.role.active or instance.operation is not None:
            found[entry] += 1
    assert not +placeless
    return found


def agrees_on_definitions(snapshot: Snapshot, mon: ET.Element) -> None:
    for found in mon.iterfind("resources//resource"):
        known = snapshot.resources.get(found.get("id", "").partition(":")[0])  # type: ignore[call-overload]
        if known is not None and known.kind is Kind.PRIMITIVE:
            assert str(known.agent) == found.get("resource_agent")
            if any((around.id, None) in snapshot.holds for around in snapshot.ancestors(known.id)):
                continue  # a hold of ours is nobody's target-role
            assert snapshot.target_role(known.id) == (found.get("target_role") or "")
    for found in mon.iterfind("resources//clone"):
        clone = snapshot.resources.get(found.get("id", ""))  # type: ignore[call-overload]
        assert clone is None or snapshot.promotable(clone.id) == true(found, "multi_state")


def agrees_on_the_cluster(snapshot: Snapshot, mon: ET.Element) -> None:
    dc, options = mon.find("summary/current_dc"), mon.find("summary/cluster_options")
    assert dc is not None
    assert options is not None
    assert snapshot.dc == (dc.get("name") if true(dc, "present") else None)
    assert snapshot.maintenance == true(options, "maintenance-mode")
    assert snapshot.fencing == true(options, "stonith-enabled")
    if true(dc, "present"):
        assert snapshot.quorate == true(dc, "with_quorum")
