"""`script/model --steps N --seed S`: the model check, for as long as wanted."""

from __future__ import annotations

import argparse
import sys
import time
from itertools import count

from tests.model.machine import Steps, explore

_MACHINES = 200
"""Of one seed; then the next one's turn comes, because hypothesis slows down with what it remembers."""


def main() -> int:
    """Explore until so many steps were taken, or something was found."""
    parser = argparse.ArgumentParser(prog="script/model", description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000, help="how many to take at least")
    parser.add_argument("--seed", type=int, default=1, help="the first of a row of seeds")
    parser.add_argument("--quick", action="store_true", help="show what was found as it was, not made small first")
    asked = parser.parse_args()
    began = time.monotonic()
    for seed in count(asked.seed):
        sys.stderr.write(f"seed {seed}: {Steps.taken} steps so far, {time.monotonic() - began:.0f} s\n")
        explore(_MACHINES, seed=seed, shrink=not asked.quick)
        if Steps.taken >= asked.steps:
            break
    sys.stdout.write(f"{Steps.told()}; no invariant was broken.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
