"""What a configuration says on one node at one moment: sets of values, rules, locations, digests. Pacemaker's side.

Read from the XML and not through `pacewright.cluster`, so that a mistake there does not cancel itself out here.
"""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from weakref import WeakKeyDictionary
from xml.sax.saxutils import quoteattr

__all__ = ["INFINITY", "digest", "locations", "pairs", "passes", "properties", "true"]

INFINITY = 1_000_000


def score(text: str) -> int:
    """A score as Pacemaker writes it."""
    infinite = {"INFINITY": INFINITY, "+INFINITY": INFINITY, "-INFINITY": -INFINITY}
    return infinite[text] if text in infinite else int(text or "0")


def true(value: str | None, *, default: bool = False) -> bool:
    """A boolean as Pacemaker reads it."""
    return default if value is None else value.lower() in {"true", "on", "yes", "y", "1"}


def pairs(element: ET.Element, tag: str, node: str, now: float) -> dict[str, str]:
    """The values that apply: of all sets whose rule passes the one with the highest score wins, then the first."""
    found: dict[str, str] = {}
    for rule, values in _sets(element, tag):
        if rule is None or passes(rule, node, now):
            found = values | found
    return found


_Sets = tuple[tuple[ET.Element | None, dict[str, str]], ...]
_KNOWN: WeakKeyDictionary[ET.Element, dict[str, _Sets]] = WeakKeyDictionary()


def _sets(element: ET.Element, tag: str) -> _Sets:
    """The sets of values, that with the highest score first; nobody changes a configuration (see `definitions`)."""
    known = _KNOWN.setdefault(element, {})
    if tag not in known:
        sets = sorted(element.findall(tag), key=lambda one: -score(one.get("score", "0")))
        known[tag] = tuple((one.find("rule"), _values(one)) for one in sets)
    return known[tag]


def _values(one: ET.Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in one.findall("nvpair"):
        found.setdefault(pair.get("name", ""), pair.get("value", ""))
    return found


def properties(configuration: ET.Element) -> dict[str, str]:
    """The cluster's properties."""
    found: dict[str, str] = {}
    for config in configuration.findall("crm_config"):
        found.update(pairs(config, "cluster_property_set", "", 0.0))
    return found


def passes(rule: ET.Element, node: str, now: float) -> bool:
    """Whether a rule holds; all of its expressions must, unless it says `or`."""
    each = [_holds(expression, node, now) for expression in rule]
    return any(each) if rule.get("boolean-op") == "or" else all(each)


def _holds(expression: ET.Element, node: str, now: float) -> bool:
    if expression.tag == "expression":
        assert expression.get("attribute") == "#uname"
        return (expression.get("value") == node) == (expression.get("operation") == "eq")
    assert expression.tag == "date_expression"
    assert expression.get("operation") == "lt"
    return now < _moment(expression.get("end", ""))


@lru_cache(maxsize=256)
def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def locations(configuration: ET.Element, resource: str, node: str, now: float) -> Iterator[tuple[str, int]]:
    """The location constraints that apply, each with its id and its score."""
    for location in configuration.iterfind("constraints/rsc_location"):
        if location.get("rsc") != resource:
            continue
        rule = location.find("rule")
        if rule is None and location.get("node") == node:
            yield location.get("id", ""), score(location.get("score", "0"))
        elif rule is not None and passes(rule, node, now):
            yield location.get("id", ""), score(rule.get("score", "0"))


def digest(parameters: Mapping[str, str]) -> str:
    """What Pacemaker writes as `op-digest` (lib/common/digest.c, the format of a start, promote or probe)."""
    inner = "".join(f" {name}={quoteattr(value)}" for name, value in sorted(parameters.items()))
    return _md5(f" <parameters{inner}/>\n")


@lru_cache(maxsize=1024)
def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
