"""`pacewright guard`: whether packages and needrestart may act on a unit by themselves."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pacewright.cli.streams import warn
from pacewright.errors import UsageError
from pacewright.record.log import Log, log_path
from pacewright.service.package_guard import guard, guarded_units
from pacewright.service.settings import DEFAULT_PATH

__all__ = ["configure", "run"]

_FORBIDDEN = 101
"""As policy-rc.d has it."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.description = (
        "Say whether a package's script or needrestart may carry out an action on a unit: not if the cluster runs it. "
        "A restart of what runs here is noted, and is owed from then on. For /usr/lib/pacewright/policy-rc.d and "
        "/usr/lib/pacewright/needrestart. The exit code is that of policy-rc.d: 0 allowed, 101 forbidden."
    )
    parser.add_argument("unit", nargs="?", metavar="UNIT", help="with or without .service")
    parser.add_argument("actions", nargs="*", metavar="ACTION", help="start, stop, restart, ...")
    parser.add_argument(
        "--units", action="store_true", help="list the units that the cluster runs, and do nothing else"
    )
    parser.add_argument(
        "--config", default=str(DEFAULT_PATH), metavar="FILE", help="the site's services.yaml (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Decide; the exit code is policy-rc.d's."""
    if args.units:
        for unit in guarded_units(Path(args.config)):
            print(unit)
        return 0
    if not args.unit or not args.actions:
        raise UsageError("guard: expected a unit and an action, or --units.")
    verdict = guard(args.unit, args.actions, config=Path(args.config), log=Log(log_path(), warn=warn))
    if verdict.message:
        print(f"pacewright: {verdict.message}", file=sys.stderr)
    return 0 if verdict.allowed else _FORBIDDEN
