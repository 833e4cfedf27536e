"""A lab in the hands of a program: tests, the demo and the bench hold one of these."""

from __future__ import annotations

import errno
import os
import signal
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pacewright import process
from pacewright.clock import Deadline
from pacewright.errors import DeadlinePassed, NodeError, PacewrightError, UsageError
from pacewright.lab import cgroup, deb, files, layer, mounts, network, quorum, removing, rootfs
from pacewright.lab import node as nodes
from pacewright.lab.paths import LabPaths
from pacewright.lab.state import LabState, load
from pacewright.lab.waiting import until

__all__ = ["Lab"]

_FILE_SECONDS = 30.0


class Lab:
    """A running (or once running) cluster on this machine. `Lab.open(name)` finds one, `up()` makes one.

    Attributes:
        state: what was asked for.
        paths: where it keeps its things.
        nodes: the nodes' names: n1, n2, ...
    """

    def __init__(self, state: LabState) -> None:
        self.state = state
        self.paths = LabPaths(name=state.name)
        self.nodes: tuple[str, ...] = state.node_names

    @classmethod
    def open(cls, name: str) -> Lab:
        """The lab with this name.

        Raises:
            UsageError: there is none; says which there are.
        """
        return cls(load(name))

    @property
    def name(self) -> str:
        """The lab's name; also the cluster's."""
        return self.state.name

    @property
    def netns(self) -> Path:
        """The lab's own network namespace, which reaches all nodes: `nsenter --net=PATH curl ...`."""
        return self.paths.netns(network.OUTSIDE)

    def address(self, node: str) -> str:
        """The node's IPv4 address, valid in the lab's network only."""
        return layer.addresses(self.state)[self._known(node)]

    # --- in the nodes

    def run(
        self,
        node: str,
        argv: Sequence[str],
        *,
        timeout: float = 30,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> process.Completed:
        """Run a program in a node as root would, to its end; costs a few milliseconds beyond the program.

        Raises:
            NodeError: the node is off or frozen.
            ToolHung: it took longer than `timeout` seconds.
        """
        return process.run(self._inside(node, argv), timeout=timeout, stdin=stdin, env={**nodes.LOGIN, **(env or {})})

    def spawn(
        self,
        node: str,
        argv: Sequence[str],
        *,
        stdin: int = process.DEVNULL,
        stdout: int = process.DEVNULL,
        stderr: int = process.DEVNULL,
        env: Mapping[str, str] | None = None,
    ) -> process.Process:
        """Start a program in a node beside us. SIGKILL to the returned process ends the program at once.

        For other signals use `signal`. The caller waits for it.
        """
        return process.spawn(
            self._inside(node, argv),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env={**nodes.LOGIN, **(env or {})},
        )

    def outside(self, argv: Sequence[str]) -> tuple[str, ...]:
        """The command line that runs a program of this machine on the nodes' network, beside the nodes."""
        return network.inside(self.netns, argv)

    def attach(self, node: str, argv: Sequence[str]) -> int:
        """Run a program in a node (or `lab`: beside them) on our own terminal; returns its exit code."""
        terminal = {"TERM": os.environ.get("TERM", "dumb")}
        if node == network.OUTSIDE:
            return process.attach(self.outside(argv), env=terminal)
        return process.attach(self._inside(node, argv), env={**nodes.LOGIN, **terminal})

    def show_journal(self, node: str, options: Sequence[str] = ()) -> int:
        """Show a node's journal on our own terminal, whether the node is on or off."""
        if self.is_on(node) and not self.is_frozen(node):
            return self.attach(node, ["journalctl", "--no-pager", *options])
        where = f"--directory={self.paths.root(node)}/var/log/journal"
        return process.attach(["journalctl", "--no-pager", where, *options])

    def signal(self, running: process.Process, number: signal.Signals) -> None:
        """Send a signal to a program that `spawn` started, rather than to the process that entered the node."""
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), number)

    def write(self, node: str, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file in a node that is on, owned by root; missing folders are made.

        Raises:
            ToolFailed: it cannot be written; says why.
        """
        argv = ["sh", "-euc", files.WRITE, "sh", path, f"{mode:o}"]
        self._at_files(node, argv, stdin=text.encode()).checked()

    def read(self, node: str, path: str) -> str:
        """The text of a file in a node that is on.

        Raises:
            FileNotFoundError: there is no such file.
            ToolFailed: it cannot be read; says why.
        """
        done = self._at_files(node, ["sh", "-euc", files.READ, "sh", path])
        if done.code == files.ABSENT:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return done.checked().stdout.decode()

    def _at_files(self, node: str, argv: Sequence[str], *, stdin: bytes = b"") -> process.Completed:
        """Run a program on the node's files, though it be frozen: inside, where its links lead to its own files."""
        return process.run(nodes.entering(self._init(node), argv), timeout=_FILE_SECONDS, stdin=stdin, env=nodes.LOGIN)

    def _inside(self, node: str, argv: Sequence[str]) -> tuple[str, ...]:
        pid = self._init(node)
        if self.is_frozen(node):
            raise NodeError(f"{node}: is frozen.", hint=f"Thaw it: pacewright lab thaw {node} --name {self.name}.")
        return nodes.entering(pid, argv)

    def _init(self, node: str) -> int:
        pid = nodes.init_pid(self.paths, self._known(node))
        if pid is None:
            raise NodeError(f"{node}: has no power.", hint=f"Boot it: pacewright lab boot {node} --name {self.name}.")
        return pid

    def _known(self, node: str) -> str:
        if node not in self.nodes:
            raise UsageError(f"The lab {self.name!r} has no node {node!r}.", hint=f"It has {', '.join(self.nodes)}.")
        return node

    # --- power, cables

    def is_on(self, node: str) -> bool:
        """Whether the node has power."""
        return nodes.is_on(self.paths, self._known(node))

    def is_frozen(self, node: str) -> bool:
        """Whether the node stands still."""
        return cgroup.frozen(cgroup.main_folder(self.name, self._known(node)))

    def kill(self, node: str) -> None:
        """Cut the node's power. Its disk stays as it is."""
        nodes.kill(self.paths, self._known(node))

    def boot(self, node: str) -> None:
        """Switch the node on; returns when its init runs, long before it is a member. See `wait_quorate`."""
        nodes.boot(self.paths, self._known(node), rootfs.folder(self.state))

    def cut(self, node: str) -> None:
        """Pull the node's network cable."""
        network.set_cable(self.paths, self._known(node), plugged=False)

    def heal(self, node: str) -> None:
        """Plug the node's network cable in again."""
        network.set_cable(self.paths, self._known(node), plugged=True)

    def freeze(self, node: str) -> None:
        """Make everything in the node stand still, as a stalled virtual machine does."""
        self._init(node)
        cgroup.freeze(cgroup.main_folder(self.name, node), still=True)

    def thaw(self, node: str) -> None:
        """Let a frozen node go on. Nothing happens if it is off or was never frozen."""
        if self.is_on(node):
            cgroup.freeze(cgroup.main_folder(self.name, node), still=False)

    # --- disks

    @property
    def shared(self) -> Path:
        """A folder of this machine that every node has as /run/pacewright-lab; what is written there needs no disk of
        a node, and is not lost with its power. It has 64 MiB.
        """
        return self.paths.power

    def fill(self, node: str) -> None:
        """Let the node's disk be full: writing to any of its files ends with ENOSPC (/run and /tmp are not on it).

        Raises:
            UsageError: its disk has no limit; see `up(disk=...)`.
        """
        mounts.fill(self._limited(node))

    def give_room(self, node: str) -> None:
        """Let the node's disk be as large again as it was made. Nothing happens if it has no limit."""
        if self.state.disk:
            mounts.give_room(self._limited(node), self.state.disk)

    def _limited(self, node: str) -> Path:
        if not self.state.disk:
            raise UsageError(f"The disks of the lab {self.name!r} have no limit.", hint="Make it with up(disk=MiB).")
        return self.paths.disk(self._known(node))

    # --- the whole lab

    def wait_quorate(self, timeout: float = 60) -> None:
        """Return when there are quorum, a DC, all powered nodes online, and the fence device running.

        Raises:
            DeadlinePassed: not within `timeout` seconds; says what is missing.
        """
        seen = ""

        def whole() -> bool:
            nonlocal seen
            seen = self._missing()
            return not seen

        if not until(whole, Deadline.after(timeout), every=0.15):
            raise DeadlinePassed(f"The lab {self.name!r} is not whole after {timeout:g} s: {seen}.")

    def _missing(self) -> str:
        """What the first powered node that is not content says; a node that booted just now is not."""
        powered = [node for node in self.nodes if self.is_on(node)]
        if not powered:
            return "all nodes are off"
        for node in powered:
            try:
                answer = self.run(node, ["crm_mon", "--one-shot", "--output-as=xml"], timeout=10).stdout
            except PacewrightError as error:  # it went off between two looks, or hangs
                return str(error)
            missing = quorum.missing(answer, powered, fencing=self.state.fencing)
            if missing:
                return f"{node} says: {missing}"
        return ""

    def install(self) -> None:
        """Install the running source of Pacewright in all nodes, off ones included."""
        with tempfile.TemporaryDirectory(prefix="package-", dir=self.paths.home) as folder:
            package = deb.build(Path(folder), compression="none").read_bytes()
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: self._install(node, package), self.nodes))

    def _install(self, node: str, package: bytes) -> None:
        if self.is_on(node):
            self.run(node, layer.INSTALL, timeout=60, stdin=package).checked()
        else:
            nodes.run_without_power(self.paths, node, rootfs.folder(self.state), layer.INSTALL, stdin=package)

    def down(self) -> None:
        """Remove the lab: no process, mount, namespace or file of it is left."""
        removing.down(self.name)
