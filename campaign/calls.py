"""Callers: `pacewright` started in a node as people and config runs start it, and what became of it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from campaign.clocks import program
from campaign.counted_services import BARRIER
from campaign.plan import Call
from pacewright.clock import SYSTEM_CLOCK
from pacewright.errors import PacewrightError
from pacewright.lab import Lab
from pacewright.process import Process

__all__ = ["Caller", "Ended", "allowed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A call that is over.

    Attributes:
        argv: what was run.
        begun, ended: seconds since the epoch.
        code: its exit code; None if it could not be started (its node was off), or had to be killed in the end.
        killed: we killed it.
        hung: it outlived its time-out by far, and was killed for that.
    """

    call: Call
    argv: tuple[str, ...]
    begun: float
    ended: float
    code: int | None
    stdout: str
    stderr: str
    killed: bool = False
    hung: bool = False

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.begun


def allowed(call: Call, words: Sequence[str]) -> float:
    """Seconds that a call may take: its time-out, and what the others may take to come to its barrier."""
    return call.timeout + (BARRIER if "--barrier" in words else 0.0)


class Caller:
    """One call under way. It is waited for in a thread, so that its end is seen when it comes.

    Args:
        patience: seconds beyond what it may take after which it is killed as hung.
        after: the call that has to be over first, as in a config run.
    """

    def __init__(
        self,
        lab: Lab,
        call: Call,
        words: Sequence[str],
        folder: Path,
        *,
        patience: float,
        after: Caller | None = None,
    ) -> None:
        self.call = call
        self.begun = SYSTEM_CLOCK.now()
        self._patience = allowed(call, words) + patience
        self._words = tuple(words)
        self._argv: tuple[str, ...] = ()
        self._out, self._err = folder / f"call-{call.number}.out", folder / f"call-{call.number}.err"
        self._lab = lab
        self._after = after
        self._process: Process | None = None
        self._ended = 0.0
        self._killed = self._hung = False
        if after is None:
            self._start()
        self._thread = threading.Thread(target=self._wait, daemon=True)
        self._thread.start()

    def _start(self) -> None:
        self.begun = SYSTEM_CLOCK.now()
        call = self.call
        self._argv = (*program(self._lab, call.node, shift=call.clock, since=call.clock_at), *self._words)
        with self._out.open("wb") as out, self._err.open("wb") as err, contextlib.suppress(PacewrightError, OSError):
            self._process = self._lab.spawn(self.call.node, self._argv, stdout=out.fileno(), stderr=err.fileno())

    def _wait(self) -> None:
        if self._after is not None:
            self._after.end()
            self._start()
        if self._process is not None:
            try:
                self._process.wait(timeout=self._patience)
            except Exception:  # noqa: BLE001 - subprocess.TimeoutExpired, whose module is not ours to import
                self._hung = True
                self._process.kill()
                self._process.wait()
        self._ended = SYSTEM_CLOCK.now()

    @property
    def over(self) -> bool:
        """It has ended."""
        return not self._thread.is_alive()

    def kill(self) -> bool:
        """Kill -9; False if it had ended before."""
        if self.over or self._process is None:
            return False
        self._killed = True
        self._process.kill()
        return True

    def end(self) -> Ended:
        """Wait for the end of it."""
        self._thread.join()
        return Ended(
            call=self.call,
            argv=self._argv,
            begun=self.begun,
            ended=self._ended,
            code=None if self._process is None or self._hung else self._process.returncode,
            stdout=self._out.read_text(encoding="utf-8", errors="replace"),
            stderr=self._err.read_text(encoding="utf-8", errors="replace"),
            killed=self._killed,
            hung=self._hung,
        )
