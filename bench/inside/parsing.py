"""How long a Snapshot of a CIB in a file takes: reading and parsing it, in a process that has everything imported.

python3 -I parsing.py FILE TIMES
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pacewright.clock import SYSTEM_CLOCK
from pacewright.cluster.cib.parse import parse


def main() -> int:
    """Print the seconds of each time, and what was found, as JSON."""
    seconds = []
    for _ in range(int(sys.argv[2])):
        begun = SYSTEM_CLOCK.monotonic()
        snapshot = parse(Path(sys.argv[1]).read_bytes())
        seconds.append(SYSTEM_CLOCK.monotonic() - begun)
    instances = sum(len(found) for found in snapshot.instances.values())
    found = {"nodes": len(snapshot.nodes), "resources": len(snapshot.resources), "instances": instances}
    print(json.dumps({"seconds": seconds, **found}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
