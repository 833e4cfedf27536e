"""`pacewright` as it is, with two things written down: when commits returned, and when a restart was known to be over.

    python3 -I stamped.py STAMPS service restart NAME ...

Nothing else differs from /usr/bin/pacewright. STAMPS gets one JSON object, times in seconds since the epoch:
`begun` (this program's first line), `committed` (one time per commit), `known` (the operation was over).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import TracebackType

from pacewright.clock import SYSTEM_CLOCK
from pacewright.cluster import Change, LiveConnection, Snapshot

BEGUN = SYSTEM_CLOCK.now()

committed: list[float] = []
known: list[float] = []


def stamp_commits() -> None:
    """Note the time behind every commit that went through."""
    plain = LiveConnection.commit

    def commit(self: LiveConnection, change: Change, *, based_on: Snapshot) -> bool:
        written = plain(self, change, based_on=based_on)
        if written:
            committed.append(SYSTEM_CLOCK.now())
        return written

    LiveConnection.commit = commit  # type: ignore[method-assign]


def stamp_end() -> None:
    """Note the time when the operation lets go of the cluster, with nothing left to learn."""
    plain = LiveConnection.__exit__

    def leave(
        self: LiveConnection, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        known.append(SYSTEM_CLOCK.now())
        plain(self, kind, error, trace)

    LiveConnection.__exit__ = leave  # type: ignore[method-assign]


def main() -> int:
    """Run the command line behind the first argument."""
    from pacewright.cli.main import main as command  # noqa: PLC0415 - as late as in the real command

    stamp_commits()
    stamp_end()
    code = command(sys.argv[2:])
    stamps = {"begun": BEGUN, "committed": committed, "known": known[0] if known else None}
    Path(sys.argv[1]).write_text(json.dumps(stamps), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
