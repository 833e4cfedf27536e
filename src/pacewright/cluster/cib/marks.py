"""Marks: what we write down about nodes, in the CIB, in the same commit as what it belongs to.

They are pairs of a resource template that no resource refers to, named `NAME@NODE`:

    <resources> ... <template id="pacewright" class="ocf" provider="pacewright" type="marks">
      <meta_attributes id="pacewright-marks"><nvpair name="pacewright-owed-web@n2" value="..."/>

Not permanent node attributes, though that is what they are in spirit: on Pacemaker 3.0.0 every change of
`/cib/configuration/nodes` by cibadmin makes the DC hold an election, which takes a second and more ("Populating nodes
and starting an election after cib_diff_notify event triggered by cibadmin"; not on 2.1.5). Not properties either: on
2.1.5 every change within `crm_config` makes the DC read its options anew, and as long as that answer is under way it
sleeps for a second instead of asking the scheduler (do_pe_invoke_callback, controld_schedulerd.c; 1.01 s each time,
measured; not on 3.0.0). A template costs nothing on either.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Collection, Mapping

from pacewright.cluster.cib.document import drop_pair, empty, set_pair
from pacewright.cluster.names import NodeName

__all__ = ["place_of", "read_marks", "set_mark"]

_TEMPLATE = {"id": "pacewright", "class": "ocf", "provider": "pacewright", "type": "marks"}
_SET = "pacewright-marks"
# By its type and not by its id, which another element may have had before us (`distinct_ids`).
_FOUND = f"template[@provider='{_TEMPLATE['provider']}'][@type='{_TEMPLATE['type']}']"
_PLACE = f"{_FOUND}/meta_attributes"


def read_marks(configuration: ET.Element) -> Mapping[NodeName, Mapping[str, str]]:
    """Every mark, by node and name."""
    marks: dict[NodeName, dict[str, str]] = {}
    for pair in configuration.iterfind(f"resources/{_PLACE}/nvpair"):
        name, at, node = pair.get("name", "").partition("@")
        if at:
            marks.setdefault(NodeName(node), {})[name] = pair.get("value", "")
    return marks


def place_of(configuration: ET.Element, marks: Collection[tuple[NodeName, str]]) -> str | None:
    """The XPath of the one element that these marks are: a single one, or the template with all that there are.

    It names their values, so that it finds nothing where one was written anew meanwhile, or one more.

    Args:
        configuration: where they are.
        marks: their nodes and names.

    Returns:
        The path; None if they are more than one element, are not there, or cannot be named in an XPath.
    """
    names = {f"{name}@{node}" for node, name in marks}
    pairs = configuration.findall(f"resources/{_PLACE}/nvpair")
    values = [(pair.get("name", ""), pair.get("value", "")) for pair in pairs]
    chosen = [(name, value) for name, value in values if name in names]
    if {name for name, _ in chosen} != names or any("'" in text for pair in chosen for text in pair):
        return None
    these = " or ".join(f"(@name='{name}' and @value='{value}')" for name, value in chosen)
    if len(chosen) == len(values):
        return f"//{_FOUND}[not(meta_attributes/nvpair[not({these})])]"
    return f"//{_PLACE}/nvpair[{these}]" if len(chosen) == 1 else None


def set_mark(root: ET.Element, node: NodeName, name: str, value: str | None) -> None:
    """Write a mark, or take it away; the last one takes the template along."""
    resources = root.find("configuration/resources")
    if resources is None:
        return
    found = resources.find(_PLACE)
    if value is not None:
        if found is None:
            found = ET.SubElement(ET.SubElement(resources, "template", _TEMPLATE), "meta_attributes", {"id": _SET})
        set_pair(found, f"{name}@{node}", value)
    elif found is not None:
        drop_pair(found, f"{name}@{node}")
        for template in resources.findall(_FOUND) if empty(found) else ():
            resources.remove(template)
