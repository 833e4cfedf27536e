"""What others write into a simulated cluster's CIB: properties, and nodes set aside."""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ET

from tests.model.pacemaker import Cluster

__all__ = ["set_aside", "set_property"]


def set_property(cluster: Cluster, name: str, value: str | None) -> None:
    """Set a cluster property, or take it away."""
    root = _copied(cluster)
    found = root.find("configuration/crm_config/cluster_property_set")
    assert found is not None
    _set(found, f"cib-bootstrap-options-{name}", name, value)
    cluster.edit(root)


def set_aside(cluster: Cluster, node: str, what: str, *, on: bool) -> None:
    """Put a node in standby or in maintenance, or take it out."""
    root = _copied(cluster)
    element = root.find(f"configuration/nodes/node[@uname='{node}']")
    assert element is not None
    found = element.find("instance_attributes")
    if found is None:
        found = ET.SubElement(element, "instance_attributes", {"id": f"nodes-{node}"})
    _set(found, f"nodes-{node}-{what}", what, "on" if on else None)
    cluster.edit(root)


def _copied(cluster: Cluster) -> ET.Element:
    root = ET.Element("cib")
    root.append(copy.deepcopy(cluster.configuration))
    return root


def _set(found: ET.Element, identity: str, name: str, value: str | None) -> None:
    for pair in found.findall(f"nvpair[@name='{name}']"):
        found.remove(pair)
    if value is not None:
        ET.SubElement(found, "nvpair", {"id": identity, "name": name, "value": value})
