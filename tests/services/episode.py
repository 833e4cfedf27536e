"""What happened to a service between two moments, by its processes, its client and Pacemaker's logs. Pure."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.services.lives import Life
from tests.services.operations import Operation
from tests.services.seen import Look, Request

__all__ = ["Episode"]

_AT_ONCE = 0.5
"""Seconds within which a process that ends was no instance: a server that daemonizes begins with such a one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """Between two moments.

    Attributes:
        began, ended: seconds since the epoch.
        pause: seconds for which an instance that runs may not answer without being down.
        lives: of main processes, from before on.
        looks: how instances were, from before on.
        requests: those that ended in it.
        operations: of the cluster on the primitive, in it.
    """

    began: float
    ended: float
    pause: float
    lives: tuple[Life, ...]
    looks: tuple[Look, ...]
    requests: tuple[Request, ...]
    operations: tuple[Operation, ...]

    # --- instances

    def processes(self) -> Mapping[str, int]:
        """How many main processes began on each node."""
        begun = [life for life in self._lives() if life.began >= self.began]
        return Counter(life.node for life in begun)

    def operated(self, what: str) -> Mapping[str, int]:
        """How often the cluster had its agent do something, on each node where it did."""
        return Counter(operation.node for operation in self.operations if operation.what == what)

    def first(self, what: str) -> Mapping[str, float]:
        """When the cluster first had the agent do something on each node."""
        found: dict[str, float] = {}
        for operation in self.operations:
            if operation.what == what:
                found.setdefault(operation.node, operation.at)
        return found

    def most_down(self, places: Iterable[str]) -> int:
        """In how many of these places no instance was up at the worst moment: without a process, or not answering."""
        those = list(places)
        moments = [self.began]
        moments += [at for life in self._lives() for at in (life.began, life.ended)]
        moments += [look.at for look in self.looks]
        return max(sum(self._down(node, at) for node in those) for at in moments if self.began <= at <= self.ended)

    def versions(self) -> Mapping[str, str]:
        """Of the config of each instance that answers in the end."""
        last = {look.node: look for look in self.looks}
        return {node: look.version for node, look in last.items() if look.role}

    # --- roles

    def promoted_when_stopped(self) -> frozenset[str]:
        """The nodes whose instance was promoted at the last look before the cluster first stopped it or demoted it."""
        ended = {**self.first("stop")}
        for node, at in self.first("demote").items():
            ended[node] = min(at, ended.get(node, at))
        roles = {look.node: look.role for look in self.looks if look.at < ended.get(look.node, 0.0)}
        return _promoted(roles)

    def promoted(self) -> Sequence[frozenset[str]]:
        """The nodes with a promoted instance, one set after another; no moment at which there was none, if ever."""
        at_first = {look.node: look for look in self.looks if look.at < self.began}
        roles = {node: look.role for node, look in at_first.items()}
        found = [_promoted(roles)]
        for look in self.looks:
            if look.at >= self.began:
                roles[look.node] = look.role
                found.append(_promoted(roles))
        return [one for one, _ in itertools.groupby(filter(None, found))] or [frozenset()]

    # --- requests

    def failed(self) -> int:
        """How many requests were not served."""
        return sum(bool(request.error) for request in self.requests)

    def errors(self) -> Mapping[str, int]:
        """How many failed for each reason."""
        return Counter(f"{request.what}: {request.error}" for request in self.requests if request.error)

    def gap(self) -> float:
        """The longest time in which no request was served, in seconds."""
        moments = [self.began, *(request.ended for request in self.requests if not request.error), self.ended]
        return max(after - before for before, after in itertools.pairwise(sorted(moments)))

    def slowest(self) -> float:
        """The longest that one took that was served, in seconds."""
        return max((request.ended - request.began for request in self.requests if not request.error), default=0.0)

    # ---

    def _lives(self) -> list[Life]:
        return [life for life in self.lives if life.ended - life.began > _AT_ONCE]

    def _down(self, node: str, at: float) -> bool:
        runs = any(life.node == node and life.began <= at < life.ended for life in self._lives())
        return not runs or self._silent(node, at)

    def _silent(self, node: str, at: float) -> bool:
        """Whether an instance does not answer, and that is no pause."""
        mine = [look for look in self.looks if look.node == node]
        last = [look for look in mine if look.at <= at]
        if last and last[-1].role:
            return False
        again = next((look.at for look in mine if look.at > at and look.role), float("inf"))
        return not last or again - last[-1].at > self.pause


def _promoted(roles: Mapping[str, str]) -> frozenset[str]:
    return frozenset(node for node, role in roles.items() if role == "promoted")
