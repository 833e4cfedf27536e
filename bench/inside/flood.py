"""Changes of the status, many a second, and what they do to a watch and to a restart meanwhile. Runs in a node.

    python3 -I flood.py RATE SECONDS COMMAND ...

Prints one JSON object: `changes a second` as they were made, `woken a second`, `behind` (seconds from the last change
until the watch had nothing more to tell) and `restart meanwhile` (seconds that the command took).
"""

from __future__ import annotations

import json
import sys

from pacewright import process
from pacewright.clock import SYSTEM_CLOCK, Deadline
from pacewright.cluster.watch.watch import CibWatch

ATTRIBUTE = "pacewright-flood"
WRITERS = 3
"""So many change an attribute each."""
STARTING = 0.012
"""Seconds that starting a program takes."""
QUIET = 0.5
"""Seconds without a change after which there is nothing more to tell."""

CHANGES = """\
one() {
  n=0
  while [ $n -lt "$3" ]; do n=$((n + 1)); attrd_updater -n "$1" -U "$n" -d 0; sleep "$2"; done
}
one "$1-a" "$2" "$3" & one "$1-b" "$2" "$3" & one "$1-c" "$2" "$3" & wait
date +%s.%N
"""


def main() -> int:
    """Make them, watch them, and print."""
    rate, seconds, command = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    woken, last = 0, 0.0
    with CibWatch("events") as watch:
        watch.wait(5)
        each = round(rate * seconds / WRITERS)
        argv = ["/bin/sh", "-c", CHANGES, "changes", ATTRIBUTE, f"{WRITERS / rate - STARTING:.4f}", str(each)]
        begun = SYSTEM_CLOCK.now()
        with process.spawn(argv, stdout=process.PIPE) as flood:
            restart = process.spawn(command)
            took = 0.0
            deadline = Deadline.after(90)
            while not deadline.passed():
                if watch.wait(QUIET):
                    woken, last = woken + 1, SYSTEM_CLOCK.now()
                elif flood.poll() is not None:
                    break
                if not took and restart.poll() is not None:
                    took = SYSTEM_CLOCK.now() - begun
            restart.wait()
            ended = flood.communicate()[0]
    for writer in "abc":
        process.run(["attrd_updater", "-n", f"{ATTRIBUTE}-{writer}", "-D"], timeout=20)
    passed = float(ended) - begun
    told = {
        "changes a second": each * WRITERS / passed,
        "woken a second": woken / passed,
        "behind": max(0.0, last - float(ended)),
        "restart meanwhile": took,
    }
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
