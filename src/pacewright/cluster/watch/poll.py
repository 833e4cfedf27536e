"""Has the CIB changed? Asked with Pacemaker's own command, as seldom as one core's tenth demands."""

from __future__ import annotations

import resource

from pacewright.clock import Clock
from pacewright.errors import ToolHung
from pacewright.process import run

__all__ = ["VersionPoll"]

# The root element alone: admin_epoch, epoch, num_updates, have-quorum, dc-uuid. Measured on 2.1.5 and 3.0.0: 8 ms.
_ROOT = ("cibadmin", "--query", "--no-children")
_SHARE = 10  # of the time at least nine parts of ten are left alone
_SHORTEST, _LONGEST = 0.06, 1.0
_PATIENCE = 10.0
_MEMORY = 0.7  # how much the older answers count: one slow answer must not make us blind for a second


class VersionPoll:
    """The CIB's version as last seen, and when it may be asked for again.

    Attributes:
        interval: seconds between two questions, ten times what an answer takes of a core (0.06 to 1 s).
        answered: the cluster answered the last question (True before the first one).
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: bytes | None = None
        self._next = clock.monotonic()
        self._cost = 0.0
        self.interval = _SHORTEST
        self.answered = True

    def due_in(self) -> float:
        """Seconds until the next question may be asked."""
        return max(0.0, self._next - self._clock.monotonic())

    def forget(self) -> None:
        """Take whatever is seen next for a change, and look for it at once."""
        self._seen = None
        self._next = self._clock.monotonic()

    def changed(self, *, left: float) -> bool:
        """Ask. True if the answer differs from the one before, or if there was none before.

        No answer at all is an answer too: the caller is told once that the cluster went down, once that it is back.

        Args:
            left: seconds that the caller still has; a command that hangs is not given much more (at least 1 s).

        Raises:
            ToolMissing: cibadmin is not installed.
        """
        before, worked = self._seen, _worked()
        self._seen = self._root(timeout=min(max(left, 1.0), _PATIENCE))
        took = _worked() - worked
        self._cost = _MEMORY * self._cost + (1 - _MEMORY) * took if self._cost else took
        self.interval = min(max(_SHARE * self._cost, _SHORTEST), _LONGEST)
        self._next = self._clock.monotonic() + self.interval
        self.answered = self._seen != b""
        return self._seen != before

    @staticmethod
    def _root(*, timeout: float) -> bytes:
        try:
            done = run(_ROOT, timeout=timeout)
        except ToolHung:
            return b""
        return done.stdout if done.code == 0 else b""


def _worked() -> float:
    """Seconds that the programs which we have run so far have worked. On a busy machine they take longer than that."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
