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
QUIET = 0.5
"""Seconds without a change after which there is nothing more to tell."""

CHANGES = """\
n=0 end=$(($(date +%s) + $3))
while [ "$(date +%s)" -lt "$end" ]; do
  n=$((n + 1)); attrd_updater -n "$1" -U "$n" -d 0 & sleep "$2"
done
wait
echo $n $(date +%s.%N)
"""


def main() -> int:
    """Make them, watch them, and print."""
    rate, seconds, command = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
    woken, last = 0, 0.0
    with CibWatch("events") as watch:
        watch.wait(5)
        argv = ["/bin/sh", "-c", CHANGES, "changes", ATTRIBUTE, f"{1 / rate:.4f}", seconds]
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
            changes, ended = flood.communicate()[0].split()
    process.run(["attrd_updater", "-n", ATTRIBUTE, "-D"], timeout=20)
    passed = float(ended) - begun
    told = {
        "changes a second": int(changes) / passed,
        "woken a second": woken / passed,
        "behind": max(0.0, last - float(ended)),
        "restart meanwhile": took,
    }
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
