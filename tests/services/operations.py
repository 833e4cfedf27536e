"""What Pacemaker did with a resource, as each node's own log has it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from pacewright.lab import Lab

__all__ = ["Operation", "operations", "read"]

_LOG = "/var/log/pacemaker/pacemaker.log"
_REQUESTED = re.compile(
    r"(?P<at>\w{3} \d\d [\d:.]+) .*notice: Requesting local execution of (?P<what>\w+) operation for (?P<resource>\S+)"
    r" on (?P<node>\S+)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation that the cluster asked an agent for.

    Attributes:
        at: seconds since the epoch.
        what: `start`, `stop`, `promote`, `demote`, ...
    """

    at: float
    node: str
    resource: str
    what: str


def operations(lab: Lab, resource: str, *, since: float) -> tuple[Operation, ...]:
    """Every operation on a resource since a moment, on all nodes, in the order of time.

    What is in a bundle is told of the replica's own node, by the log of its host: it counts for the host.
    """
    found = [
        replace(operation, node=node) if "-bundle-" in operation.node else operation
        for node in lab.nodes
        for operation in read(lab.read(node, _LOG).splitlines(), since=since)
        if operation.resource == resource
    ]
    return tuple(sorted(found, key=lambda operation: operation.at))


def read(lines: Iterable[str], *, since: float) -> Iterator[Operation]:
    """Those in a node's log; it has no year, so the moment tells which."""
    year = datetime.fromtimestamp(since).astimezone().year
    for line in lines:
        found = _REQUESTED.search(line)
        if found:
            at = datetime.strptime(f"{year} {found['at']}", "%Y %b %d %H:%M:%S.%f").astimezone().timestamp()
            if at >= since:
                yield Operation(
                    at=at, node=found["node"], resource=found["resource"].partition(":")[0], what=found["what"]
                )
