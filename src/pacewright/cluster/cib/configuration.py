"""The configuration half of a CIB (nodes, resources, constraints, properties) as domain values."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping

from pacewright.cluster.cib.document import elements
from pacewright.cluster.cib.values import REVISION, duration, is_true
from pacewright.cluster.names import Agent, Kind, NodeName, ResourceId
from pacewright.cluster.snapshot import Constraint, Resource

__all__ = ["plain_values", "read_constraints", "read_properties", "read_resources", "uname_rule"]

_DEFAULT_TIMEOUT = 20.0
"""Seconds: Pacemaker's default for an operation without a time-out."""

_KINDS = {
    "primitive": Kind.PRIMITIVE,
    "group": Kind.GROUP,
    "clone": Kind.CLONE,
    "master": Kind.CLONE,
    "bundle": Kind.BUNDLE,
}


def plain_values(parent: ET.Element, sets: str) -> dict[str, str]:
    """The name-value pairs directly below an element, in sets of that tag that no rule guards; the first wins."""
    values: dict[str, str] = {}
    for found in parent.findall(sets):
        if found.find("rule") is None:
            for pair in found.findall("nvpair"):
                values.setdefault(pair.get("name", ""), pair.get("value", ""))
    return values


def uname_rule(found: ET.Element) -> NodeName | None:
    """The one node that a set of attributes is for, if its rule is of our own form (`#uname eq NODE`)."""
    rule = found.find("rule")
    expression = rule.find("expression") if rule is not None and len(list(elements(rule))) == 1 else None
    if expression is None or expression.get("attribute") != "#uname" or expression.get("operation") != "eq":
        return None
    return NodeName(expression.get("value", ""))


def read_properties(configuration: ET.Element) -> dict[str, str]:
    """The cluster properties (`stonith-enabled`, `maintenance-mode`, ...)."""
    values: dict[str, str] = {}
    for config in configuration.findall("crm_config"):
        values.update(plain_values(config, "cluster_property_set"))
    return values


def read_resources(configuration: ET.Element) -> dict[ResourceId, Resource]:
    """Every resource by id; what is inside a group, clone or bundle follows it."""
    found = configuration.find("resources")
    return {resource.id: resource for resource in _read_below(found, None, set())} if found is not None else {}


def read_constraints(configuration: ET.Element) -> Iterator[Constraint]:
    """Every constraint."""
    constraints = configuration.find("constraints")
    for found in elements(constraints) if constraints is not None else ():
        names = {"rsc", "with-rsc", "first", "then"}
        ids = [value for name, value in found.items() if name in names]
        ids += [ref.get("id", "") for ref in found.iter("resource_ref")]
        yield Constraint(
            id=found.get("id", ""),
            kind=found.tag.removeprefix("rsc_"),
            resources=tuple(ResourceId(value) for value in ids),
            text=" ".join(f"{name}={value}" for name, value in found.items() if name != "id"),
        )


def _read_below(parent: ET.Element, parent_id: ResourceId | None, known: set[str]) -> Iterator[Resource]:
    """What is below an element; of several with one id, which no cluster takes, the first one counts."""
    mine = []
    for element in parent:
        if element.tag in _KINDS and element.get("id", "") not in known:
            known.add(element.get("id", ""))
            mine.append(element)
    for element in mine:
        resource_id = ResourceId(element.get("id", ""))
        inner = list(_read_below(element, resource_id, known))
        children = tuple(resource.id for resource in inner if resource.parent == resource_id)
        yield _resource(element, _KINDS[element.tag], resource_id, parent_id, children)
        yield from inner


def _resource(
    element: ET.Element,
    kind: Kind,
    resource_id: ResourceId,
    parent: ResourceId | None,
    children: tuple[ResourceId, ...],
) -> Resource:
    parameters = plain_values(element, "instance_attributes")
    return Resource(
        id=resource_id,
        kind=kind,
        parent=parent,
        children=children,
        agent=_agent(element) if kind is Kind.PRIMITIVE else None,
        meta=_meta(element),
        parameters={name: value for name, value in parameters.items() if name != REVISION},
        revision=parameters.get(REVISION),
        node_revisions=_node_revisions(element),
        timeouts=_timeouts(element),
    )


def _agent(element: ET.Element) -> Agent:
    return Agent(standard=element.get("class", ""), provider=element.get("provider", ""), type=element.get("type", ""))


def _meta(element: ET.Element) -> Mapping[str, str]:
    meta = plain_values(element, "meta_attributes")
    container = next((element.find(tag) for tag in ("podman", "docker", "rkt") if element.find(tag) is not None), None)
    promoted = container is not None and (container.get("promoted-max") or container.get("masters") or "0")
    if element.tag == "master" or (promoted and promoted != "0"):
        meta.setdefault("promotable", "true")
    return meta


def _node_revisions(element: ET.Element) -> dict[NodeName, str]:
    revisions: dict[NodeName, str] = {}
    for found in element.findall("instance_attributes"):
        node = uname_rule(found)
        for pair in found.findall("nvpair") if node is not None else ():
            if pair.get("name") == REVISION and node is not None:
                revisions[node] = pair.get("value", "")
    return revisions


def _timeouts(element: ET.Element) -> dict[str, float]:
    timeouts: dict[str, float] = {}
    for operation in element.iterfind("operations/op"):
        inner = plain_values(operation, "meta_attributes") | plain_values(operation, "instance_attributes")
        value = operation.get("timeout") or inner.get("timeout")
        if is_true(operation.get("enabled"), default=True):
            timeouts[operation.get("name", "")] = duration(value, _DEFAULT_TIMEOUT)
    return timeouts
