"""Doubt: what of a CIB can be read in one way only, and what Pacemaker itself has to be asked about.

Most of a cluster's status is plain: a node that is a member, an operation that ended as it was meant to. It is read
as it stands, because there is nothing to interpret, and a question costs 3 s in a cluster of 32 nodes and 1,000
resources. Everything else (failures and what excuses them, rules, templates, remote nodes, bundles, migrations, nodes
that failed, tickets, ...) is for Pacemaker to say: `view.py` asks it. `script/golden` holds both against crm_mon.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Iterator

from pacewright.cluster.cib.values import is_true, number
from pacewright.cluster.names import ResourceId
from pacewright.frozen import frozen

__all__ = ["Doubt", "History", "doubt_about", "is_quiet", "question"]

_PENDING = "-1"
_DONE = "0"
_NEEDS_READING = {"bundle", "master", "rsc_ticket"}
"""Elements of a configuration whose meaning is Pacemaker's to tell."""
_STEPS = {"start": "0", "stop": "0", "promote": "0", "demote": "0"}
"""Operations after which an instance is what their name says, with the exit code that says so."""
_NO_MATTER = {"notify", "meta-data", "validate-all", "cancel", "delete"}
_TELLING = {"terminate", "shutdown", "standby-on-fail"}
"""Attributes of a node by which it is about to be something else."""
_NOT_SET = "#default"
"""A value that stands for none."""
_OLDEST_SCHEMA = 2
"""The first schema (pacemaker-2.x) that is not brought up to date before it is read."""
_OURS = "pacewright"


History = tuple[ET.Element, ET.Element]
"""A node's `node_state`, and an `lrm_resource` in it."""


@frozen
class Doubt:
    """What Pacemaker has to be asked about.

    Attributes:
        everything: the nodes and every instance.
        resources: primitives whose instances are not plain, if it is not everything.
    """

    everything: bool
    resources: frozenset[ResourceId] = frozenset()

    def __bool__(self) -> bool:
        """True if there is something to ask."""
        return self.everything or bool(self.resources)


def doubt_about(root: ET.Element, histories: Iterable[History]) -> Doubt:
    """What of a CIB is not plain.

    Args:
        root: the CIB.
        histories: those in its status that are not quiet.
    """
    if any(_not_plain(root)):
        return Doubt(everything=True)
    return Doubt(everything=False, resources=frozenset(_doubtful(root, histories)))


def question(root: ET.Element, doubt: Doubt) -> ET.Element:
    """A copy of the CIB with no more in its status than the doubt is about, so that the answer comes soon."""
    asked = ET.Element(root.tag, root.attrib)
    for part in root:
        asked.append(_status(part, doubt) if part.tag == "status" and not doubt.everything else part)
    return asked


def is_quiet(history: ET.Element) -> bool:
    """True if a history is one probe that found nothing, as most are in a large cluster."""
    return (
        len(history) == 1
        and history[0].get("operation") == "monitor"
        and history[0].get("rc-code") == "7"
        and history[0].get("op-status") == _DONE
        and number(history[0].get("interval")) == 0
    )


def _status(status: ET.Element, doubt: Doubt) -> ET.Element:
    short = ET.Element(status.tag, status.attrib)
    for state in status.findall("node_state"):
        copy = ET.SubElement(short, state.tag, state.attrib)
        for part in state:
            copy.append(_histories(part, doubt) if part.tag == "lrm" else part)
    return short


def _histories(lrm: ET.Element, doubt: Doubt) -> ET.Element:
    short = ET.Element(lrm.tag, lrm.attrib)
    kept = ET.SubElement(short, "lrm_resources")
    kept.extend(h for h in lrm.iterfind("lrm_resources/lrm_resource") if _resource(h) in doubt.resources)
    return short


def _resource(history: ET.Element) -> ResourceId:
    return ResourceId(history.get("id", "").split(":", 1)[0])


# -- the cluster as a whole -------------------------------------------------------------------------------------------


def _not_plain(root: ET.Element) -> Iterator[bool]:
    configuration = root.find("configuration")
    if configuration is None:
        return
    yield not is_true(root.get("have-quorum"))
    yield _old(root.get("validate-with", ""))
    yield any(_needs_reading(configuration))
    yield from _odd_nodes(root, configuration)


