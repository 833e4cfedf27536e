"""What an instance that has failed has logged last, for whoever reads the error at night."""

from __future__ import annotations

from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import OperationFailed
from pacewright.node import logs
from pacewright.service.lookup import Target

__all__ = ["with_last_lines"]


def with_last_lines(
    error: OperationFailed, target: Target, snapshot: Snapshot, here: NodeName | None
) -> OperationFailed:
    """The error with the instance's last lines, wherever it ran; as it is if it names no node, or there are none.

    Args:
        error: what has failed, and where.
        target: the service.
        snapshot: the cluster.
        here: this node, if it is in the cluster.
    """
    resource = snapshot.resources.get(ResourceId(error.resource or target.primitives[0]))
    agent = resource.agent if resource is not None else None
    if resource is None or agent is None or NodeName(error.node) not in snapshot.nodes:
        return error
    there = None if error.node == here else error.node
    if agent.unit is not None:
        lines = logs.unit_lines(agent.unit, there)
    else:
        lines = logs.agent_lines(agent.type, resource.id, there)
    if not lines:
        return error
    said = f"the last lines of {agent.unit or resource.id} on {error.node}:\n{lines}"
    output = f"{error.output}\n{said}" if error.output else said
    return OperationFailed(error.message, hint=error.hint, output=output, node=error.node, resource=error.resource)
