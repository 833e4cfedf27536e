"""Writing: one commit, and what became of it, also where nobody says so."""

from __future__ import annotations

from collections.abc import Callable

from pacewright.cluster.commit import is_there
from pacewright.cluster.connection import Connection
from pacewright.cluster.edits.change import Change
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import CommitConflict, OutcomeUnknown, PacewrightError
from pacewright.record.journal import Journal

__all__ = ["write"]


def write(
    change: Change,
    *,
    based_on: Snapshot,
    cluster: Connection,
    journal: Journal,
    still: Callable[[Snapshot], bool] | None = None,
) -> bool:
    """Write a change into the cluster. Where the answer is lost, the cluster is read again, and what it has counts.

    Args:
        change: what to write.
        based_on: what it was decided on.
        cluster, journal: where to, and who is told.
        still: whether it would be decided again on a newer snapshot; None if that is no matter.

    Returns:
        True if it is written, or on its way where it is the last one; False if everything was so already.

    Raises:
        CommitConflict: it is not written, because the cluster has moved on; decide again.
        OutcomeUnknown: there was no clear answer, and the cluster has neither the change nor moved on. It may come
            yet, so decide again: a second write and this one are for the same epoch, and one of them is refused.
    """
    journal.intends(change, based_on=based_on)
    try:
        written = cluster.commit(change, based_on=based_on, still=still)
    except CommitConflict:
        journal.refused()
        raise
    except OutcomeUnknown as error:
        journal.unanswered(change.reason, error.message)
        written = _look(change, based_on, cluster, error)
    if written and not change.last:
        journal.committed()
    return written


def _look(change: Change, based_on: Snapshot, cluster: Connection, error: OutcomeUnknown) -> bool:
    try:
        now = cluster.read()
    except PacewrightError as gone:
        gone.message = f"{gone.message.rstrip('.')}; whether `{change.reason}` was written is not known."
        raise
    if now.version.epoch == based_on.version.epoch:
        raise OutcomeUnknown(
            f"{error.message.rstrip('.')}; `{change.reason}` was not in the cluster when it was looked at then.",
            hint=f"It may come yet. {error.hint}",
            output=error.output,
        ) from error
    if not _has(now, change):
        raise CommitConflict("the cluster has moved on, and has not what was to be written.") from error
    return True


def _has(now: Snapshot, change: Change) -> bool:
    try:
        return is_there(change, now)
    except PacewrightError:  # what it was about is gone
        return False
