"""How long Pacemaker would give each operation of a resource. It is asked where more than a plain number stands there.

The scheduler's graph carries the time-out of every operation in it, whatever template, default or rule that comes
from. So the resource is stopped and started in the scheduler's imagination.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

from pacewright.cluster.cib.parse import parse
from pacewright.cluster.edits.change import Change
from pacewright.cluster.edits.hold import HoldResource, Release
from pacewright.cluster.forecast import carried_out, question, what_if
from pacewright.cluster.names import ResourceId, Timeouts
from pacewright.cluster.snapshot import Snapshot

__all__ = ["timeouts"]

_FOR_EVER = 4_102_444_800.0  # 2100


def timeouts(resource: ResourceId, snapshot: Snapshot) -> Timeouts:
    """The time-outs of a resource's operations; one that is missing is not defined and never asked for here.

    Args:
        resource: the outermost one: a primitive, group, clone or bundle.
        snapshot: the cluster.

    Raises:
        ToolFailed: the scheduler cannot work on this CIB.
    """
    primitives = snapshot.primitives(resource)
    found = {(p, task): seconds for p in primitives for task, seconds in snapshot.resources[p].timeouts.items()}
    if not _asks(resource, snapshot):
        return found
    stop = Change(edits=(HoldResource(resource=resource, until=_FOR_EVER),), reason="stop it")
    stopped = carried_out(question(snapshot, stop))
    started = what_if(parse(stopped.after), Change(edits=(Release(resource=resource),), reason="start it"))
    told = {**started.timeouts(), **stopped.timeouts()}
    return found | {key: seconds for key, seconds in told.items() if key[0] in primitives}


def _asks(resource: ResourceId, snapshot: Snapshot) -> bool:
    configuration = snapshot.root.find("configuration")
    defaults = configuration.find("op_defaults") if configuration is not None else None
    if defaults is not None and defaults.find(".//nvpair") is not None:
        return True
    return any(_refers(element) for element in _definitions(snapshot.root, set(snapshot.primitives(resource))))


def _definitions(root: ET.Element, primitives: set[ResourceId]) -> list[ET.Element]:
    found = root.iterfind("configuration/resources//primitive")
    return [primitive for primitive in found if primitive.get("id") in primitives]


def _refers(primitive: ET.Element) -> bool:
    """True if its operations stand elsewhere, or under rules."""
    if "template" in primitive.attrib:
        return True
    operations = primitive.find("operations")
    return operations is not None and (
        "id-ref" in operations.attrib or any(e.tag == "rule" or "id-ref" in e.attrib for e in operations.iter())
    )
