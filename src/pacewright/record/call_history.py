"""Story: everything that was recorded of one call, and what that says about it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from pacewright.frozen import frozen
from pacewright.record.reading import Entry

__all__ = ["Story", "stories"]


@frozen
class Story:
    """One call.

    Attributes:
        entries: its entries, in order; at least one.
    """

    entries: tuple[Entry, ...]

    @property
    def asked(self) -> Entry | None:
        """The call itself; None if rotation has thrown it away."""
        return next(iter(self.of("call")), None)

    @property
    def end(self) -> Entry | None:
        """How it ended; None if it has not, or was killed."""
        return next(iter(self.of("end")), None)

    @property
    def unresolved(self) -> Entry | None:
        """A commit that may have been written or not: the last thing recorded, but for an end that says no more."""
        last = self.entries[-2] if self.end is self.entries[-1] and len(self.entries) > 1 else self.entries[-1]
        return last if last.kind == "unknown" or (last.kind == "intent" and self.end is None) else None

    @property
    def begun(self) -> float:
        """When, in seconds since the epoch."""
        return self.entries[0].time

    @property
    def last(self) -> float:
        """When something was recorded of it last."""
        return self.entries[-1].time

    @property
    def failed(self) -> bool:
        """It ended in an error."""
        return self.end is not None and "error" in self.end.told

    @property
    def mattered(self) -> bool:
        """It changed something, or failed, or nobody knows."""
        return self.failed or self.end is None or bool(self.end.told.get("changed"))

    def of(self, *kinds: str) -> tuple[Entry, ...]:
        """Its entries of some kinds."""
        return tuple(entry for entry in self.entries if entry.kind in kinds)

    def is_about(self, service: str) -> bool:
        """True if the caller named it so, or it acted on a resource of that name."""
        bare = service.removesuffix(".service")
        names = {entry.service.removesuffix(".service") for entry in self.entries}
        for entry in self.entries:
            told = entry.told.get("resources")
            names |= {name for name in told if isinstance(name, str)} if isinstance(told, list) else set()
        return bare in names


def stories(entries: Iterable[Entry]) -> list[Story]:
    """The calls, by when they began."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        found.setdefault((entry.node, entry.call), []).append(entry)
    return [Story(entries=tuple(each)) for each in found.values()]
