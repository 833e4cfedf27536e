"""`pacewright owed`: every restart that is due and not done yet."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pacewright.cli.service_json import debt_as_dict
from pacewright.cli.tables import moment, table
from pacewright.service import DEFAULT_PATH, Services

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.description = (
        "List every restart that is due and not done yet: an instance that runs an older config than its node has, or "
        "one that was asked for. `pacewright reconcile --all` pays them. Reads only."
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--config", default=str(DEFAULT_PATH), metavar="FILE", help="the site's services.yaml (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Print the list; always 0."""
    owed = Services(config=Path(args.config)).owed()
    if args.json:
        print(json.dumps({"owed": [{"service": name, **debt_as_dict(debt)} for name, debt in owed]}))
    elif not owed:
        print("Nothing is owed: every running instance runs the config that its node reported.")
    else:
        rows = [(name, debt.node, moment(debt.since), debt.reason, debt.hindrance or "-") for name, debt in owed]
        print(table(("SERVICE", "NODE", "SINCE", "WHY", "CANNOT BE PAID NOW"), rows))
    return 0
