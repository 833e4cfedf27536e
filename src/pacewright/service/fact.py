"""The fact: what this node knows of its cluster, as one small object for configuration management.

It answers whatever hangs, writes nothing, and never makes two nodes believe that they lead: without quorum, or when
the cluster does not answer, nobody does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pacewright.cluster.cib.parse import read, saved
from pacewright.cluster.cib.remote import addresses
from pacewright.cluster.names import NodeName
from pacewright.cluster.snapshot import Node, Snapshot
from pacewright.errors import ClusterDown, ConfigError, PacewrightError, ToolMissing
from pacewright.node import place
from pacewright.service.names import service_names
from pacewright.service.settings import DEFAULT_PATH, Settings
from pacewright.service.settings_file import load
from pacewright.service.status import status_of

__all__ = ["fact"]

_PATIENCE = 1.2
"""Seconds that the cluster may take to answer; the whole fact must be there within 2."""

_OWN_NAME = 0.3
"""... and to say what it calls this node, where that is not its host name."""


def fact(config: Path = DEFAULT_PATH) -> dict[str, Any]:
    """The fact, ready for JSON.

    Returns:
        Always: `running` (None if it cannot be told), `node`, `leader`, `is_leader`.
        While the cluster runs also: `cluster`, `quorate`, `dc`, `maintenance`, `nodes` (name to state), `services`
        (name to resource, state and state here).
        `error` if something could not be found out.
    """
    try:
        snapshot = read(timeout=_PATIENCE)
    except (ClusterDown, ToolMissing) as error:
        return _without_cluster(error)
    except PacewrightError as error:
        return {"running": None, "node": _host(), "leader": None, "is_leader": False, "error": error.message}
    if snapshot.dc is None:  # a node that is starting has its old CIB, which says that all is well
        return _without_cluster(ClusterDown("the cluster has no DC on this node's view: starting, or electing one."))
    return _of(snapshot, config)


def _without_cluster(error: PacewrightError) -> dict[str, Any]:
    configured = place.configured_nodes()
    here = place.configured_here() or _host()
    leader = configured[0] if configured else None
    told: dict[str, Any] = {
        "running": False,
        "node": here,
        "leader": leader,
        # A cluster that has run before is only down here; others may lead it at this moment.
        "is_leader": leader is not None and leader == here and saved() is None,
    }
    if place.is_cluster_node():
        told["error"] = error.message
    return told


def _of(snapshot: Snapshot, config: Path) -> dict[str, Any]:
    here = place.this_node(snapshot.nodes, addresses(snapshot), timeout=_OWN_NAME) or _host()
    leader = _leader(snapshot)
    told: dict[str, Any] = {
        "running": True,
        "cluster": snapshot.cluster,
        "node": here,
        "quorate": snapshot.quorate,
        "dc": snapshot.dc,
        "leader": leader,
        "is_leader": leader is not None and leader == here,
        "maintenance": snapshot.maintenance,
        "nodes": {node.name: _state(node) for node in snapshot.nodes.values()},
    }
    try:
        services = service_names(snapshot, load(config))
    except ConfigError as error:
        services = service_names(snapshot, Settings())
        told["error"] = error.message
    told["services"] = {
        target.name: {
            "resource": target.outermost,
            "state": (
                status := status_of(target, snapshot, NodeName(here) if here in snapshot.nodes else None)
            ).state.value,
            "here": status.here.value,
            "enabled": status.enabled,
        }
        for target in services
    }
    return told


def _leader(snapshot: Snapshot) -> NodeName | None:
    if not snapshot.quorate:
        return None
    if snapshot.dc is not None and snapshot.nodes[snapshot.dc].online:
        return snapshot.dc
    members = [node for node in snapshot.nodes.values() if node.online and node.kind == "member"]
    return min(members, key=lambda node: (len(node.id), node.id)).name if members else None


def _state(node: Node) -> str:
    return node.why_not or ("maintenance" if node.maintenance else "online")


def _host() -> str:
    return place.local_names()[-1]
