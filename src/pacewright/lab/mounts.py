"""Mounts of a lab: an overlay per node, and the certainty that none is left."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pacewright import process
from pacewright.lab import host

__all__ = ["below", "fill", "give_room", "mount_limited", "mount_overlay", "mounted", "unmount_below"]

_TIMEOUT = 20.0
_TRIES = 20


def below(folder: Path, mountinfo: str) -> tuple[Path, ...]:
    """Mount points at or below a folder, the last mounted first (proc(5), mountinfo)."""
    points = [Path(_unescaped(line.split(" ")[4])) for line in mountinfo.splitlines()]
    return tuple(point for point in reversed(points) if point.is_relative_to(folder))


def _unescaped(text: str) -> str:
    return text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")


def mounted(folder: Path) -> bool:
    """Whether a file system is mounted on this very folder."""
    return folder in below(folder, Path("/proc/self/mountinfo").read_text())


def mount_overlay(disk: Path, lowers: Sequence[Path]) -> Path:
    """Mount `disk`/root: `disk`/upper over the lower folders, topmost first; returns the mounted folder."""
    root = disk / "root"
    for part in ("upper", "work", "root"):
        (disk / part).mkdir(parents=True, exist_ok=True)
    options = f"lowerdir={':'.join(map(str, lowers))},upperdir={disk / 'upper'},workdir={disk / 'work'}"
    host.run(["mount", "-t", "overlay", "-o", options, "pacewright-lab", str(root)])
    return root


def mount_limited(folder: Path, mebibytes: int, *, options: str = "") -> None:
    """Mount a file system with so much room on a folder; it is in this machine's memory.

    Args:
        options: more of them, comma between (mount(8)).
    """
    folder.mkdir(parents=True, exist_ok=True)
    said = ",".join(filter(None, (f"size={mebibytes}m", "mode=755", options)))
    host.run(["mount", "-t", "tmpfs", "-o", said, "pacewright-lab-disk", str(folder)])


def fill(folder: Path) -> None:
    """Let a limited file system be full from now on: it gets no more room than what is in it takes.

    Raises:
        ToolFailed: it grew each time that we looked.
    """
    for _ in range(_TRIES):
        status = os.statvfs(folder)
        taken = (status.f_blocks - status.f_bfree) * status.f_frsize
        if process.run(_resized(folder, f"{taken}"), timeout=_TIMEOUT).code == 0:
            return
    host.run(_resized(folder, f"{taken}"))


def give_room(folder: Path, mebibytes: int) -> None:
    """Give a limited file system so much room."""
    host.run(_resized(folder, f"{mebibytes}m"))


def _resized(folder: Path, size: str) -> list[str]:
    return ["mount", "-o", f"remount,size={size}", str(folder)]


def unmount_below(folder: Path) -> None:
    """Unmount everything at or below a folder; what is busy goes when its last user does."""
    for point in below(folder, Path("/proc/self/mountinfo").read_text()):
        if process.run(["umount", point.as_posix()], timeout=_TIMEOUT).code:
            process.run(["umount", "--lazy", point.as_posix()], timeout=_TIMEOUT).checked()
