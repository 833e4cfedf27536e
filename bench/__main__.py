"""`script/bench`: measure everything on a lab of its own, write it down, and hold it to the targets."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bench import commands, lost_requests, nothing_owed, performance_page, puppet, rolling
from bench.bench_lab import AT, ground
from bench.figures import Target
from bench.restarts import CASES, Case, Restarts, measure
from bench.results import Machine, Results, targets
from bench.rolling import Rolls
from pacewright.clock import SYSTEM_CLOCK
from pacewright.errors import PacewrightError
from pacewright.lab import DISTROS, Lab

_HERE = Path(__file__).parent
_RESULTS = _HERE / "results.json"
_PAGE = _HERE.parent / "docs/performance.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How often each thing is measured.

    Attributes:
        systemd: restarts of a systemd clone by each contender, which take up to 13 s.
        ocf: restarts of the OCF clones.
        systemd_rolls, ocf_rolls: rolls of three instances by one caller and by three; 14 s each with systemd.
        loads: restarts of each kind under load, 80 s a round (with --quick 40).
        reads: commands that only read.
        hundred: pcs for each of 100 services, half a minute and more.
        puppet: runs of Puppet, 5 s each.
        changes, idle: wake-ups, and seconds of doing nothing.
    """

    systemd: int
    ocf: int
    systemd_rolls: int
    ocf_rolls: int
    loads: int
    reads: int
    hundred: int
    puppet: int
    changes: int
    idle: float


_FULL = Effort(
    systemd=3,
    ocf=6,
    systemd_rolls=2,
    ocf_rolls=6,
    loads=2,
    reads=9,
    hundred=2,
    puppet=5,
    changes=20,
    idle=15,
)
_QUICK = Effort(
    systemd=1,
    ocf=2,
    systemd_rolls=0,
    ocf_rolls=2,
    loads=1,
    reads=3,
    hundred=0,
    puppet=2,
    changes=4,
    idle=3,
)

_UNDER_LOAD = {
    False: lost_requests.CASES,
    True: tuple(case for case in lost_requests.CASES if case.key in {"plain-drained", "plain-pcs"}),
}
"""What restarts under load, without --quick and with it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: under 6 minutes instead of under 20")
    parser.add_argument("--distro", choices=DISTROS, default="bookworm", help="default: bookworm (Pacemaker 2.1)")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="write the results there, and leave bench/results.json and docs/ alone",
    )
    args = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the lab is removed, as at Ctrl-C
    try:
        results = _measure(args.distro, quick=args.quick)
    except PacewrightError as error:
        print(f"bench: {error}", file=sys.stderr)
        return error.exit_code
    target: Path = args.output or _RESULTS
    target.write_text(json.dumps(results.as_dict(), indent=1) + "\n", encoding="utf-8")
    if args.output is None:
        performance_page.write(_PAGE, results)
    print(performance_page.tables(results), end="\n\n")
    for reached in targets(results):
        print(_line(reached))
    print(f"\nWritten: {target}{'' if args.output else f', {_PAGE}'}")
    return 0


def _line(target: Target) -> str:
    return f"{'reached' if target.reached else 'MISSED '}  {target.name}: {target.seen} (to reach: {target.goal})"


def _say(line: str) -> None:
    print(f"  {line}", flush=True)


def _measure(distro: str, *, quick: bool) -> Results:
    effort = _QUICK if quick else _FULL
    load = os.getloadavg()[0]
    with ground(distro) as lab:
        machine = _machine(lab, distro)
        nothing_owed.prepare(lab)
        start_up = commands.start_up(lab, 2 * effort.reads, _say)
        restarts = _restarts(lab, effort)
        rolls = _rolls(lab, effort)
        requests = lost_requests.measure(lab, _UNDER_LOAD[quick], effort.loads, _say)
        waking = commands.waking(lab, effort.changes, effort.idle, _say)
        large = commands.large(lab, effort.reads, _say)
        idle_calls = nothing_owed.nothing_owed(lab, 1, effort.reads, _say)
        many = commands.many(lab, effort.reads, effort.hundred, _say)
        idle_calls += nothing_owed.nothing_owed(lab, 100, effort.reads, _say)
        runs = puppet.nothing_to_do(lab, effort.puppet, effort.hundred, _say)
    return Results(
        machine=replace(machine, load=(load, os.getloadavg()[0])),
        quick=quick,
        restarts=restarts,
        rolls=rolls,
        lost=requests,
        start_up=start_up,
        many=many,
        large=large,
        owed=idle_calls,
        puppet=runs,
        waking=waking,
    )


def _restarts(lab: Lab, effort: Effort) -> tuple[Restarts, ...]:
    def those(*, systemd: bool) -> tuple[Case, ...]:
        return tuple(case for case in CASES if (case.kind == "unit") is systemd)

    slow = measure(lab, those(systemd=True), effort.systemd, _say)
    return (*slow, *measure(lab, those(systemd=False), effort.ocf, _say))


def _rolls(lab: Lab, effort: Effort) -> tuple[Rolls, ...]:
    slow = rolling.measure(lab, ("unit",), effort.systemd_rolls, _say)
    return (*slow, *rolling.measure(lab, ("counted",), effort.ocf_rolls, _say))


def _machine(lab: Lab, distro: str) -> Machine:
    def version(*argv: str) -> str:
        return lab.run(AT, argv).checked().stdout.decode().splitlines()[0].split()[-1]

    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        load=(0.0, 0.0),
        kernel=platform.release(),
        pacemaker=version("crm_mon", "--version"),
        pcs=version("pcs", "--version"),
        python=version("python3", "--version"),
        distro=distro,
        date=datetime.fromtimestamp(SYSTEM_CLOCK.now(), UTC).strftime("%Y-%m-%d"),
    )


if __name__ == "__main__":
    sys.exit(main())
