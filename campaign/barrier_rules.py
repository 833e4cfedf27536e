"""What drains, gates and barriers promise, held against the record of a run. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from campaign.counted_services import NODES, SERVICES
from campaign.observations import Invariant, Record, Violation
from campaign.restart_causes import restarts, struck_at
from campaign.service_logs import Entry, Turn

__all__ = ["barriers", "drains", "gates"]

_REPORTING = {"start", "refresh", "report"}


def drains(record: Record) -> Iterator[Violation]:
    """We stop no instance that gets requests, and none that is up gets none in the end."""
    for service, about in SERVICES.items():
        if not about.drained:
            continue
        for start in restarts(record)[about.primitives[0]][0]:
            node, at = start.entry.node, start.stopped or start.entry.at
            struck = struck_at(record, node, at, start.entry.at) is not None
            if not struck and not _is_out(record.turns, service, node, at):
                text = f"{service} on {node} was stopped at {at - record.begun:.1f} s and not drained before"
                yield Violation(invariant=Invariant.DRAINED, text=text)
        for node in NODES:
            if _is_out(record.turns, service, node, record.over):
                yield Violation(invariant=Invariant.DRAINED, text=f"{service} on {node} is drained in the end")


def _is_out(turns: tuple[Turn, ...], service: str, node: str, at: float) -> bool:
    said = [turn.what for turn in turns if turn.service == service and turn.node == node and turn.at <= at]
    return said[-1:] == ["out"]


def gates(record: Record) -> Iterator[Violation]:
    """Shut out of all nodes before the run, a service starts on one only after a call there has reported its config."""
    for service in record.plan.services:
        for entry in _starts(record, service) if SERVICES[service].gate else ():
            if not _reported(record, service, entry.node, entry.at):
                at = entry.at - record.begun
                text = f"{service} started on {entry.node} at {at:.1f} s, and no call there had reported its config"
                yield Violation(invariant=Invariant.GATED, text=text)


def _starts(record: Record, service: str) -> Iterator[Entry]:
    return (e for e in record.entries if e.service == service and e.what == "start" and e.at >= record.begun)


def _reported(record: Record, service: str, node: str, at: float) -> bool:
    calls = (e for e in (*record.calls, *record.finals) if e.call.service == service and e.call.node == node)
    return any(ended.call.verb in _REPORTING and ended.begun <= at for ended in calls)


def barriers(record: Record) -> Iterator[Violation]:
    """What is for the whole service comes after each node's report: the stop of a restart, the start after a stop."""
    for service in record.plan.services:
        for node, at, what in _for_all(record, service) if SERVICES[service].together else ():
            late = ", ".join(other for other in NODES if _awaited(record, service, other, at))
            if late:
                text = f"{service} {what} on {node} at {at - record.begun:.1f} s, before the config run of {late} came"
                yield Violation(invariant=Invariant.BARRIER, text=text)


def _for_all(record: Record, service: str) -> Iterator[tuple[str, float, str]]:
    """What had to wait: node, moment, and what happened."""
    stops = [ended for ended in record.calls if ended.call.service == service and ended.call.verb == "stop"]
    down_since = min((ended.ended for ended in stops if ended.code == 0), default=record.healed)
    for entry in _starts(record, service):
        if down_since < entry.at < record.healed:
            yield entry.node, entry.at, "started"
    for start in restarts(record)[SERVICES[service].primitives[0]][0] if not stops else ():
        if start.stopped is not None and start.entry.at < record.healed:
            yield start.entry.node, start.stopped, "was stopped"


def _awaited(record: Record, service: str, node: str, at: float) -> bool:
    """A node that a fault was upon until then may have been offline, and is not waited for."""
    return not _reported(record, service, node, at) and struck_at(record, node, record.begun, at) is None
