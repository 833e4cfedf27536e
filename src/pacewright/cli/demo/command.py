"""`pacewright demo`: the main job on a real cluster, shown while it happens, and counted beside pcs."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Iterator

from pacewright import demo, lab
from pacewright.cli import lab_progress
from pacewright.cli.demo import openstack as demo_openstack
from pacewright.cli.demo import view as demo_view
from pacewright.cli.demo.show import Show
from pacewright.demo import Stage
from pacewright.errors import NodeError, OperationFailed, UsageError
from pacewright.lab import Lab

__all__ = ["configure", "run"]

_INTERRUPTED = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument(
        "--distro", choices=lab.DISTROS, default="bookworm", help="Pacemaker 2.1 or 3.0 (default: bookworm)"
    )
    rates = f"default: {_WEB.rate:g}, with --openstack {demo_openstack.SHOW.rate:g}"
    parser.add_argument("--rate", type=_rate, metavar="N", help=f"requests a second ({rates})")
    parser.add_argument("--name", default="demo", metavar="L", help="name of the lab (default: demo)")
    parser.add_argument(
        "--openstack",
        action="store_true",
        help="Puppet deploys, changes and upgrades Neutron on the cluster instead (Debian 12; some minutes, 1.6 GB)",
    )
    parser.add_argument("--keep", action="store_true", help="leave the lab running at the end, to look around")


def run(args: argparse.Namespace) -> int:
    """Do it.

    Raises:
        NodeError: not root.
        UsageError: Debian has no puppet-module-neutron that fits in that release.
        OperationFailed: it did not do what it promises.
    """
    if os.geteuid() != 0:
        raise NodeError("The demo needs root: it boots a cluster.", hint="What works without: script/test --unit.")
    if args.openstack and args.distro != "bookworm":
        raise UsageError("--openstack: only with --distro bookworm, which has the puppet-neutron that it uses.")
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    try:
        show = demo_openstack.SHOW if args.openstack else _WEB
        with _cluster(args, show) as made:
            show.perform(made, args.rate or show.rate)
    except KeyboardInterrupt:
        print(f"pacewright: demo: interrupted{'' if args.keep else '; nothing of it is left'}.", file=sys.stderr)
        return _INTERRUPTED
    return 0


def _perform(made: Lab, rate: float) -> None:
    with demo_view.screen() as show, Stage(made, rate=rate, show=show) as stage:
        stage.settle()
        results = [stage.perform(act) for act in demo.ACTS]
    print(f"\n{demo_view.summary(results)}\n", flush=True)
    unmet = demo.unmet(results)
    if unmet:
        raise OperationFailed(f"demo: {'; '.join(unmet).removesuffix('.')}.")


_WEB = Show(
    packages=demo.PACKAGES,
    build=demo.build,
    perform=_perform,
    rate=80.0,
    look=(
        ("n1", "pcs status"),
        ("n1", "pacewright service status web"),
        ("lab", f"curl -s http://{demo.ADDRESS}/"),
    ),
)


@contextlib.contextmanager
def _cluster(args: argparse.Namespace, show: Show) -> Iterator[Lab]:
    """A lab with the site on it, taken down again whatever happens, unless it is to be kept."""
    with contextlib.ExitStack() as last:
        with lab_progress.steps() as say:
            made = lab.up(args.name, distro=args.distro, packages=show.packages, progress=say)
            last.callback(_keep, made, show) if args.keep else last.callback(_take_down, made)
            show.build(made, say)
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


def _keep(made: Lab, show: Show) -> None:
    pacewright = f"{os.path.relpath(sys.executable)} -m pacewright"
    there = f"{pacewright} lab exec --name {made.name}"
    print(f"The lab {made.name!r} is kept. Look around:")
    for place, command in show.look:
        print(f"  {there} {place} -- {command}")
    print(f"Take it down: {pacewright} lab down --name {made.name}")


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value <= 500:
        raise argparse.ArgumentTypeError(f"expected 1 to 500 requests a second, found {text!r}")
    return value
