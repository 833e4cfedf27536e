"""What a rolling restart promises beside one at a time: roles first, and no further after a failure. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from campaign.counted_services import NODES, SERVICES
from campaign.observations import Invariant, Record, Violation
from campaign.restart_causes import restarts, struck_at
from campaign.service_logs import Entry, Start, promoted_at

__all__ = ["failures", "roles"]

_NOT_KNOWN_YET = 3.0
"""Seconds in which a start that the cluster made by itself and that failed may not be known to who stops the next."""


def roles(record: Record) -> Iterator[Violation]:
    """We stop no instance while another has not got its role back: as many are promoted as there shall be.

    A node that a fault was upon has no role to get back; from then on this is not judged.
    """
    for about in SERVICES.values():
        if not about.promoted:
            continue
        own = [entry for entry in record.entries if entry.primitive == about.primitives[0]]
        for start in restarts(record)[about.primitives[0]][0]:
            begin = _going_down(start, own)
            if any(struck_at(record, node, record.begun, begin) is not None for node in NODES):
                continue
            have = promoted_at(own, begin)
            if len(have) < about.promoted:
                text = (
                    f"{start.entry.primitive} on {start.entry.node} was stopped at {begin - record.begun:.1f} s, when "
                    f"{len(have)} of {about.promoted} were promoted ({', '.join(sorted(have)) or 'none'})"
                )
                yield Violation(invariant=Invariant.ROLE, text=text)


def _going_down(start: Start, own: Sequence[Entry]) -> float:
    """When an instance began to go down: a promoted one with its demote."""
    stopped = start.stopped or start.entry.at
    before = [entry for entry in own if entry.node == start.entry.node and entry.at < stopped]
    return before[-1].at if before and before[-1].what == "demote" else stopped


def failures(record: Record) -> Iterator[Violation]:
    """Where an instance has failed to start, we stop no other one before it has started; nor after a failed promote."""
    for service, about in SERVICES.items():
        for primitive in about.primitives if about.clone and not about.together else ():
            own = [entry for entry in record.entries if entry.primitive == primitive]
            made = restarts(record)[primitive][0]
            for start in made:
                failed = _overlooked(start, own, made, record)
                if failed is not None:
                    at, when = (start.stopped or start.entry.at) - record.begun, failed.at - record.begun
                    what = "start" if failed.what == "fail" else "be promoted"
                    text = f"{service} on {start.entry.node} was stopped at {at:.1f} s, though it had failed to {what} "
                    text += f"on {failed.node} at {when:.1f} s"
                    yield Violation(invariant=Invariant.STOPS, text=text)


def _overlooked(start: Start, own: Sequence[Entry], made: Sequence[Start], record: Record) -> Entry | None:
    """A failure that was known when an instance was stopped for the restart with this start."""
    stopped = start.stopped or start.entry.at
    for node in NODES:
        there = [entry for entry in own if entry.node == node and entry.at < stopped]
        failed = _failed_start(there, stopped) or _failed_promote(there, made, stopped, record)
        if failed is None or node == start.entry.node:
            continue
        if not any(struck_at(record, one, failed.at, stopped) is not None for one in (node, start.entry.node)):
            return failed
    return None


def _failed_start(there: Sequence[Entry], at: float) -> Entry | None:
    """The last start on a node, if it failed and that had to be known."""
    tried = [entry for entry in there if entry.what in {"start", "fail"}]
    if not tried or tried[-1].what != "fail":
        return None
    begun = [entry for entry in tried if entry.what == "start"]
    ours = bool(begun) and begun[-1].revision != tried[-1].revision
    return tried[-1] if ours or at - tried[-1].at > _NOT_KNOWN_YET else None


def _failed_promote(there: Sequence[Entry], made: Sequence[Start], at: float, record: Record) -> Entry | None:
    """A promote on a node that failed in a restart of ours, if nobody has called since: who calls then begins anew."""
    for failed in (entry for entry in there if entry.what == "refuse" and entry.at >= record.begun):
        before = [entry for entry in there if entry.what == "start" and entry.at < failed.at]
        ours = bool(before) and any(start.entry == before[-1] for start in made)
        calls = (e for e in (*record.calls, *record.finals) if e.call.service == failed.service)
        if ours and not any(failed.at - 0.5 < ended.begun < at for ended in calls):
            return failed
    return None
