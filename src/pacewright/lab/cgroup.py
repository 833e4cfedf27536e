"""A node's control group: everything that runs in the node, however it was started, and one switch for all of it.

On a machine with cgroup v2 alone there is one hierarchy. On a hybrid one (v2 beside `name=systemd`) systemd in a
node wants to find itself in both, so both get the same path. Killing and freezing always go through v2, whose
`cgroup.kill` (Linux 5.14) and `cgroup.freeze` (5.2) act on all processes below at once.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from pacewright.clock import Deadline
from pacewright.errors import NodeError
from pacewright.lab.waiting import until

__all__ = ["folders", "freeze", "frozen", "kill", "main_folder", "populated", "remove"]

_PARENT = "pacewright-lab"
_MOUNTS = Path("/proc/self/mountinfo")


def hierarchies(mountinfo: str) -> tuple[Path, ...]:
    """Mount points of the hierarchies that matter, v2 first.

    Args:
        mountinfo: the text of /proc/self/mountinfo (proc(5)).

    Raises:
        NodeError: cgroup v2 is not mounted.
    """
    unified: list[Path] = []
    named: list[Path] = []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2)
        where = Path(left.split(" ")[4])
        if kind == "cgroup2":
            unified.append(where)
        elif kind == "cgroup" and "name=systemd" in options.split(","):
            named.append(where)
    if not unified:
        raise NodeError("cgroup v2 is not mounted on this machine.", hint="The lab needs it to hold its nodes.")
    return (unified[0], *named[:1])


def folders(*parts: str) -> tuple[Path, ...]:
    """The folders of a lab's (or a node's) control group, one per hierarchy, v2 first."""
    return tuple(base.joinpath(_PARENT, *parts) for base in hierarchies(_MOUNTS.read_text()))


def main_folder(*parts: str) -> Path:
    """The folder in the v2 hierarchy."""
    return folders(*parts)[0]


def _event(folder: Path, key: str) -> bool:
    try:
        lines = (folder / "cgroup.events").read_text().splitlines()
    except OSError:
        return False
    return f"{key} 1" in lines


def populated(folder: Path) -> bool:
    """Whether any process lives in it or below."""
    return _event(folder, "populated")


def frozen(folder: Path) -> bool:
    """Whether everything in it stands still."""
    return _event(folder, "frozen")


def freeze(folder: Path, *, still: bool) -> None:
    """Stop or resume everything in a v2 control group, and wait until it is so.

    Raises:
        NodeError: the kernel did not manage within 5 s.
    """
    (folder / "cgroup.freeze").write_text("1" if still else "0")
    if not until(lambda: frozen(folder) == still, Deadline.after(5), every=0.005):
        raise NodeError(f"{folder}: the kernel did not {'freeze' if still else 'thaw'} it within 5 s.")


def kill(folder: Path) -> None:
    """SIGKILL everything in a v2 control group and wait until all of it is gone; nothing there is fine.

    Raises:
        NodeError: something survived for 10 s.
    """

    def gone() -> bool:
        with contextlib.suppress(OSError):
            (folder / "cgroup.kill").write_text("1")
        return not populated(folder)

    if not until(gone, Deadline.after(10), every=0.005):
        raise NodeError(f"{folder}: its processes did not die within 10 s.", hint="See ps for state D.")


def remove(*parts: str) -> None:
    """Remove a control group without processes, and all below, from every hierarchy; absent is fine.

    Raises:
        NodeError: processes came back into it.
    """
    for folder in folders(*parts):
        if not until(lambda folder=folder: _removed(folder), Deadline.after(5), every=0.01):  # type: ignore[misc]
            raise NodeError(f"{folder}: cannot be removed, there are still processes in it.")
        with contextlib.suppress(OSError):  # other labs are there
            folder.parent.rmdir()


def _removed(folder: Path) -> bool:
    for inner in sorted(folder.glob("**/"), key=lambda path: -len(path.parts)):
        with contextlib.suppress(OSError):
            inner.rmdir()
    return not folder.exists()
