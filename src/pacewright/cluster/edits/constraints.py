"""Ties: constraints between resources, and taking a resource out of the configuration with all that names it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping

from pacewright.cluster.cib.document import elements, empty, free_id, xml_id
from pacewright.cluster.edits.definition import spelled
from pacewright.cluster.names import ResourceId
from pacewright.errors import Refused
from pacewright.frozen import frozen

__all__ = ["Detach", "Remove", "Tie"]

_OURS = "pacewright-"
"""How the ids of our own constraints begin."""
_ROLES = {"rsc-role", "with-rsc-role", "role"}
_OLD_ROLES = {"Master": "Promoted", "Slave": "Unpromoted"}
_RESOURCES = ("rsc", "with-rsc", "first", "then")


@frozen
class Tie:
    """A constraint that is there, or is not. Those with sets, rules or patterns are never touched.

    Attributes:
        kind: `order`, `colocation` or `location`.
        about: the attributes that make it the same constraint (`first`, `then-action`, `with-rsc`, `node`, ...).
        values: the attributes that are to be set on it (`kind`, `score`, ...).
        initial: those that a new one gets if `values` does not say.
        present: False to take it away.
    """

    kind: str
    about: Mapping[str, str]
    values: Mapping[str, str]
    initial: Mapping[str, str]
    present: bool = True

    def apply(self, root: ET.Element) -> None:
        """Add the constraint, correct the one that is there, or take it away."""
        constraints = _constraints(root)
        same = [element for element in constraints if self._is(element)]
        if not self.present:
            for element in same:
                constraints.remove(element)
            return
        element = same[0] if same else self._new(root, constraints)
        for name, value in self.values.items():
            element.set(name, value)

    def _is(self, element: ET.Element) -> bool:
        if element.tag != f"rsc_{self.kind}" or not empty(element) or element.get("rsc-pattern") is not None:
            return False
        if element.get("id", "").startswith(_OURS):
            return False  # it stands for something that somebody has asked us for (`stop --node`)
        return _meaning(self.kind, element.attrib) == _meaning(self.kind, self.about)

    def _new(self, root: ET.Element, constraints: ET.Element) -> ET.Element:
        said = {**self.initial, **self.values}
        names = [self.about[key] for key in (*_RESOURCES, "node") if key in self.about]
        last = said.get("score") or said.get("kind", "mandatory")
        new_id = free_id(root, xml_id("-".join([self.kind, *names, last])))
        about = {key: spelled(root, value) if key in _ROLES else value for key, value in self.about.items()}
        return ET.SubElement(constraints, f"rsc_{self.kind}", {"id": new_id, **about, **said})


def _meaning(kind: str, attributes: Mapping[str, str]) -> dict[str, str]:
    """What a constraint is about, with Pacemaker's defaults filled in."""
    names = {
        "order": ("first", "first-action", "then", "then-action"),
        "colocation": ("rsc", "rsc-role", "with-rsc", "with-rsc-role", "node-attribute"),
        "location": ("rsc", "node", "role"),
    }[kind]
    meaning = {name: attributes.get(name, "") for name in names}
    if kind == "order":
        meaning["first-action"] = meaning["first-action"] or "start"
        meaning["then-action"] = meaning["then-action"] or meaning["first-action"]
    for role in _ROLES & meaning.keys():
        meaning[role] = _OLD_ROLES.get(meaning[role], meaning[role])
        meaning[role] = "" if meaning[role] == "Started" else meaning[role]
    return meaning


@frozen
class Detach:
    """Take away what ties a resource to others, so that it can stop without them.

    Attributes:
        among: ties to these alone stay.
    """

    resource: ResourceId
    among: frozenset[ResourceId]

    def apply(self, root: ET.Element) -> None:
        """Take away the constraints that tie it to others, and its part of sets."""
        _untie(root, {self.resource}, self.among)


@frozen
class Remove:
    """Take a primitive out, with the group and the clone that hold nothing else, and with its constraints."""

    resource: ResourceId

    def apply(self, root: ET.Element) -> None:
        """Take it out, with what held nothing else and what names it."""
        gone = set(_taken_out(root, self.resource))
        _untie(root, gone, frozenset())
        for tags in root.iterfind("configuration/tags"):
            for tag in list(elements(tags)):
                for reference in [found for found in tag if found.get("id") in gone]:
                    tag.remove(reference)
                if empty(tag):
                    tags.remove(tag)


def _taken_out(root: ET.Element, resource: str) -> list[str]:
    resources = root.find("configuration/resources")
    for parent in resources.iter() if resources is not None else ():
        for child in [child for child in parent if child.get("id") == resource and child.tag != "obj_ref"]:
            parent.remove(child)
            held = {"primitive", "group"} & {other.tag for other in parent}
            empty = parent.tag in {"group", "clone", "master"} and not held
            return [resource, *(_taken_out(root, parent.get("id", "")) if empty else ())]
    return []


def _untie(root: ET.Element, gone: set[str] | set[ResourceId], among: frozenset[ResourceId]) -> None:
    constraints = _constraints(root)
    for constraint in list(constraints):
        names = {value for key in _RESOURCES if (value := constraint.get(key)) is not None}
        names |= {reference.get("id", "") for reference in constraint.iter("resource_ref")}
        if not names & gone or (among and names <= among):
            continue
        for found in constraint.findall("resource_set"):
            for reference in [reference for reference in found if reference.get("id") in gone]:
                found.remove(reference)
            if empty(found):
                constraint.remove(found)
        if constraint.find("resource_set") is None:
            constraints.remove(constraint)


def _constraints(root: ET.Element) -> ET.Element:
    found = root.find("configuration/constraints")
    if found is None:
        raise Refused("the CIB has no place for constraints.")
    return found
