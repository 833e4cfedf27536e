"""The document of `pacewright resource apply`: which resources and constraints the cluster is to have. Strict."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pacewright.cluster import Agent, Operation, ResourceId, Values
from pacewright.cluster.values import duration
from pacewright.resource.values import Node, parse

__all__ = ["KEYS", "Container", "Document", "WantedConstraint", "WantedResource", "load"]

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
    "order": ("ensure", "first", "first_action", "kind", "order_kind", "symmetrical", "then", "then_action"),
    "colocation": ("ensure", "kind", "resource", "resource_role", "score", "with", "with_role"),
    "location": ("ensure", "kind", "node", "resource", "score"),
}
"""What may stand where; resources.schema.json says the same."""

_AGENT = re.compile(r"(?:(systemd|service|lsb|stonith):|ocf:([\w.-]+):)([\w.@\\:-]+)", re.ASCII)
_TIME = re.compile(r"\d+(?:\.\d+)?\s*(?:s|sec|ms|msec|us|usec|m|min|h|hr)?|P[0-9A-Z.:-]+", re.IGNORECASE)
_SCORE = re.compile(r"[+-]?(?:\d+|INFINITY)")
_ROLES = ("Started", "Stopped", "Promoted", "Unpromoted")
_ACTIONS = ("start", "stop", "promote", "demote")
_FAILURES = ("ignore", "block", "demote", "stop", "restart", "standby", "fence", "restart-container")
_TIMES = ("interval", "timeout", "start-delay")


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A group or a clone around a resource.

    Attributes:
        id: as the document names it; None for a clone that it does not name.
        place: where the document says so.
    """

    id: ResourceId | None
    meta: Values
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedResource:
    """One primitive, and what is around it.

    Attributes:
        group: the group that it is a member of.
        clone: the clone around it, or around its group.
        promotable: the clone is promotable.
        stopped: if it has to be made, it is not to start by itself.
        absent: it is not to be there.
        place: where in the document it stands.
    """

    id: ResourceId
    agent: Agent
    parameters: Values = field(default_factory=dict)
    operations: tuple[Operation, ...] = ()
    meta: Values = field(default_factory=dict)
    group: Container | None = None
    clone: Container | None = None
    promotable: bool = False
    stopped: bool = False
    absent: bool = False
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedConstraint:
    """One constraint, in Pacemaker's own attributes.

    Attributes:
        resources: the ids that it names, by attribute (`first`, `then`, `rsc`, `with-rsc`).
        about: what else makes it this constraint and no other (actions, roles, node).
        values: what is set on it (score, kind, symmetrical).
        places: where the document names each resource, and the node.
    """

    kind: str
    resources: Mapping[str, ResourceId]
    about: Mapping[str, str]
    values: Mapping[str, str]
    absent: bool
    places: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The whole document; `source` is its name for messages."""

    resources: tuple[WantedResource, ...]
    constraints: tuple[WantedConstraint, ...]
    source: str


def load(text: bytes, source: str) -> Document:
    """Read a document.

    Raises:
        ConfigError: it does not mean anything; says where in it.
    """
    root = parse(text, source)
    found = root.keys(KEYS["document"])
    resources = [(node, _resource(node)) for node in (found["resources"].items() if "resources" in found else ())]
    _refuse_twice(resources)
    constraints = found["constraints"].items() if "constraints" in found else ()
    return Document(
        resources=tuple(resource for _, resource in resources),
        constraints=tuple(_constraint(node) for node in constraints),
        source=source,
    )


def _resource(node: Node) -> WantedResource:
    found = node.keys(KEYS["resource"], ("id", "agent"))
    group = found["group"].id() if "group" in found else None
    if "group_meta" in found and group is None:
        found["group_meta"].wrong("there is no group")
    promotable = "promotable" in found and found["promotable"].flag()
    clone = _clone(found["clone"]) if "clone" in found else None
    if promotable and clone is None:
        clone = Container(id=None, meta={}, place=found["promotable"].path)
    return WantedResource(
        id=ResourceId(found["id"].id()),
        agent=_agent(found["agent"]),
        parameters=found["parameters"].values() if "parameters" in found else {},
        operations=tuple(_operations(found["operations"])) if "operations" in found else (),
        meta=found["meta"].values() if "meta" in found else {},
        group=Container(
            id=ResourceId(group),
            meta=found["group_meta"].values() if "group_meta" in found else {},
            place=found["group"].path,
        )
        if group is not None
        else None,
        clone=clone,
        promotable=promotable,
        stopped="stopped" in found and found["stopped"].flag(),
        absent="ensure" in found and found["ensure"].choice("present", "absent") == "absent",
        place=node.path,
    )


def _agent(node: Node) -> Agent:
    text = node.text()
    match = _AGENT.fullmatch(text)
    if match is None:
        node.wrong(f"{text!r} is no agent: expected systemd:UNIT, ocf:PROVIDER:TYPE, service:, lsb: or stonith:TYPE")
    return Agent(standard=match[1] or "ocf", provider=match[2] or "", type=match[3])


def _clone(node: Node) -> Container | None:
    if isinstance(node.value, bool):
        return Container(id=None, meta={}, place=node.path) if node.value else None
    found = node.keys(KEYS["clone"])
    meta = found["meta"].values() if "meta" in found else {}
    if "promotable" in meta:
        found["meta"].wrong("say `promotable` beside `clone`, not in its meta attributes")
    return Container(id=ResourceId(found["id"].id()) if "id" in found else None, meta=meta, place=node.path)


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
    role = found.pop("role").choice(*_ROLES) if "role" in found else None
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


def _refuse_twice(resources: list[tuple[Node, WantedResource]]) -> None:
    """One id for one thing, and everybody says the same about a group or clone that several share."""
    owners: dict[str, tuple[str, str]] = {}
    shared: dict[ResourceId, WantedResource] = {}
    for node, resource in resources:
        names = [(resource.id, "primitive", resource.place)]
        if resource.group is not None and resource.group.id is not None:
            names.append((resource.group.id, "group", "the group of the same name"))
        inner = resource.group.id if resource.group is not None and resource.group.id is not None else resource.id
        if resource.clone is not None:
            names.append((resource.clone.id or ResourceId(f"{inner}-clone"), "clone", f"the clone of {inner}"))
        for name, kind, owner in names:
            if owners.setdefault(name, (kind, owner)) != (kind, owner):
                node.wrong(f"the id {name!r} stands there twice; {owners[name][1]} has it")
        if resource.group is not None:
            _refuse_disagreement(node, resource, shared.setdefault(inner, resource))


def _refuse_disagreement(node: Node, resource: WantedResource, first: WantedResource) -> None:
    for mine, other in ((resource.group, first.group), (resource.clone, first.clone)):
        if mine is None or other is None or resource.absent or first.absent:
            continue
        if any(mine.meta.get(name, value) != value for name, value in other.meta.items()) or mine.id != other.id:
            node.wrong(f"it says something else about its group or clone than {first.place}")


def _constraint(node: Node) -> WantedConstraint:
    found = node.mapping()
    if "kind" not in found:
        node.wrong("the key 'kind' is missing")
    kind = found["kind"].choice("order", "colocation", "location")
    reader = {"order": _order, "colocation": _colocation, "location": _location}[kind]
    return reader(node)


def _order(node: Node) -> WantedConstraint:
    found = node.keys(KEYS["order"], ("first", "then"))
    first = found["first_action"].choice(*_ACTIONS) if "first_action" in found else "start"
    then = found["then_action"].choice(*_ACTIONS) if "then_action" in found else first
    values = {}
    if "order_kind" in found:
        values["kind"] = found["order_kind"].choice("Mandatory", "Optional", "Serialize")
    if "symmetrical" in found:
        values["symmetrical"] = found["symmetrical"].choice("true", "false")
    return _made(found, {"first": "first", "then": "then"}, {"first-action": first, "then-action": then}, values)


def _colocation(node: Node) -> WantedConstraint:
    found = node.keys(KEYS["colocation"], ("resource", "with"))
    about = {}
    for key, attribute in (("resource_role", "rsc-role"), ("with_role", "with-rsc-role")):
        if key in found:
            about[attribute] = found[key].choice(*_ROLES)
    return _made(found, {"resource": "rsc", "with": "with-rsc"}, about, _score(found))


def _location(node: Node) -> WantedConstraint:
    found = node.keys(KEYS["location"], ("resource", "node"))
    return _made(found, {"resource": "rsc"}, {"node": found["node"].text()}, _score(found))


def _score(found: Mapping[str, Node]) -> dict[str, str]:
    if "score" not in found:
        return {}
    return {"score": found["score"].matching(_SCORE, "a whole number, INFINITY or -INFINITY")}


def _made(
    found: Mapping[str, Node], names: Mapping[str, str], about: Mapping[str, str], values: Mapping[str, str]
) -> WantedConstraint:
    return WantedConstraint(
        kind=found["kind"].text(),
        resources={attribute: ResourceId(found[key].id()) for key, attribute in names.items()},
        about=about,
        values=values,
        absent="ensure" in found and found["ensure"].choice("present", "absent") == "absent",
        places={attribute: found[key].path for key, attribute in names.items()}
        | ({"node": found["node"].path} if "node" in found else {}),
    )
