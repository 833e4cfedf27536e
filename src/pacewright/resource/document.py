"""The document of `pacewright resource apply`: which resources and constraints the cluster is to have. Strict."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pacewright.cluster.cib.values import duration
from pacewright.cluster.edits.definition import Operation
from pacewright.cluster.names import Agent, ResourceId
from pacewright.resource.checked import ROLES, Keys, Node, parse
from pacewright.resource.constraints import read_constraint
from pacewright.resource.model import Document, Unwanted, WantedConstraint, WantedResource

__all__ = ["KEYS", "load"]

KEYS: Mapping[str, tuple[str, ...]] = {
    "document": ("resources", "constraints"),
    "resource": (
        *("agent", "clone", "ensure", "group", "group_meta", "id", "meta", "operations", "parameters"),
        *("promotable", "stopped"),
    ),
    "clone": ("id", "meta"),
    "operation": (
        *("OCF_CHECK_LEVEL", "enabled", "interval", "interval-origin", "on-fail", "record-pending", "role"),
        *("start-delay", "timeout"),
    ),
}
"""What may stand where; resources.schema.json says the same."""

_AGENT = re.compile(r"(?:(systemd|service|lsb|stonith):|ocf:([\w.-]+):)([\w.@\\:-]+)", re.ASCII)
_TIME = re.compile(r"\d+(?:\.\d+)?\s*(?:s|sec|ms|msec|us|usec|m|min|h|hr)?|P[0-9A-Z.:-]+", re.IGNORECASE)
_FAILURES = ("ignore", "block", "demote", "stop", "restart", "standby", "fence", "restart-container")
_TIMES = ("interval", "timeout", "start-delay")


def load(text: bytes, source: str) -> Document:
    """Read a document.

    Raises:
        ConfigError: it does not mean anything; says where in it.
    """
    found = parse(text, source).keys(KEYS["document"])
    resources: list[WantedResource] = []
    unwanted: list[Unwanted] = []
    places: dict[ResourceId, str] = {}
    for node in found.items_of("resources"):
        one = _resource(node)
        if places.setdefault(one.id, node.path) != node.path:
            node.wrong(f"the id {one.id!r} stands there twice; {places[one.id]} has it")
        if isinstance(one, WantedResource):
            _refuse_disagreement(one, resources, node)
            resources.append(one)
        else:
            unwanted.append(one)
    return Document(
        resources=tuple(resources),
        unwanted=tuple(unwanted),
        constraints=tuple(_constraints(found.items_of("constraints"))),
        source=source,
    )


def _constraints(nodes: Iterator[Node]) -> Iterator[WantedConstraint]:
    """Each of them once: two resources may bring the same one along, but not say different things about it."""
    seen: dict[tuple[object, ...], tuple[WantedConstraint, str]] = {}
    for node in nodes:
        one = read_constraint(node)
        meaning = (one.kind, *sorted(one.resources.items()), *sorted(one.about.items()))
        first, place = seen.setdefault(meaning, (one, node.path))
        if (first.values, first.absent) != (one.values, one.absent):
            node.wrong(f"{place} says something else about the same constraint")
        if first is one:
            yield one


def _resource(node: Node) -> WantedResource | Unwanted:
    found = node.keys(KEYS["resource"], ("id",))
    if found.absent():
        return Unwanted(id=ResourceId(found["id"].id()), place=node.path)
    node.keys(KEYS["resource"], ("id", "agent"))
    promotable = found.flag("promotable")
    clone = _clone(found["clone"]) if "clone" in found else None
    if "group_meta" in found and "group" not in found:
        found["group_meta"].wrong("there is no group")
    return WantedResource(
        id=ResourceId(found["id"].id()),
        agent=_agent(found["agent"]),
        parameters=found.values_of("parameters"),
        operations=tuple(_operations(found["operations"])) if "operations" in found else (),
        meta=found.values_of("meta"),
        group=found.id("group"),
        group_meta=found.values_of("group_meta"),
        cloned=clone is not None or promotable,
        clone=clone.id("id") if clone is not None else None,
        clone_meta=clone.values_of("meta") if clone is not None else {},
        promotable=promotable,
        stopped=found.flag("stopped"),
        place=node.path,
    )


def _agent(node: Node) -> Agent:
    text = node.text()
    match = _AGENT.fullmatch(text)
    if match is None:
        node.wrong(f"{text!r} is no agent: expected systemd:UNIT, ocf:PROVIDER:TYPE, service:, lsb: or stonith:TYPE")
    return Agent(standard=match[1] or "ocf", provider=match[2] or "", type=match[3])


def _clone(node: Node) -> Keys | None:
    """The keys of a clone; None if it is none. `true` is a clone of which nothing is said."""
    if isinstance(node.value, bool):
        return Keys() if node.value else None
    found = node.keys(KEYS["clone"])
    if "promotable" in found.values_of("meta"):
        found["meta"].wrong("say `promotable` beside `clone`, not in its meta attributes")
    return found


def _operations(node: Node) -> Iterator[Operation]:
    seen: dict[tuple[str, str | None], str] = {}
    intervals: dict[tuple[str, float], str] = {}
    for name, said in node.named().items():
        for each in said.items() if isinstance(said.value, list) else (said,):
            operation = _operation(name, each)
            if seen.setdefault((name, operation.role), each.path) != each.path:
                each.wrong(f"{seen[name, operation.role]} is for the same role already")
            interval = duration(operation.attributes.get("interval"), -1.0)
            if interval >= 0 and intervals.setdefault((name, interval), each.path) != each.path:
                each.wrong(f"{intervals[name, interval]} has the same interval, which Pacemaker cannot tell apart")
            yield operation


def _operation(name: str, node: Node) -> Operation:
    found = dict(node.keys(KEYS["operation"]))
    role = found.pop("role").choice(*ROLES) if "role" in found else None
    attributes: dict[str, str | None] = {}
    for key, value in found.items():
        if value.value is None and key != "interval":
            attributes[key] = None
        elif key in _TIMES:
            attributes[key] = value.matching(_TIME, "a time such as 30s or 2min")
        elif key == "on-fail":
            attributes[key] = value.choice(*_FAILURES)
        elif key in {"enabled", "record-pending"}:
            attributes[key] = value.choice("true", "false")
        else:
            attributes[key] = value.text()
    return Operation(name=name, role=None if role == "Started" else role, attributes=attributes)


def _refuse_disagreement(resource: WantedResource, before: list[WantedResource], node: Node) -> None:
    """An id is that of one thing only, and the members of a group say the same about it and about its clone."""
    mine = _names(resource, node)
    for other in before:
        for name, meant in _names(other, node).items():
            if mine.get(name, meant) != meant:
                node.wrong(f"the id {name!r} is that of {mine[name]} here, and of {meant} in {other.place}")
        if resource.group is None or other.group != resource.group:
            continue
        if resource.clone is not None and other.clone not in {None, resource.clone}:
            node.wrong(f"the clone of {resource.group} has the id {other.clone!r} in {other.place}")
        for key in ("group_meta", "clone_meta"):
            said, said_before = getattr(resource, key), getattr(other, key)
            for name in said.keys() & said_before.keys():
                if said[name] != said_before[name]:
                    node.wrong(f"{key} says {name}={said[name]}, and {name}={said_before[name]} in {other.place}")


def _names(resource: WantedResource, node: Node) -> dict[ResourceId, str]:
    """Every id that a resource brings, with what it is that of; none of them for two things."""
    each = [(resource.id, f"the primitive {resource.place}")]
    if resource.group is not None:
        each.append((resource.group, f"the group {resource.group}"))
    if resource.cloned:
        each.append((resource.clone or ResourceId(f"{resource.inner}-clone"), f"the clone of {resource.inner}"))
    names: dict[ResourceId, str] = {}
    for name, meant in each:
        if names.setdefault(name, meant) != meant:
            node.wrong(f"the id {name!r} is that of {names[name]} and of {meant}")
    return names
