"""This machine: whether it can carry a lab, and the programs that we run on it meanwhile."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from pacewright import process
from pacewright.errors import NodeError, ToolMissing
from pacewright.lab.paths import CACHE, LABS

__all__ = ["check", "run"]

_LAB_MB = 500
_ROOT_FILE_SYSTEM_MB = 2500

_TOOLS = {
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "ssh-keygen": "openssh-client",
    "dpkg-deb": "dpkg",
}


def run(argv: Sequence[str], *, timeout: float = 20, stdin: bytes = b"") -> process.Completed:
    """Run a program that dies with us, so that nothing goes on behind the back of the next `down`.

    Raises:
        ToolFailed: its exit code was not 0.
        ToolHung: it took longer.
    """
    line = ["setpriv", "--pdeathsig", "KILL", "--", *argv]
    return process.run(line, timeout=timeout, stdin=stdin).checked()


def check(*, root_file_system_is_cached: bool) -> None:
    """Refuse before anything is done.

    Raises:
        NodeError: not root, not Debian, no room.
        ToolMissing: a program is not installed; says which package has it.
    """
    if os.geteuid() != 0:
        raise NodeError("A lab needs root (namespaces, mounts, control groups).", hint="Run it as root.")
    if not Path("/etc/debian_version").exists():
        raise NodeError("A lab needs Debian or a child of it; this machine is neither.")
    needed = _LAB_MB if root_file_system_is_cached else _LAB_MB + _ROOT_FILE_SYSTEM_MB
    tools = _TOOLS if root_file_system_is_cached else {**_TOOLS, "mmdebstrap": "mmdebstrap"}
    for folder in (LABS, CACHE):
        check_room(folder, needed)
    for program, package in tools.items():
        if shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin:/sbin:/bin") is None:
            raise ToolMissing(f"{program}: not installed on this machine.", hint=f"Install the package {package}.")


def check_room(folder: Path, needed: int) -> None:
    """Refuse when a disk is too full.

    Args:
        folder: where we are going to write; it need not exist yet.
        needed: megabytes.

    Raises:
        NodeError: fewer are free.
    """
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(there).free // 2**20
    if free < needed:
        raise NodeError(f"{folder}: {free} MB are free, the lab needs {needed} MB there.", hint="Make room.")
