"""Where a resource may run as far as the site's constraints say: which nodes' configs count.

The scheduler is asked for its scores on a copy of the CIB in which nothing has run or failed yet and nothing depends on
anything else. So rules, dates, patterns, tags, tickets and resource discovery are as it reads them. Our own holds and
gates are no statement about where a resource belongs, so they are left out. So are colocations: a passive node's config
counts for the day it takes over.
"""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import lru_cache

from pacewright.cluster.cib.configuration import read_properties
from pacewright.cluster.cib.values import is_true
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.cluster.tools import crm_simulate

__all__ = ["hosts"]

_OURS = "pacewright-"
_DEPENDS = {"rsc_colocation", "rsc_order"}
_OF_FAILURES = ("fail-count-", "last-failure-")
_STATES = {"target-role", "is-managed", "maintenance", "maintenance-mode", "stop-all-resources"}
"""What says whether something runs at all, and not where."""
_NEVER = "-INFINITY"
_REMEMBERED = 8
"""Answers that are kept: one call asks the same again on each turn."""

Score = tuple[str, NodeName, bool]
"""A resource's id, or that of a copy of it; a node; whether it may run there."""


def hosts(resource: ResourceId, snapshot: Snapshot) -> tuple[NodeName, ...]:
    """The member nodes, in the CIB's order and whatever state they are in, on which a resource may run (20 ms).

    Raises:
        ToolFailed: the scheduler cannot work on this CIB.
    """
    nodes = tuple(node.name for node in snapshot.nodes.values() if node.kind == "member")
    configuration = snapshot.root.find("configuration")
    if configuration is None or not _limited(configuration):
        return nodes
    scores = _scores(ET.tostring(_alone(snapshot.root)))
    ids = {found.id for found in snapshot.ancestors(resource)} | set(snapshot.primitives(resource))
    return tuple(node for node in nodes if all(_allowed(one, node, scores) for one in ids))


def _limited(configuration: ET.Element) -> bool:
    """False if nothing says where anything may run, as in most clusters."""
    if not is_true(read_properties(configuration).get("symmetric-cluster"), default=True):
        return True
    constraints = (found for part in configuration.findall("constraints") for found in part)
    rules = configuration.find("crm_config//rule") is not None
    return rules or any(found.tag not in _DEPENDS and not _ours(found) for found in constraints)


def _ours(constraint: ET.Element) -> bool:
    return constraint.tag == "rsc_location" and constraint.get("id", "").startswith(_OURS)


def _alone(root: ET.Element) -> ET.Element:
    """The CIB without what depends on other resources, on us, and on what has happened so far."""
    asked = copy.deepcopy(root)
    asked.set("have-quorum", "1")
    for values in asked.iterfind("configuration//nvpair/.."):
        values[:] = [pair for pair in values if pair.get("name") not in _STATES]
    for constraints in asked.iterfind("configuration/constraints"):
        for found in list(constraints):
            if found.tag in _DEPENDS or _ours(found):
                constraints.remove(found)
    for state in asked.iterfind("status/node_state"):
        for lrm in state.iterfind("lrm/lrm_resources"):
            lrm[:] = [history for history in lrm if history.get("type") == "remote"]
        for values in state.iterfind("transient_attributes/instance_attributes"):
            values[:] = [pair for pair in values if not pair.get("name", "").startswith(_OF_FAILURES)]
    return asked


@lru_cache(maxsize=_REMEMBERED)
def _scores(document: bytes) -> frozenset[Score]:
    """The first score of every copy of every resource on every node: what it is before any of them has been placed."""
    return frozenset(_first(crm_simulate.scores(document)))


def _first(answer: ET.Element) -> Iterator[Score]:
    seen: set[tuple[str, str]] = set()
    for found in answer.iterfind(".//node_weight"):
        place = (found.get("id", ""), found.get("node", ""))
        if place not in seen:
            seen.add(place)
            yield place[0], NodeName(place[1]), found.get("score") != _NEVER


def _allowed(resource: ResourceId, node: NodeName, scores: frozenset[Score]) -> bool:
    """True if a copy of it may run there, or the scheduler tells nothing of it at all (what is in a bundle)."""
    told = [(at, may) for name, at, may in scores if name.partition(":")[0] == resource]
    return not told or any(may for at, may in told if at == node)
