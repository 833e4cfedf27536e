"""The story that the demo tells: five acts, what is done in each, and what it promises. Deciding is pure."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from pacewright.demo.openstack import newer_packages
from pacewright.demo.openstack.data import Data
from pacewright.demo.openstack.instance_starts import SERVICES
from pacewright.demo.openstack.puppet_under_load import Episode, Stage

__all__ = ["ACTS", "Act", "Told", "perform", "unmet"]

_LAST_SETTING = "heartbeat_timeout_threshold"
"""Puppet changes it after the others; a run that is killed then has written the config and restarted nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that happens to the site.

    Attributes:
        name: heads its column in the final table.
        title: what is done, in a sentence.
        data: what the site's data say from now on.
        starts: how often each instance of each service is to start.
        under_load: a client keeps asking, and no request may fail.
        killed: the node on which the first run is killed, and a second one follows.
        syncs: how often the database's tables are to be brought up to date; None if it does not matter.
    """

    name: str
    title: str
    data: Data
    starts: int
    under_load: bool = False
    killed: str = ""
    syncs: int | None = None


_FIRST = Data()
_CHANGED = _FIRST.turned()

ACTS = (
    Act(
        name="deploy",
        title="nothing of Neutron is in the cluster; `puppet apply` on three nodes at the same time",
        data=_FIRST,
        starts=1,
        syncs=1,
    ),
    Act(
        name="change",
        title="RabbitMQ's parameters have changed in the data; Puppet runs on the three, and requests keep coming",
        data=_CHANGED,
        starts=1,
        under_load=True,
    ),
    Act(name="no change", title="Puppet runs once more", data=_CHANGED, starts=0, syncs=0),
    Act(
        name="lost",
        title="they change again, and Puppet on n3 is killed when it has written the config; then it runs once more",
        data=_FIRST,
        starts=1,
        under_load=True,
        killed="n3",
    ),
    Act(
        name="upgrade",
        title="newer packages in the data: stopped, upgraded, tables brought up to date, started",
        data=Data(version=newer_packages.VERSION),
        starts=1,
        syncs=1,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An act, and what came of it."""

    act: Act
    episode: Episode


def perform(stage: Stage, act: Act) -> Told:
    """Do it, and count."""
    stage.write(act.data)
    with stage.client() if act.under_load else contextlib.nullcontext():
        before = stage.before()
        done = stage.puppet(end_at={act.killed: _LAST_SETTING})
        if act.killed:
            done = (*done, *stage.puppet(act.killed))
        if act.under_load:
            stage.linger(3)
        return Told(act=act, episode=stage.since(before, done))


def unmet(told: Sequence[Told]) -> tuple[str, ...]:
    """What the acts promised and did not keep, in a few words each."""
    return tuple(f"{one.act.name}: {sentence}" for one in told for sentence in _unmet(one))


def _unmet(told: Told) -> list[str]:
    act, episode = told.act, told.episode
    found = [f"Puppet on {run.node} ended with {run.code}" for run in episode.runs if run.code not in {0, 2, None}]
    for service in SERVICES:
        if episode.starts(service) != [act.starts] * len(episode.nodes):
            each = ", ".join(map(str, episode.starts(service)))
            found.append(f"{service} was to start {act.starts} times on each node, and started {each} times")
        if act.under_load and episode.most_down(service) > 1:
            found.append(f"{service} was down on {episode.most_down(service)} nodes at once")
    if act.under_load and episode.count.failed:
        found.append(f"{episode.count.failed} requests failed")
    syncs = sum(run.synced for run in episode.runs)
    if act.syncs is not None and syncs != act.syncs:
        found.append(f"the database was to be brought up to date {act.syncs} times, and was {syncs} times")
    if not act.starts and episode.commits:
        found.append(f"the cluster's configuration was changed {len(episode.commits)} times")
    return found
