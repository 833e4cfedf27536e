"""`pacewright` on a node whose wall clock has jumped: skewed.py JUMPS SECONDS FROM ARGUMENT...

The nodes of a lab share one clock (Linux has no namespace for it). JUMPS is a file with those of the node's clock, a
line for each: at which true time, and by how many seconds it is off from then on. SECONDS and FROM: the caller's own is
off by so many more, from that second of its life on. A file's ctime is what the node's clock said when it was written.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

from pacewright.cli.main import main

SHIFT, FROM = float(sys.argv[2]), float(sys.argv[3])
BEGUN, REAL, LSTAT = time.monotonic(), time.time, os.lstat
FIELDS = 10


def off(at: float) -> float:
    """By how many seconds the node's clock was wrong at a true time."""
    lines = [line.split() for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    return ([0.0] + [float(shift) for begin, shift in lines if float(begin) <= at])[-1]


def lstat(path: Any, *, dir_fd: int | None = None) -> os.stat_result:
    """As os.lstat, by the node's clock."""
    found = LSTAT(path, dir_fd=dir_fd)
    return os.stat_result(found[:FIELDS], {"st_ctime": found.st_ctime + off(found.st_ctime)})


time.time = lambda: REAL() + off(REAL()) + (SHIFT if time.monotonic() - BEGUN >= FROM else 0.0)
os.lstat = lstat
os.environ["PATH"] = f"/usr/local/lib/campaign/bin:{os.environ['PATH']}"
sys.exit(main(sys.argv[4:]))
