"""Calls of `pacewright` in the nodes, several at once, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pacewright.clock import SYSTEM_CLOCK
from pacewright.lab import Lab
from pacewright.process import Process

__all__ = ["Call", "Calls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that has ended.

    Attributes:
        code: its exit code; negative if a signal has ended it.
        said: everything that it printed.
    """

    node: str
    code: int
    said: str
    seconds: float


class Calls:
    """One command on several nodes at once."""

    def __init__(self, lab: Lab, nodes: Sequence[str], argv: Sequence[str], folder: Path) -> None:
        self._began = SYSTEM_CLOCK.monotonic()
        self._files = {node: folder / f"call-{node}-{SYSTEM_CLOCK.monotonic():.3f}" for node in nodes}
        self._running: dict[str, Process] = {}
        for node, file in self._files.items():
            with file.open("wb") as output:
                self._running[node] = lab.spawn(node, argv, stdout=output.fileno(), stderr=output.fileno())

    def said(self, node: str) -> str:
        """What a call has printed so far."""
        return self._files[node].read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """End all of them with SIGKILL."""
        for running in self._running.values():
            running.kill()

    def end(self, timeout: float) -> tuple[Call, ...]:
        """Wait for all of them."""
        ended = []
        for node, running in self._running.items():
            try:
                code = running.wait(timeout=timeout)
            finally:
                running.kill()
            seconds = SYSTEM_CLOCK.monotonic() - self._began
            ended.append(Call(node=node, code=code, said=self.said(node), seconds=seconds))
        return tuple(ended)
