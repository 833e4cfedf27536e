"""What the cluster itself wrote down: every change of the CIB with its time, from Pacemaker's detail log.

The log is an observer that costs nothing and knows nothing of the program under test: a node's CIB manager notes
there every change as it lands (`cib_perform_op`, 2.1.5 and 3.0.0). Its clock ticks in steps of 4 ms (measured).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pacewright.clock import SYSTEM_CLOCK
from pacewright.lab import Lab

__all__ = ["Landed", "Operation", "commits", "floor", "landed", "log_size", "operations", "redefinitions", "since"]

_LOG = "/var/log/pacemaker/pacemaker.log"
_TIME = re.compile(r"^(\w{3} +\d+ [\d:]+\.\d+) ")
_EPOCH = re.compile(r"info: \+\s+/cib:\s.*@epoch=")
_NEXT = re.compile(r"info: Diff: --- ")
_REVISION = "revision"
_RESULT = re.compile(r"node_state\[@id='([^']+)'\].*lrm_rsc_op\[@id='(.+)_last_0'\]:\s+(.*)")
_ATTRIBUTE = re.compile(r"@([\w-]+)=([^,]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """A line of the log: what landed in the CIB, and when (seconds since the epoch)."""

    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A start or stop that succeeded.

    Attributes:
        at: when its result landed.
        node: the node's id.
        name: `start` or `stop`.
    """

    at: float
    node: str
    name: str


def log_size(lab: Lab, node: str) -> int:
    """Where the node's log ends now."""
    return int(lab.run(node, ["stat", "--format=%s", _LOG]).checked().stdout)


def since(lab: Lab, node: str, position: int) -> tuple[Landed, ...]:
    """What landed in the node's CIB since the log ended there."""
    text = lab.run(node, ["tail", f"--bytes=+{position + 1}", _LOG]).checked().stdout.decode(errors="replace")
    year = datetime.fromtimestamp(SYSTEM_CLOCK.now(), UTC).year
    return tuple(_read(text.splitlines(), year))


def _read(lines: Iterable[str], year: int) -> Iterator[Landed]:
    for line in lines:
        time = _TIME.match(line)
        if time is not None and "(cib_perform_op)" in line:
            moment = datetime.strptime(f"{year} {time[1]} +0000", "%Y %b %d %H:%M:%S.%f %z")
            yield Landed(at=moment.timestamp(), text=line)


def commits(lines: Iterable[Landed]) -> tuple[float, ...]:
    """When each change of the configuration landed."""
    return tuple(line.at for line in lines if _EPOCH.search(line.text))


def redefinitions(lines: Iterable[Landed]) -> tuple[float, ...]:
    """When each of those landed that give an instance a new definition; others only write something down."""
    found: list[float] = []
    redefines = False
    at: float | None = None
    for line in lines:
        if _NEXT.search(line.text):
            at, redefines = None, False
        elif _EPOCH.search(line.text):
            at = line.at
        redefines = redefines or _REVISION in line.text
        if redefines and at is not None:
            found.append(at)
            at = None
    return tuple(found)


def operations(lines: Iterable[Landed], resource: str) -> tuple[Operation, ...]:
    """The starts and stops of a primitive that succeeded, in order."""
    found: list[Operation] = []
    running: dict[str, str] = {}
    for line in lines:
        result = _RESULT.search(line.text)
        if result is None or result[2] != resource:
            continue
        values = dict(_ATTRIBUTE.findall(result[3]))
        node = result[1]
        running[node] = values.get("operation", running.get(node, ""))
        if values.get("op-status") == "0" and running[node] in {"start", "stop"}:
            found.append(Operation(at=line.at, node=node, name=running[node]))
    return tuple(found)


def floor(landings: tuple[float, ...], results: tuple[Operation, ...]) -> float:
    """Seconds that the cluster's own operations took: from each commit to the last result that followed from it."""
    total = 0.0
    for begun, ended in zip(landings, (*landings[1:], float("inf")), strict=True):
        total += max((result.at - begun for result in results if begun <= result.at < ended), default=0.0)
    return total


def landed(lines: Iterable[Landed], text: str) -> float | None:
    """When something with that text landed; None if nothing did."""
    return next((line.at for line in lines if text in line.text), None)
