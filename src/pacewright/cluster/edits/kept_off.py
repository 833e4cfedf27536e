"""Lasting stops of single instances: a resource is kept off a node until somebody lets it back.

    <rsc_location id="pacewright-stopped-web-clone-on-n2" rsc="web-clone" node="n2" score="-INFINITY"/>

Unlike a hold it does not expire: whoever has stopped an instance for an upgrade may take a day for it.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from pacewright.cluster.cib.document import xml_id
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.errors import Refused
from pacewright.frozen import frozen

__all__ = ["KeepOff", "LetBack", "read_kept_off"]

_PREFIX = "pacewright-stopped-"


@frozen
class KeepOff:
    """Keep a clone from running on one node, until `LetBack`."""

    resource: ResourceId
    node: NodeName

    def apply(self, root: ET.Element) -> None:
        """Put the constraint among the others, if it is not there."""
        constraints = root.find("configuration/constraints")
        if constraints is None:
            raise Refused(f"{self.resource}: the CIB has no place for constraints.")
        if (self.resource, self.node) in set(_found(constraints)):
            return
        where = {"rsc": self.resource, "node": self.node, "score": "-INFINITY"}
        ET.SubElement(constraints, "rsc_location", {"id": f"{_PREFIX}{self.resource}-on-{xml_id(self.node)}", **where})


@frozen
class LetBack:
    """Let a clone run on a node again from which `KeepOff` keeps it."""

    resource: ResourceId
    node: NodeName

    def apply(self, root: ET.Element) -> None:
        """Take the constraint away."""
        for constraints in root.iterfind("configuration/constraints"):
            for location in constraints.findall("rsc_location"):
                if _is_ours(location) and (location.get("rsc"), location.get("node")) == (self.resource, self.node):
                    constraints.remove(location)


def read_kept_off(configuration: ET.Element) -> Iterator[tuple[ResourceId, NodeName]]:
    """What is kept off which node, by us."""
    for constraints in configuration.iterfind("constraints"):
        yield from _found(constraints)


def _found(constraints: ET.Element) -> Iterator[tuple[ResourceId, NodeName]]:
    for location in constraints.iterfind("rsc_location"):
        if _is_ours(location):
            yield ResourceId(location.get("rsc", "")), NodeName(location.get("node", ""))


def _is_ours(location: ET.Element) -> bool:
    named = location.get("id", "").startswith(_PREFIX) and location.get("node") is not None
    return named and location.get("score") == "-INFINITY"
