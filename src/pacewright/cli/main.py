"""`pacewright`: finds the command, runs it, turns every error into one clear message and an exit code."""

from __future__ import annotations

import errno
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn, TextIO

from pacewright import __version__
from pacewright.cli.arguments import Parser
from pacewright.cli.streams import doors
from pacewright.errors import NodeError, PacewrightError

__all__ = ["command", "main"]

# Command to what it is for. Each is a module of this folder with `configure(parser)` and `run(args) -> int`;
# only the one that is called is imported, because a node's config run calls us several times.
_COMMANDS = {
    "service": "operate a service that the cluster runs: list, status, start, stop, restart, refresh, ...",
    "resource": "see to it that the cluster has the resources and constraints that a document says",
    "owed": "list the restarts that are due and not done yet",
    "reconcile": "do the restarts that are due, and nothing else",
    "history": "show what was asked, decided and written on this node, and by whom",
    "guard": "say whether a package's script may act on a unit, or whether that is for the cluster",
    "fact": "print what this node knows of its cluster, as one JSON object",
    "lab": "boot a real, throw-away Pacemaker cluster on this machine",
    "demo": "restart a web service on a lab under load, count what happens, and compare it with pcs",
}

_INTERRUPTED = 130
_MANY = 100_000
"""New objects from which on Python looks for circles; loading makes some 10,000, a roll few."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns its exit code (docs/exit-codes.md). Never shows a traceback."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    with doors() as streams:
        code = _run(arguments)
        streams.out.flush()
        return _with_output(code, streams.out.failure)


def command() -> NoReturn:
    """The program `pacewright`: `main`, and the end of the process.

    Python would tidy up for 10 ms what ends with the process anyway, and look for circles in what was just loaded.
    """
    gc.set_threshold(_MANY)
    code = main()
    os._exit(code)


def _run(arguments: list[str]) -> int:
    try:
        return _dispatch(arguments)
    except PacewrightError as error:
        print(f"pacewright: {error}", file=sys.stderr)
        return error.exit_code
    except SystemExit as end:  # argparse has printed what it has to say
        return end.code if isinstance(end.code, int) else 2
    except KeyboardInterrupt:
        print("pacewright: interrupted. What was committed, the cluster finishes by itself.", file=sys.stderr)
        return _INTERRUPTED


def _with_output(code: int, failure: OSError | None) -> int:
    """The exit code, where the output may not have reached anybody."""
    if failure is None or failure.errno == errno.EPIPE:
        return code  # a reader who has had enough changes nothing of what was done
    print(
        f"pacewright: the output cannot be written: {failure.strerror}. The command itself ended with {code}.",
        file=sys.stderr,
    )
    return code or NodeError.exit_code


def _dispatch(arguments: list[str]) -> int:
    name = arguments[0] if arguments else ""
    if name in _COMMANDS:
        module = importlib.import_module(f"pacewright.cli.{name}")
        parser = Parser(prog=f"pacewright {name}", description=_COMMANDS[name])
        module.configure(parser)
        code: int = module.run(parser.parse_args(arguments[1:]))
        return code
    if name in {"--version", "-V"}:
        print(f"pacewright {__version__}")
        return 0
    _overview(sys.stdout if name in {"", "--help", "-h", "help"} else sys.stderr)
    if name in {"--help", "-h", "help"}:
        return 0
    if name:
        print(f"\npacewright: {name}: no such command.", file=sys.stderr)
    return 2


def _overview(stream: TextIO) -> None:
    print("usage: pacewright COMMAND ...\n", file=stream)
    for name, purpose in _COMMANDS.items():
        print(f"  {name:<10} {purpose}", file=stream)
    print("\n`pacewright COMMAND --help` tells more about one, `pacewright --version` the version.", file=stream)


if __name__ == "__main__":
    sys.exit(main())
