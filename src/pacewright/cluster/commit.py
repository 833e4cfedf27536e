"""Commit: one atomic write, refused if the cluster is no longer the one that it was decided on."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from pacewright.cluster import tools
from pacewright.cluster.change import Change
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import NoQuorum

__all__ = ["commit"]


def commit(change: Change, *, based_on: Snapshot) -> bool:
    """Write a change into the CIB, whole or not at all, if nothing else has changed since the snapshot.

    The patch names the snapshot's version, and Pacemaker refuses it for any other (exit 103, measured on 2.1.5 and
    3.0.0). Whoever dies after this line has finished: the cluster carries it out.

    Returns:
        True if something was written; False if everything was so already.

    Raises:
        NoQuorum: this partition may not write.
        CommitConflict: the CIB has moved on; read and decide again.
    """
    if not based_on.quorate:
        raise NoQuorum(
            "the cluster has no quorum, so nothing was written.",
            hint="Bring enough nodes back; `pacewright fact` shows which are missing.",
        )
    after = change.apply(based_on)
    if _configuration(after) == _configuration(based_on.root):
        return False
    tools.patch(tools.difference(_without_status(based_on.root), _without_status(after)))
    return True


def _configuration(root: ET.Element) -> bytes:
    return b"".join(ET.tostring(child) for child in root if child.tag == "configuration")


def _without_status(root: ET.Element) -> bytes:
    # The status is most of a CIB and we never write it; the version on the root still guards it.
    slim = ET.Element(root.tag, dict(root.items()))
    slim.extend(child for child in root if child.tag == "configuration")
    return ET.tostring(slim)
