"""Comparison: what differs between two configurations, in words for people and programs."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from pacewright.cluster.cib.configuration import plain_values
from pacewright.cluster.cib.document import elements
from pacewright.frozen import frozen

__all__ = ["Difference", "differences"]

_HOLDERS = {"group", "clone", "master", "bundle"}


@frozen
class Difference:
    """One thing that differs.

    Attributes:
        resource: the id of the resource or of the constraint.
        what: `primitive`, `group`, `clone`, `parameters.port`, `meta.target-role`, `operations.monitor.interval`,
            `order`, ...
        before, after: None where it is not there. For `primitive` the agent, for `group` and `clone` what is in it,
            for a constraint its attributes.
    """

    resource: str
    what: str
    before: str | None
    after: str | None


def differences(before: ET.Element, after: ET.Element) -> tuple[Difference, ...]:
    """What is different in the resources and constraints of two CIBs, in the order of the later one."""
    old, new = dict(_facts(before)), dict(_facts(after))
    return tuple(
        Difference(resource=key[0], what=key[1], before=old.get(key), after=new.get(key))
        for key in dict.fromkeys((*new, *old))
        if old.get(key) != new.get(key)
    )


def _facts(root: ET.Element) -> Iterator[tuple[tuple[str, str], str]]:
    for element in root.iterfind("configuration/resources//*[@id]"):
        if element.tag == "primitive":
            yield from _primitive(element)
        elif element.tag in _HOLDERS:
            held = [child.get("id", "") for child in element if child.tag in {"primitive", *_HOLDERS}]
            yield (element.get("id", ""), element.tag), " ".join(held)
            yield from _pairs(element, "meta", "meta_attributes")
    constraints = root.find("configuration/constraints")
    for element in elements(constraints) if constraints is not None else ():
        said = [f"{name}={value}" for name, value in element.items() if name != "id"]
        said += [reference.get("id", "") for reference in element.iter("resource_ref")]
        yield (element.get("id", ""), element.tag.removeprefix("rsc_")), " ".join(said)


def _primitive(element: ET.Element) -> Iterator[tuple[tuple[str, str], str]]:
    name = element.get("id", "")
    agent = [element.get(key, "") for key in ("class", "provider", "type")]
    yield (name, "primitive"), ":".join(part for part in agent if part)
    yield from _pairs(element, "parameters", "instance_attributes")
    yield from _pairs(element, "meta", "meta_attributes")
    seen: set[str] = set()
    for operation in element.iterfind("operations/op"):
        role = f"[{operation.get('role')}]" if operation.get("role") else ""
        where = f"operations.{operation.get('name')}{role}"
        if where in seen:  # several checks of one role; their intervals tell them apart
            where += f"[{operation.get('interval')}]"
        seen.add(where)
        said = {key: value for key, value in operation.items() if key not in {"id", "name", "role"}}
        for key, value in (said | plain_values(operation, "instance_attributes")).items():
            yield (name, f"{where}.{key}"), value


def _pairs(element: ET.Element, what: str, tag: str) -> Iterator[tuple[tuple[str, str], str]]:
    for name, value in plain_values(element, tag).items():
        yield (element.get("id", ""), f"{what}.{name}"), value
