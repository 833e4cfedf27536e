"""Where the marks of a time axis stand, and what is written at them: local time, at round moments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from pacewright.frozen import frozen

__all__ = ["Tick", "ticks"]

_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
_DAY = 86400
_DAYS = (1, 2, 7, 14, 28, 91, 182, 365, 1826, 3652)


@frozen
class Tick:
    """A mark.

    Attributes:
        at: in seconds since the epoch.
        text: the time of day; the date where steps are days.
        day: the date, at the first mark and at the first of each day; else empty.
    """

    at: float
    text: str
    day: str


def ticks(begin: float, end: float, most: int) -> list[Tick]:
    """Marks at round moments between two, at most so many."""
    found: list[Tick] = []
    day = ""
    for moment, text in _moments(begin, end, most):
        now = f"{moment:%Y-%m-%d}"
        found.append(Tick(at=moment.timestamp(), text=text or now, day=now if text and now != day else ""))
        day = now
    return found


def _moments(begin: float, end: float, most: int) -> Iterator[tuple[datetime, str]]:
    step = next((step for step in _STEPS if (end - begin) / step <= most), None)
    first = datetime.fromtimestamp(begin).astimezone()
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    if step is None:
        days = next((days for days in _DAYS if (end - begin) / (days * _DAY) <= most), _DAYS[-1])
        number = 0
        while (at := midnight + timedelta(days=number * days)).timestamp() <= end:
            if at.timestamp() >= begin:
                yield at.astimezone(), ""
            number += 1
        return
    number = int((begin - midnight.timestamp()) / step)
    while (seconds := midnight.timestamp() + number * step) <= end:
        if seconds >= begin:
            at = datetime.fromtimestamp(seconds).astimezone()
            yield at, _time_of_day(at, step)
        number += 1


def _time_of_day(at: datetime, step: float) -> str:
    if step < 1:
        return f"{at:%H:%M:%S}.{at.microsecond // 100_000}"
    return f"{at:%H:%M:%S}" if step < 60 else f"{at:%H:%M}"
