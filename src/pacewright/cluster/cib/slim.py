"""A large CIB without what nodes have said that they do not run, for the scheduler: that is nearly all of it.

Every node is asked about every resource, so 32 nodes and 1,000 resources have 29,000 answers "not here" and 17 of 20 MB
for them. The scheduler reads them for one thing: not to ask again. With `enable-startup-probes=false` it does not ask,
and decides the same (`tests/golden/test_slim.py`: in Pacemaker's own cases, too), in a fraction of the time.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

from pacewright.cluster.cib.ambiguity import is_quiet
from pacewright.cluster.cib.values import PROBES

__all__ = ["slim"]

_MANY = 3000
"""Answers "not here" from which on it is worth it: 100 resources on 32 nodes, a megabyte and a half."""


def slim(root: ET.Element, many: int = _MANY) -> ET.Element:
    """The CIB without them; itself if they are few, or a node has not said all that it should have.

    Args:
        root: a CIB.
        many: how many are worth it.
    """
    states = [state for state in root.iterfind("status/node_state") if state.find("lrm/lrm_resources") is not None]
    moved = _moved(states)
    found = {id(h) for state in states for h in _histories(state) if is_quiet(h) and _resource(h) not in moved}
    if len(found) < many or not _settled(root, states):
        return root
    asked = ET.Element(root.tag, root.attrib)
    for part in root:
        match part.tag:
            case "configuration":
                asked.append(_unasked(part))
            case "status":
                asked.append(_without(part, found))
            case _:
                asked.append(part)
    return asked


def _histories(state: ET.Element) -> list[ET.Element]:
    return state.findall("lrm/lrm_resources/lrm_resource")


def _settled(root: ET.Element, states: list[ET.Element]) -> bool:
    """True if every node in the cluster has said of every primitive whether it runs there, and nothing is under way.

    What nobody has said would be asked, and that decides what may start when.
    """
    if root.find("status//lrm_rsc_op[@op-status='-1']") is not None:
        return False
    for state in root.iterfind("status/node_state"):
        joining = state.get("join") not in {None, "member", "down"}
        if joining or (state.get("join") == "member" and state not in states):
            return False
    every = {element.get("id") for element in root.iterfind("configuration/resources//primitive")}
    return all(every <= {_resource(history) for history in _histories(state)} for state in states)


def _moved(states: list[ET.Element]) -> set[str]:
    """What has moved live: from where it is not any more tells how that went."""
    found = (history for state in states for history in _histories(state))
    return {_resource(h) for h in found if any((op.get("operation") or "").startswith("migrate_") for op in h)}


def _resource(history: ET.Element) -> str:
    return history.get("id", "").partition(":")[0]


def _without(status: ET.Element, dropped: set[int]) -> ET.Element:
    short = ET.Element(status.tag, status.attrib)
    for state in status:
        copy = ET.SubElement(short, state.tag, state.attrib)
        for part in state:
            if part.tag != "lrm":
                copy.append(part)
                continue
            lrm = ET.SubElement(copy, part.tag, part.attrib)
            for resources in part:
                kept = ET.SubElement(lrm, resources.tag, resources.attrib)
                kept.extend(history for history in resources if id(history) not in dropped)
    return short


def _unasked(configuration: ET.Element) -> ET.Element:
    """The configuration of a cluster that does not ask."""
    copy = ET.Element(configuration.tag, configuration.attrib)
    copy.append(ET.Element("crm_config"))
    for part in configuration:
        if part.tag != "crm_config":
            copy.append(part)
            continue
        for properties in part:
            kept = ET.SubElement(copy[0], properties.tag, properties.attrib)
            kept.extend(pair for pair in properties if pair.get("name") != PROBES)
    plain = [one for one in copy[0].findall("cluster_property_set") if one.find("rule") is None]
    at = plain[0] if plain else ET.SubElement(copy[0], "cluster_property_set", {"id": "pacewright-asks"})
    ET.SubElement(at, "nvpair", {"id": "pacewright-asks-probes", "name": PROBES, "value": "false"})
    return copy
