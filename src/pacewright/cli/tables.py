"""Plain tables and times for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pacewright.cluster.cib.values import LATEST

__all__ = ["moment", "table"]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need to be, two spaces apart, no trailing blanks."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows))
    return "\n".join(line.rstrip() for line in lines)


def moment(seconds: float | None) -> str:
    """A time of day with its date, in the local zone; `unknown` for None."""
    if seconds is None or not 0 <= seconds <= LATEST:
        return "unknown"
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")
