"""Change: what we want to write into the CIB, as data; applying one is pure.

Each edit says how things should be, not how to get there, so applying one twice is the same as once. The ids and
places are those that pcs would choose, so that `pcs resource config` and `pcs resource update` keep working.
"""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Protocol

from pacewright.cluster.cib.configuration import uname_rule
from pacewright.cluster.cib.document import (
    after_sets,
    distinct_ids,
    drop_own_set_if_empty,
    drop_pair,
    find_resource,
    own_set,
    plain_set,
    set_pair,
    xml_id,
)
from pacewright.cluster.cib.marks import set_mark
from pacewright.cluster.cib.values import REVISION
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.frozen import frozen

__all__ = ["Change", "Edit", "SetMark", "SetMeta", "SetRevision"]

_OURS = "pacewright"


@frozen
class SetRevision:
    """Give a primitive its revisions: one for all nodes, and others for single nodes.

    Attributes:
        default: the revision where `nodes` has none; None for no attribute at all.
        nodes: revisions that differ from the default, by node.
    """

    resource: ResourceId
    default: str | None
    nodes: Mapping[NodeName, str]

    def apply(self, root: ET.Element) -> None:
        """Give the primitive these revisions, and take away those that it had."""
        element = find_resource(root, self.resource)
        for found in element.findall("instance_attributes"):
            for pair in found.findall("nvpair"):
                if pair.get("name") == REVISION and (uname_rule(found) is not None or found.find("rule") is None):
                    found.remove(pair)
            if uname_rule(found) is not None and found.find("nvpair") is None:
                element.remove(found)
        if self.default is not None:
            set_pair(own_set(element, "instance_attributes"), REVISION, self.default)
        drop_own_set_if_empty(element, "instance_attributes")
        if self.nodes:
            plain_set(element, "instance_attributes")  # the first one is everybody else's
        for node, revision in sorted(self.nodes.items()):
            element.insert(after_sets(element, "instance_attributes"), self._for_node(node, revision))

    def _for_node(self, node: NodeName, revision: str) -> ET.Element:
        stem = f"{self.resource}-{_OURS}-{xml_id(node)}"
        # Sets with a higher score win over the plain one, whose score is 0.
        found = ET.Element("instance_attributes", {"id": stem, "score": "1"})
        rule = ET.SubElement(found, "rule", {"id": f"{stem}-rule", "score": "1"})
        ET.SubElement(
            rule,
            "expression",
            {"id": f"{stem}-expression", "attribute": "#uname", "operation": "eq", "value": node},
        )
        ET.SubElement(found, "nvpair", {"id": f"{stem}-revision", "name": REVISION, "value": revision})
        return found


@frozen
class SetMeta:
    """Set a meta attribute of a resource, or take it away (None)."""

    resource: ResourceId
    name: str
    value: str | None

    def apply(self, root: ET.Element) -> None:
        """Write the meta attribute into the resource, or take it away."""
        element = find_resource(root, self.resource)
        if self.value is not None:
            place = own_set if self.name.startswith(_OURS) else plain_set
            set_pair(place(element, "meta_attributes"), self.name, self.value)
            return
        for found in element.findall("meta_attributes"):
            drop_pair(found, self.name)
        drop_own_set_if_empty(element, "meta_attributes")


@frozen
class SetMark:
    """Write down something of ours about a node, or take it away (None): see `marks.py` for where."""

    node: NodeName
    name: str
    value: str | None

    def apply(self, root: ET.Element) -> None:
        """Write the mark, or take it away."""
        set_mark(root, self.node, self.name, self.value)


class Edit(Protocol):
    """One thing that should be so: those here, and their kin in the other files of this room."""

    def apply(self, root: ET.Element) -> None:
        """Write it into a CIB; once more changes nothing."""


@frozen
class Change:
    """Edits that belong together and are written in one commit.

    Attributes:
        reason: why, for people and for the record.
        quiet: it only crosses out what is over, so nobody needs to be told.
        last: it is quiet, and nothing is decided behind it, so that nobody has to wait until it is written. If it never
            is, the next call sees that it is over.
        given: it holds what a user has written, which nobody has held against the schema yet.
    """

    edits: tuple[Edit, ...]
    reason: str
    quiet: bool = False
    last: bool = False
    given: bool = False

    def apply(self, snapshot: Snapshot) -> ET.Element:
        """The CIB of the snapshot with this change in it, as a new document with the next epoch.

        Its status is the snapshot's own: no edit touches that, and in a large cluster it is nearly all there is.
        """
        root = ET.Element(snapshot.root.tag, snapshot.root.attrib)
        root.extend(part if part.tag == "status" else copy.deepcopy(part) for part in snapshot.root)
        before = root.findall("configuration//*[@id]")
        for edit in self.edits:
            edit.apply(root)
        distinct_ids(root, before)
        root.set("epoch", str(snapshot.version.epoch + 1))
        root.set("num_updates", "0")
        return root
