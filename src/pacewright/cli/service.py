"""`pacewright service`: operate a service, whether the cluster runs it or systemd. Each verb loads what it needs."""

from __future__ import annotations

import argparse
import importlib

from pacewright.cli.arguments import BARRIERS, absolute_path, epoch, seconds, wave
from pacewright.service.settings import DEFAULT_PATH

__all__ = ["configure", "run"]

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
    "stop": "Sets `target-role=Stopped`; the service stays stopped until `start`. With --node one instance is stopped, "
    "and stays so until `start`, with --node or without.",
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
    # With `prog`, which it finds out by loading what looks at terminals otherwise.
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", prog=parser.prog)
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
        single = verb in {"start", "stop", "restart"}
        change.add_argument("--node", help="only the instance on that node" if single else argparse.SUPPRESS)
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
                type=wave,
                metavar="ID",
                help="which change goes over the cluster; same everywhere",
            )
        if verb in {"start", "report", "refresh"}:
            change.add_argument(
                "--input",
                action="append",
                type=absolute_path,
                metavar="PATH",
                help="a config input: file, glob or directory; again for more (default: `config` in services.yaml)",
            )
        if verb == "refresh":
            change.add_argument(
                "--since",
                type=epoch,
                metavar="EPOCH",
                help="something beyond the inputs has changed here since then (seconds since the epoch): an instance "
                "on this node that began before is restarted too",
            )
        _common(change)


def run(args: argparse.Namespace) -> int:
    """Carry it out; returns the exit code."""
    module = "service_changes" if args.verb in _CHANGES else "service_state"
    code: int = importlib.import_module(f"pacewright.cli.{module}").run(args)
    return code


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--config", default=str(DEFAULT_PATH), metavar="FILE", help="the site's services.yaml (default: %(default)s)"
    )


def _barrier(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--barrier",
        choices=BARRIERS,
        metavar="[wait|later|proceed]",
        help="a run of configuration management calls: what is for the whole service waits until every node that could "
        "run it has called (implied by --wave). `wait` fails if they do not come, `later` leaves it to the last one "
        "that calls, `proceed` goes on without the others; without a word it is as services.yaml says",
    )
    parser.add_argument(
        "--without", action="append", metavar="NODE", help="do not wait for that node's report; again for more"
    )
