"""Where a resource may run as far as location constraints say: which nodes' configs count. Pure.

It reads what `pcs constraint location` writes: nodes, and rules over node attributes. What a rule asks beyond that (the
time, another resource's agent) counts as not asked. Our own holds and gates are no statement about where a resource
belongs, so they are passed over. Colocation is too: a passive node's config counts for the day it takes over.
"""

from __future__ import annotations

import operator
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator

from pacewright.cluster.configuration import read_properties
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Node, Snapshot
from pacewright.cluster.values import is_true, number

__all__ = ["hosts"]

_OURS = "pacewright-"
_MINUS_INFINITY = -1_000_000
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


def hosts(resource: ResourceId, snapshot: Snapshot) -> tuple[NodeName, ...]:
    """The member nodes, in the CIB's order and whatever state they are in, on which a resource may run."""
    configuration = snapshot.root.find("configuration")
    constraints = configuration.find("constraints") if configuration is not None else None
    if configuration is None or constraints is None:
        return ()
    ids = {found.id for found in snapshot.ancestors(resource)} | set(snapshot.primitives(resource))
    located = [found for found in constraints.iterfind("rsc_location") if _concerns(found, ids)]
    symmetric = is_true(read_properties(configuration).get("symmetric-cluster"), default=True)
    nodes = (node for node in snapshot.nodes.values() if node.kind == "member")
    return tuple(node.name for node in nodes if _allowed(node, located, symmetric=symmetric))


def _concerns(location: ET.Element, ids: set[ResourceId]) -> bool:
    if location.get("id", "").startswith(_OURS):
        return False
    named = {location.get("rsc", ""), *(ref.get("id", "") for ref in location.iter("resource_ref"))}
    pattern = location.get("rsc-pattern")
    return bool(named & ids) or (pattern is not None and any(re.search(pattern, one) for one in ids))


def _allowed(node: Node, located: list[ET.Element], *, symmetric: bool) -> bool:
    total = 0 if symmetric else None
    for location in located:
        scores = list(_scores(location, node))
        if any(score <= _MINUS_INFINITY for score in scores):
            return False
        if location.get("resource-discovery") == "exclusive" and not scores:
            return False
        for score in scores:
            total = (total or 0) + score
    return total is not None and total > _MINUS_INFINITY


def _scores(location: ET.Element, node: Node) -> Iterator[int]:
    if location.get("node", "").lower() == node.name.lower():
        yield _score(location.get("score"), node, location.get("score-attribute"))
    for rule in location.findall("rule"):
        if _matches(rule, node):
            yield _score(rule.get("score"), node, rule.get("score-attribute"))


def _score(text: str | None, node: Node, attribute: str | None) -> int:
    value = (node.attributes.get(attribute) if attribute else text) or "0"
    if value.lstrip("+-").upper() == "INFINITY":
        return _MINUS_INFINITY if value.startswith("-") else -_MINUS_INFINITY
    return number(value)


def _matches(rule: ET.Element, node: Node) -> bool:
    tests = [
        _matches(child, node) if child.tag == "rule" else _true(child, node)
        for child in rule
        if child.tag in {"rule", "expression"}
    ]
    return bool(tests) and (any(tests) if rule.get("boolean-op") == "or" else all(tests))


def _true(expression: ET.Element, node: Node) -> bool:
    name, wanted = expression.get("attribute", ""), expression.get("value", "")
    special = {"#uname": str(node.name), "#id": node.id, "#kind": "cluster"}
    found = special.get(name, node.transient.get(name, node.attributes.get(name)))
    match expression.get("operation"):
        case "defined":
            return found is not None
        case "not_defined":
            return found is None
        case "eq":
            return found == wanted
        case "ne":
            return found != wanted
        case other:
            compare = _COMPARE.get(other or "")
            return found is not None and compare is not None and compare(number(found), number(wanted))
