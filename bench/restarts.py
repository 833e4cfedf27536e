"""Restarts: Pacewright beside pcs and crm_resource, with the time of the cluster's own operations as the floor."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench import detail_log
from bench.bench_lab import AT, INSIDE, KINDS, settle
from bench.figures import Figure
from pacewright.clock import SYSTEM_CLOCK
from pacewright.errors import PacewrightError
from pacewright.lab import Lab

__all__ = ["CASES", "Case", "Contender", "Restarts", "Run", "measure"]

_NODE = "n2"
_STAMPS = f"{INSIDE}/stamps.json"
_LIMIT = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to restart something.

    Attributes:
        tool: `pacewright`, `pcs` or `crm_resource`.
        argv: the command; for pacewright what stands behind the program's name.
    """

    tool: str
    label: str
    argv: tuple[str, ...]

    @property
    def ours(self) -> bool:
        """True for Pacewright."""
        return self.tool == "pacewright"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is restarted: a kind of resource, all its instances or one."""

    kind: str
    instances: int
    contenders: tuple[Contender, ...]

    @property
    def key(self) -> str:
        """Its name in the results: `counted-one`."""
        return f"{self.kind}-{'one' if self.instances == 1 else 'all'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One restart.

    Attributes:
        whole: seconds of the whole command.
        floor: seconds that the cluster's own operations took (`detail_log.floor`).
        settled: for ours, seconds from the landing of the first commit until the program knew that all was over.
        known: for ours, the same from the return of the last commit that restarted something.
        noting: for ours, the part of it in which the note of what was begun is crossed out, once all starts were seen.
        starts: how many instances started.
        problem: why the run does not count; empty if it does.
    """

    whole: float = 0.0
    floor: float = 0.0
    settled: float | None = None
    known: float | None = None
    noting: float | None = None
    starts: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarts:
    """All runs of one contender in one case."""

    case: Case
    contender: Contender
    runs: tuple[Run, ...]

    @property
    def good(self) -> tuple[Run, ...]:
        """The runs that count."""
        return tuple(run for run in self.runs if not run.problem)

    def figure(self, pick: Callable[[Run], float | None]) -> Figure:
        """One quantity over the runs."""
        return Figure.of(pick(run) for run in self.good)

    @property
    def whole(self) -> Figure:
        """The whole command: of runs of the program as it is, where there are any."""
        plain = any(run.settled is None for run in self.good)
        return self.figure(lambda run: run.whole if run.settled is None or not plain else None)

    @property
    def floor(self) -> Figure:
        """The cluster's own operations."""
        return self.figure(lambda run: run.floor)

    @property
    def settled(self) -> Figure:
        """From the first commit until known."""
        return self.figure(lambda run: run.settled)

    @property
    def noting(self) -> Figure:
        """Crossing out what was noted."""
        return self.figure(lambda run: run.noting)

    @property
    def ratio_seen(self) -> Figure:
        """Until the last start was seen through floor, run by run: `ratio` without the crossing out."""
        return self.figure(
            lambda run: (run.settled - (run.noting or 0.0)) / run.floor if run.settled and run.floor else None
        )

    @property
    def ratio(self) -> Figure:
        """Settled through floor, run by run."""
        return self.figure(lambda run: run.settled / run.floor if run.settled and run.floor else None)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "case": self.case.key,
            "tool": self.contender.tool,
            "label": self.contender.label,
            "argv": list(self.contender.argv),
            "whole": self.whole.as_dict(),
            "floor": self.floor.as_dict(),
            "settled": self.settled.as_dict(),
            "settled_from_last_commit_returned": self.figure(lambda run: run.known).as_dict(),
            "crossing_out": self.noting.as_dict(),
            "ratio": self.ratio.as_dict(),
            "ratio_until_seen": self.ratio_seen.as_dict(),
            "instances_started": sorted({run.starts for run in self.good}),
            "problems": [run.problem for run in self.runs if run.problem],
        }


