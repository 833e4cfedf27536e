"""An act: the config changes on every node, one command restarts the service, and what came of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pacewright.demo.tally import Count

__all__ = ["ACTS", "Act", "Result", "unmet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One way to restart the service.

    Attributes:
        name: heads its column in the final table.
        command: run on one node.
        version: what the config says from now on.
        judged: it is ours, so the demo fails if it does not do what it promises.
    """

    name: str
    command: tuple[str, ...]
    version: str
    judged: bool


ACTS = (
    Act(name="pacewright", command=("pacewright", "service", "restart", "web"), version="2", judged=True),
    Act(
        name="all at once",
        command=("pacewright", "service", "restart", "web", "--all-at-once"),
        version="3",
        judged=True,
    ),
    Act(name="pcs", command=("pcs", "resource", "restart", "web-clone"), version="4", judged=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of an act.

    Attributes:
        code: the command's exit code; None if it did not end in time.
        seconds: how long the command took.
        starts: how often the service started on each node meanwhile, by its own count.
        all_new: seconds until every node's answers came from the new config; None if they never did.
        count: the requests from the change of the config until everything had settled.
        said: everything the command printed.
    """

    act: Act
    code: int | None
    seconds: float
    starts: Mapping[str, int]
    all_new: float | None
    count: Count
    said: tuple[str, ...] = ()


def unmet(results: Sequence[Result]) -> tuple[str, ...]:
    """What our own acts promised and did not do, in a few words each."""
    return tuple(sentence for result in results if result.act.judged for sentence in _unmet(result))


def _unmet(result: Result) -> list[str]:
    command = f"`{' '.join(result.act.command)}`"
    if result.code is None:
        return [f"{command} did not end within {result.seconds:.0f} s"]
    if result.code:  # it says why itself
        last = f": {result.said[-1]}" if result.said else ""
        return [f"{command} ended with exit code {result.code}{last}"]
    found = []
    wrong = {node: number for node, number in result.starts.items() if number != 1}
    if wrong:
        each = ", ".join(f"{node} {number} times" for node, number in wrong.items())
        found.append(f"{command} was to restart each instance exactly once, and restarted {each}")
    if result.all_new is None:
        found.append(f"after {command} not all instances serve the new config")
    return found
