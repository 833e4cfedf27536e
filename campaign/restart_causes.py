"""Restarts in a run, told apart: those by our doing, and those that the cluster made by itself. Pure."""

from __future__ import annotations

from campaign.counted_services import SERVICES
from campaign.observations import Record
from campaign.observer import revisions
from campaign.plan import FaultKind
from campaign.service_logs import Entry, Start, starts

__all__ = ["restarts", "struck_at"]


def restarts(record: Record) -> dict[str, tuple[list[Start], list[Start]]]:
    """For each primitive its restarts in this run: those by our doing, and those that the cluster made by itself.

    What was down when the run began only starts in it.
    """
    found = {}
    for about in SERVICES.values():
        for primitive in about.primitives:
            all_starts = starts(
                record.entries,
                primitive,
                clone=about.clone,
                since=record.begun,
                revision=(lambda entry: _systemd_revision(entry, record)) if primitive == "web" else _own_revision,
            )
            made = [s for s in all_starts if s.stopped is None or s.stopped >= record.begun]
            held = about.reloading or about.promoted > 0
            ours = [s for s in made if s.ours or (held and _by_hold(s, record))]
            found[primitive] = (ours, [s for s in made if s not in ours])
    return found


def _own_revision(entry: Entry) -> str:
    return entry.revision


def _systemd_revision(entry: Entry, record: Record) -> str:
    """A unit is not told its revision, so what the CIB said a moment before has to do."""
    known = record.base
    for sample in record.samples:
        if sample.at >= entry.at:
            break
        if sample.quorate:
            known = sample.marks
    return revisions(known, entry.primitive, entry.node)


def _by_hold(start: Start, record: Record) -> bool:
    """A hold leaves no trace in the definition: a proper stop on a node that no fault touched was ours.

    What is promoted gets its new revision as it is let go. If the call's time is up before that, the hold expires.
    """
    return start.stopped is not None and struck_at(record, start.entry.node, start.stopped, start.entry.at) is None


def struck_at(record: Record, node: str, begin: float, end: float) -> float | None:
    """The first moment in a time at which a fault was upon a node."""
    node_faults = [struck for struck in record.faults if struck.node_fault]
    losing = [s for s in node_faults if s.fault.kind not in {FaultKind.BAD_CONFIG, FaultKind.PROMOTE}]
    everywhere = len(losing) > 1 or any(s.fault.kind is FaultKind.QUORUM for s in losing)
    hits = [
        max(begin, struck.begun - 0.5)
        for struck in losing
        if (everywhere or node in struck.fault.nodes) and struck.begun - 0.5 <= end and begin <= struck.over
    ]
    return min(hits, default=None)
