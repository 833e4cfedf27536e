"""Holds: what keeps an instance or a resource stopped for a moment, and expires by itself if nobody takes it away.

Measured on 2.1.5 and 3.0.0: left alone, a hold expired and the resource came back on its own (DESIGN, idea 1).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime

from pacewright.cluster.cib.document import after_sets, find_resource, xml_id
from pacewright.cluster.cib.replicas import hosts_of_replicas
from pacewright.cluster.cib.values import LATEST
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.errors import Refused
from pacewright.frozen import frozen

__all__ = ["HoldInstance", "HoldResource", "Release", "read_holds"]

_PREFIX = "pacewright-hold-"
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"


@frozen
class HoldInstance:
    """Keep a clone from running on one node until a moment, by a location rule that expires by itself.

    What is in a bundle cannot be kept from the bundle's own node: Pacemaker does not heed that. There it is the replica
    that is kept from its host, with its container, and from all hosts that run none, so that it does not move.

    Attributes:
        resource: the clone or bundle.
        node: of a bundle, the replica's own node.
        until: seconds since the epoch, by the DC's clock.
    """

    resource: ResourceId
    node: NodeName
    until: float

    def apply(self, root: ET.Element) -> None:
        """Put the rule among the constraints, in place of an earlier one."""
        hold_id = f"{_PREFIX}{self.resource}-on-{xml_id(self.node)}"
        constraints = root.find("configuration/constraints")
        if constraints is None:
            raise Refused(f"{self.resource}: the CIB has no place for constraints.")
        Release(resource=self.resource, node=self.node).apply(root)
        location = ET.SubElement(constraints, "rsc_location", {"id": hold_id, "rsc": self.resource})
        rule = ET.SubElement(location, "rule", {"id": f"{hold_id}-rule", "score": "-INFINITY", "boolean-op": "and"})
        hosts = hosts_of_replicas(root, self.resource, running=True)
        others = sorted({host for guest, host in hosts.items() if guest != self.node} - {hosts.get(self.node, "")})
        for number, host in enumerate(others if self.node in hosts else ()):
            _node(rule, f"{hold_id}-other-{number}", "ne", host)
        if self.node not in hosts or not others:
            _node(rule, f"{hold_id}-node", "eq", hosts.get(self.node, self.node))
        _until(rule, hold_id, self.until)


@frozen
class HoldResource:
    """Keep a resource stopped until a moment, by a `target-role` under a rule that expires by itself."""

    resource: ResourceId
    until: float

    def apply(self, root: ET.Element) -> None:
        """Put the rule among the constraints, in place of an earlier one."""
        element = find_resource(root, self.resource)
        hold_id = f"{_PREFIX}{self.resource}"
        _drop_from(element)
        # It must win over a target-role that somebody has set.
        found = ET.Element("meta_attributes", {"id": hold_id, "score": "INFINITY"})
        rule = ET.SubElement(found, "rule", {"id": f"{hold_id}-rule", "score": "1"})
        _until(rule, hold_id, self.until)
        ET.SubElement(found, "nvpair", {"id": f"{hold_id}-role", "name": "target-role", "value": "Stopped"})
        element.insert(after_sets(element, "meta_attributes"), found)


@frozen
class Release:
    """Take away every hold of ours on a resource, or the one for a node."""

    resource: ResourceId
    node: NodeName | None = None

    def apply(self, root: ET.Element) -> None:
        """Take the rule away."""
        constraints = root.find("configuration/constraints")
        for location in list(constraints) if constraints is not None else ():
            ours = _is_hold(location) and location.get("rsc") == self.resource
            if ours and self.node in {None, _held_node(location)} and constraints is not None:
                constraints.remove(location)
        if self.node is None:
            for element in root.iterfind(f"configuration/resources//*[@id='{self.resource}']"):
                _drop_from(element)


def read_holds(configuration: ET.Element) -> Iterator[tuple[tuple[ResourceId, NodeName | None], float]]:
    """Our holds in a configuration, with the moment when each expires, in seconds since the epoch."""
    for location in configuration.iterfind("constraints/rsc_location"):
        if _is_hold(location):
            yield (ResourceId(location.get("rsc", "")), _held_node(location)), _expiry(location)
    for parent in configuration.iterfind("resources//*[meta_attributes]"):
        for found in _holds_of(parent):
            yield (ResourceId(parent.get("id", "")), None), _expiry(found)


def _held_node(location: ET.Element) -> NodeName:
    expression = location.find("rule/expression")
    named = expression.get("value", "") if expression is not None else ""
    # The rule of a bundle's replica names hosts, so its node stands in the id alone.
    guest = location.get("id", "").removeprefix(f"{_PREFIX}{location.get('rsc', '')}-on-")
    return NodeName(named if xml_id(named) == guest or not guest.startswith(location.get("rsc", "") + "-") else guest)


def _node(rule: ET.Element, expression_id: str, operation: str, name: str) -> None:
    values = {"id": expression_id, "attribute": "#uname", "operation": operation, "value": name}
    ET.SubElement(rule, "expression", values)


def _is_hold(found: ET.Element) -> bool:
    # By more than its id: somebody may call something so, and plain attributes are named after their resource.
    return found.get("id", "").startswith(_PREFIX) and found.find("rule") is not None


def _holds_of(element: ET.Element) -> list[ET.Element]:
    return [found for found in element.findall("meta_attributes") if _is_hold(found)]


def _drop_from(element: ET.Element) -> None:
    for found in _holds_of(element):
        element.remove(found)


def _until(rule: ET.Element, hold_id: str, until: float) -> None:
    end = datetime.fromtimestamp(min(until, LATEST), UTC).strftime(_MOMENT)
    ET.SubElement(rule, "date_expression", {"id": f"{hold_id}-until", "operation": "lt", "end": end})


def _expiry(found: ET.Element) -> float:
    date = found.find("rule/date_expression")
    try:
        return (
            datetime.strptime(date.get("end", "") if date is not None else "", _MOMENT).replace(tzinfo=UTC).timestamp()
        )
    except ValueError:
        return 0.0  # somebody has edited it; one that we cannot read counts as expired and is taken away
