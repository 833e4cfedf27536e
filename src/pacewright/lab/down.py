"""Removing a lab, whatever state it is in: complete, half made, half removed, or not there."""

from __future__ import annotations

import contextlib
import shutil

from pacewright.lab import cgroup, mounts, network, node
from pacewright.lab.paths import LABS, RUN, LabPaths
from pacewright.lab.state import MAX_NODES, check_name, lock, node_names

__all__ = ["down"]


def down(name: str) -> bool:
    """Remove everything of a lab; False when there was nothing.

    It goes by the name alone, so it needs nothing that `up` may not have written.

    Raises:
        UsageError: no lab can have such a name.
        NodeError: an `up` or `down` of this lab is at work.
    """
    check_name(name)
    paths = LabPaths(name=name)
    if not (paths.home.exists() or paths.run.exists() or cgroup.main_folder(name).exists()):
        return False
    with contextlib.ExitStack() as held:
        with contextlib.suppress(FileNotFoundError):
            held.enter_context(lock(paths.home, timeout=1))
        clear(paths)
    return True


def clear(paths: LabPaths) -> None:
    """The steps of `down`, for who holds the lock."""
    cgroup.kill(cgroup.main_folder(paths.name))
    network.kill_inhabitants(paths)
    for name in node_names(MAX_NODES):
        node.forget(paths, name)
    cgroup.remove(paths.name)
    mounts.unmount_below(paths.run)
    mounts.unmount_below(paths.home)
    for folder in (paths.run, paths.home):
        shutil.rmtree(folder, ignore_errors=True)
    for parent in (RUN, RUN.parent, LABS):
        with contextlib.suppress(OSError):  # other labs are there
            parent.rmdir()
