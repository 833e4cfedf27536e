"""Where things go in a CIB document: resources, sets, pairs, ids. As pcs would place them.

The cluster keeps the comments that people have written into their CIB (measured on 2.1.5 and 3.0.0; processing
instructions it drops), and a patch counts them where it says which place among its siblings an element gets. So we read
them too; they are children without an id, whose tag is no text.
"""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from pacewright.cluster.names import ResourceId
from pacewright.errors import Refused

__all__ = [
    "after_sets",
    "drop_pair",
    "elements",
    "empty",
    "find_resource",
    "free_id",
    "parse_document",
    "plain_set",
    "set_pair",
    "xml_id",
]


def parse_document(document: bytes) -> ET.Element:
    """The root of a CIB document, with the comments in it.

    Raises:
        ET.ParseError: it is not XML.
    """
    return ET.fromstring(document, ET.XMLParser(target=ET.TreeBuilder(insert_comments=True)))  # noqa: S314 - our cluster's


def elements(parent: ET.Element) -> Iterator[ET.Element]:
    """What is directly below an element, without comments."""
    return (child for child in parent if isinstance(child.tag, str))


def empty(parent: ET.Element) -> bool:
    """True if there is nothing in it, or comments only."""
    return next(elements(parent), None) is None


def find_resource(root: ET.Element, resource: ResourceId) -> ET.Element:
    """The element of a resource.

    Raises:
        Refused: it is not there any more.
    """
    for element in root.iterfind("configuration/resources//*[@id]"):
        if element.get("id") == resource and element.tag in {
            "primitive",
            "group",
            "clone",
            "master",
            "bundle",
        }:
            return element
    raise Refused(f"{resource}: the resource is no longer in the cluster.", hint="Look at `pcs status`.")


def plain_set(element: ET.Element, tag: str, stem: str | None = None) -> ET.Element:
    """The first set of that tag without a rule, made if there is none; it goes first, because pcs edits the first."""
    for found in element.findall(tag):
        if found.find("rule") is None and found.get("id-ref") is None:
            return found
    found = ET.Element(tag, {"id": stem or f"{element.get('id')}-{tag}"})
    first = element.find(tag)
    element.insert(list(element).index(first) if first is not None else after_sets(element, tag), found)
    return found


def after_sets(element: ET.Element, tag: str) -> int:
    """Where a new set of that tag belongs among the children of a resource."""
    # The schema wants meta_attributes and instance_attributes before <operations>, in any order, and in a group,
    # clone or bundle before what it holds.
    position = 0
    for index, child in enumerate(element):
        if child.tag in {
            "meta_attributes",
            "instance_attributes",
            "podman",
            "docker",
            "rkt",
            "network",
            "storage",
        }:
            position = index + 1
        if child.tag == tag:
            position = index + 1
    return position


def set_pair(found: ET.Element, name: str, value: str) -> None:
    """Set a name-value pair in a set."""
    for pair in found.findall("nvpair"):
        if pair.get("name") == name:
            pair.set("value", value)
            return
    ET.SubElement(found, "nvpair", {"id": f"{found.get('id')}-{xml_id(name)}", "name": name, "value": value})


def drop_pair(found: ET.Element, name: str) -> None:
    """Take a name-value pair out of a set without a rule."""
    if found.find("rule") is None:
        for pair in found.findall("nvpair"):
            if pair.get("name") == name:
                found.remove(pair)


def free_id(root: ET.Element, wish: str) -> str:
    """That id, or with `-1`, `-2`, ... behind it if the configuration has it already; pcs does the same."""
    taken = {element.get("id") for element in root.iterfind("configuration//*[@id]")}
    candidates = itertools.chain([wish], (f"{wish}-{number}" for number in itertools.count(1)))
    return next(candidate for candidate in candidates if candidate not in taken)


def xml_id(name: str) -> str:
    """A name as part of an XML id, which may not hold everything that a node name may."""
    allowed = frozenset("-_.")
    return "".join(c if (c.isascii() and c.isalnum()) or c in allowed else "_" for c in name)
