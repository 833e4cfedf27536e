"""`pacewright demo --openstack`: Puppet deploys, changes and upgrades Neutron on a cluster; it is counted."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pacewright.cli.demo.show import Show
from pacewright.cli.tables import table
from pacewright.clock import SYSTEM_CLOCK
from pacewright.demo import openstack
from pacewright.demo.openstack import Stage, Told, instance_starts
from pacewright.errors import OperationFailed
from pacewright.lab import Lab

__all__ = ["SHOW", "perform", "summary"]

_WIDTH = 160


def perform(made: Lab, rate: float) -> None:
    """Show the acts, and the table at the end.

    Raises:
        OperationFailed: an act did not do what it promises.
    """
    told: list[Told] = []
    with _telling() as say:
        stage = Stage(made, say=say, rate=rate)
        for act in openstack.ACTS:
            print(f"\n{act.name}: {act.title}", flush=True)
            told.append(openstack.perform(stage, act))
    print(f"\n{summary(told)}\n", flush=True)
    unmet = openstack.unmet(told)
    if unmet:
        raise OperationFailed(f"demo: {'; '.join(unmet)}.")


@contextmanager
def _telling() -> Iterator[Callable[[str], None]]:
    """What Puppet says, with seconds since the beginning."""
    begin = SYSTEM_CLOCK.monotonic()
    yield lambda line: print(
        f"{SYSTEM_CLOCK.monotonic() - begin:6.1f} s  {textwrap.shorten(line, _WIDTH, placeholder=' ...')}", flush=True
    )


def summary(told: Sequence[Told]) -> str:
    """The table at the end, one column for each act, and what the columns are."""
    nodes = ", ".join(told[0].episode.nodes) if told else ""
    lines: list[tuple[str, Callable[[Told], str]]] = [
        *((f"starts of {service} on {nodes}", _starts(service)) for service in instance_starts.SERVICES),
        ("instances of the API down at once", lambda one: str(one.episode.most_down(instance_starts.SERVICES[0]))),
        ("tables brought up to date", lambda one: str(sum(run.synced for run in one.episode.runs))),
        ("changes of the cluster's configuration", lambda one: str(len(one.episode.commits))),
        ("requests served", lambda one: _if_asked(one, one.episode.count.served)),
        ("requests failed", lambda one: _if_asked(one, one.episode.count.failed)),
        ("it took", lambda one: f"{one.episode.until - one.episode.before.at:.0f} s"),
    ]
    body = [(name, *(cell(one) for one in told)) for name, cell in lines]
    names = table(("COLUMN", "WHAT WAS DONE"), [(one.act.name, one.act.title) for one in told])
    return "\n".join([table(("", *(one.act.name.upper() for one in told)), body), "", names])


def _starts(service: str) -> Callable[[Told], str]:
    return lambda one: ", ".join(map(str, one.episode.starts(service)))


def _if_asked(told: Told, number: int) -> str:
    return str(number) if told.act.under_load else "-"


SHOW = Show(
    packages=openstack.PACKAGES,
    build=openstack.build,
    perform=perform,
    rate=6.0,
    look=(
        ("n1", "pacewright service list"),
        ("n1", f"puppet apply {openstack.MANIFESTS}"),
        ("lab", f"curl -s http://{openstack.ADDRESS}/v2.0/networks"),
    ),
)
