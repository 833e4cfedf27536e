"""`pacewright reconcile`: pay what is owed, and do nothing else."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pacewright.cli.arguments import seconds
from pacewright.cli.service_changes import show_outcome
from pacewright.cli.streams import json_text, progress, warn
from pacewright.errors import PacewrightError, UsageError
from pacewright.operation.outcome import Outcome
from pacewright.record.log import Log, log_path
from pacewright.service.requests import Options
from pacewright.service.services import Services
from pacewright.service.settings import DEFAULT_PATH

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.description = (
        "Report this node's config where services.yaml names its inputs, and restart every instance in the cluster "
        "that runs an older config than its node has, or that a restart was asked for. Nothing else is touched."
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="one service")
    parser.add_argument("--all", action="store_true", help="every service with config inputs or debts")
    parser.add_argument("--timeout", type=seconds, metavar="TIME", help="for each service, give up after so long")
    parser.add_argument(
        "--allow-collateral", action="store_true", help="accept that something beyond the service moves or stops"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--config", default=str(DEFAULT_PATH), metavar="FILE", help="the site's services.yaml (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Pay; the exit code is that of the last service that could not be paid."""
    if (args.name is None) != args.all:
        raise UsageError("reconcile: name one service, or say --all.")
    services = Services(config=Path(args.config), progress=progress(quiet=args.json), log=Log(log_path(), warn=warn))
    options = Options(timeout=args.timeout, allow_collateral=args.allow_collateral)
    done = services.reconcile(args.name, options)
    if args.json:
        print(json_text({"services": [_as_dict(name, result) for name, result in done]}))
    for name, result in done if not args.json else ():
        if isinstance(result, PacewrightError):
            print(f"pacewright: {result}", file=sys.stderr)
        else:
            show_outcome(result, as_json=False)
        del name
    if not done and not args.json:
        print("No service has config inputs or debts; nothing was done.")
    failed = [result.exit_code for _, result in done if isinstance(result, PacewrightError)]
    return failed[-1] if failed else 0


def _as_dict(name: str, result: Outcome | PacewrightError) -> dict[str, object]:
    if isinstance(result, PacewrightError):
        return {"name": name, "error": str(result), "exit_code": result.exit_code}
    return {"name": name, "changed": result.changed, "message": result.message, "notes": list(result.notes)}
