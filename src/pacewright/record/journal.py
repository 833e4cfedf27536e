"""Journal: what an operation tells about itself while it runs."""

from __future__ import annotations

from typing import Protocol

from pacewright.cluster.edits.change import Change
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.snapshot import Snapshot

__all__ = ["SILENT", "Journal", "Silent"]


class Journal(Protocol):
    """Told what happens in an operation. It never fails, and never keeps the operation waiting."""

    def saw(self, snapshot: Snapshot) -> None:
        """The cluster was read; only what has changed in the service is kept."""

    def decided(self, what: str, why: str) -> None:
        """A step that writes nothing into the CIB; the same one again is told once.

        Args:
            what: in a word: `wait`, `clean`, `check`, ...
            why: what for: `n1 to restart`.
        """

    def foresaw(self, forecast: Forecast) -> None:
        """The scheduler was asked what the change would do that is intended next."""

    def intends(self, change: Change, *, based_on: Snapshot) -> None:
        """A change is about to be written: whoever is killed now may have written it."""

    def committed(self) -> None:
        """The change that was intended is written."""

    def refused(self) -> None:
        """The change that was intended was refused, because the cluster had moved on."""

    def unanswered(self, reason: str, why: str) -> None:
        """Nobody said whether something is written; `committed` follows if the cluster has it at the next look.

        Args:
            reason: what for: that of the change.
            why: what was seen instead of an answer.
        """


class Silent:
    """The journal of a rehearsal: nothing that it is told is kept."""

    def saw(self, snapshot: Snapshot) -> None:
        """Nothing."""

    def decided(self, what: str, why: str) -> None:
        """Nothing."""

    def foresaw(self, forecast: Forecast) -> None:
        """Nothing."""

    def intends(self, change: Change, *, based_on: Snapshot) -> None:
        """Nothing."""

    def committed(self) -> None:
        """Nothing."""

    def refused(self) -> None:
        """Nothing."""

    def unanswered(self, reason: str, why: str) -> None:
        """Nothing."""


SILENT = Silent()