def _old(schema: str) -> bool:
    major = schema.removeprefix("pacemaker-").partition(".")[0]
    return not schema.startswith("pacemaker-") or number(major) < _OLDEST_SCHEMA


def _needs_reading(configuration: ET.Element) -> Iterator[bool]:
    for place in ("crm_config", "nodes", "resources", "rsc_defaults", "constraints", "tags"):
        for section in configuration.findall(place):
            for element in section.iter():
                yield _reads_otherwise(element, place)


def _reads_otherwise(element: ET.Element, place: str) -> bool:
    tag, found = element.tag, element.attrib
    if tag == "nvpair":
        name = found.get("name")
        return name in {"remote-node", "maintenance-mode"} or "id-ref" in found or found.get("value") == _NOT_SET
    if tag == "meta_attributes":
        return "id-ref" in found or element.find("rule") is not None
    if tag == "primitive":
        return "template" in found or (found.get("type") == "remote" and found.get("provider") == "pacemaker")
    if tag == "node":
        return found.get("type", "member") != "member"
    if tag == "rule":
        return place in {"crm_config", "nodes", "rsc_defaults"}
    return tag in _NEEDS_READING


def _odd_nodes(root: ET.Element, configuration: ET.Element) -> Iterator[bool]:
    configured = {element.get("id"): element.get("uname") for element in configuration.iterfind("nodes/node")}
    states = root.findall("status/node_state")
    yield {state.get("id"): state.get("uname") for state in states} != configured
    yield len(states) != len(configured)
    yield any(many > 1 for many in Counter(configured.values()).values())
    for state in states:
        yield not (_member(state) or _left(state)) or is_true(state.get("remote_node"))
    holders = [*configuration.iterfind("nodes/node"), *states]
    yield any(pair.get("name") in _TELLING for holder in holders for pair in holder.iter("nvpair"))


def _member(state: ET.Element) -> bool:
    there = _since(state.get("in_ccm")) and _since(state.get("crmd"))
    return there and state.get("join") == "member" and state.get("expected") == "member"


def _left(state: ET.Element) -> bool:
    """It was stopped as it should be."""
    there = _since(state.get("in_ccm")) or _since(state.get("crmd"))
    return not there and state.get("join") == "down" and state.get("expected") == "down"


def _since(value: str | None) -> bool:
    # Until feature set 3.18 `true` and `online`; from then on the second since when, or 0.
    return value in {"true", "online"} or number(value) > 0


# -- instances --------------------------------------------------------------------------------------------------------


def _doubtful(root: ET.Element, histories: Iterable[History]) -> Iterator[ResourceId]:
    single = {e.get("id", "") for e in root.iterfind("configuration/resources//primitive")}
    for clone in root.iterfind("configuration/resources/clone"):
        single -= {e.get("id", "") for e in clone.iter("primitive")}
    active: Counter[ResourceId] = Counter()
    seen: set[tuple[ResourceId, str]] = set()
    for state, history in histories:
        resource, place = _resource(history), (_resource(history), state.get("id", ""))
        if place in seen or not all(map(_plain, history)):
            yield resource
        seen.add(place)
        if resource in single and _runs(history) and _member(state):
            active[resource] += 1
    yield from (resource for resource, places in active.items() if places > 1)


def _runs(history: ET.Element) -> bool:
    # Of a plain history; where it is not, the resource is asked about anyway.
    last = max(history, key=lambda op: number(op.get("call-id"), -1), default=None)
    return last is not None and last.get("operation") != "stop" and last.get("rc-code") != "7"


def _plain(operation: ET.Element) -> bool:
    task, status, code = operation.get("operation", ""), operation.get("op-status"), operation.get("rc-code")
    if operation.get("id", "").endswith("_last_failure_0"):
        return False
    if status == _PENDING:
        return task in _STEPS or task == "monitor"
    if status != _DONE or task not in {*_STEPS, *_NO_MATTER, "monitor"}:
        return False
    if task != "monitor":
        return task in _NO_MATTER or code == _STEPS[task]
    if number(operation.get("interval")) == 0:
        return code in {"0", "7"}
    return code == _expected(operation)


def _expected(operation: ET.Element) -> str:
    # transition-key is ACTION:TRANSITION:EXPECTED-CODE:UUID
    parts = operation.get("transition-key", "").split(":")
    return parts[2] if len(parts) > 2 else "0"
