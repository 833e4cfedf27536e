"""How soon `CibWatch` wakes up and what it costs while nothing happens. Runs in a node.

    python3 -I waking.py MODE CHANGES IDLE_SECONDS

Prints one JSON object: `woken` (for each change the value written and the time of the wake-up, seconds since the
epoch), `idle` (seconds watched without a change), `cpu` (seconds of processor time in it, children included).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import cast

from pacewright import process
from pacewright.clock import SYSTEM_CLOCK, Deadline
from pacewright.cluster.watch.watch import CibWatch, Mode

ATTRIBUTE = "pacewright-bench"


def calm(watch: CibWatch, quiet: float = 0.6) -> None:
    """Take what is pending, until nothing has happened for a while."""
    deadline = Deadline.after(20)
    while watch.wait(quiet) and not deadline.passed():
        pass


def woken_by(watch: CibWatch, value: str) -> float | None:
    """When the watch told of a change that another process makes; None if it did not."""
    writer = process.spawn(["attrd_updater", "-n", ATTRIBUTE, "-U", value, "-d", "0"])
    try:
        return SYSTEM_CLOCK.now() if watch.wait(5) else None
    finally:
        writer.wait()


def processor_time(watch: CibWatch) -> float:
    """Seconds of processor time so far: ours, of the children that have ended, of the one that listens."""
    own = os.times()
    spent = own.user + own.system + own.children_user + own.children_system
    if watch.child_pid is not None:
        fields = Path(f"/proc/{watch.child_pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        spent += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return spent


def idle(watch: CibWatch, seconds: float) -> tuple[float, float]:
    """Wait that long; returns the seconds that passed and the processor time spent."""
    begun, spent = SYSTEM_CLOCK.monotonic(), processor_time(watch)
    deadline = Deadline.after(seconds)
    while not deadline.passed():
        watch.wait(deadline.left())
    return SYSTEM_CLOCK.monotonic() - begun, processor_time(watch) - spent


def main() -> int:
    """Measure and print."""
    mode, changes, seconds = cast("Mode", sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    woken = []
    with CibWatch(mode) as watch:
        watch.wait(5)
        for number in range(changes):
            calm(watch)
            value = f"{mode}-{number}-{os.getpid()}"
            woken.append([value, woken_by(watch, value)])
        calm(watch)
        passed, cpu = idle(watch, seconds)
    process.run(["attrd_updater", "-n", ATTRIBUTE, "-D"], timeout=20)
    print(json.dumps({"woken": woken, "idle": passed, "cpu": cpu}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
