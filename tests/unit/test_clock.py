"""Deadlines."""

from __future__ import annotations

from pacewright.clock import Deadline, SystemClock
from pacewright.testing.clock import FakeClock


def test_a_deadline_counts_down_and_stays_at_zero() -> None:
    clock = FakeClock(100.0)
    deadline = Deadline.after(5, clock)
    assert (deadline.left(clock), deadline.passed(clock), deadline.seconds) == (5, False, 5)
    clock.sleep(4.5)
    assert (deadline.left(clock), deadline.passed(clock)) == (0.5, False)
    clock.sleep(0.5)
    assert (deadline.left(clock), deadline.passed(clock)) == (0, True)
    clock.sleep(99)
    assert deadline.left(clock) == 0


def test_the_wall_clock_does_not_move_a_deadline() -> None:
    clock = FakeClock(100.0)
    deadline = Deadline.after(5, clock)
    clock.epoch = 9_999_999_999.0
    assert not deadline.passed(clock)


def test_the_machines_clock_goes_forward() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0)
    assert clock.monotonic() >= before
    assert clock.now() > 1_600_000_000
