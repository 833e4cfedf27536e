"""The figures of a campaign, as a table for people and as JSON."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from campaign.observations import Record, Violation
from campaign.plan import Plan
from campaign.restart_causes import restarts

__all__ = ["Figures"]


@dataclass(slots=True)
class Figures:
    """Counted while the campaign goes on."""

    distro: str
    seed: int
    runs: int = 0
    seconds: float = 0.0
    ours: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    calls: list[float] = field(default_factory=list)
    finals: list[float] = field(default_factory=list)
    violations: list[tuple[int, str, str]] = field(default_factory=list)
    fresh_labs: int = 0

    def count(self, record: Record) -> None:
        """Add a run."""
        for primitive, (ours, others) in restarts(record).items():
            self.ours[primitive] += len(ours)
            self.others[primitive] += len(others)
        self.faults.update(struck.fault.kind.value for struck in record.faults if struck.fault.nodes)
        for ended in record.calls:
            name = "killed" if ended.killed else "node off" if ended.code is None else str(ended.code)
            self.codes[name] += 1
            if ended.code == 0:
                self.calls.append(ended.seconds)
        self.finals += [ended.seconds for ended in record.finals]

    def add(self, plan: Plan, violations: tuple[Violation, ...]) -> None:
        """Add what did not hold in a run."""
        self.violations += [(plan.run, violation.invariant.value, violation.text) for violation in violations]

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "distro": self.distro,
            "seed": self.seed,
            "runs": self.runs,
            "seconds": round(self.seconds, 1),
            "restarts": {"ours": dict(self.ours), "cluster": dict(self.others)},
            "faults": dict(self.faults),
            "exit_codes": dict(self.codes),
            "call_seconds": _spread(self.calls),
            "last_call_seconds": _spread(self.finals),
            "violations": [{"run": r, "invariant": i, "text": t} for r, i, t in self.violations],
            "fresh_labs": self.fresh_labs,
        }

    def lines(self) -> list[str]:
        """For people."""
        per = self.seconds / self.runs if self.runs else 0.0
        return [
            f"{self.runs} runs on {self.distro}, seed {self.seed}: {self.seconds / 60:.0f} min, {per:.0f} s each",
            f"restarts by us          {sum(self.ours.values()):4}   {_counted(self.ours)}",
            f"by the cluster itself   {sum(self.others.values()):4}   {_counted(self.others)}",
            f"faults                  {sum(self.faults.values()):4}   {_counted(self.faults)}",
            f"calls, by exit code     {sum(self.codes.values()):4}   {_counted(self.codes)}",
            f"seconds of a call that ended well  {_told(self.calls)}; of a last call  {_told(self.finals)}",
            f"labs beyond repair      {self.fresh_labs:4}",
            f"violations              {len(self.violations):4}",
            *(f"  run {run}: {invariant}: {text}" for run, invariant, text in self.violations),
        ]


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items()) if count)


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 2), "max": round(max(values), 2)} if values else {}


def _told(values: list[float]) -> str:
    return f"median {statistics.median(values):.1f}, max {max(values):.1f}" if values else "-"
