"""`pacewright` with a wall clock that is wrong: skewed.py SECONDS FROM ARGUMENT...

The nodes of a lab share one clock (Linux has no namespace for it), so a clock jumps for one caller at a time.
"""

import sys
import time

from pacewright.cli.main import main

SHIFT, FROM = float(sys.argv[1]), float(sys.argv[2])
BEGUN, REAL = time.monotonic(), time.time

time.time = lambda: REAL() + (SHIFT if time.monotonic() - BEGUN >= FROM else 0.0)
sys.exit(main(sys.argv[3:]))
