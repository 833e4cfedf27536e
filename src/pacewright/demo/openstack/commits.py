"""Who changed the cluster's configuration, and what: read from Pacemaker's own log, where every change stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pacewright.lab import Lab
from pacewright.testing.lab import snapshot_of

__all__ = ["Commit", "commits", "epoch", "read"]

_LOG = "/var/log/pacemaker/pacemaker.log"
_DETAIL = re.compile(r"\(cib_perform_op\)\s+info: (.*)")
_DONE = re.compile(
    r"\(cib_process_request\)\s+info: Completed \S+ operation .*: OK \(rc=0, origin=(.*?), version=(.*?)\)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A change of the configuration.

    Attributes:
        epoch: the configuration's number after it.
        node: where the program ran that asked for it.
        program: its name: `cibadmin`, `crm_attribute`, `crmd`, ...
        changes: what was changed, a line each, in Pacemaker's words.
    """

    epoch: int
    node: str
    program: str
    changes: tuple[str, ...]

    def touches(self, *words: str) -> bool:
        """Whether one of these stands in what was changed."""
        return any(word in line for line in self.changes for word in words)


def commits(lab: Lab, *, after: int = 0) -> tuple[Commit, ...]:
    """Every change of the configuration with a higher epoch, in their order, as one of the nodes saw them."""
    node = next(node for node in lab.nodes if lab.is_on(node))
    return tuple(commit for commit in read(lab.read(node, _LOG).splitlines()) if commit.epoch > after)


def epoch(lab: Lab) -> int:
    """The number of the configuration as it is now."""
    node = next(node for node in lab.nodes if lab.is_on(node))
    return snapshot_of(lab, node).version.epoch


def read(lines: Iterable[str]) -> list[Commit]:
    """The changes of the configuration in a log; those of the status are left out."""
    found: list[Commit] = []
    changes: list[str] = []
    for line in lines:
        detail = _DETAIL.search(line)
        if detail:
            if detail[1].startswith("Diff: ---"):
                changes = []
            changes.append(detail[1])
            continue
        done = _DONE.search(line)
        if done and changes:
            _, number, updates = done[2].split(".")
            if updates == "0" and not (found and found[-1].epoch == int(number)):
                node, program = done[1].split("/")[:2]
                found.append(Commit(epoch=int(number), node=node, program=program, changes=tuple(changes)))
            changes = []
    return found
