"""`pacewright demo`: the main job on a real cluster, shown while it happens, and counted beside pcs."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Iterator

from pacewright import demo, lab
from pacewright.cli import demo_view, lab_progress
from pacewright.demo import Result, Stage
from pacewright.errors import NodeError, OperationFailed
from pacewright.lab import Lab

__all__ = ["configure", "run"]

_INTERRUPTED = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument(
        "--distro", choices=lab.DISTROS, default="bookworm", help="Pacemaker 2.1 or 3.0 (default: bookworm)"
    )
    parser.add_argument("--rate", type=_rate, default=80.0, metavar="N", help="requests a second (default: 80)")
    parser.add_argument("--name", default="demo", metavar="L", help="name of the lab (default: demo)")
    parser.add_argument("--keep", action="store_true", help="leave the lab running at the end, to look around")


def run(args: argparse.Namespace) -> int:
    """Do it.

    Raises:
        NodeError: not root.
        OperationFailed: a restart of ours did not do what it promises.
    """
    if os.geteuid() != 0:
        raise NodeError("The demo needs root: it boots a cluster.", hint="What works without: script/test --unit.")
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    try:
        with _cluster(args) as made:
            results = _perform(made, args.rate)
            print(f"\n{demo_view.summary(results)}\n", flush=True)
    except KeyboardInterrupt:
        print(f"pacewright: demo: interrupted{'' if args.keep else '; nothing of it is left'}.", file=sys.stderr)
        return _INTERRUPTED
    unmet = demo.unmet(results)
    if unmet:
        raise OperationFailed(f"demo: {'; '.join(unmet).removesuffix('.')}.")
    return 0


def _perform(made: Lab, rate: float) -> list[Result]:
    with demo_view.screen() as show, Stage(made, rate=rate, show=show) as stage:
        stage.settle()
        return [stage.perform(act) for act in demo.ACTS]


@contextlib.contextmanager
def _cluster(args: argparse.Namespace) -> Iterator[Lab]:
    """A lab with the site on it, taken down again whatever happens, unless it is to be kept."""
    with contextlib.ExitStack() as last:
        with lab_progress.steps() as say:
            made = lab.up(args.name, distro=args.distro, packages=demo.PACKAGES, progress=say)
            last.callback(_keep if args.keep else _take_down, made)
            demo.build(made, say)
        yield made


def _interrupt(number: int, frame: object) -> None:
    """Clear away, whichever of them came."""
    del number, frame
    _ignore_signals()
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    """From now on we clear away, which takes a second; one more Ctrl-C must not leave half of it."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _take_down(made: Lab) -> None:
    _ignore_signals()
    print("taking the lab down", file=sys.stderr, flush=True)
    made.down()


def _keep(made: Lab) -> None:
    pacewright = f"{os.path.relpath(sys.executable)} -m pacewright"
    there = f"{pacewright} lab exec --name {made.name}"
    print(
        f"The lab {made.name!r} is kept. Look around:\n"
        f"  {there} n1 -- pcs status\n"
        f"  {there} n1 -- pacewright service status web\n"
        f"  {there} lab -- curl -s http://{demo.ADDRESS}/\n"
        f"Take it down: {pacewright} lab down --name {made.name}"
    )


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value <= 500:
        raise argparse.ArgumentTypeError(f"expected 1 to 500 requests a second, found {text!r}")
    return value
