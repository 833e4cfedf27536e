"""Gates: a resource runs only on nodes that have been let in; all others, also one that joins later, are shut out.

    <rsc_location id="pacewright-gate-web-clone" rsc="web-clone">
      <rule id="pacewright-gate-web-clone-rule" score="-INFINITY" boolean-op="and">
        <expression id="pacewright-gate-web-clone-n1" attribute="#uname" operation="ne" value="n1"/> ...

The names stand in the rule itself and not in node attributes, so letting a node in is one commit with its report.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from pacewright.cluster.cib.document import xml_id
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.errors import Refused
from pacewright.frozen import frozen

__all__ = ["SetGate", "read_gates"]

_PREFIX = "pacewright-gate-"


@frozen
class SetGate:
    """Let a resource run on these nodes only; None takes the gate away.

    Attributes:
        resource: the outermost one: a clone, a bundle, a group or a primitive.
    """

    resource: ResourceId
    nodes: frozenset[NodeName] | None

    def apply(self, root: ET.Element) -> None:
        """Let these nodes in and no others, or take the gate away."""
        constraints = root.find("configuration/constraints")
        if constraints is None:
            raise Refused(f"{self.resource}: the CIB has no place for constraints.")
        gate_id = f"{_PREFIX}{self.resource}"
        for found in constraints.findall("rsc_location"):
            if _is_gate(found) and found.get("rsc") == self.resource:
                constraints.remove(found)
        if self.nodes is None:
            return
        location = ET.SubElement(constraints, "rsc_location", {"id": gate_id, "rsc": self.resource})
        rule = ET.SubElement(location, "rule", {"id": f"{gate_id}-rule", "score": "-INFINITY", "boolean-op": "and"})
        for node in sorted(self.nodes):
            where = {"id": f"{gate_id}-{xml_id(node)}", "attribute": "#uname", "operation": "ne", "value": node}
            ET.SubElement(rule, "expression", where)
        if not self.nodes:
            ET.SubElement(rule, "expression", {"id": f"{gate_id}-any", "attribute": "#uname", "operation": "defined"})


def read_gates(configuration: ET.Element) -> Iterator[tuple[ResourceId, frozenset[NodeName]]]:
    """Every gate, with the nodes that are let in."""
    for location in configuration.iterfind("constraints/rsc_location"):
        if _is_gate(location):
            named = location.iterfind("rule/expression[@operation='ne']")
            yield ResourceId(location.get("rsc", "")), frozenset(NodeName(e.get("value", "")) for e in named)


def _is_gate(found: ET.Element) -> bool:
    return found.get("id", "").startswith(_PREFIX) and found.find("rule") is not None
