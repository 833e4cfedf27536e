"""Fencing from the host's side: starting the daemon that is the lab's power switch."""

from __future__ import annotations

import sys
from pathlib import Path

import pacewright
from pacewright.clock import Deadline
from pacewright.errors import NodeError
from pacewright.lab import mounts
from pacewright.lab import node as nodes
from pacewright.lab.paths import LabPaths
from pacewright.lab.waiting import until

__all__ = ["start_switch"]

_MEBIBYTES = 64
_GROUP = "power"  # the daemon's control group in the lab's; no node has that name


def start_switch(paths: LabPaths) -> None:
    """Start the daemon of a lab and wait until it listens.

    Raises:
        NodeError: it did not start within 10 s.
    """
    # Every node may write there, so it has a size of its own and cannot fill this machine's /run.
    mounts.mount_limited(paths.power, _MEBIBYTES, options="nosuid,nodev,nr_inodes=4k")
    source = str(Path(pacewright.__file__).parent.parent)
    argv = [sys.executable, "-m", "pacewright.lab.power_switch", paths.name]
    nodes.launch(argv, paths.power_log, (paths.name, _GROUP), python_path=source)
    if not until((paths.power / "socket").exists, Deadline.after(10), every=0.02):
        said = paths.power_log.read_text(errors="replace")[-1000:]
        raise NodeError("The lab's power switch did not start within 10 s.", output=said)
