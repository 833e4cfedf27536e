"""The invariants, held against the record of a run. Pure: docs/reliability.md has the same rules in words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from campaign.barrier_rules import barriers, drains, gates
from campaign.calls import Ended, allowed
from campaign.counted_services import NODES, SERVICES
from campaign.observations import Invariant, Record, Struck, Violation
from campaign.observer import Sample
from campaign.plan import FaultKind
from campaign.restart_causes import restarts, struck_at
from campaign.roll_rules import failures, roles
from campaign.service_logs import Down, Entry, downs

__all__ = ["judge"]

_SLACK = 15.0
"""Seconds beyond its time-out that a call may take: one look and one write on a machine so busy that each program
takes a second (load 14 on 2 cores: 5.8 s were seen)."""
_DOCUMENTED = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 130}
_UNDER_FAULTS = {0, 1, 5, 6, 7, 8}
_KILLED = {-9, 137}


def judge(record: Record) -> tuple[Violation, ...]:
    """Every invariant that did not hold."""
    rules = (_newest, _once, _one_down, _answers, _clean, _without_quorum, _calls, _up, _one_configuration, _listed)
    more = (drains, gates, barriers, roles, failures)
    return tuple(violation for rule in (*rules, *more) for violation in rule(record))


# -- 1 ----------------------------------------------------------------------------------------------------------------


def _newest(record: Record) -> Iterator[Violation]:
    for service in record.plan.services:
        about = SERVICES[service]
        for primitive in about.primitives:
            last: dict[str, Entry] = {}
            for entry in record.entries:
                if entry.primitive == primitive and entry.what == "start":
                    last[entry.node if about.clone else ""] = entry
            for entry in last.values():
                wanted = record.configs[service, entry.node]
                if entry.config != wanted:
                    yield Violation(
                        invariant=Invariant.NEWEST,
                        text=f"{primitive} on {entry.node} runs with {entry.config}, its config is {wanted}",
                    )


# -- 2 ----------------------------------------------------------------------------------------------------------------


def _once(record: Record) -> Iterator[Violation]:
    made = restarts(record)
    calm = not any(struck.node_fault for struck in record.faults)
    for service, about in SERVICES.items():
        for primitive in about.primitives:
            ours, others = made[primitive]
            for node in sorted({s.entry.node for s in ours}) if about.clone else ("",):
                count = sum(node in {"", s.entry.node} for s in ours)
                allowed = _allowed(record, service, node)
                if count > allowed:
                    where = f" on {node}" if node else ""
                    text = f"{primitive}{where}: {count} restarts by us, {allowed} allowed"
                    yield Violation(invariant=Invariant.ONCE, text=text)
            along = len(made[about.after][0]) if about.after else len(NODES) * _stops(record, service)
            if calm and len(others) > along:
                when = ", ".join(f"{s.entry.node} at {s.entry.at - record.begun:.1f} s" for s in others)
                text = f"{primitive}: restarted by nobody, without a fault: {when}"
                yield Violation(invariant=Invariant.ONCE, text=text)


def _allowed(record: Record, service: str, node: str) -> int:
    """Each `restart` may restart an instance once; refresh and reconcile once for each change of its config.

    A caller whose clock was set back sees instances of its node that began in the future. Then times say nothing, and
    one restart too many is better than one that is missed. A node's clock that jumps is set back then or later.
    """
    made = [ended for ended in (*record.calls, *record.finals) if ended.call.service == service]
    unconditional = sum("restart" in ended.argv for ended in made)
    if unconditional == len(made):
        return unconditional
    changes = sum(n for (of, at), n in record.changes.items() if of == service and node in {"", at})
    set_back = sum(ended.call.clock < 0 and node in {"", ended.call.node} for ended in made)
    set_back += sum(s.fault.kind is FaultKind.NODE_CLOCK and node in {"", *s.fault.nodes} for s in record.faults)
    return unconditional + changes + set_back + _stops(record, service) + _unseen(record, service, node)


def _unseen(record: Record, service: str, node: str) -> int:
    """A promote hides when its instance was started. When the node first reports, nothing tells whether that was with
    this config, so it may be restarted to be sure.
    """
    mark = f"pacewright-config-{SERVICES[service].primitives[0]}_{node}"
    return int(SERVICES[service].promoted > 0 and not any(mark in told for told in record.base))


def _stops(record: Record, service: str) -> int:
    """How often the service was stopped, to be started again: once for a wave, however many call."""
    return int(any(ended.call.service == service and ended.call.verb == "stop" for ended in record.calls))


# -- 3 ----------------------------------------------------------------------------------------------------------------


def _one_down(record: Record) -> Iterator[Violation]:
    made = restarts(record)
    for about in SERVICES.values():
        if not about.clone or about.together:
            continue
        for primitive in about.primitives:
            times = downs(made[primitive][0], lambda n, begin, end: struck_at(record, n, begin, end), warm=about.warm)
            for one, other in _overlapping(sorted(times, key=lambda down: down.begin)):
                at = other.begin - record.begun
                text = f"{primitive}: {other.node} was stopped at {at:.1f} s while {one.node} was still down"
                yield Violation(invariant=Invariant.ONE_DOWN, text=text)


def _overlapping(times: list[Down]) -> Iterator[tuple[Down, Down]]:
    for index, one in enumerate(times):
        for other in times[index + 1 :]:
            if other.begin < one.end and other.node != one.node:
                yield one, other


def _answers(record: Record) -> Iterator[Violation]:
    """The web service as its users saw it: an independent look at 1 and 3."""
    silent: dict[str, bool] = {}
    calm = not any(struck.node_fault for struck in record.faults)
    worst: tuple[int, float] = (0, 0.0)
    for answer in record.answers:
        silent[answer.node] = answer.config == "-"
        worst = max(worst, (sum(silent.values()), record.begun - answer.at))
    if calm and worst[0] > 1:
        text = f"web: {worst[0]} nodes did not answer at {-worst[1]:.1f} s, without a fault"
        yield Violation(invariant=Invariant.ONE_DOWN, text=text)
    for node, config in {answer.node: answer.config for answer in record.answers}.items():
        if config != record.configs["web", node]:
            text = f"web on {node} serves {config} in the end, its config is {record.configs['web', node]}"
            yield Violation(invariant=Invariant.NEWEST, text=text)


# -- 4, 5 -------------------------------------------------------------------------------------------------------------


def _clean(record: Record) -> Iterator[Violation]:
    return (Violation(invariant=Invariant.CLEAN, text=text) for text in record.left)


def _without_quorum(record: Record) -> Iterator[Violation]:
    for node in {sample.node for sample in record.samples}:
        seen = [sample for sample in record.samples if sample.node == node]
        for before, after in pairwise(seen):
            if not before.quorate and not after.quorate and before.marks != after.marks and _is_new(record, after):
                yield Violation(invariant=Invariant.QUORUM, text=_written(record, before, after))


def _is_new(record: Record, sample: Sample) -> bool:
    """False if another node had the same before: then it was not written, it came along when the two met again."""
    others = (one for one in record.samples if one.at <= sample.at and one.node != sample.node)
    return all(one.marks != sample.marks for one in others)


def _written(record: Record, before: Sample, after: Sample) -> str:
    changed = set(before.marks) ^ set(after.marks)
    when = f"between {before.at - record.begun:.1f} s and {after.at - record.begun:.1f} s"
    return f"{after.node} had no quorum, and its CIB changed {when}: {'; '.join(sorted(changed)[:4])}"


# -- 6 ----------------------------------------------------------------------------------------------------------------


def _calls(record: Record) -> Iterator[Violation]:
    for ended in record.calls:
        for text in _complaints(ended, record, _acceptable(ended, record)):
            yield Violation(invariant=Invariant.CALLS, text=f"{_who(ended)}: {text}")
    for ended in record.finals:
        for text in _complaints(ended, record, {0}):
            yield Violation(invariant=Invariant.CALLS, text=f"{_who(ended)}, after all was healed: {text}")


def _who(ended: Ended) -> str:
    return f"call {ended.call.number} ({' '.join(ended.argv[1:])} on {ended.call.node})"


def _acceptable(ended: Ended, record: Record) -> set[int]:
    hit = [struck for struck in record.faults if struck.fault.nodes]
    if any(struck.node_fault for struck in hit):
        return _UNDER_FAULTS
    codes = {0}
    if ended.call.timeout < 60:
        codes.add(7)
    if any(struck.fault.kind is FaultKind.MAINTENANCE for struck in hit):
        codes.add(5)
    if any(s.fault.kind is FaultKind.NODE_CLOCK for s in hit) and SERVICES[ended.call.service].reloading:
        codes.add(7)  # a hold that is over before it begins, by the DC's clock, stops nothing, and says so
    if ended.call.clock < 0 and SERVICES[ended.call.service].promoted:
        codes.add(5)  # likewise, by the clock of whom it asks: nothing is written
    if hit and SERVICES[ended.call.service].together:
        codes.add(7)  # it waits for one who may have been killed before its report, or refused
    return codes


def _complaints(ended: Ended, record: Record, acceptable: set[int]) -> Iterator[str]:
    if ended.hung:
        yield f"still there after {ended.seconds:.0f} s, time-out {ended.call.timeout:g} s"
        return
    if "Traceback" in ended.stderr + ended.stdout:
        yield f"a traceback: {ended.stderr.strip().splitlines()[-1:]}"
    if ended.code is None or ended.killed:
        return
    if ended.code in _KILLED and any(struck.node_fault for struck in record.faults):
        return  # its node lost its power
    if ended.code not in _DOCUMENTED:
        yield f"exit code {ended.code} is not documented: {ended.stderr.strip()[-300:]}"
    elif ended.code not in acceptable:
        yield f"exit code {ended.code}: {ended.stderr.strip()[-300:]}"
    said = [line for line in ended.stderr.splitlines() if line.startswith("pacewright: ")]
    messages = [line for line in said if "warning:" not in line]  # that nothing is recorded on a full disk, say
    if ended.code and len(messages) != 1:
        yield f"exit code {ended.code} with {len(messages)} messages instead of one"
    if not ended.code and not ended.stdout.strip():
        yield "exit code 0 and not a word"
    late = ended.seconds - allowed(ended.call, ended.argv) - _stood_still(ended, record)
    if late > _SLACK:
        yield f"took {ended.seconds:.1f} s, {late:.1f} s beyond its time-out"


def _stood_still(ended: Ended, record: Record) -> float:
    """Seconds for which the caller's own node was frozen."""
    frozen = [s for s in record.faults if s.fault.kind is FaultKind.FREEZE and ended.call.node in s.fault.nodes]
    return sum(_length(struck) for struck in frozen)


