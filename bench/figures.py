"""Figures: what was measured several times, as median and spread."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["Figure", "Target", "human", "seconds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One quantity, measured several times.

    Attributes:
        values: in the order in which they were measured; seconds unless said otherwise.
    """

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Figure:
        """The figure of those values that exist."""
        return cls(values=tuple(value for value in values if value is not None))

    @property
    def median(self) -> float:
        """The middle one; not a number if nothing was measured."""
        return statistics.median(self.values) if self.values else float("nan")

    @property
    def least(self) -> float:
        """The smallest."""
        return min(self.values, default=float("nan"))

    @property
    def most(self) -> float:
        """The greatest."""
        return max(self.values, default=float("nan"))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        if not self.values:
            return {"times": 0}
        return {
            "times": len(self.values),
            "median": round(self.median, 5),
            "min": round(self.least, 5),
            "max": round(self.most, 5),
            "values": [round(value, 5) for value in self.values],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What was to be reached, and what was.

    Attributes:
        name: the thing measured.
        goal, seen: for people.
        reached: whether.
    """

    name: str
    goal: str
    seen: str
    reached: bool


def human(value: float) -> str:
    """A time as a person would write it: `62 ms`, `4.06 s`."""
    if value != value:  # noqa: PLR0124 - not a number
        return "-"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def seconds(figure: Figure) -> str:
    """Median and spread: `62 ms (58 to 71)`."""
    if not figure.values:
        return "-"
    if figure.most < 1:
        return f"{human(figure.median)} ({figure.least * 1000:.0f} to {figure.most * 1000:.0f})"
    return f"{human(figure.median)} ({figure.least:.2f} to {figure.most:.2f})"
