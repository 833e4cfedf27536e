"""Counting: what became of every request. Pure."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Answer", "Count", "all_serve", "count", "newest", "rate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one request.

    Attributes:
        at: when it ended, in monotonic seconds.
        seconds: how long it took.
        node: who answered; empty if nobody did.
        version: of the config that the answering instance read.
        error: why it failed, in a few words; empty if it was served.
    """

    at: float
    seconds: float
    node: str = ""
    version: str = ""
    error: str = ""

    def line(self) -> str:
        """As one line of JSON, which `parse` reads."""
        return json.dumps(dataclasses.asdict(self)) + "\n"

    @classmethod
    def parse(cls, line: str | bytes) -> Answer:
        """What `line` wrote."""
        return cls(**json.loads(line))


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """The requests that ended in a span of time.

    Attributes:
        gap: the longest time in which none was served, in seconds.
        slowest: the longest that a served one took, in seconds.
        errors: how many failed of each reason.
    """

    served: int
    failed: int
    gap: float
    slowest: float
    errors: Mapping[str, int]


def count(answers: Iterable[Answer], *, since: float, until: float) -> Count:
    """Count the requests that ended between two moments."""
    those = sorted((a for a in answers if since <= a.at <= until), key=lambda answer: answer.at)
    served = [answer for answer in those if not answer.error]
    moments = [since, *(answer.at for answer in served), until]
    return Count(
        served=len(served),
        failed=len(those) - len(served),
        gap=max(after - before for before, after in itertools.pairwise(moments)),
        slowest=max((answer.seconds for answer in served), default=0.0),
        errors=Counter(answer.error for answer in those if answer.error),
    )


def rate(answers: Sequence[Answer], *, now: float, window: float = 1.0) -> float:
    """Requests served per second, lately."""
    recent = 0
    for answer in reversed(answers):
        if answer.at < now - 2 * window:  # they are nearly in order
            break
        recent += answer.at >= now - window and not answer.error
    return recent / window


def newest(answers: Iterable[Answer]) -> dict[str, str]:
    """The config's version in each node's last answer."""
    return {answer.node: answer.version for answer in answers if not answer.error}


def all_serve(answers: Sequence[Answer], nodes: Iterable[str], version: str) -> float | None:
    """Since when every node's answers have this version, in monotonic seconds; None if not all have."""
    first: dict[str, float] = {}
    for answer in answers:
        if answer.error:
            continue
        if answer.version == version:
            first.setdefault(answer.node, answer.at)
        else:
            first.pop(answer.node, None)
    wanted = list(nodes)
    return max(first[node] for node in wanted) if all(node in first for node in wanted) else None
