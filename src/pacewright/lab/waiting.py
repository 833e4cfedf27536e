"""Waiting for the machine: look, look again, until it is so or the deadline has passed."""

from __future__ import annotations

from collections.abc import Callable

from pacewright.clock import SYSTEM_CLOCK, Clock, Deadline

__all__ = ["until"]


def until(check: Callable[[], bool], deadline: Deadline, *, every: float = 0.05, clock: Clock = SYSTEM_CLOCK) -> bool:
    """Whether `check` came true before the deadline; it is asked at least once.

    Args:
        check: looks at real state; cheap.
        every: seconds between two looks.
    """
    while not check():
        left = deadline.left(clock)
        if left <= 0:
            return False
        clock.sleep(min(every, left))
    return True
