"""A run of Puppet under way on a node; what it prints is taken in as it comes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from pacewright import process
from pacewright.clock import Clock
from pacewright.demo.lines import Lines
from pacewright.demo.openstack.puppet_on_nodes import Run
from pacewright.lab import Lab

__all__ = ["Going"]


class Going:
    """One run.

    Args:
        end_at: it is killed as soon as it prints a line that has this in it; None to let it end.
    """

    def __init__(self, node: str, *, end_at: str | None, clock: Clock) -> None:
        self.node = node
        self._end_at = end_at
        self._clock = clock
        self._said: list[str] = []
        self._process: process.Process | None = None
        self._began = self._ended = clock.monotonic()
        self._cut = False

    def begin(self, lab: Lab, argv: Sequence[str], lines: Lines, heard: Callable[[str, str], None]) -> None:
        """Start it.

        Args:
            heard: is given the node and each line that the run prints.
        """

        def take(line: str) -> None:
            self._said.append(line)
            heard(self.node, line)
            if self._end_at is not None and self._end_at in line:
                self._cut = True
                self.kill()

        output = lines.pipe(take)
        self._began = self._clock.monotonic()
        try:
            self._process = lab.spawn(self.node, argv, stdout=output, stderr=output)
        finally:
            os.close(output)

    def over(self) -> bool:
        """Whether it has ended."""
        if self._process is None or self._process.poll() is None:
            self._ended = self._clock.monotonic()
            return False
        return True

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def result(self) -> Run:
        """What came of it."""
        code = None if self._cut or self._process is None else self._process.returncode
        return Run(node=self.node, code=code, said=tuple(self._said), seconds=self._ended - self._began)
