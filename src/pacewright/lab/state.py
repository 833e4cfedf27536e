"""What was asked of a lab, on disk before anything is done about it, and the lock that one command holds on it."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pacewright.clock import Deadline
from pacewright.errors import NodeError, UsageError
from pacewright.lab.paths import LABS, LabPaths
from pacewright.lab.waiting import until

__all__ = ["DISTROS", "Gone", "LabState", "claim", "existing", "load", "lock", "node_names", "save"]

DISTROS = ("bookworm", "trixie")
MAX_NODES = 32
MIN_DISK = 64

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,19}")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabState:
    """What `up` was asked for.

    Attributes:
        name: the lab's name: small letters, digits and dashes, at most 20.
        nodes: how many, 1 to 32; they are called n1, n2, ...
        distro: the Debian release of the nodes.
        packages: Debian packages beyond those of a bare cluster node, sorted.
        fencing: whether the cluster has a fence device and uses it.
        disk: MiB of a node's own disk, which is in this machine's memory then; 0: as much as this machine's disk has.
        rootfs: name of its root file system in the cache.
        created: when, in seconds since the epoch.
        ready: False until `up` has come to its end.

    Raises:
        UsageError: a value that no lab can have.
    """

    name: str
    nodes: int = 3
    distro: str = "bookworm"
    packages: tuple[str, ...] = ()
    fencing: bool = True
    disk: int = 0
    rootfs: str = ""
    created: float = 0.0
    ready: bool = False

    def __post_init__(self) -> None:
        check_name(self.name)
        if not 1 <= self.nodes <= MAX_NODES:
            raise UsageError(f"--nodes {self.nodes}: a lab has 1 to {MAX_NODES} nodes.")
        if self.distro not in DISTROS:
            raise UsageError(f"--distro {self.distro}: not one of {', '.join(DISTROS)}.")
        if self.disk and self.disk < MIN_DISK:
            raise UsageError(f"A disk of {self.disk} MiB: a node needs {MIN_DISK}.")
        for package in self.packages:
            if not _PACKAGE.fullmatch(package):
                raise UsageError(f"--with {package}: not the name of a Debian package.")

    @property
    def node_names(self) -> tuple[str, ...]:
        """n1, n2, ..."""
        return node_names(self.nodes)


def check_name(name: str) -> None:
    """Refuse what cannot be a lab's name, before it becomes part of a path.

    Raises:
        UsageError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r}: not a name for a lab.",
            hint="Use small letters, digits and dashes, at most 20, no dash in front.",
        )


def node_names(count: int) -> tuple[str, ...]:
    """The names of that many nodes."""
    return tuple(f"n{number}" for number in range(1, count + 1))


def existing() -> tuple[str, ...]:
    """Names of all labs on this machine, complete or not."""
    try:
        return tuple(sorted(entry.name for entry in LABS.iterdir() if entry.is_dir()))
    except FileNotFoundError:
        return ()


def claim(name: str) -> None:
    """Make the lab's folder: of two that want the same name, one gets it.

    Raises:
        UsageError: the name is taken.
    """
    LABS.mkdir(parents=True, exist_ok=True)
    try:
        (LABS / name).mkdir(mode=0o700)
    except FileExistsError:
        raise UsageError(
            f"The lab {name!r} exists already.",
            hint=f"Use it, take another --name, or remove it: pacewright lab down --name {name}.",
        ) from None


def save(state: LabState) -> None:
    """Write the state so that a reader sees the old one or the new one, never half."""
    target = LabPaths(name=state.name).state
    fresh = target.with_suffix(".new")
    fresh.write_text(json.dumps(dataclasses.asdict(state)) + "\n")
    fresh.replace(target)


def load(name: str) -> LabState:
    """Read what was asked of a lab.

    Raises:
        UsageError: there is no such lab, or its `up` was cut off before it wrote anything.
    """
    check_name(name)
    try:
        values = json.loads(LabPaths(name=name).state.read_text())
    except ValueError:  # the disk lost what was written
        values = None
    except FileNotFoundError:
        names = existing()
        if name in names:
            raise UsageError(
                f"The lab {name!r} was never finished.",
                hint=f"Remove what is left of it: pacewright lab down --name {name}.",
            ) from None
        there = f"There is {', '.join(names)}." if names else "There is none; pacewright lab up boots one."
        raise UsageError(f"There is no lab {name!r}.", hint=there) from None
    try:
        return LabState(**{**values, "packages": tuple(values["packages"])})
    except (KeyError, TypeError, UsageError):
        raise UsageError(
            f"The lab {name!r} was made by another version of Pacewright, which noted other things of it.",
            hint=f"Use that version, or remove it: pacewright lab down --name {name}.",
        ) from None


class Gone(NodeError):
    """What was to be locked has been removed meanwhile."""


@contextlib.contextmanager
def lock(folder: Path, *, what: str, timeout: float = 0.0) -> Iterator[None]:
    """Hold an exclusive lock on a folder; it ends with this process, however that ends.

    Args:
        folder: an existing folder.
        what: what the lock is on, for a person.
        timeout: seconds to wait for another holder.

    Raises:
        NodeError: another process holds it.
        Gone: the folder is not there, or was removed while we waited.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        raise Gone(f"{what}: is not there any more.") from None

    def taken() -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    try:
        if not until(taken, Deadline.after(timeout), every=0.02):
            raise NodeError(
                f"{what}: another pacewright process is at work on it.",
                hint="Wait until it has finished, or stop it.",
            )
        if not folder.exists() or not os.path.samestat(os.fstat(handle), folder.stat()):
            raise Gone(f"{what}: is not there any more.")
        yield
    finally:
        os.close(handle)
