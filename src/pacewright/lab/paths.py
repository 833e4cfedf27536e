"""Where a lab keeps its things, derived from its name alone, so that `down` finds them after any crash."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["CACHE", "LABS", "RUN", "LabPaths"]

_STATE = Path("/var/lib/pacewright/lab")

CACHE = _STATE / "cache"
"""Root file systems, shared by all labs. The only thing that `down` leaves."""

LABS = _STATE / "labs"
"""One folder per lab; its existence is the lab's existence."""

RUN = Path("/run/pacewright/lab")
"""Namespaces and sockets, one folder per lab."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabPaths:
    """The places of one lab.

    Attributes:
        name: the lab's name, already checked.
    """

    name: str

    @property
    def home(self) -> Path:
        """State, the lab's own layer, the nodes' disks."""
        return LABS / self.name

    @property
    def state(self) -> Path:
        """What was asked for, as JSON, written before anything is done."""
        return self.home / "lab.json"

    @property
    def run(self) -> Path:
        """Namespaces and sockets."""
        return RUN / self.name

    @property
    def layer(self) -> Path:
        """What the lab's nodes share on top of the root file system: keys, configuration, our package."""
        return self.home / "layer"

    @property
    def power(self) -> Path:
        """The folder with the fencing socket, bound into every node."""
        return self.run / "power"

    @property
    def power_log(self) -> Path:
        """What the power switch did."""
        return self.home / "power.log"

    def disk(self, node: str) -> Path:
        """Folder of a node's own disk: `upper`, `work`, and the mounted `root`."""
        return self.home / "nodes" / node

    def root(self, node: str) -> Path:
        """A node's root file system as the host sees it."""
        return self.disk(node) / "root"

    def console(self, node: str) -> Path:
        """What the node's init wrote to its console."""
        return self.disk(node) / "console.log"

    def netns(self, owner: str) -> Path:
        """The network namespace of a node, or the lab's own (`lab`), which holds the bridge."""
        return self.run / "netns" / owner

    def machine(self, node: str) -> str:
        """The node's name in the world outside its lab."""
        return f"pacewright-{self.name}-{node}"
