"""Everything that one run of the bench measured, as JSON, and held against the targets."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench import lost_requests, rolling
from bench.commands import Timed, Waking
from bench.figures import Figure, Target, human
from bench.lost_requests import Lost
from bench.puppet import COUNTS
from bench.restarts import Restarts
from bench.rolling import Rolls

__all__ = ["Machine", "Results", "targets"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where it was measured.

    Attributes:
        cores, memory: of the machine that carries all nodes; memory in MB.
        load: its load average (1 minute) before and after: how busy other work kept it.
    """

    cores: int
    memory: int
    load: tuple[float, float]
    kernel: str
    pacemaker: str
    pcs: str
    python: str
    distro: str
    date: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "cores": self.cores,
            "memory_mb": self.memory,
            "load_before_and_after": list(self.load),
            "architecture": platform.machine(),
            "kernel": self.kernel,
            "pacemaker": self.pacemaker,
            "pcs": self.pcs,
            "python": self.python,
            "distro": self.distro,
            "date": self.date,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """One run of the bench."""

    machine: Machine
    quick: bool
    restarts: tuple[Restarts, ...]
    rolls: tuple[Rolls, ...]
    lost: tuple[Lost, ...]
    start_up: tuple[Timed, ...]
    many: tuple[Timed, ...]
    large: tuple[Timed, ...]
    owed: tuple[Timed, ...]
    puppet: tuple[Timed, ...]
    waking: tuple[Waking, ...]

    def timed(self, key: str) -> Figure | None:
        """A command's figure."""
        timed = (*self.start_up, *self.many, *self.large, *self.owed, *self.puppet)
        return next((one.figure for one in timed if one.key == key), None)

    def restart(self, case: str, tool: str, label: str = "") -> Restarts:
        """A contender's runs."""
        wanted = (case, tool, label)
        return next(r for r in self.restarts if (r.case.key, r.contender.tool, r.contender.label) == wanted)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "machine": self.machine.as_dict(),
            "quick": self.quick,
            "targets": [{"name": t.name, "goal": t.goal, "seen": t.seen, "reached": t.reached} for t in targets(self)],
            "restarts": [r.as_dict() for r in self.restarts],
            "rolling": [r.as_dict() for r in self.rolls],
            "under_load": {one.case.key: one.as_dict() for one in self.lost},
            "start_up": {t.key: t.as_dict() for t in self.start_up},
            "state": {t.key: t.as_dict() for t in self.many},
            "large_cib": {t.key: t.as_dict() for t in self.large},
            "nothing_owed": {t.key: t.as_dict() for t in self.owed},
            "puppet": {t.key: t.as_dict() for t in self.puppet},
            "waking": [w.as_dict() for w in self.waking],
        }


def targets(results: Results) -> tuple[Target, ...]:
    """What was to be reached, and what was."""
    return (
        *_restart_targets(results),
        *rolling.targets(results.rolls),
        *lost_requests.targets(results.lost),
        *_command_targets(results),
        *_puppet_targets(results),
        *_waking_targets(results),
    )


def _restart_targets(results: Results) -> Iterator[Target]:
    for name, case, label, limit in (
        ("OCF instance: commit to settled", "counted-one", "", 1.4),
        ("OCF clone, one after another: commit to settled", "counted-all", "one after another", 1.6),
        ("systemd clone, all at once: commit to settled", "unit-all", "all at once", 1.1),
        ("systemd clone, one after another: commit to settled", "unit-all", "one after another", 1.1),
        ("systemd instance: commit to settled", "unit-one", "", 1.1),
    ):
        ratio = results.restart(case, "pacewright", label).ratio.median
        goal = f"at most {limit} x the floor"
        yield Target(name=name, goal=goal, seen=f"{ratio:.2f} x", reached=ratio <= limit)
    instance = results.restart("counted-one", "pacewright")
    returned = instance.figure(lambda run: run.known / run.floor if run.known and run.floor else None).median
    seen = results.restart("counted-one", "pacewright").ratio_seen.median
    name = "OCF instance: commit until its start was seen"
    yield Target(name=name, goal="at most 1.5 x the floor", seen=f"{seen:.2f} x", reached=seen <= 1.5)
    name = "OCF instance: commit's return to settled"
    yield Target(name=name, goal="at most 1.5 x the floor", seen=f"{returned:.2f} x", reached=returned <= 1.5)
    # The floor is the cluster's own time, but what we write can prolong it: for some changes the DC sleeps a second.
    rolled = results.restart("counted-all", "pacewright", "one after another").floor.median
    single = results.restart("counted-one", "crm_resource").floor.median
    yield Target(
        name="OCF clone, one after another: floor",
        goal="at most 1.5 x that of three crm_resource --restart of one instance",
        seen=f"{rolled / (3 * single):.2f} x",
        reached=rolled <= 1.5 * 3 * single,
    )
    for name, case, label, times in (
        ("OCF instance: whole command", "counted-one", "", 15),
        ("OCF clone, all at once: whole command", "counted-all", "all at once", 12),
        ("OCF instance that would only reload: whole command", "reloading-one", "", 10),
    ):
        theirs = results.restart(case, "crm_resource", label).whole.median
        faster = theirs / results.restart(case, "pacewright", label).whole.median
        goal = f"{times} x faster than crm_resource"
        yield Target(name=name, goal=goal, seen=f"{faster:.1f} x", reached=faster >= times)


def _command_targets(results: Results) -> Iterator[Target]:
    for name, key, limit in (
        ("`pacewright service status` cold", "pacewright-status", 0.090),
        ("`pacewright fact` cold", "pacewright-fact", 0.080),
        ("state of 100 services", "pacewright-100", 0.250),
        ("`pacewright service refresh` with nothing owed", "owed-refresh-1", 0.110),
        ("`pacewright reconcile --all`, 100 services that owe nothing", "owed-reconcile-100", 0.150),
    ):
        figure = results.timed(key)
        if figure is not None:
            seen = figure.median
            yield Target(name=name, goal=f"under {human(limit)}", seen=human(seen), reached=seen < limit)


def _puppet_targets(results: Results) -> Iterator[Target]:
    for count in COUNTS:
        ours, theirs = results.timed(f"puppet-pcs-{count}"), results.timed(f"puppet-systemd-{count}")
        if ours is None or theirs is None:
            continue
        more = ours.median - theirs.median
        yield Target(
            name=f"`puppet apply` with nothing to do, {count} service{'s' if count > 1 else ''}: more than systemd's",
            goal="at most 10% or 1 s",
            seen=f"{more / theirs.median:+.0%}, {more:+.2f} s",
            reached=more <= max(1.0, theirs.median / 10),
        )


def _waking_targets(results: Results) -> Iterator[Target]:
    for waking in results.waking:
        slowest = waking.latency.most
        name = f"waking up by {waking.mode}"
        yield Target(name=name, goal="within 100 ms", seen=f"{human(slowest)} at most", reached=slowest <= 0.1)
        idle = f"{waking.idle:.1%} of a core"
        yield Target(name=f"{name}, idle", goal="at most 10% of a core", seen=idle, reached=waking.idle <= 0.1)
