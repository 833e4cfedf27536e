"""Replicas of bundles: where their containers run. What runs in one is on a node of its own, with its host's config."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping

from pacewright.cluster.cib.operation_history import read_instance
from pacewright.cluster.cib.values import number
from pacewright.cluster.names import NodeName, ResourceId

__all__ = ["hosts_of_replicas"]


def hosts_of_replicas(
    root: ET.Element, bundle: ResourceId | None = None, *, running: bool = False
) -> Mapping[NodeName, NodeName]:
    """For each replica's own node, that which runs its container, or has run it last.

    Args:
        root: the CIB.
        bundle: only its replicas; None for those of all bundles.
        running: only those whose container runs.
    """
    hosts: dict[NodeName, tuple[tuple[bool, int], NodeName]] = {}
    stems = dict(_containers(root, bundle))
    for state in root.iterfind("status/node_state") if stems else ():
        host = NodeName(state.get("uname", ""))
        for history in state.iterfind("lrm/lrm_resources/lrm_resource"):
            stem, _, replica = history.get("id", "").rpartition("-")
            if stem in stems and (when := _ran(history, host)) is not None:
                inside = NodeName(f"{stems[stem]}-{replica}")
                hosts[inside] = max(hosts.get(inside, (when, host)), (when, host))
    return {inside: host for inside, ((runs, _), host) in hosts.items() if runs or not running}


def _containers(root: ET.Element, wanted: ResourceId | None) -> Iterator[tuple[str, str]]:
    """How the names of containers begin, as Pacemaker makes them (`web-bundle-podman`), and their bundles' ids."""
    for bundle in root.iterfind("configuration/resources/bundle"):
        name = bundle.get("id", "")
        engine = next((child.tag for child in bundle if child.get("image") is not None), None)
        if engine is not None and wanted in {None, name}:
            yield f"{name}-{engine}", name


def _ran(history: ET.Element, host: NodeName) -> tuple[bool, int] | None:
    """Whether a container is there, and since when it is there or no more; None if it never was."""
    found = read_instance(history, ResourceId(history.get("id", "")), host, promotable=False)
    if found is not None and found.role.active:
        return True, 0
    stops = [number(op.get("last-rc-change")) for op in history if op.get("operation") == "stop"]
    return (False, max(stops)) if stops else None
