"""`pacewright owed`: every restart that is due and not done yet."""

from __future__ import annotations

import argparse
from pathlib import Path

from pacewright.cli.service_json import debt_as_dict
from pacewright.cli.streams import json_text
from pacewright.cli.tables import moment, table
from pacewright.clock import SYSTEM_CLOCK
from pacewright.errors import NodeError
from pacewright.record.log import log_path
from pacewright.record.reading import Entry, read_log
from pacewright.service.overwritten import Lost
from pacewright.service.settings import DEFAULT_PATH
from pacewright.service.survey import Survey

__all__ = ["configure", "run"]

_A_WEEK = 7 * 86_400.0
"""Seconds. What was lost longer ago is nobody's business any more."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.description = (
        "List every restart that is due and not done yet: an instance that runs an older config than its node has, or "
        "one that was asked for. `pacewright reconcile --all` does them. Reads only."
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--config", default=str(DEFAULT_PATH), metavar="FILE", help="the site's services.yaml (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Print the list; always 0."""
    survey = Survey(Path(args.config))
    owed, lost = survey.owed(), survey.lost(_entries())
    if args.json:
        found = [{"service": name, **debt_as_dict(debt)} for name, debt in owed]
        gone = [{"resource": one.primitive, "written": one.written, "due": one.due} for one in lost]
        print(json_text({"owed": found, "lost": gone}))
        return 0
    if not owed and any(one.due for one in lost):
        print("Nothing is noted as owed, but:")
    elif not owed:
        print("Nothing is owed: every running instance runs the config that its node reported.")
    else:
        rows = [(name, debt.node, moment(debt.since), debt.reason, debt.hindrance or "-") for name, debt in owed]
        print(table(("SERVICE", "NODE", "SINCE", "WHY", "BLOCKED BY"), rows))
    for one in lost:
        print(_told(one))
    return 0


def _entries() -> tuple[Entry, ...]:
    """What calls on this node have recorded of late; nothing for who may not read it."""
    since = SYSTEM_CLOCK.now() - _A_WEEK
    try:
        found = read_log(log_path(), since=since).entries
    except NodeError:
        return ()
    return tuple(entry for entry in found if entry.time >= since)


def _told(one: Lost) -> str:
    gone = f"{one.primitive}: what was written at {moment(one.written)} is no longer in the cluster's configuration"
    why = "another tool has put an older one back, or made the resource anew."
    if one.due:
        due = f"A restart that was asked for by then was not done on {', '.join(one.due)}"
        return f"{gone}: {why} {due}: `pacewright service restart {one.primitive}` does it."
    return f"{gone}: {why} No restart is due for that; the next `refresh` of each node reports its config anew."