def _cases() -> Iterator[Case]:
    def ours(label: str, name: str, *options: str) -> Contender:
        return Contender(tool="pacewright", label=label, argv=("service", "restart", name, *options))

    def crm(name: str, *options: str) -> Contender:
        argv = ("crm_resource", "--restart", "--resource", f"{name}-clone", *options)
        return Contender(tool="crm_resource", label="all at once" if not options else "", argv=argv)

    def pcs(name: str, *options: str) -> Contender:
        argv = ("pcs", "resource", "restart", f"{name}-clone", *options)
        return Contender(tool="pcs", label="all at once" if not options else "", argv=argv)

    for kind in KINDS:
        rolling, at_once = ours("one after another", kind), ours("all at once", kind, "--all-at-once")
        yield Case(kind=kind, instances=3, contenders=(rolling, pcs(kind), at_once, crm(kind)))
        single = ours("", kind, "--node", _NODE)
        yield Case(kind=kind, instances=1, contenders=(single, pcs(kind, _NODE), crm(kind, "--node", _NODE)))


CASES = tuple(_cases())


def measure(lab: Lab, cases: tuple[Case, ...], times: int, say: Callable[[str], None]) -> tuple[Restarts, ...]:
    """Run every contender of every case so many times, taking turns.

    Ours runs twice as often where it takes no second: as it is, for the whole command, and with its times written down.
    """
    pairs = [(case, contender) for case in cases for contender in case.contenders]
    again = [(case, contender) for case, contender in pairs if contender.ours and case.kind != "unit"]
    runs: dict[tuple[Case, Contender], list[Run]] = {pair: [] for pair in pairs}
    for turn in range(times):
        plain = [(*pair, pair not in again) for pair in pairs]
        for case, contender, stamped in (*plain, *((*pair, True) for pair in again)):
            run = _run(lab, case, contender, stamped=stamped and contender.ours)
            runs[case, contender].append(run)
            what = f"{case.key} {contender.tool} {contender.label}".strip()
            say(f"{turn + 1}/{times} {what}: {run.problem or f'{run.whole:.3f} s, floor {run.floor:.3f} s'}")
    return tuple(
        Restarts(case=case, contender=contender, runs=tuple(runs[case, contender])) for case, contender in pairs
    )


def _run(lab: Lab, case: Case, contender: Contender, *, stamped: bool) -> Run:
    position = detail_log.log_size(lab, AT)
    argv = contender.argv
    if stamped:
        argv = ("/usr/bin/python3", "-I", f"{INSIDE}/stamped.py", _STAMPS, *argv)
    elif contender.ours:
        argv = ("pacewright", *argv)
    begun = SYSTEM_CLOCK.monotonic()
    problem = ""
    try:
        lab.run(AT, argv, timeout=_LIMIT).checked()
    except PacewrightError as error:
        problem = str(error)
    whole = SYSTEM_CLOCK.monotonic() - begun
    settle(lab, {name: len(lab.nodes) for name in KINDS})
    if problem:
        return Run(problem=problem)
    return _judge(lab, case, whole, detail_log.since(lab, AT, position), stamped=stamped)


def _judge(lab: Lab, case: Case, whole: float, lines: tuple[detail_log.Landed, ...], *, stamped: bool) -> Run:
    landings, results = detail_log.commits(lines), detail_log.operations(lines, case.kind)
    starts = [result.node for result in results if result.name == "start"]
    if len(starts) != case.instances or len(set(starts)) != case.instances or not landings:
        return Run(problem=f"{len(starts)} starts on {len(set(starts))} nodes instead of {case.instances}")
    run = Run(whole=whole, floor=detail_log.floor(landings, results), starts=len(starts))
    if not stamped:
        return run
    stamps = json.loads(lab.read(AT, _STAMPS))
    return Run(
        whole=whole,
        floor=run.floor,
        starts=run.starts,
        settled=stamps["known"] - landings[0],
        known=stamps["known"] - stamps["committed"][-1],
        noting=stamps["known"] - stamps["seen"] if stamps["seen"] is not None else None,
    )
