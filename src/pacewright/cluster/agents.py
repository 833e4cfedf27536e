"""Agents: what a resource agent says about its own operations. pcs gives a new primitive the same."""

from __future__ import annotations

from collections.abc import Iterator

from pacewright.cluster.edits.definition import Operation
from pacewright.cluster.names import Agent
from pacewright.cluster.tools import crm_resource

__all__ = ["default_operations"]

_TASKS = {"migrate_from", "migrate_to", "monitor", "notify", "promote", "demote", "reload", "reload-agent"}
_TASKS |= {"start", "stop"}
_NEVER = "0s"


def default_operations(agent: Agent) -> tuple[Operation, ...] | None:
    """The operations that an agent's meta-data advise (10 ms); None if this node has no such agent.

    Time-outs matter most: without them every operation has Pacemaker's 20 s, in which a database does not start.
    """
    described = crm_resource.metadata(str(agent))
    if described is None:
        return None
    tasks = {"monitor"} if agent.standard == "stonith" else _TASKS
    found = [
        Operation(name=action.get("name", ""), role=action.get("role"), attributes=dict(_attributes(action.attrib)))
        for action in described.iterfind("actions/action")
        if action.get("name") in tasks
    ]
    return tuple(sorted(found, key=lambda operation: operation.name))


def _attributes(action: dict[str, str]) -> Iterator[tuple[str, str]]:
    yield "interval", action.get("interval") or ("60s" if action.get("name") == "monitor" else _NEVER)
    if action.get("timeout"):
        yield "timeout", action["timeout"]
    if action.get("depth", "0") not in {"", "0"}:
        yield "OCF_CHECK_LEVEL", action["depth"]
