"""The patch from one configuration to another, in the format that `crm_diff` writes and the CIB manager applies.

Our edits add, remove and change elements that have ids and leave the order of the others alone; for that a page of
code does what takes a process of its own otherwise. Whatever it is not made for it leaves to `crm_diff`.
The format is that of `xml_create_patchset` in Pacemaker's lib/common/patchset.c (version 2, since 1.1.12).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

__all__ = ["patch"]

_VERSION = ("admin_epoch", "epoch", "num_updates")


def patch(before: ET.Element, after: ET.Element) -> bytes | None:
    """The patch; None if it is not made for that difference.

    Args:
        before: a CIB; of it and of the other one only the configuration counts.
        after: the same later.
    """
    found = _Difference()
    try:
        for old, new in zip(_configurations(before), _configurations(after), strict=True):
            found.compare(old, new, "/cib/configuration")
    except ValueError:
        return None
    root = ET.Element("diff", {"format": "2"})
    version = ET.SubElement(root, "version")
    for name, cib in (("source", before), ("target", after)):
        ET.SubElement(version, name, {part: cib.get(part, "0") for part in _VERSION})
    root.extend(found.deleted)
    root.extend(_modified("/cib", before, after))
    root.extend(found.modified)
    root.extend(found.created)
    return ET.tostring(root)


def _configurations(cib: ET.Element) -> list[ET.Element]:
    return [part for part in cib if part.tag == "configuration"]


class _Difference:
    """What differs, in the order in which it is applied: an element is created once those before it are there."""

    def __init__(self) -> None:
        self.deleted: list[ET.Element] = []
        self.modified: list[ET.Element] = []
        self.created: list[ET.Element] = []

    def compare(self, old: ET.Element, new: ET.Element, path: str) -> None:
        """Note how one element became the other.

        Raises:
            ValueError: that cannot be said here.
        """
        if (old.text or "").strip() != (new.text or "").strip():
            raise ValueError(path)
        self.modified += _modified(path, old, new)
        steps = {_step(child): child for child in old}
        later = {_step(child): child for child in new}
        if len(steps) != len(old) or len(later) != len(new):
            raise ValueError(path)  # two that are called the same
        if [step for step in steps if step in later] != [step for step in later if step in steps]:
            raise ValueError(path)  # something was moved
        self.deleted += [
            ET.Element("change", {"operation": "delete", "path": f"{path}/{step}"})
            for step in steps
            if step not in later
        ]
        for position, (step, child) in enumerate(later.items()):
            if step in steps:
                self.compare(steps[step], child, f"{path}/{step}")
            else:
                where = {"operation": "create", "path": path, "position": str(position)}
                created = ET.Element("change", where)
                created.append(child)
                self.created.append(created)


def _step(element: ET.Element) -> str:
    """An element in a path.

    Raises:
        ValueError: it is a comment, or has an id that cannot stand there.
    """
    if not isinstance(element.tag, str):
        raise ValueError(element.text)  # noqa: TRY004 - as all that is left to crm_diff
    found = element.get("id")
    if found is None:
        return element.tag
    if "'" in found:
        raise ValueError(found)
    return f"{element.tag}[@id='{found}']"


def _modified(path: str, old: ET.Element, new: ET.Element) -> list[ET.Element]:
    if old.attrib == new.attrib:
        return []
    change = ET.Element("change", {"operation": "modify", "path": path})
    each = ET.SubElement(change, "change-list")
    for name in sorted(set(old.keys()).difference(new.keys())):
        ET.SubElement(each, "change-attr", {"name": name, "operation": "unset"})
    for name, value in new.items():
        if old.get(name) != value:
            ET.SubElement(each, "change-attr", {"name": name, "operation": "set", "value": value})
    ET.SubElement(ET.SubElement(change, "change-result"), new.tag, dict(new.items()))
    return [change]
