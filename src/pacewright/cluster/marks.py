"""Marks: what we write down about nodes, in the CIB, in the same commit as what it belongs to.

They are properties in a set of their own, named `NAME@NODE`:

    <crm_config> ... <cluster_property_set id="pacewright"><nvpair name="pacewright-owed-web@n2" value="..."/>

Not permanent node attributes, though that is what they are in spirit: on Pacemaker 3.0.0 every change of
`/cib/configuration/nodes` by cibadmin makes the DC hold an election, which takes a second and more ("Populating nodes
and starting an election after cib_diff_notify event triggered by cibadmin"; not on 2.1.5). Properties that Pacemaker
does not know cost nothing on either, and no log line.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping

from pacewright.cluster.document import drop_pair, set_pair
from pacewright.cluster.names import NodeName

__all__ = ["read_marks", "set_mark"]

_SET = "pacewright"


def read_marks(configuration: ET.Element) -> Mapping[NodeName, Mapping[str, str]]:
    """Every mark, by node and name."""
    marks: dict[NodeName, dict[str, str]] = {}
    for pair in configuration.iterfind(f"crm_config/cluster_property_set[@id='{_SET}']/nvpair"):
        name, at, node = pair.get("name", "").partition("@")
        if at:
            marks.setdefault(NodeName(node), {})[name] = pair.get("value", "")
    return marks


def set_mark(root: ET.Element, node: NodeName, name: str, value: str | None) -> None:
    """Write a mark, or take it away; the last one takes the set along."""
    properties = root.find("configuration/crm_config")
    if properties is None:
        return
    found = properties.find(f"cluster_property_set[@id='{_SET}']")
    if value is not None:
        found = found if found is not None else ET.SubElement(properties, "cluster_property_set", {"id": _SET})
        set_pair(found, f"{name}@{node}", value)
    elif found is not None:
        drop_pair(found, f"{name}@{node}")
        if len(found) == 0:
            properties.remove(found)
