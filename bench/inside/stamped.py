"""`pacewright` as it is, with two things written down: when commits returned, and when a restart was known to be over.

    python3 -I stamped.py STAMPS service restart NAME ...

Nothing else differs from /usr/bin/pacewright. STAMPS gets one JSON object, times in seconds since the epoch:
`begun` (this program's first line), `committed` (one time per commit), `seen` (every start had been seen, and what
was noted of them began to be crossed out; null if nothing was), `known` (the operation was over).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from pacewright.clock import SYSTEM_CLOCK
from pacewright.cluster.edits.change import Change
from pacewright.cluster.live import LiveConnection
from pacewright.cluster.snapshot import Snapshot

BEGUN = SYSTEM_CLOCK.now()

committed: list[float] = []
seen: list[float] = []
known: list[float] = []


def stamp_commits() -> None:
    """Note the time behind every commit that went through, and before one that only crosses out what is over."""
    plain = LiveConnection.commit

    def commit(
        self: LiveConnection, change: Change, *, based_on: Snapshot, still: Callable[[Snapshot], bool] | None = None
    ) -> bool:
        before = SYSTEM_CLOCK.now()
        written = plain(self, change, based_on=based_on, still=still)
        if written and change.quiet:
            seen.append(before)
        elif written:
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
    first_seen, first_known = (next(iter(moments), None) for moments in (seen, known))
    stamps = {"begun": BEGUN, "committed": committed, "seen": first_seen, "known": first_known}
    Path(sys.argv[1]).write_text(json.dumps(stamps), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
