"""What the client of a service has seen: what became of each request, and how each instance was. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

__all__ = ["Look", "Request", "Seen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that has ended.

    Attributes:
        what: `write` or `read`.
        began, ended: seconds since the epoch.
        error: why it failed; empty if it was served.
    """

    what: str
    number: int
    began: float
    ended: float
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How an instance has become.

    Attributes:
        at: seconds since the epoch.
        role: `promoted`, `unpromoted` or `started`; empty if it does not answer.
        version: of the config that it was started with.
    """

    node: str
    at: float
    role: str
    version: str


@dataclass(slots=True)
class Seen:
    """Everything so far, in the order in which it came."""

    requests: list[Request] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)

    def take(self, lines: Iterable[str | bytes]) -> None:
        """Take in lines that `inside/client.py` has printed."""
        for line in lines:
            about = json.loads(line)
            if "what" in about:
                self.requests.append(Request(**about))
            else:
                self.looks.append(Look(**about))

    def now(self) -> dict[str, Look]:
        """How each instance is."""
        return {look.node: look for look in self.looks}

    def acknowledged(self) -> set[int]:
        """The numbers whose writing was acknowledged."""
        return {request.number for request in self.requests if request.what == "write" and not request.error}

    def between(self, since: float, until: float) -> Sequence[Request]:
        """The requests that ended in a span of time."""
        return [request for request in self.requests if since <= request.ended <= until]
