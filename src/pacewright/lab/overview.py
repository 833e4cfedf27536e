"""All labs on this machine and how their nodes are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pacewright.errors import NodeError, UsageError
from pacewright.lab import cgroup, node
from pacewright.lab.paths import LabPaths
from pacewright.lab.state import existing, load, lock

__all__ = ["Summary", "summaries"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One lab in a list.

    Attributes:
        name: the lab's name.
        state: `up`, `in work` while a command holds it, or `half-made` when its `up` was cut off.
        distro: the nodes' Debian release; empty when nothing was written down yet.
        packages: packages beyond a bare node's.
        fencing: whether it has a fence device.
        nodes: node to `on`, `frozen` or `off`.
    """

    name: str
    state: str
    distro: str = ""
    packages: tuple[str, ...] = ()
    fencing: bool = True
    nodes: Mapping[str, str]


def summaries() -> tuple[Summary, ...]:
    """Every lab of this machine, by name."""
    return tuple(_summary(name) for name in existing())


def _summary(name: str) -> Summary:
    try:
        state = load(name)
    except UsageError:
        return Summary(name=name, state=_unfinished(name), nodes={})
    paths = LabPaths(name=name)
    return Summary(
        name=name,
        state="up" if state.ready else _unfinished(name),
        distro=state.distro,
        packages=state.packages,
        fencing=state.fencing,
        nodes={each: _power(paths, each) for each in state.node_names},
    )


def _unfinished(name: str) -> str:
    try:
        with lock(LabPaths(name=name).home, what=name):
            return "half-made"
    except NodeError:
        return "in work"


def _power(paths: LabPaths, name: str) -> str:
    if not node.is_on(paths, name):
        return "off"
    return "frozen" if cgroup.frozen(cgroup.main_folder(paths.name, name)) else "on"
