"""`pacewright service`: operate a service, whether the cluster runs it or systemd."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from pacewright import durations
from pacewright.cli.catalog import show_catalog, status_code
from pacewright.cli.service_json import service_as_dict
from pacewright.cli.streams import json_text
from pacewright.cli.tables import moment, table
from pacewright.cluster.cib.values import LATEST
from pacewright.errors import UsageError
from pacewright.node.fingerprint import is_path
from pacewright.record import Log, log_path
from pacewright.service import DEFAULT_PATH, Native, Options, Outcome, Planned, Services, ServiceStatus

__all__ = ["configure", "progress", "run", "seconds", "show_outcome", "warn"]

_CHANGES = {
    "start": "see to it that the service runs",
    "stop": "see to it that the service runs nowhere",
    "restart": "see to it that every instance has started after this call",
    "report": "say that this node's config for the service is in place; restart nothing",
    "refresh": "report this node's config, and restart the instances that run an older one",
    "enable": "let the cluster manage the service; systemd does not start it at boot",
    "disable": "keep the cluster from acting on the service (is-managed=false)",
}
_MORE = {
    "start": "Takes `target-role=Stopped` away, and has the cluster try again what failed.",
    "stop": "Sets `target-role=Stopped`; the service stays stopped until `start`.",
    "restart": "One instance after another, promoted ones last. What this command has begun, the cluster finishes by "
    "itself, also if the command is killed. Calls that overlap share one restart.",
    "report": "Where the report differs from what an instance was started with, a restart is owed: "
    "`pacewright owed` lists it, `refresh` and `pacewright reconcile` do it.",
    "refresh": "It compares, so it does not matter who asks and how often. What configuration management calls after a "
    "change.",
    "enable": "Takes `is-managed=false` and maintenance of the resource away.",
    "disable": "It goes on running as it is, and nobody looks after it. To stop it, use `stop`.",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """The subcommands and their options."""
    parser.description = (
        "Operate a service, through whoever runs it: the cluster if it knows the name, else systemd on this node. "
        "NAME is an alias of services.yaml, the id of a resource, or a systemd unit that a resource runs."
    )
    parser.epilog = (
        "Exit codes: 0 done or already so, 1 an instance failed, 2 wrong request, 4 unknown service, 5 refused, "
        "6 cluster down or without quorum, 7 time is up, 8 a tool failed, 9 this machine cannot. "
        "`status` has systemctl's: 0 running, 3 not running, 4 unknown. All of them: docs/exit-codes.md."
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="show every service of the cluster")
    _common(listing)
    status = verbs.add_parser("status", help="show how services are on each node; exit code as systemctl's")
    status.add_argument("names", nargs="+", metavar="NAME", help="alias, resource id or systemd unit")
    status.add_argument("--node", help="the node whose own instance decides the exit code (default: this one)")
    status.add_argument(
        "--inputs",
        metavar="FILE",
        help="with --json: each service's config inputs as a JSON object, for what is owed on this node; - is standard "
        "input (`config` in services.yaml counts more)",
    )
    _common(status)
    for verb, purpose in _CHANGES.items():
        change = verbs.add_parser(verb, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}. {_MORE[verb]}")
        change.add_argument("name", metavar="NAME", help="alias, resource id or systemd unit")
        change.add_argument(
            "--plan", action="store_true", help="only show what the cluster would do, by its own scheduler"
        )
        change.add_argument(
            "--timeout",
            type=seconds,
            metavar="TIME",
            help="give up after so long (90, 60s, 2min); what was begun, the cluster finishes (default: from "
            "services.yaml, else what the resource's own time-outs come to, and 60 s)",
        )
        change.add_argument("--node", help="only the instance on that node" if verb == "restart" else argparse.SUPPRESS)
        change.add_argument(
            "--allow-collateral", action="store_true", help="go on also if something beyond the service moves or stops"
        )
        if verb == "restart":
            change.add_argument(
                "--all-at-once", action="store_true", help="all instances together: quicker, and an outage"
            )
        if verb in {"start", "restart", "report", "refresh"}:
            _barrier(change)
        if verb in {"start", "stop", "restart", "report", "refresh"}:
            change.add_argument(
                "--wave",
                type=_wave,
                metavar="ID",
                help="which change goes over the cluster; same everywhere",
            )
        if verb in {"start", "report", "refresh"}:
            change.add_argument(
                "--input",
                action="append",
                type=_absolute,
                metavar="PATH",
                help="a config input: file, glob or directory; again for more (default: `config` in services.yaml)",
            )
        if verb == "refresh":
            change.add_argument(
                "--since",
                type=_moment,
                metavar="EPOCH",
                help="something beyond the inputs has changed here since then (seconds since the epoch): an instance "
                "on this node that began before is restarted too",
            )
        _common(change)


def run(args: argparse.Namespace) -> int:
    """Carry it out; returns the exit code."""
    services = Services(config=Path(args.config), progress=progress(quiet=args.json), log=Log(log_path(), warn=warn))
    if args.verb == "list":
        return _show(services.statuses(), as_json=args.json, listing=True)
    if args.verb == "status" and args.json:
        return show_catalog(services, args.names, node=args.node, inputs=args.inputs)
    if args.verb == "status":
        if args.inputs is not None:
            raise UsageError("--inputs: only with --json.")
        return _show(services.statuses(args.names, node=args.node), as_json=args.json, listing=False)
    if args.node is not None and args.verb != "restart":
        raise UsageError(
            f"--node: {args.verb} acts on the whole service; only restart works on a single instance.",
            hint="To keep a node free of it, use a location constraint (`pcs constraint location`) or standby.",
        )
    options = Options(
        node=args.node,
        at_once=getattr(args, "all_at_once", False),
        allow_collateral=args.allow_collateral,
        timeout=args.timeout,
        inputs=tuple(getattr(args, "input", None) or ()),
        barrier=getattr(args, "barrier", False) or bool(getattr(args, "wave", None) and args.verb != "stop"),
        wave=getattr(args, "wave", None) or "",
        without=tuple(getattr(args, "without", None) or ()),
        since=getattr(args, "since", None),
    )
    if args.plan:
        plan = services.plan(args.verb, args.name, options)
        _show_plan(plan, as_json=args.json)
        return plan.refused.exit_code if plan.refused is not None else 0
    show_outcome(services.operate(args.verb, args.name, options), as_json=args.json)
    return 0


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--config", default=str(DEFAULT_PATH), metavar="FILE", help="the site's services.yaml (default: %(default)s)"
    )


def _barrier(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--barrier",
        action="store_true",
        help="a run of configuration management calls: what is for the whole service waits until every node that could "
        "run it has called (implied by --wave)",
    )
    parser.add_argument(
        "--without", action="append", metavar="NODE", help="do not wait for that node's report; again for more"
    )


def _wave(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9:_.+~-]{1,64}", text):
        raise argparse.ArgumentTypeError(f"expected letters, digits and : _ . + ~ -, at most 64, found {text!r}")
    return text


def _absolute(text: str) -> str:
    if not is_path(text):
        raise argparse.ArgumentTypeError(f"expected an absolute path, found {text!r}")
    return text


def seconds(text: str) -> float:
    """A length of time on the command line."""
    try:
        value = durations.seconds(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= durations.LONGEST:
        raise argparse.ArgumentTypeError(f"expected a time above 0, such as 90, 60s or 2min, found {text!r}")
    return value


def _moment(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < LATEST:
        raise argparse.ArgumentTypeError(f"expected seconds since the epoch, found {text!r}")
    return value


def progress(*, quiet: bool) -> Any:
    """Where the steps of an operation are told: standard error, or nowhere beside JSON."""

    def say(line: str) -> None:
        if not quiet:
            print(f"  {line}", file=sys.stderr, flush=True)

    return say


def warn(text: str) -> None:
    """Say on standard error, also beside JSON, what somebody should know and what stops nothing."""
    print(f"pacewright: warning: {text}.", file=sys.stderr, flush=True)


# -- showing ----------------------------------------------------------------------------------------------------------


def _show(found: list[ServiceStatus | Native], *, as_json: bool, listing: bool) -> int:
    if as_json:
        print(json_text({"services": [service_as_dict(status) for status in found]}))
    elif listing:
        print(table(("SERVICE", "STATE", "WHERE", "RESOURCE", "AGENT"), [_row(status) for status in found]))
    else:
        print("\n\n".join(_paragraph(status) for status in found))
    if listing:
        return 0
    return max((status_code(status) for status in found), default=0)


def _row(status: ServiceStatus | Native) -> tuple[str, ...]:
    if isinstance(status, Native):
        return status.name, status.state.value, "this node", "-", f"systemd:{status.unit.name}"
    where = " ".join(i.node if i.settled else f"{i.node}({i.state})" for i in status.instances)
    return status.target.name, _state(status), where or "-", status.target.outermost, status.agent


def _state(status: ServiceStatus) -> str:
    words = [status.state.value]
    if not status.enabled:
        words.append("disabled")
    if not status.managed:
        words.append("unmanaged")
    return ", ".join(words)


def _paragraph(status: ServiceStatus | Native) -> str:
    if isinstance(status, Native):
        return (
            f"{status.name}: {status.state.value}\n"
            f"  not known to the cluster; systemd's {status.unit.name} on this node is {status.unit.state}"
        )
    lines = [f"{status.target.name}: {_state(status)}", f"  resource {status.target.outermost} ({status.agent})"]
    if status.hindrance:
        lines.append(f"  the cluster does not act on it now: {status.hindrance}")
    rows = []
    for instance in status.instances:
        since = moment(instance.run.since) if instance.run is not None else "-"
        failure = str(instance.failure) if instance.failure is not None else ""
        failure += " (the cluster ignores it: on-fail=ignore)" if failure and instance.ignored else ""
        rows.append((instance.node, instance.resource, instance.state, since, failure))
    if rows:
        body = table(("NODE", "INSTANCE", "STATE", "SINCE", "LAST FAILURE"), rows)
        lines += [f"  {line}" for line in body.splitlines()]
    lines += [f"  restart owed on {debt.node} since {moment(debt.since)}: {debt.reason}" for debt in status.owed]
    return "\n".join(lines)


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
