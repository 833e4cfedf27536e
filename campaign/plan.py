"""A plan: what happens in one run and when, derived from a seed and the run's number and from nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

__all__ = ["BAD", "Call", "Change", "Fault", "FaultKind", "Plan", "last_report", "make_plan"]

BAD = "bad"
"""A config that begins with this word keeps its service from starting."""

_WEIGHTS = {
    "web": 4,
    "api": 3,
    "cache": 3,
    "pool": 4,
    "gated": 3,
    "swarm": 4,
    "staged": 6,
    "shaped": 2,
    "db": 2,
    "tier": 2,
    "worker": 1,
}
_GATED, _TOGETHER, _STAGED = "gated", "swarm", "staged"
_ALIASES = {"web": "www"}
"""Another name of the service's unit."""
_TIMEOUTS = (90.0, 90.0, 90.0, 20.0, 6.0)
_SHIFTS = (-900.0, -300.0, -60.0, 60.0, 300.0, 900.0)
_DAEMONS = ("pacemaker-controld", "pacemaker-based", "pacemaker-schedulerd", "pacemaker-execd")


class FaultKind(Enum):
    """What can go wrong in a run."""

    KILL_CALLER = "caller killed with -9"
    POWER = "power cut and return of a node"
    DC_POWER = "power cut of the DC"
    CUT = "network of a node cut"
    QUORUM = "network of two nodes cut"
    FREEZE = "node frozen"
    DAEMON = "pacemaker daemon killed"
    DISK = "disk of a node full"
    CLOCK = "caller's clock jumps by minutes"
    NODE_CLOCK = "node's clock jumps by minutes"
    MAINTENANCE = "maintenance mode"
    BAD_CONFIG = "instance that fails to start"
    PROMOTE = "promotes that fail on a node"


_WEIGHTS_OF_FAULTS = {
    FaultKind.KILL_CALLER: 4,
    FaultKind.POWER: 2,
    FaultKind.DC_POWER: 2,
    FaultKind.CUT: 2,
    FaultKind.QUORUM: 1,
    FaultKind.FREEZE: 2,
    FaultKind.DAEMON: 3,
    FaultKind.DISK: 2,
    FaultKind.CLOCK: 2,
    FaultKind.NODE_CLOCK: 3,
    FaultKind.MAINTENANCE: 2,
    FaultKind.BAD_CONFIG: 2,
    FaultKind.PROMOTE: 8,
}
"""Promotes fail only in runs with a service that has some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """New config for a service on some nodes, at so many seconds."""

    at: float
    service: str
    nodes: tuple[str, ...]
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Somebody calls `pacewright service VERB SERVICE --timeout TIMEOUT` on a node.

    Attributes:
        verb: `refresh` becomes `restart` where the installed program does not know it yet.
        named: the name by which the caller calls it, if that is another one.
        options: further ones, such as `--barrier`.
        after: the number of a call that has to be over first; -1 if none has.
        clock: seconds by which the caller's wall clock is wrong, from `clock_at` seconds of its life on.
    """

    at: float
    number: int
    verb: str
    service: str
    node: str
    timeout: float
    named: str = ""
    options: tuple[str, ...] = ()
    after: int = -1
    clock: float = 0.0
    clock_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something breaks at `at` and is mended at `until`.

    Attributes:
        nodes: which are hit; for a DC the first is only chosen at that moment.
        what: the daemon that is killed, the service with a bad config, the seconds by which a clock jumps.
        call: the number of the call that is killed, or whose clock jumps.
    """

    at: float
    until: float
    kind: FaultKind
    nodes: tuple[str, ...] = ()
    what: str = ""
    call: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run.

    Attributes:
        final_verb: what is called in the end, after everything has been healed: `reconcile` on every node, as its timer
            does it, or one `restart`.
        final_nodes: for each service in the plan, where the last call is made; `reconcile` is called there too.
    """

    seed: int
    run: int
    changes: tuple[Change, ...]
    calls: tuple[Call, ...]
    faults: tuple[Fault, ...]
    final_verb: str
    final_nodes: tuple[tuple[str, str], ...]

    @property
    def services(self) -> tuple[str, ...]:
        """Those that are changed or called."""
        return tuple(service for service, _ in self.final_nodes)

    @property
    def end(self) -> float:
        """Seconds after which nothing new happens."""
        return max([0.0, *(c.at for c in self.changes), *(c.at for c in self.calls), *(f.until for f in self.faults)])

    def lines(self) -> Iterator[str]:
        """The plan for people, in the order of time."""
        yield f"seed {self.seed}, run {self.run}"
        told = [(c.at, f"config of {c.service} becomes {c.value} on {', '.join(c.nodes)}") for c in self.changes]
        told += [(c.at, _call_line(c)) for c in self.calls]
        told += [(f.at, f"{_fault_line(f)}, until {f.until:.1f} s") for f in self.faults]
        for at, line in sorted(told):
            yield f"  {at:5.1f} s  {line}"
        last = "; ".join(f"{self.final_verb} {service} on {node}" for service, node in self.final_nodes)
        yield f"  the end  {last}{' and on all others' if self.final_verb == 'reconcile' else ''}"


