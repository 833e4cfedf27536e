"""One node: its disk, its power, and running something in it."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from pacewright import process
from pacewright.clock import Deadline
from pacewright.errors import NodeError
from pacewright.lab import cgroup, host, mounts
from pacewright.lab.paths import LabPaths
from pacewright.lab.state import lock
from pacewright.lab.waiting import until

__all__ = [
    "LOGIN",
    "boot",
    "create_disk",
    "entering",
    "forget",
    "init_pid",
    "is_on",
    "kill",
    "launch",
    "run_without_power",
]

LOGIN = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "USER": "root",
    "LOGNAME": "root",
    "SHELL": "/bin/bash",
}
"""What a root login finds in its environment, beyond LC_ALL."""

_LAUNCH = Path(__file__).with_name("launch.py")
_ENTER = 'IFS=:; for group in $1; do echo $$ >"$group/cgroup.procs"; done; unset IFS; shift; exec "$@"'
"""Shell: run a program in control groups. systemd-nspawn looks where it is."""
_CAPABILITIES = "CAP_NET_ADMIN,CAP_NET_RAW,CAP_IPC_LOCK,CAP_SYS_RESOURCE"
_REBOOTED = "133"  # the exit code of systemd-nspawn --keep-unit after a reboot
_NSPAWN_ENV = {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_NSPAWN_LOCK": "0"}
_NSPAWN_RUN = Path("/run/systemd/nspawn")


def create_disk(paths: LabPaths, node: str, mebibytes: int = 0) -> None:
    """Give a new node its own disk, of so many MiB if that is not 0, and its identity on it."""
    if mebibytes:
        mounts.mount_limited(paths.disk(node), mebibytes)
    etc = paths.disk(node) / "upper/etc"
    etc.mkdir(parents=True)
    (etc / "hostname").write_text(f"{node}\n")
    (etc / "machine-id").write_text(f"{secrets.token_hex(16)}\n")


def is_on(paths: LabPaths, node: str) -> bool:
    """Whether the node has power: any of its processes lives."""
    return cgroup.populated(cgroup.main_folder(paths.name, node))


def boot(paths: LabPaths, node: str, rootfs: Path) -> None:
    """Switch a node on; returns as soon as its init is there. Nothing happens if it is on.

    Raises:
        NodeError: it did not start.
    """
    with lock(paths.disk(node), what=node, timeout=20):
        if is_on(paths, node):
            return
        if not paths.netns(node).exists():
            raise NodeError(
                f"{node}: its network is gone, as after a reboot of this machine.",
                hint=f"Make the lab anew: pacewright lab down --name {paths.name}, then up.",
            )
        _lay_out(paths, node, rootfs)
        launch(_nspawn(paths, node), paths.console(node), (paths.name, node))
        if not until(lambda: init_pid(paths, node) is not None, Deadline.after(10), every=0.01):
            said = paths.console(node).read_text(errors="replace")[-1000:]
            raise NodeError(f"{node}: systemd-nspawn did not start it within 10 s.", output=said)


def run_without_power(paths: LabPaths, node: str, rootfs: Path, argv: Sequence[str], *, stdin: bytes) -> None:
    """Run a program on the disk of a node that is off, as confined as in one that is on, and without its network.

    Raises:
        NodeError: it has been switched on meanwhile.
        ToolFailed: the program failed.
    """
    with lock(paths.disk(node), what=node, timeout=20):
        if is_on(paths, node):
            raise NodeError(f"{node}: was switched on meanwhile.", hint="Try again.")
        _lay_out(paths, node, rootfs)
        groups = cgroup.folders(paths.name, node)
        for group in groups:
            group.mkdir(parents=True, exist_ok=True)
        inside = [*_container(paths, node), "--private-network", "--as-pid2", "--pipe", "--", *argv]
        env = [f"{name}={value}" for name, value in _NSPAWN_ENV.items()]
        try:
            host.run(
                ["sh", "-ec", _ENTER, "sh", ":".join(map(str, groups)), "env", *env, *inside], timeout=60, stdin=stdin
            )
        finally:
            cgroup.kill(groups[0])
            forget(paths, node)


def _lay_out(paths: LabPaths, node: str, rootfs: Path) -> None:
    """Make a node's root file system from its layers."""
    forget(paths, node)
    if not mounts.mounted(paths.root(node)):
        mounts.mount_overlay(paths.disk(node), [paths.layer / "upper", rootfs])


def _container(paths: LabPaths, node: str) -> list[str]:
    return [
        "systemd-nspawn",
        "--quiet",
        "--register=no",
        "--keep-unit",
        "--settings=no",
        f"--machine={paths.machine(node)}",
        f"--directory={paths.root(node)}",
        "--link-journal=no",
        "--resolv-conf=off",
        "--timezone=off",
    ]


def _nspawn(paths: LabPaths, node: str) -> list[str]:
    return [
        *_container(paths, node),
        f"--hostname={node}",
        f"--network-namespace-path={paths.netns(node)}",
        f"--capability={_CAPABILITIES}",
        f"--bind={paths.power}:/run/pacewright-lab",
        "--boot",
    ]


def launch(argv: Sequence[str], log: Path, group: tuple[str, ...], *, python_path: str = "") -> None:
    """Start a program that outlives us, in a control group of the lab.

    Raises:
        NodeError: it could not be started.
    """
    folders = cgroup.folders(*group)
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    env = {**_NSPAWN_ENV, "PYTHONPATH": python_path} if python_path else _NSPAWN_ENV
    head = [sys.executable, "-S", str(_LAUNCH), str(log), ":".join(map(str, folders)), _REBOOTED]
    done = process.run([*head, *argv], timeout=10, env=env)
    if done.code:
        raise NodeError(f"{argv[0]}: could not be started.", output=done.output)


def kill(paths: LabPaths, node: str) -> None:
    """Cut a node's power: everything in it is gone when this returns, its disk stays. Off already is fine."""
    with lock(paths.disk(node), what=node, timeout=20):
        cgroup.kill(cgroup.main_folder(paths.name, node))
        forget(paths, node)


def forget(paths: LabPaths, node: str) -> None:
    """Clear away what a dead node's container left on the host."""
    cgroup.remove(paths.name, node)
    for kind in ("propagate", "unix-export", "locks"):
        with contextlib.suppress(OSError):
            shutil.rmtree(_NSPAWN_RUN / kind / paths.machine(node))
        with contextlib.suppress(OSError):  # other machines are there
            (_NSPAWN_RUN / kind).rmdir()


def init_pid(paths: LabPaths, node: str) -> int | None:
    """The host's id of the node's init; None when the node is off or not that far yet."""
    payload = cgroup.main_folder(paths.name, node) / "payload"
    for folder in (payload / "init.scope", payload):
        with contextlib.suppress(OSError):
            for pid in (folder / "cgroup.procs").read_text().split():
                if _is_init(pid):
                    return int(pid)
    return None


def _is_init(pid: str) -> bool:
    for line in Path("/proc", pid, "status").read_text().splitlines():
        if line.startswith("NSpid:"):
            return line.split()[-1] == "1"
    return False


def entering(pid: int, argv: Sequence[str]) -> tuple[str, ...]:
    """The command line that runs `argv` in the node whose init is `pid`, and ends with its caller."""
    spaces = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup")
    return ("nsenter", "--target", str(pid), *spaces, "--", "setpriv", "--pdeathsig", "KILL", "--", *argv)
