"""When each instance of a service began and ended, as systemd on its node wrote down: nothing that we say ourselves.

systemd's NRestarts counts only what systemd restarted by itself, so its journal is read instead.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pacewright.lab import Lab

__all__ = ["SERVICES", "Start", "counts", "most_down", "read", "starts"]

SERVICES = ("neutron-api", "neutron-rpc-server")

# systemd/sd-messages.h
_STARTED = "39f53479d3a045ac8e11786248231fbf"
_STOPPING = "de5b426a63be47a7b6ac3eaac82e2f6f"
_STOPPED = "9d1aaa27d60140bd96365438aad20286"
_EXITED = "98e322203f7a4ed290d09fe03c09fe15"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One life of an instance.

    Attributes:
        service: systemd's unit, without .service.
        began, ended: seconds since the epoch; `ended` is infinite while it runs.
    """

    node: str
    service: str
    began: float
    ended: float


def starts(lab: Lab, services: Sequence[str] = SERVICES, *, since: float = 0.0) -> tuple[Start, ...]:
    """Every start on every node that is on, in the order of time."""
    units = [word for service in services for word in ("--unit", f"{service}.service")]
    found: list[Start] = []
    for node in lab.nodes:
        if lab.is_on(node):
            journal = lab.run(node, ["journalctl", "--no-pager", "--output=json", *units]).checked().stdout
            found += [life for life in read(node, journal.decode().splitlines()) if life.began >= since]
    return tuple(sorted(found, key=lambda life: life.began))


def read(node: str, lines: Iterable[str]) -> list[Start]:
    """The lives of units in a node's journal."""
    begun: dict[str, tuple[str, float]] = {}
    ended: dict[str, float] = {}
    for line in lines:
        entry = json.loads(line)
        message, life = entry.get("MESSAGE_ID"), entry.get("INVOCATION_ID", "")
        at = int(entry["__REALTIME_TIMESTAMP"]) / 1e6
        if message == _STARTED:
            begun[life] = entry["UNIT"].removesuffix(".service"), at
        elif message in {_STOPPING, _STOPPED, _EXITED}:
            ended.setdefault(life, at)
    lives: list[Start] = []
    following: dict[str, float] = {}
    for life, (service, at) in sorted(begun.items(), key=lambda item: item[1][1], reverse=True):
        # What a power cut has ended is written down by nobody; it was over when the next one began.
        over = min(ended.get(life, float("inf")), following.get(service, float("inf")))
        lives.append(Start(node=node, service=service, began=at, ended=over))
        following[service] = at
    return lives[::-1]


def counts(lives: Iterable[Start], nodes: Iterable[str], services: Iterable[str] = SERVICES) -> Mapping[str, list[int]]:
    """How often each service started on each node, in the order of the nodes."""
    those, places = list(lives), list(nodes)
    return {
        service: [sum(life.service == service and life.node == node for life in those) for node in places]
        for service in services
    }


def most_down(lives: Iterable[Start], service: str, nodes: Iterable[str], *, since: float, until: float) -> int:
    """On how many nodes at once the service did not run, at the worst moment between two moments."""
    those, places = [life for life in lives if life.service == service], set(nodes)
    moments = [since, *(at for life in those for at in (life.began, life.ended) if since <= at <= until)]
    return max(
        len(places) - len({life.node for life in those if life.began <= at < life.ended} & places) for at in moments
    )
