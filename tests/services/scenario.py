"""The scenario, the same for every service: changes of config that `pacewright` carries out under requests."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pacewright.clock import SYSTEM_CLOCK
from pacewright.lab import Lab
from tests.services.calls import Call, Calls
from tests.services.episode import Episode
from tests.services.service import Service
from tests.services.watch import Watch

__all__ = ["Rolled", "Scenario", "figures", "stage"]

_AFTERMATH = 3.0
"""Seconds for which is looked on after the end: a second restart would show there."""
_LEFTOVERS = ("pacewright-hold-", "pacewright-owed-", "pacewright-begun-", "pacewright-drained-", "pacewright-ready-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolled:
    """What came of a change of config on every node.

    Attributes:
        version: of the config.
        before: the role of each instance before, by its node.
        lost: numbers whose writing had been acknowledged and which were not there any more.
    """

    version: str
    calls: tuple[Call, ...]
    episode: Episode
    before: Mapping[str, str]
    lost: frozenset[int] = frozenset()

    @property
    def promoted(self) -> frozenset[str]:
        """Where the promoted instances were before."""
        return frozenset(node for node, role in self.before.items() if role == "promoted")


class Scenario:
    """A service under requests, and what is done to it."""

    def __init__(self, lab: Lab, service: Service, watch: Watch, folder: Path) -> None:
        self.lab = lab
        self.service = service
        self.watch = watch
        self.places = service.places(lab)
        self._folder = folder
        self._versions = map(str, itertools.count(1002))
        self._written_off: frozenset[int] = frozenset()

    # --- acts

    def change(self) -> str:
        """Give every node a new config; its version."""
        version = next(self._versions)
        for node in self.places:
            self.service.configure(self.lab, node, version)
        return version

    def refresh(self) -> Calls:
        """A call of `pacewright service refresh` on each node, at once."""
        return self._calls("service", "refresh", self.service.name)

    def _calls(self, *words: str) -> Calls:
        return Calls(self.lab, self.lab.nodes[:3], ["pacewright", *words], self._folder)

    def roll(self) -> Rolled:
        """Change the config, refresh on each node at once, and see it through."""
        return self._carried_out(lambda: self.refresh().end(self.service.patience))

    def roll_by_pcs(self) -> Rolled:
        """The same with `pcs resource restart`."""

        def restart() -> tuple[Call, ...]:
            argv = ["pcs", "resource", "restart", self.service.top]
            ended = Calls(self.lab, self.lab.nodes[:1], argv, self._folder).end(self.service.patience)
            self.service.furnish(self.lab)
            return ended

        rolled = self._carried_out(restart)
        lost = self.lost()
        if self.service.wiped:
            self._written_off |= lost
        return replace(rolled, lost=frozenset(lost))

    def roll_that_is_killed(self) -> Rolled:
        """Kill all calls when the first instance has restarted, and reconcile from another node."""

        def kill_and_reconcile() -> tuple[Call, ...]:
            began, calls = SYSTEM_CLOCK.now(), self.refresh()
            patience = self.service.patience
            self.watch.wait(patience, lambda: bool(self.watch.since(began).operated("start")), "the first restart")
            self._wait_until_all_have_reported(calls)
            calls.kill()
            killed = calls.end(patience)
            argv = ["pacewright", "reconcile", self.service.name]
            return (*killed, *Calls(self.lab, self.lab.nodes[1:2], argv, self._folder).end(patience))

        return self._carried_out(kill_and_reconcile)

    def _wait_until_all_have_reported(self, calls: Calls) -> None:
        nodes = self.lab.nodes[:3]
        self.watch.wait(30, lambda: all("is reported" in calls.said(node) for node in nodes), "reports of all nodes")

    def roll_of_a_bad_config(self) -> Rolled:
        """Give nodes a config with which nothing starts, and refresh on each node at once.

        Every node; but for a service in one place that one, because Pacemaker tries the others if it does not start.
        """
        before = self._roles()
        began = SYSTEM_CLOCK.now()
        for node in self.places if self.service.everywhere else before:
            self.service.spoil(self.lab, node)
        calls = self.refresh().end(self.service.patience)
        self.watch.linger(_AFTERMATH)
        return Rolled(version="", calls=calls, episode=self.watch.since(began), before=before)

    def _carried_out(self, act: Callable[[], tuple[Call, ...]]) -> Rolled:
        before = self._roles()
        began = SYSTEM_CLOCK.now()
        version = self.change()
        calls = act()
        self.watch.linger(_AFTERMATH)
        self.watch.settle()
        return Rolled(version=version, calls=calls, episode=self.watch.since(began), before=before)

    def _roles(self) -> Mapping[str, str]:
        return {look.node: look.role for look in self.watch.seen.now().values() if look.role}

    # --- what must be so in the end

    def lost(self) -> set[int]:
        """Numbers whose writing was acknowledged and which are not there."""
        acknowledged = set(self.watch.seen.acknowledged())
        return acknowledged - self.watch.stored() - self._written_off

    def left_behind(self) -> list[str]:
        """What a roll that is over should have cleared away."""
        cib = self.lab.run("n1", ["cibadmin", "--query"]).checked().stdout.decode()
        owed = json.loads(self.lab.run("n1", ["pacewright", "owed", "--json"]).checked().stdout)["owed"]
        processes = self.lab.run("n1", ["ps", "-eo", "args"]).checked().stdout.decode().splitlines()
        ours = [line for line in processes if "pacewright " in line and "fence_pacewright" not in line]
        return [*(word for word in _LEFTOVERS if word in cib), *map(str, owed), *ours]

    def mend(self) -> None:
        """A good config everywhere, and every instance has started with it."""
        self.change()
        for call in self.refresh().end(self.service.patience):
            assert call.code == 0, call.said
        self.watch.settle()


@contextmanager
def stage(lab: Lab, service: Service, folder: Path) -> Iterator[Scenario]:
    """Put a service on a fresh lab, and let requests begin."""
    # Every node of a lab counts the load of the whole machine as its own.
    lab.run("n1", ["pcs", "property", "set", "load-threshold=10000%"], timeout=60).checked()
    service.prepare(lab)
    for node in service.places(lab):
        service.configure(lab, node, "1001")
    service.create(lab)
    with Watch(lab, service, folder) as watch:
        watch.settle()
        scenario = Scenario(lab, service, watch, folder)
        # From the first call on, each node's config is known; the instances have started with it.
        for call in scenario.refresh().end(service.patience):
            assert call.code == 0, call.said
        yield scenario


def figures(way: str, service: Service, rolled: Rolled) -> Mapping[str, object]:
    """What is told of a roll."""
    episode = rolled.episode
    return {
        service.name: way,
        "requests served": len(episode.requests) - episode.failed(),
        "failed": episode.failed(),
        "acknowledged and lost": len(rolled.lost),
        "longest time without an answer": f"{episode.gap():.1f} s",
        "slowest answer": f"{episode.slowest():.1f} s",
        "the command took": f"{max(call.seconds for call in rolled.calls):.1f} s",
    }
