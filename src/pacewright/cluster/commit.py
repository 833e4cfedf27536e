"""Commit: one atomic write, refused if the cluster is no longer the one that it was decided on."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable

from pacewright.cluster.cib import patch as patches
from pacewright.cluster.cib.parse import read
from pacewright.cluster.cib.values import number
from pacewright.cluster.edits.change import Change
from pacewright.cluster.snapshot import Snapshot
from pacewright.cluster.tools import cibadmin
from pacewright.errors import ClusterDown, CommitConflict, NoQuorum, ToolOutput

__all__ = ["Still", "changes_nothing", "commit", "difference", "is_there"]

Still = Callable[[Snapshot], bool]
"""Told a newer snapshot than a change was decided on: would it be decided again?"""

_VERSION = ("admin_epoch", "epoch", "num_updates")


def commit(
    change: Change,
    *,
    based_on: Snapshot,
    still: Still | None = None,
    root: Callable[[], bytes | None] = lambda: None,
    again: Callable[[], Snapshot] = read,
) -> bool:
    """Write a change into the CIB, whole or not at all, if nothing else has changed since the snapshot.

    The patch names the epoch of the snapshot, which every change of the configuration raises, and Pacemaker refuses it
    for any other (exit 103, measured on 2.1.5 and 3.0.0). Whoever dies after this line has finished: the cluster
    carries it out.

    It does not name `num_updates`, which counts changes of the status: nodes may differ in that for as long as they
    like after one has joined (seen on 2.1.5, DC 0.82.55, the node that had joined 0.82.53). Every node judges a patch
    by its own number, so the one where it was written took it and said so, the DC refused it, and from then on they had
    different configurations. So the status is looked at once more, as late as can be: what happens to it in the few
    milliseconds from there until the patch is applied, nobody can keep from happening behind a decision.

    Args:
        change: what to write.
        based_on: what it was decided on.
        still: whether it would be decided again on this newer snapshot; None if that does not matter.
        root: gives the CIB's root element, or None where `cibadmin` has to be asked.
        again: reads the cluster once more.

    Returns:
        True if something was written; False if everything was so already.

    Raises:
        NoQuorum: this partition may not write.
        ClusterDown: there is no DC; what a starting node writes would win over what the others have.
        CommitConflict: the CIB has moved on; read and decide again.
        OutcomeUnknown: nobody has said whether it is written; read again, `is_there` tells then.
    """
    if not based_on.quorate:
        raise NoQuorum(
            "the cluster has no quorum, so nothing was written.",
            hint="Bring enough nodes back; `pacewright fact` shows which are missing.",
        )
    if based_on.dc is None:
        raise ClusterDown(
            "the cluster has no DC on this node's view (it is starting, or electing one), so nothing was written.",
            hint="Run it again in a moment; `pcs status` shows when the node has joined.",
        )
    after = change.apply(based_on)
    if changes_nothing(based_on.root, after):
        return False
    patch = _guarded_by_epoch(difference(based_on.root, after))
    if patch is None:
        return False
    if still is not None and _has_moved_on(based_on, root()):
        newer = again()
        if not newer.quorate or newer.dc is None or not still(newer):
            raise CommitConflict("what it was decided on is no longer so, so nothing was written.")
    cibadmin.patch(patch)
    return True


def difference(before: ET.Element, after: ET.Element) -> bytes:
    """The patch from one CIB's configuration to another's: by `crm_diff`, where ours is not made for the difference."""
    own = patches.patch(before, after)
    return own if own is not None else cibadmin.difference(_without_status(before), _without_status(after))


def _has_moved_on(based_on: Snapshot, told: bytes | None) -> bool:
    try:
        root = ET.fromstring(cibadmin.query_root() if told is None else told)  # noqa: S314 - the cluster's own
    except ET.ParseError:
        return True  # whoever reads the whole of it says what is wrong
    now, then = (tuple(number(one.get(name)) for name in _VERSION) for one in (root, based_on.root))
    return now != then


def _guarded_by_epoch(difference: bytes) -> bytes | None:
    """The patch for every node whose configuration is still the same; None if it changes nothing but white space."""
    if not difference.strip():
        return None
    try:
        root = ET.fromstring(difference)  # noqa: S314 - crm_diff made it
    except ET.ParseError as error:
        raise ToolOutput(
            f"crm_diff: it printed something that is not XML ({error}), so nothing was written.",
            hint="Is it Pacemaker's own program, and is its version 2.1 or newer?",
            output=difference[:300].decode(errors="replace"),
        ) from error
    if all(change.get("path") == "/cib" for change in root.iterfind("change")):
        return None
    for source in root.iterfind("version/source"):
        source.attrib.pop("num_updates", None)
    return ET.tostring(root)


def is_there(change: Change, snapshot: Snapshot) -> bool:
    """True if a cluster has what a change was to write.

    Raises:
        Refused: what it is about is no longer there.
    """
    return changes_nothing(snapshot.root, change.apply(snapshot))


def changes_nothing(before: ET.Element, after: ET.Element) -> bool:
    """True if two CIBs have the same configuration, however it is laid out."""
    return all(_same(old, new) for old, new in zip(_configurations(before), _configurations(after), strict=True))


def _configurations(root: ET.Element) -> list[ET.Element]:
    return [child for child in root if child.tag == "configuration"]


def _same(one: ET.Element, other: ET.Element) -> bool:
    if one.tag != other.tag or one.attrib != other.attrib or len(one) != len(other):
        return False
    return all(_same(mine, theirs) for mine, theirs in zip(one, other, strict=True))


def _without_status(root: ET.Element) -> bytes:
    # The status is most of a CIB and we never write it; the version on the root still guards it.
    slim = ET.Element(root.tag, dict(root.items()))
    slim.extend(child for child in root if child.tag == "configuration")
    return ET.tostring(slim)
