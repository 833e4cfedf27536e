"""Where things go in a CIB document: resources, sets, pairs, ids. As pcs would place them.

The cluster keeps the comments that people have written into their CIB (measured on 2.1.5; processing
instructions it drops), and a patch counts them where it says which place among its siblings an element gets. So we read
them too; they are children without an id, whose tag is no text.
"""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence

from pacewright.cluster.names import ResourceId
from pacewright.errors import Refused

__all__ = [
    "after_sets",
    "distinct_ids",
    "drop_own_set_if_empty",
    "drop_pair",
    "elements",
    "empty",
    "find_resource",
    "free_id",
    "own_set",
    "parse_document",
    "plain_set",
    "set_pair",
    "xml_id",
]


_RESOURCES = frozenset(("primitive", "group", "clone", "master", "bundle"))


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
        if element.get("id") == resource and element.tag in _RESOURCES:
            return element
    raise Refused(f"{resource}: the resource is no longer in the cluster.", hint="Look at `pcs status`.")


_OURS = "pacewright"


def plain_set(element: ET.Element, tag: str, stem: str | None = None) -> ET.Element:
    """The first set of that tag without a rule, made if there is none; it goes first, because pcs edits the first.

    What people and other tools write stands in it. Ours stands in a set of its own, see `own_set`.
    """
    for found in element.findall(tag):
        if found.find("rule") is None and found.get("id-ref") is None and not _is_own(found, element):
            return found
    found = ET.Element(tag, {"id": stem or f"{element.get('id')}-{tag}"})
    first = element.find(tag)
    element.insert(list(element).index(first) if first is not None else after_sets(element, tag), found)
    return found


def own_set(element: ET.Element, tag: str) -> ET.Element:
    """Our own set of that tag without a rule, made if there is none, behind a plain one for everybody else.

    Tools that manage a resource read and write its first set: puppet-corosync compares it with its manifest, whole, and
    takes away what is not in there. So nothing of ours may stand in it, and it has to be there, if only empty.
    """
    plain_set(element, tag)
    for found in element.findall(tag):
        if _is_own(found, element):
            return found
    found = ET.Element(tag, {"id": _own_id(element, tag)})
    element.insert(after_sets(element, tag), found)
    return found


def drop_own_set_if_empty(element: ET.Element, tag: str) -> None:
    """Take our own set away if nothing is in it."""
    for found in element.findall(tag):
        if _is_own(found, element) and found.find("nvpair") is None:
            element.remove(found)


def _is_own(found: ET.Element, element: ET.Element) -> bool:
    """True if a set of an element is our own; its id may have a number behind it (`distinct_ids`)."""
    stem, _, number = found.get("id", "").rpartition("-")
    own = _own_id(element, found.tag)
    return found.find("rule") is None and (found.get("id") == own or (stem == own and number.isdecimal()))


def _own_id(element: ET.Element, tag: str) -> str:
    name = element.get("id", "")
    return f"{name}-{_OURS}" if tag == "instance_attributes" else f"{_OURS}-meta-{name}"


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


def distinct_ids(root: ET.Element, before: Sequence[ET.Element]) -> None:
    """Give what was added an id that nothing else in the configuration has; nobody but people refers to these ids.

    A user may call a resource `pacewright`, and names that differ in a character that `xml_id` folds make one id.
    Resources are left as they are: their names are not ours to choose.

    Args:
        root: the CIB.
        before: what was in it before.
    """
    old = {id(element) for element in before}
    found = root.findall("configuration//*[@id]")
    added = [element for element in found if id(element) not in old and element.tag not in _RESOURCES]
    ours = {id(element) for element in added}
    taken = {element.get("id") for element in found if id(element) not in ours}
    for element in added:
        if (wish := element.get("id", "")) in taken:
            numbered = (f"{wish}-{number}" for number in itertools.count(1))
            element.set("id", next(candidate for candidate in numbered if candidate not in taken))
        taken.add(element.get("id"))


def xml_id(name: str) -> str:
    """A name as part of an XML id, which may not hold everything that a node name may."""
    allowed = frozenset("-_.")
    return "".join(c if (c.isascii() and c.isalnum()) or c in allowed else "_" for c in name)
