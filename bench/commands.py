"""Commands that only read, timed as whole processes and taking turns: state, start-up, a large CIB; and waking up."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench import bench_lab, detail_log
from bench.bench_lab import AT, INSIDE
from bench.figures import Figure
from bench.large_cib import large_cib
from pacewright.clock import SYSTEM_CLOCK
from pacewright.lab import Lab

__all__ = ["NAMES", "Task", "Timed", "Waking", "large", "many", "start_up", "taking_turns", "waking"]

Say = Callable[[str], None]

NAMES = tuple(f"service{number:03}" for number in range(100))
"""Resources that `many` makes, besides those of the ground."""
_LARGE = f"{INSIDE}/large.xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """One thing that was timed.

    Attributes:
        key: its name in the results.
        label: what was run, for people.
        figure: seconds.
        found: what it printed about its own work, if it did.
    """

    key: str
    label: str
    figure: Figure
    found: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"label": self.label, **self.figure.as_dict(), **({"found": dict(self.found)} if self.found else {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waking:
    """What waiting was like in one mode.

    Attributes:
        latency: seconds from a change's landing in the CIB to the wake-up.
        idle: share of one core that was used while nothing happened.
    """

    mode: str
    latency: Figure
    idle: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"mode": self.mode, "latency": self.latency.as_dict(), "idle_share_of_a_core": round(self.idle, 5)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A command line, or several that belong together, to be timed so many times.

    Attributes:
        timeout: seconds for one of them.
    """

    key: str
    label: str
    lines: tuple[tuple[str, ...], ...]
    times: int
    env: Mapping[str, str] | None = None
    timeout: float = 60.0


def taking_turns(lab: Lab, tasks: Sequence[Task], say: Say) -> tuple[Timed, ...]:
    """Time each of them as often as it says; one after another, so that a busy moment hits all."""
    values: dict[str, list[float]] = {task.key: [] for task in tasks}
    for turn in range(max(task.times for task in tasks)):
        for task in tasks:
            if turn < task.times:
                values[task.key].append(_seconds(lab, task))
    timed = tuple(Timed(key=t.key, label=t.label, figure=Figure(values=tuple(values[t.key]))) for t in tasks)
    for one in timed:
        say(f"{one.label}: {one.figure.median * 1000:.0f} ms (median of {len(one.figure.values)})")
    return timed


def _seconds(lab: Lab, task: Task) -> float:
    begun = SYSTEM_CLOCK.monotonic()
    for argv in task.lines:
        lab.run(AT, argv, timeout=task.timeout, env=task.env).checked()
    return SYSTEM_CLOCK.monotonic() - begun


def start_up(lab: Lab, times: int, say: Say) -> tuple[Timed, ...]:
    """A new process that tells one service's state, and the cost of entering a node, which is in every figure."""
    name = "counted"
    tasks = [
        Task(key="entering", label="`true` (entering the node, in every figure)", lines=(("true",),), times=times),
        Task(
            key="python",
            label="`python3 -I -c pass` (the interpreter alone)",
            lines=(("/usr/bin/python3", "-I", "-c", "pass"),),
            times=times,
        ),
        Task(
            key="pacewright-status",
            label="`pacewright service status NAME`",
            lines=(("pacewright", "service", "status", name),),
            times=times,
        ),
        Task(
            key="pcs-status",
            label="`pcs resource status NAME`",
            lines=(("pcs", "resource", "status", f"{name}-clone"),),
            times=times,
        ),
    ]
    if lab.run(AT, ["pacewright", "fact"]).code == 0:
        tasks.append(
            Task(key="pacewright-fact", label="`pacewright fact`", lines=(("pacewright", "fact"),), times=times)
        )
    return taking_turns(lab, tasks, say)


def many(lab: Lab, times: int, hundred_times: int, say: Say) -> tuple[Timed, ...]:
    """The state of 1, 10 and 100 services, in a cluster that has 100 more resources.

    Args:
        hundred_times: how often pcs is called for each of 100 services (half a minute each); 0 for never.
    """
    say("creating 100 resources")
    bench_lab.create_many(lab, NAMES)
    tasks = []
    for count in (1, 10, 100):
        names = NAMES[:count]
        ours = ("pacewright", "service", "status", *names, "--json")
        label = f"`pacewright service status` of {count}"
        tasks.append(Task(key=f"pacewright-{count}", label=label, lines=(ours,), times=times))
        theirs = tuple(("pcs", "resource", "status", name) for name in names)
        often = hundred_times if count == 100 else 5
        if often:
            label = f"`pcs resource status` for each of {count}"
            tasks.append(Task(key=f"pcs-{count}", label=label, lines=theirs, times=min(times, often)))
    for key, label, argv in (
        ("pacewright-list", "`pacewright service list --json` (all)", ("pacewright", "service", "list", "--json")),
        ("pcs-all", "`pcs resource status` (all, text)", ("pcs", "resource", "status")),
        ("crm_mon-all", "`crm_mon --output-as=xml` (all)", ("crm_mon", "--one-shot", "--output-as=xml")),
    ):
        tasks.append(Task(key=key, label=label, lines=(argv,), times=times))
    return taking_turns(lab, tasks, say)


def large(lab: Lab, times: int, say: Say) -> tuple[Timed, ...]:
    """Reading a CIB of 32 nodes and 1,000 primitives from a file."""
    document = large_cib()
    lab.write(AT, _LARGE, document)
    lab.run(AT, ["crm_verify", "--xml-file", _LARGE], timeout=60).checked()
    say(f"a CIB of {len(document) / 1e6:.1f} MB, valid for crm_verify")
    parsing = ("/usr/bin/python3", "-I", f"{INSIDE}/parsing.py", _LARGE)
    timed = taking_turns(
        lab,
        [
            Task(
                key="pacewright-large",
                label="Pacewright's Snapshot, a new process",
                lines=((*parsing, "1"),),
                times=times,
            ),
            Task(
                key="crm_mon-large",
                label="`crm_mon --output-as=xml`, a new process",
                lines=(("crm_mon", "--one-shot", "--output-as=xml"),),
                times=times,
                env={"CIB_file": _LARGE},
            ),
        ],
        say,
    )
    found = json.loads(lab.run(AT, (*parsing, str(times)), timeout=120).checked().stdout)
    figure = Figure.of(found.pop("seconds"))
    return (
        *timed,
        Timed(key="parse-large", label="... reading and parsing alone", figure=figure, found=found),
    )


def waking(lab: Lab, changes: int, idle_seconds: float, say: Say) -> tuple[Waking, ...]:
    """How soon a waiter wakes up, and what it costs while nothing happens, in both modes."""
    found = []
    for mode in ("events", "poll"):
        position = detail_log.log_size(lab, AT)
        argv = ("/usr/bin/python3", "-I", f"{INSIDE}/waking.py", mode, str(changes), str(idle_seconds))
        said = json.loads(lab.run(AT, argv, timeout=240).checked().stdout)
        lines = detail_log.since(lab, AT, position)
        waits = [(detail_log.landed(lines, value), at) for value, at in said["woken"]]
        latency = Figure.of(at - landed if landed is not None and at is not None else None for landed, at in waits)
        found.append(Waking(mode=mode, latency=latency, idle=said["cpu"] / said["idle"]))
        say(f"waking by {mode}: {latency.median * 1000:.0f} ms, idle {found[-1].idle:.2%} of a core")
    return tuple(found)
