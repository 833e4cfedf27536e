"""`pacewright history`: what was asked, decided and written on this node, by whom, and what became of it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pacewright.cli.history.rows import HEAD, row_of, rows_of
from pacewright.cli.history.since import since
from pacewright.cli.streams import json_text
from pacewright.cli.tables import table
from pacewright.clock import SYSTEM_CLOCK
from pacewright.errors import NodeError, UsageError
from pacewright.record.call_history import Story, stories
from pacewright.record.log import log_path
from pacewright.record.reading import History, files_of, read_log

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.description = (
        "Show what `pacewright service` and `pacewright reconcile` were asked for on this node, by whom, what they "
        "decided and wrote, and how it ended. Each node records the calls that were made there, so ask the other nodes "
        "for theirs, or give their logs with --file. Reads only."
    )
    parser.add_argument("--service", metavar="NAME", help="only calls for that service, by its name or its resource's")
    parser.add_argument(
        "--since",
        metavar="WHEN",
        type=_moment,
        help="only calls that went on then or began later: 30m, 2h, 3d, today, yesterday, 08:00, or an ISO time",
    )
    parser.add_argument("--changes", action="store_true", help="only calls that changed something or failed")
    parser.add_argument("--all", action="store_true", help="every entry instead of one line for each call")
    parser.add_argument("--json", action="store_true", help="print one JSON object with every entry")
    parser.add_argument(
        "--timeline", metavar="FILE.svg", help="draw the service's instances over time into that file as well"
    )
    parser.add_argument(
        "--file",
        action="append",
        metavar="FILE",
        help=f"another log than {log_path()}; again for those of several nodes",
    )


def run(args: argparse.Namespace) -> int:
    """Show it; returns the exit code."""
    history, calls = _chosen(args)
    if args.timeline is not None:
        _draw(args, calls)
    if args.json:
        entries = [entry.told for call in calls for entry in call.entries]
        print(json_text({"entries": entries, "notes": history.notes}))
        return 0
    if calls:
        rows = [row for call in calls for row in rows_of(call)] if args.all else [row_of(call) for call in calls]
        print(table(HEAD, rows))
    elif args.file is None and not files_of(log_path()):
        print(f"Nothing is recorded on this node yet: there is no {log_path()}.")
    else:
        print("Nothing that is recorded fits.")
    for note in history.notes:
        print(f"note: {note}", file=sys.stderr)
    return 0


def _chosen(args: argparse.Namespace) -> tuple[History, list[Story]]:
    paths = [Path(file) for file in args.file or ()]
    for path in paths:
        if not path.exists():
            raise UsageError(f"--file {path}: no such file.")
    begin = args.since if args.since is not None else 0.0
    read = [read_log(path, since=begin) for path in paths or [log_path()]]
    history = History(
        entries=tuple(entry for one in read for entry in one.entries),
        notes=tuple(note for one in read for note in one.notes),
    )
    found = (call for call in stories(history.entries) if call.last >= begin)
    if args.service is not None:
        found = (call for call in found if call.is_about(args.service))
    calls = [call for call in found if call.mattered or not args.changes]
    # One log is in the order in which it was written, whatever the clock did.
    return history, sorted(calls, key=lambda call: call.begun) if len(read) > 1 else calls


def _draw(args: argparse.Namespace, calls: list[Story]) -> None:
    if not calls:
        raise UsageError("--timeline: nothing that is recorded fits, so there is nothing to draw.")
    from pacewright.cli.history.picture import picture  # noqa: PLC0415 - only where it is wanted
    from pacewright.record.timeline import timeline  # noqa: PLC0415

    drawn = picture(timeline(calls, begin=args.since))
    try:
        Path(args.timeline).write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise NodeError(f"--timeline {args.timeline}: cannot be written: {error.strerror}.") from error


def _moment(text: str) -> float:
    try:
        return since(text, SYSTEM_CLOCK.now())
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected 30m, 2h, 3d, today, yesterday, 08:00 or an ISO date or time, found {text!r}"
        ) from None
