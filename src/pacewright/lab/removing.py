"""Removing a lab, whatever state it is in: complete, half made, half removed, or not there.

It goes by the name alone and by what the kernel says is there, so it needs nothing that `up` may not have written.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from pathlib import Path

from pacewright.clock import Deadline
from pacewright.errors import NodeError
from pacewright.lab import cgroup, mounts, node, rootfs
from pacewright.lab.paths import LABS, RUN, LabPaths
from pacewright.lab.state import MAX_NODES, Gone, check_name, lock, node_names
from pacewright.lab.waiting import until

__all__ = ["clear", "down", "leftovers"]


def down(name: str) -> bool:
    """Remove everything of a lab; False when there was nothing.

    Raises:
        UsageError: no lab can have such a name.
        NodeError: an `up` or `down` of this lab is at work, or something could not be removed.
    """
    check_name(name)
    rootfs.clear_unfinished()
    paths = LabPaths(name=name)
    if not leftovers(paths):
        return False
    with contextlib.ExitStack() as held:
        with contextlib.suppress(Gone):
            held.enter_context(lock(paths.home, what=f"The lab {name!r}", timeout=1))
        clear(paths)
    return True


def leftovers(paths: LabPaths) -> list[str]:
    """What there is of a lab on this machine: mounts, folders, control groups."""
    mountinfo = Path("/proc/self/mountinfo").read_text()
    found = [*mounts.below(paths.run, mountinfo), *mounts.below(paths.home, mountinfo)]
    found += [path for path in (paths.run, paths.home, *cgroup.folders(paths.name)) if path.exists()]
    return [str(path) for path in found]


def clear(paths: LabPaths) -> None:
    """The steps of `down`, for who holds the lock. Repeated until the machine is clean, as a dying `up` may
    have started something a moment ago.

    Raises:
        NodeError: not clean within 20 s; names what is left.
    """

    def clean() -> bool:
        _clear_once(paths)
        return not leftovers(paths)

    if not until(clean, Deadline.after(20), every=0.1):
        raise NodeError(f"The lab {paths.name!r}: not removed: {', '.join(leftovers(paths))}.", hint="Try again.")
    rootfs.clear_unfinished()
    for parent in (RUN, RUN.parent, LABS):
        with contextlib.suppress(OSError):  # other labs are there
            parent.rmdir()


def _clear_once(paths: LabPaths) -> None:
    cgroup.kill(cgroup.main_folder(paths.name))
    _kill_strays(paths)
    for name in node_names(MAX_NODES):
        node.forget(paths, name)
    cgroup.remove(paths.name)
    mounts.unmount_below(paths.run)
    mounts.unmount_below(paths.home)
    for folder in (paths.run, paths.home):
        shutil.rmtree(folder, ignore_errors=True)


def _kill_strays(paths: LabPaths) -> None:
    """SIGKILL what lives in the lab without being in its control group: processes that somebody started in its
    network, or that an interrupted `up` runs in its files.
    """
    spaces = {_identity(file) for file in paths.netns("lab").parent.glob("*")}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile, or is not for us to see
            in_files = (entry / "root").readlink().is_relative_to(paths.home)
            if (in_files or _identity(entry / "ns/net") in spaces) and int(entry.name) != os.getpid():
                os.kill(int(entry.name), signal.SIGKILL)


def _identity(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_dev, status.st_ino
