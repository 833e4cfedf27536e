"""The cluster as `crm_mon` tells it: what runs where, in which role, and what has failed. Pure.

Not as Pacewright reads it: what judges the program must not be wrong in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from xml.etree import ElementTree as ET

__all__ = ["Status", "read_status"]

_UP = {"Started", "Promoted", "Unpromoted", "Master", "Slave"}
_PROMOTED = {"Promoted", "Master"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One look.

    Attributes:
        quorate: there are a DC and quorum.
        text: the whole, but for when it was asked; the same twice if nothing has changed.
        up: nodes by primitive, where an instance runs, has nothing under way, and has no failure that counts.
        busy: nodes by primitive, where something is under way.
        promoted: nodes by primitive, of `up`.
        failed: nodes by primitive, with a failure on record; an ignored one is none.
    """

    quorate: bool
    text: str
    up: Mapping[str, AbstractSet[str]]
    busy: Mapping[str, AbstractSet[str]]
    promoted: Mapping[str, AbstractSet[str]]
    failed: Mapping[str, AbstractSet[str]]


def read_status(document: bytes) -> Status:
    """What `crm_mon --one-shot --output-as=xml` printed (2.1.5 and 3.0.0).

    Raises:
        ValueError: it is no such document.
    """
    try:
        root = ET.fromstring(document)  # noqa: S314 - from our own node
    except ET.ParseError as error:
        raise ValueError(str(error)) from error
    dc = root.find("summary/current_dc")
    found: dict[str, dict[str, set[str]]] = {"up": {}, "busy": {}, "promoted": {}, "failed": {}}
    ignored = set()
    for resource in root.iterfind("resources//resource"):
        primitive = resource.get("id", "").partition(":")[0]
        nodes = {node.get("name", "") for node in resource.iterfind("node")}
        if resource.get("failure_ignored") == "true":
            ignored |= {(primitive, node) for node in nodes}
        for kind in _kinds(resource):
            found[kind].setdefault(primitive, set()).update(nodes)
    for failure in root.iterfind("failures/failure"):
        primitive = re.sub(r"_[a-z-]+_\d+$", "", failure.get("op_key", "")).partition(":")[0]
        if (primitive, failure.get("node", "")) not in ignored:
            found["failed"].setdefault(primitive, set()).add(failure.get("node", ""))
    return Status(
        quorate=dc is not None and dc.get("with_quorum") == "true",
        text=re.sub(r"<(last_update|pacemakerd) [^>]*>", "", document.decode(errors="replace")),
        **found,
    )


def _kinds(resource: ET.Element) -> set[str]:
    if resource.get("pending", "Monitoring") != "Monitoring":  # that comes and goes while it runs
        return {"busy"}
    bad = resource.get("failed") == "true" and resource.get("failure_ignored") != "true"
    if bad or resource.get("role") not in _UP or resource.get("orphaned") == "true":
        return set()
    return {"up", "promoted"} if resource.get("role") in _PROMOTED else {"up"}
