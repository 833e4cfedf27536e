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

    The patch names the epoch of the snapshot, which every change of the configuration raises, and Pacemaker refuses it
    for any other (exit 103, measured on 2.1.5 and 3.0.0). Whoever dies after this line has finished: the cluster
    carries it out.

    It does not name `num_updates`, which counts changes of the status: nodes may differ in that for as long as they
    like after one has joined (seen on 2.1.5, DC 0.82.55, the node that had joined 0.82.53). Every node judges a patch
    by its own number, so the one where it was written took it and said so, the DC refused it, and from then on they had
    different configurations.

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
    patch = _guarded_by_epoch(tools.difference(_without_status(based_on.root), _without_status(after)))
    if patch is None:
        return False
    tools.patch(patch)
    return True


def _guarded_by_epoch(difference: bytes) -> bytes | None:
    """The patch for every node whose configuration is still the same; None if it changes nothing but white space."""
    if not difference.strip():
        return None
    root = ET.fromstring(difference)  # noqa: S314 - crm_diff made it
    if all(change.get("path") == "/cib" for change in root.iterfind("change")):
        return None
    for source in root.iterfind("version/source"):
        source.attrib.pop("num_updates", None)
    return ET.tostring(root)


def _configuration(root: ET.Element) -> bytes:
    return b"".join(ET.tostring(child) for child in root if child.tag == "configuration")


def _without_status(root: ET.Element) -> bytes:
    # The status is most of a CIB and we never write it; the version on the root still guards it.
    slim = ET.Element(root.tag, dict(root.items()))
    slim.extend(child for child in root if child.tag == "configuration")
    return ET.tostring(slim)
