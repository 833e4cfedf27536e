"""What the scheduler would do, told by place: instances of a clone are alike."""

from __future__ import annotations

import pytest

from pacewright.cluster.forecast import Action, _joined, by_place
from pacewright.cluster.names import NodeName, ResourceId


def do(verb: str, node: str, to: str | None = None, instance: str = "web:0") -> Action:
    resource = ResourceId(instance.partition(":")[0])
    there = NodeName(to) if to is not None else None
    return Action(
        verb=verb, resource=resource, instance=instance, node=NodeName(node), to=there, reason="", blocked=False
    )


def told(actions: tuple[Action, ...]) -> list[str]:
    return [str(action) for action in actions]


@pytest.mark.parametrize(
    ("actions", "meant"),
    [
        ([do("move", "n1", "n2"), do("start", "n1", instance="web:1")], ["restart web on n1", "start web on n2"]),
        ([do("move", "n1", "n2"), do("move", "n2", "n1")], ["restart web on n1", "restart web on n2"]),
        ([do("move", "n1", "n2"), do("move", "n2", "n3")], ["move web on n1 to n3", "restart web on n2"]),
        ([do("move", "n1", "n2"), do("start", "n3")], ["move web on n1 to n2", "start web on n3"]),
        ([do("move", "n1", "n2", "db"), do("start", "n1", instance="one")], ["move db on n1 to n2", "start one on n1"]),
    ],
    ids=["another one starts", "two change places", "a chain", "a move", "not of a clone"],
)
def test_by_place(actions: list[Action], meant: list[str]) -> None:
    assert told(by_place(actions)) == meant


def test_what_is_held_while_another_one_starts_has_not_moved_there_when_it_is_let_go() -> None:
    first, then = (do("move", "n1", "n2"),), (do("start", "n1"),)
    assert told(_joined(first, then)) == ["restart web on n1", "start web on n2"]


def test_what_runs_in_one_place_and_comes_back_elsewhere_has_moved() -> None:
    first, then = (do("stop", "n1", instance="db"),), (do("start", "n2", instance="db"),)
    assert told(_joined(first, then)) == ["move db on n1 to n2"]