def _length(struck: Struck) -> float:
    return struck.fault.until - struck.fault.at


# -- 7 ----------------------------------------------------------------------------------------------------------------


def _up(record: Record) -> Iterator[Violation]:
    calm = not any(struck.node_fault for struck in record.faults)
    for missing in record.down_before:
        if calm or not missing.failed:
            yield Violation(
                invariant=Invariant.UP, text=f"{missing} is down after all was healed, before the last call"
            )
    for missing in record.down_after:
        yield Violation(invariant=Invariant.UP, text=f"{missing} is down after the last call")


# -- 8 ----------------------------------------------------------------------------------------------------------------


def _one_configuration(record: Record) -> Iterator[Violation]:
    return (Violation(invariant=Invariant.ONE_CIB, text=text) for text in record.disagreeing)


# -- 9 ----------------------------------------------------------------------------------------------------------------


def _listed(record: Record) -> Iterator[Violation]:
    """What runs an older config than its node has, before the last calls, is listed."""
    for service, about in SERVICES.items():
        last: dict[tuple[str, str], Entry] = {}
        for entry in record.entries:
            if entry.primitive in about.primitives and entry.what in {"start", "stop"} and entry.at < record.healed:
                last[entry.primitive, entry.node if about.clone else ""] = entry
        down = {missing.primitive for missing in record.down_before}
        for entry in last.values():
            wanted = record.configs[service, entry.node]
            old = entry.what == "start" and entry.primitive not in down and entry.config != wanted
            # What lost its power has written no stop, and was not started again if the service is stopped.
            cut = struck_at(record, entry.node, entry.at, record.healed) is not None
            if old and not cut and (service, entry.node) not in record.listed:
                text = f"{entry.primitive} on {entry.node} ran {entry.config}, not {wanted}, and nothing was owed"
                yield Violation(invariant=Invariant.LISTED, text=text)
