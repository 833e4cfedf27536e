"""Whether a lab's cluster is whole: quorum, a DC, every powered node online, the fence device running."""

from __future__ import annotations

from collections.abc import Collection
from xml.etree import ElementTree as ET

from pacewright.lab.corosync import FENCE_DEVICE

__all__ = ["missing"]


def missing(crm_mon: bytes, powered: Collection[str], *, fencing: bool) -> str:
    """What is not there yet, for a person; empty when the cluster is whole.

    Args:
        crm_mon: what `crm_mon --one-shot --output-as=xml` printed; empty if it could not.
        powered: the nodes that have power.
        fencing: whether there is a fence device.
    """
    try:
        root = ET.fromstring(crm_mon)  # noqa: S314 - from our own node
    except ET.ParseError:
        return "Pacemaker does not answer"
    dc = root.find("summary/current_dc")
    if dc is None or dc.get("present") != "true":
        return "no DC is elected"
    if dc.get("with_quorum") != "true":
        return "no quorum"
    online = {node.get("name") for node in root.iterfind("nodes/node") if _is_online(node)}
    absent = [name for name in powered if name not in online]
    if absent:
        return f"not online: {', '.join(absent)}"
    if fencing and not any(_is_running_fence(resource) for resource in root.iterfind("resources/resource")):
        return "the fence device is not running"
    return ""


def _is_online(node: ET.Element) -> bool:
    wanted = {"online": "true", "pending": "false", "unclean": "false"}
    return all(node.get(name) == value for name, value in wanted.items())


def _is_running_fence(resource: ET.Element) -> bool:
    return resource.get("id") == FENCE_DEVICE and resource.get("role") == "Started"
