"""Waiting until something is true of the cluster, woken by its changes; and what to say when it did not come true."""

from __future__ import annotations

from collections.abc import Callable

from pacewright.clock import SYSTEM_CLOCK, Clock, Deadline
from pacewright.cluster.connection import Connection
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import DeadlinePassed

__all__ = ["under_way", "wait"]

_MOST = 5


def wait(
    until: Callable[[Snapshot], bool],
    deadline: Deadline,
    *,
    cluster: Connection,
    waiting_for: str,
    clock: Clock = SYSTEM_CLOCK,
) -> Snapshot:
    """Read the cluster until something is true of it; returns the snapshot of which it is.

    It is read once at first and then after each of its changes, about 10 ms later.

    Args:
        until: what must be true; pure.
        deadline: when to give up.
        cluster: the connection, already watching.
        waiting_for: what `until` means, for the message.

    Raises:
        DeadlinePassed: says what was waited for, and what was seen last.
    """
    while not until(snapshot := cluster.read()):
        if deadline.passed(clock):
            raise DeadlinePassed(
                f"waited {deadline.seconds:g} s for: {waiting_for}. Last seen: {under_way(snapshot)}.",
                hint="Look at `pcs status`.",
            )
        cluster.wait(deadline.left(clock))
    return snapshot


def under_way(snapshot: Snapshot) -> str:
    """What the cluster is busy with, in a line."""
    busy = [
        f"{instance.resource} is {instance.state} on {instance.node}"
        for instances in snapshot.instances.values()
        for instance in instances
        if not instance.settled
    ]
    more = f" and {len(busy) - _MOST} more" if len(busy) > _MOST else ""
    return "; ".join(busy[:_MOST]) + more if busy else "nothing under way"
