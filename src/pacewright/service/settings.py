"""What a site says about its services, as values; `settings_file.py` reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from pacewright.cluster.names import NodeName, ResourceId
from pacewright.errors import ConfigError
from pacewright.frozen import field, fields, frozen, replace

__all__ = [
    "DEFAULT_PATH",
    "Barrier",
    "Drain",
    "HAProxy",
    "Health",
    "HealthKind",
    "Last",
    "OnTimeout",
    "ServiceSettings",
    "Settings",
]

DEFAULT_PATH = Path("/etc/pacewright/services.yaml")
_KEY_OF = {"together": "strategy", "percent": "max_unavailable", "keeps_going": "on_failure"}
"""The key that says it, for fields that are called otherwise."""


class HealthKind(Enum):
    """How to ask."""

    HTTP = "http"
    TCP = "tcp"
    COMMAND = "command"


@frozen
class Health:
    """How to find out whether an instance is fit to serve; `{node}` stands for its node's name.

    Attributes:
        kind: how to ask.
        target: the URL, the `HOST:PORT`, or the command's words. A command runs on the node that leads the roll.
        timeout: seconds within which it must become healthy.
        stable_for: seconds that it must stay so.
    """

    kind: HealthKind
    target: tuple[str, ...]
    timeout: float = 60.0
    stable_for: float = 0.0


@frozen
class HAProxy:
    """The servers of HAProxy that are a service's instances.

    Attributes:
        sockets: every HAProxy that sends requests: paths, or `HOST:PORT`. `{node}` in them is not replaced.
        server: `BACKEND/SERVER`, with `{node}` for the instance's node.
    """

    sockets: tuple[str, ...]
    server: str


@frozen
class Drain:
    """How instances are taken out of service and back; `{node}` in commands is the instance's node.

    Attributes:
        before: command before the stop; it comes back when nothing is under way there any more.
        after: command once the instance is healthy again.
        haproxy: what to tell HAProxy instead.
        timeout: seconds after which requests that still go on there are not waited for.
    """

    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    haproxy: HAProxy | None = None
    timeout: float = 30.0


class OnTimeout(Enum):
    """What becomes of a call for which not every node has reported in time."""

    FAIL = "fail"
    PROCEED = "proceed"
    LATER = "later"


@frozen
class Barrier:
    """What services.yaml says about waiting for the others' reports.

    Attributes:
        timeout: seconds to wait; 0 not to wait at all.
        on_timeout: `FAIL`; `PROCEED` without those that have not reported; `LATER`: leave it to whoever reports last.
        window: seconds for which a report without a wave counts.
    """

    timeout: float = 300.0
    on_timeout: OnTimeout = OnTimeout.FAIL
    window: float = 3600.0

    def asked(self, word: str) -> Barrier:
        """The same for a call that says how it waits: `wait`, `later` or `proceed`; empty for as it is."""
        if not word:
            return self
        if word == "wait":
            return replace(self, timeout=self.timeout or Barrier().timeout, on_timeout=OnTimeout.FAIL)
        return replace(self, timeout=0.0, on_timeout=OnTimeout(word))


class Last(Enum):
    """What a roll may keep for its end; the first rule counts before the others."""

    PROMOTED = "promoted_last"
    DC = "dc_last"


@frozen
class ServiceSettings:
    """What is said about one service.

    Attributes:
        resource: the cluster resource that it is; None to find it by its name.
        timeout: seconds that an operation may take; None for what its resource's own time-outs come to.
        config: its config inputs on every node: files, globs, directories (absolute paths).
        together: restart all instances at once (`strategy: together`) instead of one after another (`rolling`).
        max_unavailable: how many instances may be down at once by our doing; a share of them with `percent`.
        percent: `max_unavailable` is a percentage.
        health: what an instance must pass before the next one is restarted; None for nothing.
        order: what a roll keeps for its end.
        keeps_going: an instance that fails does not end the roll (`on_failure: continue`).
        drain: how an instance is taken out of service before it is stopped; None for not at all.
        barrier: how long a call that takes part in a barrier waits for the others, and what then.
        gate: the service runs only on nodes that have reported its config.
        lines: where the file says it: the line of each field that it names.
    """

    resource: ResourceId | None = None
    timeout: float | None = None
    config: tuple[str, ...] = ()
    together: bool = False
    max_unavailable: int = 1
    percent: bool = False
    health: Health | None = None
    order: tuple[Last, ...] = tuple(Last)
    keeps_going: bool = False
    drain: Drain | None = None
    barrier: Barrier = field(default_factory=Barrier)
    gate: bool = False
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)

    def limit(self, instances: int) -> int:
        """How many of so many instances may be down at once; at least one, or nothing would ever be restarted."""
        return max(1, instances * self.max_unavailable // 100 if self.percent else self.max_unavailable)

    def private(self, nodes: Iterable[NodeName]) -> Iterator[str]:
        """What is said that must not get into a record: the words of a command may be credentials."""
        commands = [self.drain.before, self.drain.after] if self.drain is not None else []
        if self.health is not None and self.health.kind is HealthKind.COMMAND:
            commands.append(self.health.target)
        for word in (word for command in commands for word in command[1:]):
            yield from {word.replace("{node}", node) for node in nodes}


@frozen
class Settings:
    """The whole file; a service that it does not name has every default.

    Attributes:
        services: what it says, by the names that stand there.
        path: the file.
    """

    services: Mapping[str, ServiceSettings] = field(default_factory=dict)
    path: Path = field(default=DEFAULT_PATH, compare=False)

    def entry(self, name: str) -> ServiceSettings:
        """What stands under that very name, with or without `.service`; `Target.settings` has all that counts."""
        bare = name.removesuffix(".service")
        said = (self.services.get(key) for key in (name, bare, f"{bare}.service"))
        return next((settings for settings in said if settings is not None), ServiceSettings())

    def together(self, names: Iterable[str], resource: str) -> ServiceSettings:
        """What is said under several names of one service, each of which may say a part of it.

        Raises:
            ConfigError: two of them contradict each other; says both lines.
        """
        values: dict[str, Any] = {}
        sayers: dict[str, str] = {}
        for name in sorted(names, key=lambda each: min(self.services[each].lines.values(), default=0)):
            entry = self.services[name]
            for key in _said(entry):
                value = getattr(entry, key)
                if values.setdefault(key, value) != value:
                    raise self._contradiction(key, sayers[key], name, resource)
                sayers.setdefault(key, name)
        return ServiceSettings(**values)

    def _contradiction(self, key: str, first: str, second: str, resource: str) -> ConfigError:
        line, other = (self.services[name].lines.get(key, 0) for name in (second, first))
        called = _KEY_OF.get(key, key)
        return ConfigError(
            f"{self.path}:{line}: services.{second}.{called}: line {other} (services.{first}.{called}) says something "
            f"else, and both are the resource {resource!r}.",
            hint="Say it under one of the names; others of the same resource need nothing but `resource`. "
            "Nothing was done.",
        )


def _said(entry: ServiceSettings) -> Iterator[str]:
    """The fields that an entry says something with, beside which resource it is."""
    default = ServiceSettings()
    for each in fields(ServiceSettings):
        if each not in {"resource", "lines"} and (
            each in entry.lines or getattr(entry, each) != getattr(default, each)
        ):
            yield each
