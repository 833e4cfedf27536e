"""The lives of a service's main processes, as this machine's kernel has them: nothing that anybody says himself."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pacewright.clock import SYSTEM_CLOCK
from pacewright.lab import Lab, cgroup

__all__ = ["Life", "Lives", "main_processes"]

_LOOK_EVERY = 0.1
_TICKS = os.sysconf("SC_CLK_TCK")
_COMM = 15
"""Characters that the kernel keeps of a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A main process.

    Attributes:
        pid: this machine's number for it.
        began, ended: seconds since the epoch; `ended` is the last moment at which it was seen, infinite while it runs.
    """

    node: str
    pid: int
    began: float
    ended: float


class Lives:
    """Looks ten times a second, from a thread of its own, until `close`.

    Args:
        process: the name of an instance's main process.
        parent: the name of what its parent is.
    """

    def __init__(self, lab: Lab, process: str, parent: str) -> None:
        self._folders = {node: cgroup.main_folder(lab.name, node) for node in lab.nodes}
        self._process = process
        self._parent = parent
        self._boot = SYSTEM_CLOCK.now() - float(Path("/proc/uptime").read_text().split()[0])
        self._lives: dict[tuple[str, int, int], Life] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_EVERY):
            self.look()

    def look(self) -> None:
        """Take in what there is now."""
        found = {
            (node, pid, ticks)
            for node, folder in self._folders.items()
            for pid, ticks in main_processes(folder, self._process, self._parent).items()
        }
        now = SYSTEM_CLOCK.now()
        with self._lock:
            for key in found:
                node, pid, ticks = key
                began = self._boot + ticks / _TICKS
                self._lives.setdefault(key, Life(node=node, pid=pid, began=began, ended=float("inf")))
            for key, life in self._lives.items():
                if key not in found and life.ended == float("inf"):
                    self._lives[key] = replace(life, ended=now)

    def all(self) -> tuple[Life, ...]:
        """Every life so far, in the order of time."""
        self.look()
        with self._lock:
            return tuple(sorted(self._lives.values(), key=lambda life: life.began))

    def close(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()


def main_processes(folder: Path, name: str, parent: str) -> Mapping[int, int]:
    """Those of this name below a control group whose parent has that name, and when they began, in clock ticks."""
    found: dict[int, int] = {}
    for place, _, _ in os.walk(folder):  # unlike rglob it goes on when a unit's group vanishes under it
        with contextlib.suppress(OSError):
            for pid in map(int, Path(place, "cgroup.procs").read_text().split()):
                fields = _stat(pid, name)
                if fields and _stat(int(fields[1]), parent):
                    found[pid] = int(fields[19])
    return found


def _stat(pid: int, name: str) -> list[str]:
    """What /proc/PID/stat has behind the name (proc_pid_stat(5)); nothing for another name, or if it is dead."""
    try:
        head, _, tail = Path("/proc", str(pid), "stat").read_text().rpartition(")")
    except OSError:
        return []
    fields = tail.split()
    return fields if head.partition("(")[2] == name[:_COMM] and fields[0] not in "ZX" else []
