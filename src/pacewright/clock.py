"""The only module that reads a clock or sleeps; everything else is given a time."""

from __future__ import annotations

import time
from typing import Protocol

from pacewright.frozen import frozen

__all__ = ["SYSTEM_CLOCK", "Clock", "Deadline", "SystemClock"]


class Clock(Protocol):
    """What the rest of the program may know of time."""

    def now(self) -> float:
        """Seconds since the epoch, as the node's wall clock has it. For people and for Pacemaker."""

    def monotonic(self) -> float:
        """Seconds that never jump. For waiting."""

    def sleep(self, seconds: float) -> None:
        """Come back after so many seconds."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some fixed moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block for so many seconds."""
        time.sleep(seconds)


SYSTEM_CLOCK = SystemClock()


@frozen
class Deadline:
    """A moment on a monotonic clock, and how long that was from the start, for messages.

    Attributes:
        at: the moment, in the clock's monotonic seconds.
        seconds: the time that was allowed, in seconds.
    """

    at: float
    seconds: float

    @classmethod
    def after(cls, seconds: float, clock: Clock = SYSTEM_CLOCK) -> Deadline:
        """The deadline that many seconds from now."""
        return cls(at=clock.monotonic() + seconds, seconds=seconds)

    def left(self, clock: Clock = SYSTEM_CLOCK) -> float:
        """Seconds that remain; 0 when it has passed."""
        return max(0.0, self.at - clock.monotonic())

    def passed(self, clock: Clock = SYSTEM_CLOCK) -> bool:
        """True once no time remains."""
        return self.left(clock) <= 0
