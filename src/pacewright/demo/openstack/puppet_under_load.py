"""The stage: runs of Puppet on several nodes at once, a client that keeps asking meanwhile, and what came of it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pacewright import process
from pacewright.clock import SYSTEM_CLOCK, Clock, Deadline
from pacewright.demo import tally
from pacewright.demo.lines import Lines
from pacewright.demo.openstack import cluster_services, commits, data, instance_starts, puppet_on_nodes
from pacewright.demo.openstack.commits import Commit
from pacewright.demo.openstack.data import Data
from pacewright.demo.openstack.instance_starts import Start
from pacewright.demo.openstack.puppet_on_nodes import Run, Way
from pacewright.demo.openstack.puppet_run import Going
from pacewright.demo.tally import Answer, Count
from pacewright.errors import DeadlinePassed, NodeError
from pacewright.lab import Lab

__all__ = ["Before", "Episode", "Stage"]

_RUN_SECONDS = 400.0
_READY_SECONDS = 90.0
_LOOK_EVERY = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """A moment to count from.

    Attributes:
        at: seconds since the epoch.
        clock: the same moment in monotonic seconds.
        epoch: of the cluster's configuration.
    """

    at: float
    clock: float
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """What happened between a moment and another.

    Attributes:
        before: where it begins.
        until: where it ends, in seconds since the epoch.
        runs: of Puppet, one for each node.
        lives: of every instance, from the beginning of the lab.
        commits: the changes of the cluster's configuration.
        count: of the client's requests.
    """

    nodes: tuple[str, ...]
    before: Before
    until: float
    runs: tuple[Run, ...]
    lives: tuple[Start, ...]
    commits: tuple[Commit, ...]
    count: Count

    def starts(self, service: str) -> list[int]:
        """How often a service's instance started on each node, in the order of the nodes."""
        return instance_starts.counts(self._begun(), self.nodes, [service])[service]

    def first_start(self) -> float:
        """When the first instance started, of whichever service; infinite if none did."""
        return min((life.began for life in self._begun()), default=float("inf"))

    def _begun(self) -> list[Start]:
        return [life for life in self.lives if self.before.at <= life.began <= self.until]

    def most_down(self, service: str) -> int:
        """On how many nodes at once the service did not run, at the worst moment."""
        return instance_starts.most_down(self.lives, service, self.nodes, since=self.before.at, until=self.until)

    def writers(self, service: str, word: str) -> list[str]:
        """From which node each change was written that has this word in it and is about a service's resource."""
        return [commit.node for commit in self.commits if commit.touches(word) and commit.touches(f"'{service}")]


class Stage:
    """Puppet on the nodes of a lab, watched.

    Args:
        say: is told what is worth it, a line each.
        way: how the nodes come to their catalogs; None for `puppet apply`.
        rate: the client's requests a second.
    """

    def __init__(
        self,
        lab: Lab,
        *,
        say: Callable[[str], None],
        way: Way | None = None,
        rate: float = 6.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.lab = lab
        self._way = way or puppet_on_nodes.apply(lab)
        self._say = say
        self._rate = rate
        self._clock = clock
        self._lines = Lines()
        self._load: process.Process | None = None
        self._answers: list[Answer] = []

    # --- the client

    @contextlib.contextmanager
    def client(self) -> Iterator[None]:
        """Requests come as long as this is entered, from the moment on at which every node has answered."""
        program = [
            sys.executable,
            "-m",
            "pacewright.demo.openstack.client",
            cluster_services.ADDRESS,
            str(cluster_services.PORT),
        ]
        output = self._lines.pipe(lambda line: self._answers.append(Answer.parse(line)))
        try:
            self._load = process.spawn(self.lab.outside([*program, str(self._rate)]), stdout=output)
        finally:
            os.close(output)
        try:
            self.wait(self._all_answer, _READY_SECONDS, "neutron's API to answer from every node through haproxy")
            yield
        finally:
            self._load.kill()
            self._load.wait()
            self._load = None

    def _all_answer(self) -> bool:
        lately = [answer for answer in self._answers if answer.at > self._clock.monotonic() - 5]
        return {answer.node for answer in lately} == set(self.lab.nodes)  # a failed one has no node

    # --- Puppet

    def write(self, wanted: Data, homes: Sequence[str] = ()) -> None:
        """Change the site's data, wherever they are, or on some of the nodes that have them."""
        data.write(self.lab, wanted, homes or self._way.homes)

    def puppet(
        self, *nodes: str, options: Mapping[str, Sequence[str]] | None = None, end_at: Mapping[str, str] | None = None
    ) -> tuple[Run, ...]:
        """A run on each of these nodes, or on all, begun at the same time; returns when all have ended.

        Args:
            options: for Puppet, by node.
            end_at: a node's run is killed as soon as it prints a line that has this in it.
        """
        wanted, ends = options or {}, end_at or {}
        going = [Going(node, end_at=ends.get(node), clock=self._clock) for node in nodes or self.lab.nodes]
        try:
            for run in going:
                run.begin(self.lab, self._way.command(*wanted.get(run.node, ())), self._lines, self._heard)
            self.wait(lambda: not [run for run in going if not run.over()], _RUN_SECONDS, "Puppet to end")
        finally:
            for run in going:
                run.kill()
        self.linger(_LOOK_EVERY)
        return tuple(run.result() for run in going)

    def _heard(self, node: str, line: str) -> None:
        if "ice[" in line or "Exec[" in line or line.startswith("Error"):  # Service[ and what stands beside it
            self._say(f"{node}: {line}")

    # --- counting

    def before(self) -> Before:
        """This moment."""
        return Before(at=self._clock.now(), clock=self._clock.monotonic(), epoch=commits.epoch(self.lab))

    def since(self, before: Before, done: Sequence[Run]) -> Episode:
        """What has happened since then."""
        return Episode(
            nodes=self.lab.nodes,
            before=before,
            until=self._clock.now(),
            runs=tuple(done),
            lives=instance_starts.starts(self.lab),
            commits=commits.commits(self.lab, after=before.epoch),
            count=tally.count(self._answers, since=before.clock, until=self._clock.monotonic()),
        )

    # --- waiting

    def linger(self, seconds: float) -> None:
        """Let so much time pass; what arrives is taken in."""
        end = self._clock.monotonic() + seconds
        while self._clock.monotonic() < end:
            self._lines.wait(min(_LOOK_EVERY, end - self._clock.monotonic()))

    def wait(self, until: Callable[[], bool], seconds: float, what: str) -> None:
        """Come back when something is so.

        Raises:
            DeadlinePassed: it did not become so.
            NodeError: the client has ended.
        """
        deadline = Deadline.after(seconds, self._clock)
        while not until():
            if self._load is not None and self._load.poll() is not None:
                raise NodeError(f"The client of neutron's API ended with exit code {self._load.returncode}.")
            if deadline.passed(self._clock):
                raise DeadlinePassed(f"Waited {seconds:g} s for {what}.")
            self._lines.wait(_LOOK_EVERY)

    def close(self) -> None:
        """Read no more."""
        self._lines.close()
