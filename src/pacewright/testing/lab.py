"""Snapshots of a lab's cluster, read by the Pacemaker that runs there and not by the one of this machine."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from functools import partial

from pacewright.cluster.cib.parse import parse
from pacewright.cluster.snapshot import Snapshot
from pacewright.cluster.tools import crm_mon
from pacewright.lab import Lab

__all__ = ["snapshot_of"]

_SECONDS = 30.0
_WITH_A_FILE = 'file=$(mktemp -p /dev/shm) && cat >"$file" && CIB_file=$file "$@"; code=$?; rm -f "$file"; exit $code'


def snapshot_of(lab: Lab, node: str, *, timeout: float = _SECONDS) -> Snapshot:
    """The cluster as a node has it now.

    Args:
        timeout: seconds for each question to the node.

    Raises:
        NodeError: the node is off or frozen.
        ToolHung: it does not answer in time.
        ToolFailed: its Pacemaker does not run, or cannot read its own CIB.
    """
    document = lab.run(node, ["cibadmin", "--query"], timeout=timeout).checked().stdout
    return parse(document, ask=partial(_ask, lab, node, timeout))


def _ask(lab: Lab, node: str, timeout: float, cib: bytes) -> ET.Element:
    argv = ["sh", "-c", _WITH_A_FILE, "sh", *crm_mon.STATUS]
    return crm_mon.status_told(lab.run(node, argv, timeout=timeout, stdin=cib))
