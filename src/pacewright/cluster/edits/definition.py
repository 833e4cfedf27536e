"""Definition: what a primitive, a group or a clone is to be, as edits. What an edit does not name stays as it is."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping

from pacewright.cluster.cib.document import after_sets, drop_pair, free_id, plain_set, set_pair
from pacewright.cluster.cib.values import duration
from pacewright.cluster.names import Agent, ResourceId
from pacewright.errors import Refused
from pacewright.frozen import frozen

__all__ = ["DefineClone", "DefineGroup", "DefinePrimitive", "Operation", "Values"]

Values = Mapping[str, str | None]
"""Values by name; None for one that shall not be there."""

_OLD_ROLES = {"Promoted": "Master", "Unpromoted": "Slave"}
_NEW_ROLES = {old: new for new, old in _OLD_ROLES.items()}
_FIRST_SCHEMA_WITH_NEW_ROLES = (3, 7)
_CHECK_LEVEL = "OCF_CHECK_LEVEL"
_NEVER = "0s"
_USUAL_MONITOR = "60s"


@frozen
class Operation:
    """One operation of a primitive.

    Attributes:
        role: the role that a monitor is for; None for any.
        attributes: `interval`, `timeout`, `on-fail`, ..., as in the CIB; `OCF_CHECK_LEVEL` too.
    """

    name: str
    role: str | None = None
    attributes: Values


@frozen
class DefinePrimitive:
    """A primitive with (at least) these attributes and operations; made outside of any group if it is not there."""

    resource: ResourceId
    agent: Agent
    parameters: Values
    meta: Values
    operations: tuple[Operation, ...]

    def apply(self, root: ET.Element) -> None:
        """Put the primitive there, or make the one that is there like it."""
        element = _find(root, self.resource)
        if element is None:
            said = {
                "id": self.resource,
                "class": self.agent.standard,
                "provider": self.agent.provider,
                "type": self.agent.type,
            }
            element = ET.SubElement(_resources(root), "primitive", {key: value for key, value in said.items() if value})
        _set_all(element, "instance_attributes", self.parameters)
        _set_all(element, "meta_attributes", self.meta)
        for operation in self.operations:
            _set_operation(root, element, operation)


@frozen
class DefineGroup:
    """A group that has (at least) these members, in this order. One that it lacks goes behind the one named before."""

    resource: ResourceId
    members: tuple[ResourceId, ...]
    meta: Values

    def apply(self, root: ET.Element) -> None:
        """Put the group there, with these members in this order."""
        group = _find(root, self.resource)
        if group is None:
            group = ET.SubElement(_resources(root), "group", {"id": self.resource})
        for index, member in enumerate(self.members):
            if all(child.get("id") != member for child in group):
                taken = _take(root, member)
                group.insert(self._place(group, index), taken)
        _set_all(group, "meta_attributes", self.meta)

    def _place(self, group: ET.Element, index: int) -> int:
        positions = {child.get("id"): at for at, child in enumerate(group)}
        before = [positions[name] + 1 for name in self.members[:index] if name in positions]
        behind = [positions[name] for name in self.members[index + 1 :] if name in positions]
        last = max((at + 1 for at, child in enumerate(group) if child.tag == "primitive"), default=len(group))
        return before[-1] if before else min(behind, default=last)


@frozen
class DefineClone:
    """A clone of a primitive or group with (at least) these meta attributes."""

    resource: ResourceId
    child: ResourceId
    meta: Values

    def apply(self, root: ET.Element) -> None:
        """Put the clone there, around its child."""
        clone = _find(root, self.resource)
        if clone is None:
            clone = ET.Element("clone", {"id": self.resource})
            clone.append(_take(root, self.child))
            _resources(root).append(clone)
        _set_all(clone, "meta_attributes", self.meta)


def _find(root: ET.Element, resource: ResourceId) -> ET.Element | None:
    found = root.iterfind(f"configuration/resources//*[@id='{resource}']")
    return next((e for e in found if e.tag in {"primitive", "group", "clone", "master"}), None)


def _take(root: ET.Element, resource: ResourceId) -> ET.Element:
    for parent in (_resources(root), *_resources(root).iter()):
        for child in parent:
            if child.get("id") == resource and child.tag in {"primitive", "group"}:
                parent.remove(child)
                return child
    raise Refused(f"{resource}: the resource is no longer in the cluster.", hint="Run it again.")


def _resources(root: ET.Element) -> ET.Element:
    found = root.find("configuration/resources")
    if found is None:
        raise Refused("the CIB has no place for resources.")
    return found


def _set_all(element: ET.Element, tag: str, values: Values) -> None:
    """Set values where they stand already, else in the first plain set."""
    for name, value in values.items():
        plain = [found for found in element.findall(tag) if found.find("rule") is None]
        if value is None:
            for found in plain:
                drop_pair(found, name)
            continue
        holding = [found for found in plain if any(pair.get("name") == name for pair in found.findall("nvpair"))]
        set_pair(holding[0] if holding else plain_set(element, tag), name, value)


# -- operations -------------------------------------------------------------------------------------------------------


def _set_operation(root: ET.Element, primitive: ET.Element, operation: Operation) -> None:
    operations = primitive.find("operations")
    if operations is None:
        operations = ET.Element("operations")
        primitive.insert(
            max(after_sets(primitive, tag) for tag in ("instance_attributes", "meta_attributes")), operations
        )
    element = _same_operation(operations, operation)
    if element is None:
        element = _new_operation(root, primitive, operation)
        operations.append(element)
    for name, value in operation.attributes.items():
        if name == _CHECK_LEVEL:
            _set_check_level(element, value)
        elif value is not None:
            element.set(name, value)
        elif name != "interval":
            element.attrib.pop(name, None)


def _same_operation(operations: ET.Element, wanted: Operation) -> ET.Element | None:
    """The operation of that name and role; of several, the one with that interval, else the first."""
    same = [
        element
        for element in operations.findall("op")
        if element.get("name") == wanted.name and _role(element.get("role")) == _role(wanted.role)
    ]
    interval = duration(wanted.attributes.get("interval"), -1.0)
    exact = [element for element in same if duration(element.get("interval"), 0.0) == interval]
    return exact[0] if exact else same[0] if same else None


def _role(role: str | None) -> str | None:
    # Started is what an operation without a role is for.
    return None if role in {None, "Started"} else _NEW_ROLES.get(role or "", role)


def _new_operation(root: ET.Element, primitive: ET.Element, operation: Operation) -> ET.Element:
    usual = _USUAL_MONITOR if operation.name == "monitor" else _NEVER
    interval = operation.attributes.get("interval") or usual
    new_id = free_id(root, f"{primitive.get('id')}-{operation.name}-interval-{interval}")
    element = ET.Element("op", {"id": new_id, "name": operation.name, "interval": interval})
    if operation.role is not None:
        element.set("role", spelled(root, operation.role))
    return element


def spelled(root: ET.Element, role: str) -> str:
    """A role as the schema of this CIB has it: before pacemaker-3.7 there were Master and Slave."""
    _, _, version = root.get("validate-with", "").partition("-")
    numbers = tuple(int(part) for part in version.split(".") if part.isascii() and part.isdigit() and len(part) < 9)
    old = bool(numbers) and numbers < _FIRST_SCHEMA_WITH_NEW_ROLES
    return _OLD_ROLES.get(role, role) if old else _NEW_ROLES.get(role, role)


def _set_check_level(operation: ET.Element, value: str | None) -> None:
    stem = f"{operation.get('id')}-instance_attributes"
    if value is not None:
        set_pair(plain_set(operation, "instance_attributes", stem), _CHECK_LEVEL, value)
        return
    for found in operation.findall("instance_attributes"):
        drop_pair(found, _CHECK_LEVEL)
