"""The constraints of a document: pcs's words in, Pacemaker's attributes out."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pacewright.cluster.names import ResourceId
from pacewright.resource.checked import ROLES, Keys, Node
from pacewright.resource.model import WantedConstraint

__all__ = ["CONSTRAINT_KEYS", "read_constraint"]

CONSTRAINT_KEYS = {
    "order": ("ensure", "first", "first_action", "kind", "order_kind", "symmetrical", "then", "then_action"),
    "colocation": ("ensure", "kind", "resource", "resource_role", "score", "with", "with_role"),
    "location": ("ensure", "kind", "node", "resource", "score"),
}
"""What may stand in a constraint, by its kind; resources.schema.json says the same."""

_SCORE = re.compile(r"[+-]?(?:\d+|INFINITY)")
_NODE = re.compile(r"\S.*")
_ACTIONS = ("start", "stop", "promote", "demote")


def read_constraint(node: Node) -> WantedConstraint:
    """One entry of `constraints`."""
    found = node.mapping()
    if "kind" not in found:
        node.wrong("the key 'kind' is missing")
    kind = found["kind"].choice("order", "colocation", "location")
    reader = {"order": _order, "colocation": _colocation, "location": _location}[kind]
    return reader(node)


def _order(node: Node) -> WantedConstraint:
    found = node.keys(CONSTRAINT_KEYS["order"], ("first", "then"))
    first = found["first_action"].choice(*_ACTIONS) if "first_action" in found else "start"
    then = found["then_action"].choice(*_ACTIONS) if "then_action" in found else first
    values = {}
    if "order_kind" in found:
        values["kind"] = found["order_kind"].choice("Mandatory", "Optional", "Serialize")
    if "symmetrical" in found:
        values["symmetrical"] = found["symmetrical"].choice("true", "false")
    return _made(found, {"first": "first", "then": "then"}, {"first-action": first, "then-action": then}, values)


def _colocation(node: Node) -> WantedConstraint:
    found = node.keys(CONSTRAINT_KEYS["colocation"], ("resource", "with"))
    about = {}
    for key, attribute in (("resource_role", "rsc-role"), ("with_role", "with-rsc-role")):
        if key in found:
            about[attribute] = found[key].choice(*ROLES)
    return _made(found, {"resource": "rsc", "with": "with-rsc"}, about, _score(found))


def _location(node: Node) -> WantedConstraint:
    found = node.keys(CONSTRAINT_KEYS["location"], ("resource", "node"))
    return _made(found, {"resource": "rsc"}, {"node": found["node"].matching(_NODE, "a node's name")}, _score(found))


def _score(found: Keys) -> dict[str, str]:
    if "score" not in found:
        return {}
    return {"score": found["score"].matching(_SCORE, "a whole number, INFINITY or -INFINITY")}


def _made(
    found: Keys, names: Mapping[str, str], about: Mapping[str, str], values: Mapping[str, str]
) -> WantedConstraint:
    return WantedConstraint(
        kind=found["kind"].text(),
        resources={attribute: ResourceId(found[key].id()) for key, attribute in names.items()},
        about=about,
        values=values,
        absent=found.absent(),
        places={attribute: found[key].path for key, attribute in names.items()}
        | ({"node": found["node"].path} if "node" in found else {}),
    )
