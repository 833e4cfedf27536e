"""Deadlines."""

from __future__ import annotations

from pacewright.clock import Deadline, SystemClock


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = 100.0

    def now(self) -> float:
        return 1_700_000_000.0

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def test_a_deadline_counts_down_and_stays_at_zero() -> None:
    clock = Hands()
    deadline = Deadline.after(5, clock)
    assert (deadline.left(clock), deadline.passed(clock), deadline.seconds) == (5, False, 5)
    clock.sleep(4.5)
    assert (deadline.left(clock), deadline.passed(clock)) == (0.5, False)
    clock.sleep(0.5)
    assert (deadline.left(clock), deadline.passed(clock)) == (0, True)
    clock.sleep(99)
    assert deadline.left(clock) == 0


def test_the_wall_clock_does_not_move_a_deadline() -> None:
    clock = Hands()
    deadline = Deadline.after(5, clock)
    clock.now = lambda: 9_999_999_999.0  # type: ignore[method-assign]
    assert not deadline.passed(clock)


def test_the_machines_clock_goes_forward() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0)
    assert clock.monotonic() >= before
    assert clock.now() > 1_600_000_000