def _call_line(call: Call) -> str:
    clock = f", clock {call.clock:+.0f} s from {call.clock_at:.1f} s on" if call.clock else ""
    words = " ".join((call.verb, call.named or call.service, *call.options))
    after = f", after call {call.after}" if call.after >= 0 else ""
    return f"call {call.number}: {words} on {call.node}, time-out {call.timeout:g} s{after}{clock}"


def _fault_line(fault: Fault) -> str:
    about = [*fault.nodes, fault.what, f"call {fault.call}" if fault.call >= 0 else ""]
    return f"{fault.kind.value}: " + ", ".join(word for word in about if word)


def last_report(plan: Plan, service: str) -> tuple[str, ...]:
    """What the next config run of each node calls for a service that waits for reports."""
    if service == _GATED:
        return ("start", service)
    verb, options = next((call.verb, call.options) for call in reversed(plan.calls) if call.service == service)
    return (verb, service, *options)


def make_plan(seed: int, run: int, nodes: Sequence[str]) -> Plan:
    """The plan of a run; the same arguments give the same plan on every machine."""
    return _Dice(seed, run, tuple(nodes)).plan()


class _Dice:
    def __init__(self, seed: int, run: int, nodes: tuple[str, ...]) -> None:
        self._seed, self._run, self._nodes = seed, run, nodes
        self._random = random.Random(f"{seed}/{run}")  # noqa: S311 - reproducible on purpose
        self._calls = self._values = 0

    def plan(self) -> Plan:
        services = self._services()
        changes: list[Change] = []
        calls: list[Call] = []
        for service in services:
            first = self._change(service, self._moment(0.0, 1.0))
            changes.append(first)
            calls += self._call_group(first)
        if self._random.random() < 0.35 and services[0] != _TOGETHER:  # changed again in mid-roll
            again = self._change(services[0], self._moment(1.0, 7.0))
            changes.append(again)
            calls += self._call_group(again)[: self._random.randint(0, 1)]
        faults, calls = self._faults(calls, services)
        return Plan(
            seed=self._seed,
            run=self._run,
            changes=tuple(sorted(changes, key=lambda change: change.at)),
            calls=tuple(sorted(calls, key=lambda call: call.at)),
            faults=tuple(sorted(faults, key=lambda fault: fault.at)),
            final_verb="restart" if self._random.random() < 0.25 else "reconcile",
            final_nodes=tuple((service, self._node()) for service in services),
        )

    def _services(self) -> tuple[str, ...]:
        names = list(_WEIGHTS)
        first, second = self._random.choices(names, weights=list(_WEIGHTS.values()), k=2)
        both = first != second and self._random.random() < 0.3
        return (first, second) if both else (first,)

    def _moment(self, low: float, high: float) -> float:
        return round(self._random.uniform(low, high), 2)

    def _node(self) -> str:
        return self._random.choice(self._nodes)

    def _some(self) -> tuple[str, ...]:
        return tuple(sorted(self._random.sample(self._nodes, self._random.randint(1, len(self._nodes)))))

    def _change(self, service: str, at: float) -> Change:
        self._values += 1
        nodes = self._nodes if service == _TOGETHER else self._some()
        return Change(at=at, service=service, nodes=nodes, value=f"r{self._run}v{self._values}")

    def _call_group(self, change: Change) -> list[Call]:
        """One to three callers: config runs that end on changed nodes within seconds, or somebody at a shell."""
        if change.service == _TOGETHER:
            return self._waiting_group(change)
        runs = self._random.random() < 0.6 or change.service == _GATED
        nodes = change.nodes if runs else tuple(self._node() for _ in range(self._random.randint(1, 3)))
        verb = "refresh" if runs else self._random.choice(("restart", "refresh"))
        if change.service == _GATED:
            verb = self._random.choice(("start", "start", "refresh"))
        return [self._call(verb, change.service, node, change.at + self._moment(0.0, 2.0)) for node in nodes]

    def _waiting_group(self, change: Change) -> list[Call]:
        """A config run on every node, at a barrier: a refresh, or a stop for all and a start once all have come."""
        wave, waves = f"wave-{change.value}", self._random.random() < 0.5
        group = []
        for node in change.nodes:
            at = change.at + self._moment(0.0, 4.0)
            if not waves:
                group.append(self._call("refresh", change.service, node, at, options=("--barrier",)))
                continue
            stop = self._call("stop", change.service, node, at, options=("--wave", wave))
            later = at + self._moment(0.5, 4.0)
            options = ("--barrier", "--wave", wave)
            group += [stop, self._call("start", change.service, node, later, options=options, after=stop.number)]
        return group

    def _call(
        self, verb: str, service: str, node: str, at: float, *, options: tuple[str, ...] = (), after: int = -1
    ) -> Call:
        timeout = self._random.choice(_TIMEOUTS)
        named = _ALIASES.get(service, "") if self._random.random() < 0.4 else ""
        number = self._calls
        self._calls += 1
        return Call(
            at=round(at, 2),
            number=number,
            verb=verb,
            service=service,
            node=node,
            timeout=timeout,
            named=named,
            options=options,
            after=after,
        )

    def _faults(self, calls: list[Call], services: tuple[str, ...]) -> tuple[list[Fault], list[Call]]:
        weights = {k: w for k, w in _WEIGHTS_OF_FAULTS.items() if k is not FaultKind.PROMOTE or _STAGED in services}
        kinds = self._random.choices(
            list(weights),
            weights=list(weights.values()),
            k=self._random.choice((0, 1, 1, 1, 2)),
        )
        faults = []
        for kind in kinds:
            fault = self._fault(kind, calls, services)
            faults.append(fault)
            if kind is FaultKind.CLOCK:
                calls = [self._skewed(call, fault) for call in calls]
        return faults, calls

    def _fault(self, kind: FaultKind, calls: list[Call], services: tuple[str, ...]) -> Fault:
        at = self._moment(0.0, 8.0)
        until = at + self._moment(2.0, 14.0)
        match kind:
            case FaultKind.KILL_CALLER | FaultKind.CLOCK:
                call = self._random.choice(calls)
                at = round(call.at + self._random.choice((self._moment(0.05, 1.2), self._moment(0.3, 8.0))), 2)
                return Fault(at=at, until=at, kind=kind, call=call.number)
            case FaultKind.QUORUM:
                nodes = tuple(sorted(self._random.sample(self._nodes, 2)))
                return Fault(at=at, until=until, kind=kind, nodes=nodes)
            case FaultKind.DC_POWER | FaultKind.MAINTENANCE:
                return Fault(at=at, until=until, kind=kind)
            case FaultKind.BAD_CONFIG:
                return Fault(at=at, until=until, kind=kind, nodes=(self._node(),), what=services[0])
            case FaultKind.NODE_CLOCK:
                shift = f"{self._random.choice(_SHIFTS):+.0f}"
                return Fault(at=at, until=until, kind=kind, nodes=(self._node(),), what=shift)
            case FaultKind.DAEMON:
                daemon = self._random.choice(_DAEMONS)
                return Fault(at=at, until=at, kind=kind, nodes=(self._node(),), what=daemon)
            case _:
                return Fault(at=at, until=until, kind=kind, nodes=(self._node(),))

    def _skewed(self, call: Call, fault: Fault) -> Call:
        if call.number != fault.call:
            return call
        shift = self._random.choice(_SHIFTS)
        begins = self._random.choice((0.0, self._moment(0.1, 3.0)))
        return replace(call, clock=shift, clock_at=begins)
