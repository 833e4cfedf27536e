"""Requests that are lost while three instances of a web service behind HAProxy restart, and how long nobody answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.bench_lab import AT
from bench.figures import Figure, Target
from pacewright import demo
from pacewright.demo import Act, Result, Stage
from pacewright.lab import Lab

__all__ = ["CASES", "Case", "Lost", "measure", "targets"]

Say = Callable[[str], None]

_RATE = 80.0
"""Requests a second, as in the demo."""
_SERVICES = "/etc/pacewright/services.yaml"
_ADMIN = 9999

# HAProxy twice in one process. `checked` finds out itself who is up, and asks another server where one does not answer:
# as much as a proxy can do. `plain` believes what it is told, so what is lost or saved there is the restart's doing.
_HAPROXY = """\
global
    maxconn 1000
    stats socket ipv4@*:{admin} level admin

defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 5s

frontend checked
    bind *:80
    default_backend checked

backend checked
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response
    option httpchk GET /
    http-check expect status 200
    default-server check inter 200ms downinter 100ms fall 2 rise 1
{servers}

frontend plain
    bind *:81
    default_backend plain

backend plain
    retries 0
{servers}
"""
_DRAINED = f"""\
services:
  web:
    health: {{http: "http://{{node}}:8000/", timeout: 20}}
    drain: {{haproxy: {{sockets: ["{demo.ADDRESS}:{_ADMIN}"], server: "plain/{{node}}"}}, timeout: 10}}
"""

_PORTS = {"checked": 80, "plain": 81}
_ROLLING = ("pacewright", "service", "restart", "web")
_PCS = ("pcs", "resource", "restart", "web-clone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A way to restart the web service, behind one of the two proxies.

    Attributes:
        key: its name in the results.
        label: what restarts, for people.
        proxy: `checked` or `plain`.
        services: the site's services.yaml; empty for none.
    """

    key: str
    label: str
    proxy: str
    command: tuple[str, ...]
    services: str = ""


CASES = (
    Case(key="plain-rolling", label="pacewright, one after another", proxy="plain", command=_ROLLING),
    Case(
        key="plain-drained",
        label="pacewright, one after another, with `drain` and `health`",
        proxy="plain",
        command=_ROLLING,
        services=_DRAINED,
    ),
    Case(key="plain-pcs", label="`pcs resource restart`", proxy="plain", command=_PCS),
    Case(key="checked-rolling", label="pacewright, one after another", proxy="checked", command=_ROLLING),
    Case(key="checked-pcs", label="`pcs resource restart`", proxy="checked", command=_PCS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """What became of the requests in all restarts of one case."""

    case: Case
    results: tuple[Result, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """Why some restarts do not count: the command failed, or an instance did not start exactly once."""
        return tuple(filter(None, map(_problem, self.results)))

    def figure(self, pick: Callable[[Result], float]) -> Figure:
        """One quantity over the restarts that count."""
        return Figure.of(pick(result) for result in self.results if not _problem(result))

    @property
    def lost(self) -> Figure:
        """Requests that failed."""
        return self.figure(lambda result: result.count.failed)

    @property
    def sent(self) -> Figure:
        """Requests in all, from the change of the config until everything had settled."""
        return self.figure(lambda result: result.count.served + result.count.failed)

    @property
    def gap(self) -> Figure:
        """The longest time in which none was served, in seconds."""
        return self.figure(lambda result: result.count.gap)

    @property
    def seconds(self) -> Figure:
        """How long the command took."""
        return self.figure(lambda result: result.seconds)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "label": self.case.label,
            "proxy": self.case.proxy,
            "argv": list(self.case.command),
            "lost": self.lost.as_dict(),
            "sent": self.sent.as_dict(),
            "gap": self.gap.as_dict(),
            "command": self.seconds.as_dict(),
            "slowest_served": self.figure(lambda result: result.count.slowest).as_dict(),
            "errors": [dict(result.count.errors) for result in self.results],
            "problems": list(self.problems),
        }


def _problem(result: Result) -> str:
    if result.code != 0:
        return f"exit code {result.code}: {result.said[-1] if result.said else ''}"
    wrong = {node: number for node, number in result.starts.items() if number != 1}
    return f"starts: {wrong}" if wrong else ""


def measure(lab: Lab, cases: Sequence[Case], times: int, say: Say) -> tuple[Lost, ...]:
    """So many restarts of each case, taking turns; the demo's site is put up for it, and taken away."""
    results: dict[str, list[Result]] = {case.key: [] for case in cases}
    if not times:
        return ()
    _furnish(lab, say)
    try:
        for turn in range(times):
            for case in cases:
                result = _perform(lab, case, version=f"{turn}-{case.key}")
                results[case.key].append(result)
                seen = _problem(result) or f"{result.count.failed} lost, {result.count.served} served"
                say(f"{turn + 1}/{times} under load, {case.key}: {seen}")
    finally:
        _take_away(lab)
    return tuple(Lost(case=case, results=tuple(results[case.key])) for case in cases)


def targets(lost: Sequence[Lost]) -> Iterator[Target]:
    """What `drain` and `health` promise."""
    for one in lost:
        if one.case.services:
            most = one.lost.most
            name = "rolling restart under load with `drain` and `health`: requests lost"
            yield Target(name=name, goal="none", seen=f"{most:.0f} at most", reached=most == 0 and not one.problems)


def _perform(lab: Lab, case: Case, version: str) -> Result:
    for node in lab.nodes:
        if case.services:
            lab.write(node, _SERVICES, case.services)
        else:
            lab.run(node, ["rm", "-f", _SERVICES])
    act = Act(name=case.key, command=case.command, version=version, judged=False)
    with Stage(lab, rate=_RATE, port=_PORTS[case.proxy], show=lambda _: None) as stage:
        stage.settle()
        return stage.perform(act)


def _furnish(lab: Lab, say: Say) -> None:
    demo.build(lab, say)
    servers = "\n".join(f"    server {node} {lab.address(node)}:8000" for node in lab.nodes)
    for node in lab.nodes:
        lab.write(node, "/etc/haproxy/haproxy.cfg", _HAPROXY.format(servers=servers, admin=_ADMIN))
    for verb in ("start", "restart"):  # `start` waits until it is up, perhaps still with the demo's config
        lab.run(AT, ["pacewright", "service", verb, "proxy"], timeout=90).checked()


def _take_away(lab: Lab) -> None:
    for node in lab.nodes:
        lab.run(node, ["rm", "-f", _SERVICES])
    for resource in ("front", "web-clone"):
        lab.run(AT, ["pcs", "resource", "delete", resource], timeout=120).checked()
