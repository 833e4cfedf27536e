"""Rolling restarts of three instances after a change of their config: one caller, and three at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench import detail_log
from bench.bench_lab import AT, KINDS, settle
from bench.figures import Figure, Target
from pacewright.clock import SYSTEM_CLOCK
from pacewright.lab import Lab

__all__ = ["Roll", "Rolls", "judge", "measure", "targets"]

_CONFIG = "/etc/pacewright-bench.conf"
_CALLERS = (1, 3)
_CALLED = {"unit": "systemd clone", "counted": "OCF clone"}
_LIMIT = "120"


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll:
    """One roll.

    Attributes:
        whole: seconds from the start of the first caller until the last one has ended.
        back: seconds from the start of the first caller until the last instance's start landed in the CIB.
        floor: seconds that the cluster's own stops and starts took, one instance after another (`detail_log.floor`).
        starts: how many instances started.
        problem: why it does not count; empty if it does.
    """

    whole: float = 0.0
    back: float = 0.0
    floor: float = 0.0
    starts: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolls:
    """All rolls of one kind of service by so many callers."""

    kind: str
    callers: int
    runs: tuple[Roll, ...]

    def figure(self, pick: Callable[[Roll], float | None]) -> Figure:
        """One quantity over the rolls that count."""
        return Figure.of(pick(run) for run in self.runs if not run.problem)

    @property
    def ratio(self) -> Figure:
        """Until all were back through floor, roll by roll."""
        return self.figure(lambda run: run.back / run.floor if run.floor else None)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "kind": self.kind,
            "callers": self.callers,
            "whole": self.figure(lambda run: run.whole).as_dict(),
            "back": self.figure(lambda run: run.back).as_dict(),
            "floor": self.figure(lambda run: run.floor).as_dict(),
            "ratio": self.ratio.as_dict(),
            "starts": [run.starts for run in self.runs],
            "problems": [run.problem for run in self.runs if run.problem],
        }


def measure(lab: Lab, kinds: Sequence[str], times: int, say: Callable[[str], None]) -> tuple[Rolls, ...]:
    """So many rolls of each kind, by one caller and by three, taking turns."""
    pairs = [(kind, callers) for kind in kinds for callers in _CALLERS]
    runs: dict[tuple[str, int], list[Roll]] = {pair: [] for pair in pairs}
    if not times:
        return ()
    for turn in range(times):
        for kind, callers in pairs:
            run = _roll(lab, kind, callers)
            runs[kind, callers].append(run)
            seen = run.problem or f"back in {run.back:.3f} s, floor {run.floor:.3f} s, {run.starts} starts"
            say(f"{turn + 1}/{times} {kind}, a roll by {callers}: {seen}")
    return tuple(Rolls(kind=kind, callers=callers, runs=tuple(runs[kind, callers])) for kind, callers in pairs)


def targets(rolls: Sequence[Rolls]) -> Iterator[Target]:
    """However many ask, each instance restarts once."""
    for rolled in rolls:
        if rolled.callers > 1:
            wrong = sum(bool(run.problem) for run in rolled.runs)
            yield Target(
                name=f"{rolled.callers} callers at once ({_CALLED[rolled.kind]}): each instance restarts once",
                goal="in every run",
                seen=f"in {len(rolled.runs) - wrong} of {len(rolled.runs)}",
                reached=not wrong,
            )


def _roll(lab: Lab, kind: str, callers: int) -> Roll:
    call = ("pacewright", "service", "refresh", kind, "--input", _CONFIG, "--timeout", _LIMIT)
    for node in lab.nodes:
        lab.write(node, _CONFIG, f"at {SYSTEM_CLOCK.now()}\n")
    for node in lab.nodes[callers:]:  # who does not call now has said before that its config has changed
        lab.run(node, ("pacewright", "service", "report", kind, "--input", _CONFIG)).checked()
    position = detail_log.log_size(lab, AT)
    begun, at = SYSTEM_CLOCK.monotonic(), SYSTEM_CLOCK.now()
    running = [lab.spawn(node, call) for node in lab.nodes[:callers]]
    codes = [caller.wait() for caller in running]
    whole = SYSTEM_CLOCK.monotonic() - begun
    settle(lab, {name: len(lab.nodes) for name in KINDS})
    if any(codes):
        return Roll(problem=f"exit codes {codes}")
    return judge(detail_log.since(lab, AT, position), kind, whole, at)


def judge(lines: tuple[detail_log.Landed, ...], kind: str, whole: float, at: float) -> Roll:
    """What the cluster's log says of a roll.

    Args:
        lines: what landed in the CIB meanwhile.
        kind: the primitive that was to restart.
        whole: seconds that the callers took.
        at: when the first of them was started.
    """
    results = detail_log.operations(lines, kind)
    starts = [result for result in results if result.name == "start"]
    if len(starts) != 3 or len({start.node for start in starts}) != 3:
        nodes = len({start.node for start in starts})
        return Roll(starts=len(starts), problem=f"{len(starts)} starts on {nodes} nodes instead of one on each of 3")
    floor = detail_log.floor(detail_log.redefinitions(lines), results)
    return Roll(whole=whole, back=starts[-1].at - at, floor=floor, starts=len(starts))
