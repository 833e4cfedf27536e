"""The stage: a lab under load on which acts are performed, and somebody who is shown everything meanwhile."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Self

from pacewright import process
from pacewright.clock import SYSTEM_CLOCK, Clock, Deadline
from pacewright.cluster.cib.parse import parse
from pacewright.demo import tally, web_cluster
from pacewright.demo.act import Act, Result
from pacewright.demo.lines import Lines
from pacewright.demo.tally import Answer
from pacewright.demo.view import Row, View, rows
from pacewright.errors import DeadlinePassed, NodeError, PacewrightError
from pacewright.lab import Lab

__all__ = ["Stage"]

_LOOK_EVERY = 0.25
_COMMAND_SECONDS = 120.0
_SETTLE_SECONDS = 30.0
_AFTERMATH = 2.0
"""Seconds for which requests are still counted after everything has settled: a second restart would show there."""


class Stage:
    """A context manager: requests come while it is entered.

    Args:
        lab: with the site on it.
        rate: requests a second.
        port: where they go, at the site's address.
        show: is given what there is to see, a few times a second.
    """

    def __init__(
        self,
        lab: Lab,
        *,
        rate: float,
        show: Callable[[View], None],
        port: int = web_cluster.PORT,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._lab = lab
        self._rate = rate
        self._port = port
        self._show = show
        self._clock = clock
        self._lines = Lines()
        self._load: process.Process | None = None
        self._answers: list[Answer] = []
        self._rows: tuple[Row, ...] = ()
        self._begin("")

    def __enter__(self) -> Self:
        """Let the requests begin."""
        program = [sys.executable, "-m", "pacewright.demo.load", web_cluster.ADDRESS, str(self._port), str(self._rate)]
        output = self._lines.pipe(lambda line: self._answers.append(Answer.parse(line)))
        try:
            self._load = process.spawn(self._lab.outside(program), stdout=output)
        finally:
            os.close(output)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them."""
        if self._load is not None:
            self._load.kill()
            self._load.wait()
        self._lines.close()

    # --- what happens on it

    def settle(self) -> None:
        """Return when every node answers and no request fails.

        Raises:
            DeadlinePassed: it did not become so.
        """
        self._begin("waiting until every node answers")
        if not self._watch(self._all_well, _SETTLE_SECONDS):
            states = ", ".join(f"{row.node} {row.instance}" for row in self._rows) or "nothing"
            raise DeadlinePassed(
                f"demo: the web service does not answer from every node after {_SETTLE_SECONDS:g} s.",
                hint=f"The cluster shows: {states}. Run it again with --keep and look at `pcs status` there.",
            )

    def perform(self, act: Act) -> Result:
        """Change the config on every node, run the command on the first, and count."""
        before = web_cluster.starts(self._lab)
        web_cluster.configure(self._lab, act.version)
        said = self._begin(f"config version {act.version} is on every node; n1: {' '.join(act.command)}")
        code, ended = self._command(act)
        self._watch(lambda: self._all_serve(act.version) is not None, _SETTLE_SECONDS)
        self._watch(lambda: False, _AFTERMATH)
        since = self._all_serve(act.version)
        after = web_cluster.starts(self._lab)
        return Result(
            act=act,
            code=code,
            seconds=ended - self._began,
            starts={node: after[node] - before[node] for node in after},
            all_new=None if since is None else since - self._began,
            count=tally.count(self._answers, since=self._began, until=self._clock.monotonic()),
            said=tuple(said),
        )

    def _command(self, act: Act) -> tuple[int | None, float]:
        """Run it; its exit code, and when it ended."""
        output = self._lines.pipe(self._said.append)
        try:
            running = self._lab.spawn(self._lab.nodes[0], act.command, stdout=output, stderr=output)
        finally:
            os.close(output)
        looked = 0.0

        def has_ended() -> bool:
            nonlocal looked
            looked = self._clock.monotonic()
            return running.poll() is not None

        try:
            self._watch(has_ended, _COMMAND_SECONDS)
            return running.returncode, looked
        finally:
            running.kill()
            running.wait()

    def _begin(self, title: str) -> list[str]:
        """Start counting anew; the list gets what the command says from now on."""
        self._title = title
        self._said: list[str] = []
        self._began = self._next_look = self._clock.monotonic()
        return self._said

    def _all_well(self) -> bool:
        now = self._clock.monotonic()
        lately = [answer for answer in self._answers if answer.at > now - 1]
        return {answer.node for answer in lately} == set(self._lab.nodes)  # a failed one has no node

    def _all_serve(self, version: str) -> float | None:
        return tally.all_serve(self._answers, self._lab.nodes, version)

    # --- watching

    def _watch(self, until: Callable[[], bool], seconds: float) -> bool:
        """Take in what arrives and show what there is until something is so; False if that took too long."""
        deadline = Deadline.after(seconds, self._clock)
        while not until():
            if deadline.passed(self._clock):
                return False
            now = self._clock.monotonic()
            if now >= self._next_look:
                self._look()
                self._next_look = now + _LOOK_EVERY
            self._lines.wait(min(self._next_look - now, deadline.left(self._clock)))
        self._look()
        return True

    def _look(self) -> None:
        if self._load is not None and self._load.poll() is not None:
            raise NodeError(f"demo: the program that sends requests ended with exit code {self._load.returncode}.")
        try:
            document = self._lab.run(self._lab.nodes[0], ["cibadmin", "--query"], timeout=3).checked().stdout
            self._rows = rows(parse(document), web_cluster.starts(self._lab), self._answers)
        except PacewrightError:
            pass  # it is busy: what was seen before stands
        now = self._clock.monotonic()
        so_far = tally.count(self._answers, since=self._began, until=now)
        self._show(
            View(
                title=self._title,
                seconds=now - self._began,
                rows=self._rows,
                rate=tally.rate(self._answers, now=now),
                served=so_far.served,
                failed=so_far.failed,
                said=tuple(self._said),
            )
        )
