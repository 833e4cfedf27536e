"""A clock for tests: it goes on when somebody waits, and not otherwise."""

from __future__ import annotations

__all__ = ["FakeClock"]


class FakeClock:
    """Time that jumps.

    Args:
        at: monotonic seconds at the beginning.
        epoch: what the wall clock shows when the monotonic one is at 0, in seconds since the epoch. The default is in
            the future, because crm_simulate reads the machine's own clock: a hold that ends later still holds there.
        each: seconds by which it goes on with every look at the monotonic clock: a machine that is busy.

    Attributes:
        at: monotonic seconds; may be set.
        epoch: may be set: somebody has set the wall clock.
        pauses: how often somebody has slept.
        looks: how often somebody has looked at the monotonic clock.
    """

    def __init__(self, at: float = 0.0, *, epoch: float = 1_900_000_000.0, each: float = 0.0) -> None:
        self.at = at
        self.epoch = epoch
        self.pauses = 0
        self.looks = 0
        self._each = each

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.epoch + self.at

    def monotonic(self) -> float:
        """Seconds since some moment."""
        self.looks += 1
        self.at += self._each
        return self.at

    def sleep(self, seconds: float) -> None:
        """Be so many seconds later."""
        self.at += seconds
        self.pauses += 1
