"""`pacewright lab`: boot a real, throw-away cluster on this machine, look into it, break it, remove it."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import signal
import sys
from collections.abc import Callable, Iterator

from pacewright import lab
from pacewright.cli import lab_progress
from pacewright.cli.streams import json_text
from pacewright.errors import NodeError
from pacewright.lab import Lab

__all__ = ["configure", "run"]

_FAULTS = {
    "kill": ("cut a node's power: everything in it is gone at once", Lab.kill),
    "boot": ("switch a node on again", Lab.boot),
    "cut": ("pull a node's network cable", Lab.cut),
    "heal": ("plug a node's network cable in again", Lab.heal),
    "freeze": ("make everything in a node stand still, as a stalled machine does", Lab.freeze),
    "thaw": ("let a frozen node go on", Lab.thaw),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.description = "Boot a real, throw-away Pacemaker cluster on this machine; look into it, break it, remove it."
    parser.epilog = "Needs root on Debian 12 or later. docs/lab.md tells what a node is and what it needs."
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", prog=parser.prog)
    _configure_up(_verb(verbs, "up", "boot a cluster and wait until all its nodes are online and fencing works", _up))
    _verb(verbs, "down", "remove a lab: no process, mount, namespace or file of it is left", _down)
    _verb(verbs, "prune", "remove cached root file systems that no lab uses", _prune, name=False)
    listing = _verb(verbs, "list", "show the labs of this machine", _list, name=False)
    listing.add_argument("--json", action="store_true", help="print one JSON array")
    command = _verb(
        verbs,
        "exec",
        "run a command in a node; with `lab` as NODE, a program of this machine on the nodes' network",
        _exec,
        node=True,
    )
    command.add_argument("command", nargs="+", metavar="CMD", help="the command and its arguments, behind --")
    _verb(verbs, "shell", "open a root shell in a node", _shell, node=True)
    logs = _verb(verbs, "logs", "show a node's journal; of a node without power too", _logs, node=True)
    logs.add_argument("--follow", "-f", action="store_true", help="go on showing it as it grows")
    logs.add_argument("--unit", "-u", help="only this unit")
    _verb(verbs, "install", "install this source of Pacewright in all nodes", _install)
    for name, (purpose, method) in _FAULTS.items():
        _verb(verbs, name, purpose, _fault(method), node=True)


def run(args: argparse.Namespace) -> int:
    """Do it.

    Raises:
        NodeError: not root.
    """
    if os.geteuid() != 0:
        raise NodeError("A lab needs root (namespaces, mounts, control groups).", hint="Run it as root.")
    code: int = args.do(args)
    return code


_Do = Callable[[argparse.Namespace], int]


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    verb: str,
    purpose: str,
    do: _Do,
    *,
    name: bool = True,
    node: bool = False,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(verb, help=purpose, description=purpose)
    parser.set_defaults(do=do)
    if name:
        parser.add_argument("--name", default="default", metavar="L", help="name of the lab (default: default)")
    if node:
        parser.add_argument("node", metavar="NODE", help="n1, n2, ...")
    return parser


def _configure_up(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--nodes", type=int, default=3, metavar="N", help="how many nodes, 1 to 32 (default: 3)")
    parser.add_argument(
        "--distro", choices=lab.DISTROS, default="bookworm", help="Pacemaker 2.1 or 3.0 (default: bookworm)"
    )
    parser.add_argument(
        "--with",
        dest="packages",
        default="",
        metavar="PACKAGES",
        help="more Debian packages for the nodes, separated by commas",
    )
    parser.add_argument(
        "--no-fencing", dest="fencing", action="store_false", help="no fence device, and stonith-enabled=false"
    )


def _up(args: argparse.Namespace) -> int:
    packages = tuple(name for name in args.packages.replace(" ", ",").split(",") if name)
    with _clearing_away_at_sigterm(), lab_progress.steps() as say:
        made = lab.up(
            args.name,
            nodes=args.nodes,
            distro=args.distro,
            packages=packages,
            fencing=args.fencing,
            progress=say,
        )
    print(f"The lab {made.name!r} is up: {', '.join(made.nodes)}.")
    option = "" if made.name == "default" else f" --name {made.name}"
    print(f"Look around with: pacewright lab exec{option} n1 -- pcs status")
    return 0


@contextlib.contextmanager
def _clearing_away_at_sigterm() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # as at Ctrl-C
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _down(args: argparse.Namespace) -> int:
    there = lab.down(args.name)
    print(f"The lab {args.name!r} is removed." if there else f"There is no lab {args.name!r}; nothing to do.")
    return 0


def _prune(_: argparse.Namespace) -> int:
    for name in lab.prune():
        print(f"The root file system {name} is removed.")
    return 0


def _list(args: argparse.Namespace) -> int:
    rows = [dataclasses.asdict(summary) for summary in lab.summaries()]
    if args.json:
        print(json_text(rows))
        return 0
    for row in rows:
        nodes = ", ".join(f"{node} {state}" for node, state in row["nodes"].items())
        print(f"{row['name']:<20} {row['distro']:<9} {row['state']:<9} {nodes}")
    return 0


def _exec(args: argparse.Namespace) -> int:
    command = args.command[1:] if args.command[0] == "--" else args.command
    return Lab.open(args.name).attach(args.node, command)


def _shell(args: argparse.Namespace) -> int:
    return Lab.open(args.name).attach(args.node, ["bash", "-l"])


def _logs(args: argparse.Namespace) -> int:
    wanted = ["--follow"] if args.follow else []
    wanted += ["--unit", args.unit] if args.unit else []
    sys.stdout.flush()
    return Lab.open(args.name).show_journal(args.node, wanted)


def _install(args: argparse.Namespace) -> int:
    Lab.open(args.name).install()
    return 0


def _fault(method: Callable[[Lab, str], None]) -> _Do:
    def do(args: argparse.Namespace) -> int:
        method(Lab.open(args.name), args.node)
        return 0

    return do
