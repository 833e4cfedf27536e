"""One run on the lab: the plan carried out, everything healed, the last calls made, and what was seen on the way."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from campaign.calls import Caller, Ended
from campaign.counted_services import SERVICES
from campaign.faults import Breaker
from campaign.lab_access import Missing, Site
from campaign.observations import Record, Struck
from campaign.observer import CibObserver, Poller, Sample, marks
from campaign.plan import Call, Change, Fault, FaultKind, Plan, last_report
from pacewright.clock import SYSTEM_CLOCK
from pacewright.errors import PacewrightError

__all__ = ["Run"]

_WHOLE = 150.0
"""Seconds in which the cluster has to be whole again once everything is healed."""
_SETTLED = 75.0
"""Seconds in which every instance has to be up: a hold of ours lasts 30 (20 for a stop, 10 to spare)."""
_LAST_TIMEOUT = 120.0
_PATIENCE = 60.0
"""Seconds beyond what it may take after which a call is killed as hung."""
_LEFTOVERS = (
    "pacewright-hold",
    "pacewright-owed",
    "pacewright-begun",
    "pacewright-ready",
    "pacewright-drained",
    "pacewright_role_before",
)


@dataclass(slots=True)
class Run:
    """One run, carried out once.

    Args:
        verbs: those of `pacewright service` that the installed program has.
        folder: where callers write.
    """

    site: Site
    plan: Plan
    verbs: frozenset[str]
    poller: Poller
    folder: Path
    begun: float = field(default_factory=SYSTEM_CLOCK.now)
    timeline: list[str] = field(default_factory=list)
    callers: dict[int, Caller] = field(default_factory=dict)
    struck: list[tuple[Fault, float]] = field(default_factory=list)
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def carry_out(self) -> tuple[Record, dict[str, bytes]]:
        """Do it all; returns the record, and each node's last CIB as evidence.

        Raises:
            DeadlinePassed: the cluster did not become whole again.
        """
        for service in self.plan.services:
            if SERVICES[service].gate:
                self.site.shut_out(service)
        self.begun = SYSTEM_CLOCK.now()
        base = marks(ET.fromstring(self._any_cib()))  # noqa: S314
        breaker = Breaker(site=self.site, callers=self.callers, say=self._say)
        with CibObserver(self.site) as observer:
            self._perform(breaker)
            self._heal(breaker)
            ended = tuple(caller.end() for caller in self.callers.values())
            for one in ended:
                self._say(f"call {one.call.number} had ended after {one.seconds:.1f} s with {one.code}")
            self.site.whole(_WHOLE)
            self._say("the cluster is whole")
            down_before = self.site.settle(_SETTLED)
            healed = SYSTEM_CLOCK.now()
            self._say("settled" if not down_before else f"still missing: {', '.join(map(str, down_before))}")
            listed = self.site.owed()
            finals = self._last_calls()
            down_after = self.site.settle(_SETTLED, wanted=True)
            self._say("settled" if not down_after else f"still missing: {', '.join(map(str, down_after))}")
            samples = observer.samples
            documents = dict(observer.documents)
        record = self._record(base, ended, finals, healed, (down_before, down_after), samples)
        return replace(record, listed=listed), documents

    def _record(
        self,
        base: tuple[str, ...],
        ended: tuple[Ended, ...],
        finals: tuple[Ended, ...],
        healed: float,
        down: tuple[tuple[Missing, ...], tuple[Missing, ...]],
        samples: Sequence[Sample],
    ) -> Record:
        lab = self.site.lab
        return Record(
            plan=self.plan,
            begun=self.begun,
            healed=healed,
            over=SYSTEM_CLOCK.now(),
            calls=ended,
            finals=finals,
            faults=tuple(Struck(fault=fault, begun=at, over=healed) for fault, at in self.struck),
            changes=dict(self.changes),
            configs={(s, node): self.site.config(s, node) for s in SERVICES for node in lab.nodes},
            entries=self.site.entries(),
            base=base,
            samples=tuple(samples),
            turns=self.site.turns(),
            answers=tuple(self.poller.answers(self.begun)),
            down_before=down[0],
            down_after=down[1],
            left=tuple(self._left()),
            disagreeing=tuple(self._disagreeing()),
            listed=frozenset(),
            timeline=tuple(self.timeline),
        )

    def _say(self, line: str) -> None:
        self.timeline.append(f"{SYSTEM_CLOCK.now() - self.begun:6.1f} s  {line}")

    def _any_cib(self) -> bytes:
        for node in self.site.reachable():
            try:
                return self.site.cib(node)
            except PacewrightError:
                continue
        raise PacewrightError("No node of the lab answers.")

    # -- the plan ---------------------------------------------------------------------------------------------------

    def _perform(self, breaker: Breaker) -> None:
        steps: list[tuple[float, int, Callable[[], None]]] = []
        for change in self.plan.changes:
            steps.append((change.at, len(steps), lambda change=change: self._change(change)))  # type: ignore[misc]
        for call in self.plan.calls:
            steps.append((call.at, len(steps), lambda call=call: self._call(call)))  # type: ignore[misc]
        for fault in self.plan.faults:
            steps.append((fault.at, len(steps), lambda fault=fault: self._strike(breaker, fault)))  # type: ignore[misc]
            steps.append((fault.until, len(steps), lambda fault=fault: self._mend(breaker, fault)))  # type: ignore[misc]
        for at, _, step in sorted(steps, key=lambda step: step[:2]):
            SYSTEM_CLOCK.sleep(max(0.0, self.begun + at - SYSTEM_CLOCK.now()))
            step()

    def _change(self, change: Change) -> None:
        written = [node for node in change.nodes if self.site.configure(change.service, node, change.value)]
        self.changes.update((change.service, node) for node in written)
        self._say(f"config of {change.service} is {change.value} on {', '.join(written) or 'no node'}")

    def _call(self, call: Call) -> None:
        verb = call.verb if call.verb in self.verbs else "restart"
        words = ("service", verb, call.named or call.service, *call.options, "--timeout", f"{call.timeout:g}")
        self.callers[call.number] = Caller(
            self.site.lab,
            call,
            words,
            self.folder,
            patience=_PATIENCE,
            after=self.callers.get(call.after),
        )
        self._say(f"call {call.number}: {verb} {call.named or call.service} on {call.node}")

    def _strike(self, breaker: Breaker, fault: Fault) -> None:
        at = SYSTEM_CLOCK.now()
        hit = breaker.strike(fault)
        self.struck.append((hit, at))
        if fault.kind is FaultKind.BAD_CONFIG and hit.nodes:
            self.changes.update((fault.what, node) for node in hit.nodes)

    def _mend(self, breaker: Breaker, fault: Fault) -> None:
        for hit, _ in self.struck:
            if replace(hit, nodes=fault.nodes) == fault or hit == fault:
                breaker.mend(hit)
                if fault.kind is FaultKind.BAD_CONFIG:
                    self.changes.update((fault.what, node) for node in hit.nodes)

    # -- the end ----------------------------------------------------------------------------------------------------

    def _heal(self, breaker: Breaker) -> None:
        lab = self.site.lab
        for node in lab.nodes:
            lab.heal(node)
            lab.thaw(node)
            lab.boot(node)
        for kind in (FaultKind.DISK, FaultKind.BAD_CONFIG, FaultKind.PROMOTE):  # a config needs room
            for hit, _ in self.struck:
                if hit.kind is kind:
                    breaker.mend(hit)
        self._say("everything is healed")
        waited = [caller for caller in self.callers.values() if not caller.over]
        for caller in waited:
            caller.end()
        self.site.whole(_WHOLE)
        if self.site.snapshot().maintenance:
            breaker.maintain(str(self.site.snapshot().dc or lab.nodes[0]), on=False)

    def _last_calls(self) -> tuple[Ended, ...]:
        found: list[Ended] = []
        for service, node in self.plan.final_nodes:
            for verb, nodes in self._last_verbs(service, node):
                found += self._together(service, verb, nodes, 100 + len(found))
        for ended in found:
            self._say(f"last call: {' '.join(ended.argv)} on {ended.call.node}: {ended.code}, {ended.seconds:.1f} s")
        return tuple(found)

    def _last_verbs(self, service: str, node: str) -> Iterator[tuple[tuple[str, ...], Sequence[str]]]:
        """`reconcile` speaks for its own node's config only, so it is called on all of them, as its timer does it.

        What waits for reports gets those that are missing first, from each node's next config run.
        """
        about, timeout = SERVICES[service], ("--timeout", f"{_LAST_TIMEOUT:g}")
        if about.gate or about.together:
            yield ("service", *last_report(self.plan, service), *timeout), self.site.lab.nodes
        if self.plan.final_verb == "reconcile" and "reconcile" in self.verbs:
            yield ("reconcile", service), self.site.lab.nodes
        else:
            yield ("service", "restart", service, *timeout), (node,)

    def _together(self, service: str, words: tuple[str, ...], nodes: Sequence[str], first: int) -> list[Ended]:
        verb = words[0] if words[0] == "reconcile" else words[1]
        callers = []
        for number, where in enumerate(nodes, first):
            call = Call(at=self.plan.end, number=number, verb=verb, service=service, node=where, timeout=_LAST_TIMEOUT)
            callers.append(Caller(self.site.lab, call, words, self.folder, patience=_PATIENCE))
        return [caller.end() for caller in callers]

    def _left(self) -> list[str]:
        found = []
        document = self._any_cib().decode()
        root = ET.fromstring(document)  # noqa: S314
        found += [f"in the CIB: {mark}" for mark in marks(root) if any(word in mark for word in _LEFTOVERS)]
        roles = [p.get("id", "") for p in root.iterfind(".//meta_attributes/nvpair[@name='target-role']")]
        found += [f"in the CIB: a target-role: {role}" for role in roles]
        for node in self.site.lab.nodes:
            found += [f"on {node}: {stray}" for stray in self.site.strays(node)]
        return found

    def _disagreeing(self) -> list[str]:
        """Nodes whose configuration is not that of the DC. Once nothing is under way there must be none."""
        versions = {}
        for node in self.site.lab.nodes:
            root = ET.fromstring(self.site.cib(node))  # noqa: S314
            versions[node] = (root.get("admin_epoch"), root.get("epoch"), marks(root))
        dc = str(self.site.snapshot().dc)
        return [
            f"{node} has epoch {v[1]}, the DC {versions[dc][1]}" for node, v in versions.items() if v != versions[dc]
        ]
