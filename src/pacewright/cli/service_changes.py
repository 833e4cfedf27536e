"""`pacewright service` with a verb that changes something: start, stop, restart, ...; loaded only for those.

What it needs for its work is loaded while the cluster is being asked.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pacewright.cli.arguments import AS_SET
from pacewright.cli.streams import json_text, progress, warn
from pacewright.cluster.live import LiveConnection
from pacewright.errors import UsageError

if TYPE_CHECKING:
    from pacewright.operation.outcome import Outcome
    from pacewright.service.requests import Options
    from pacewright.service.services import Planned

__all__ = ["run", "show_outcome"]


def run(args: argparse.Namespace) -> int:
    """Carry it out; returns the exit code."""
    if args.node is not None and args.verb not in {"start", "stop", "restart"}:
        raise UsageError(
            f"--node: {args.verb} acts on the whole service; start, stop and restart work on a single instance.",
            hint="Leave --node out.",
        )
    return _plan(args) if args.plan else _do(args)


def _do(args: argparse.Namespace) -> int:
    cluster = LiveConnection()
    try:
        cluster.open()  # it answers while the rest of the program is loaded
        from pacewright.record.log import Log, log_path  # noqa: PLC0415
        from pacewright.service.services import Services  # noqa: PLC0415

        log = Log(log_path(), warn=warn)
        services = Services(config=Path(args.config), progress=progress(quiet=args.json), log=log, cluster=cluster)
        show_outcome(services.operate(args.verb, args.name, _options(args)), as_json=args.json)
    finally:
        cluster.close()
    return 0


def _plan(args: argparse.Namespace) -> int:
    from pacewright.service.services import Services  # noqa: PLC0415

    plan = Services(config=Path(args.config)).plan(args.verb, args.name, _options(args))
    _show_plan(plan, as_json=args.json)
    return plan.refused.exit_code if plan.refused is not None else 0


def _options(args: argparse.Namespace) -> Options:
    from pacewright.service.requests import Options  # noqa: PLC0415

    word = getattr(args, "barrier", None)
    return Options(
        node=args.node,
        at_once=getattr(args, "all_at_once", False),
        allow_collateral=args.allow_collateral,
        timeout=args.timeout,
        inputs=tuple(getattr(args, "input", None) or ()),
        barrier=bool(word) or bool(getattr(args, "wave", None) and args.verb != "stop"),
        for_others="" if word in {None, AS_SET} else word,
        wave=getattr(args, "wave", None) or "",
        without=tuple(getattr(args, "without", None) or ()),
        since=getattr(args, "since", None),
    )


def show_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """What an operation did, for people or programs."""
    if as_json:
        told = {"changed": outcome.changed, "message": outcome.message, "notes": list(outcome.notes)}
        print(json_text({**told, "restarted": list(outcome.restarted), "led": outcome.led}))
        return
    print(outcome.message)
    for note in outcome.notes:
        print(f"  note: {note}")


def _show_plan(plan: Planned, *, as_json: bool) -> None:
    if as_json:
        steps = [
            {
                "commit": reason,
                "actions": [
                    {"verb": a.verb, "resource": a.resource, "node": a.node, "to": a.to, "reason": a.reason or None}
                    for a in forecast.actions
                ],
            }
            for reason, forecast in plan.steps
        ]
        refused = str(plan.refused) if plan.refused is not None else None
        outcome = {"changed": plan.outcome.changed, "message": plan.outcome.message}
        print(json_text({**outcome, "steps": steps, "refused": refused}))
        return
    for number, (reason, forecast) in enumerate(plan.steps, start=1):
        print(f"{number}. {reason}")
        for action in forecast.actions:
            print(f"     {action}")
    print(f"Then: {plan.outcome.message}" if plan.steps else plan.outcome.message)
    for note in plan.outcome.notes:
        print(f"  note: {note}")
    if plan.refused is not None:
        print(f"It would be refused: {plan.refused.message}\n--allow-collateral accepts that.")
    print("Nothing was changed.")
