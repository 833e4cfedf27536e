"""A copy of a cluster on which an operation is rehearsed: it comes to an end, also where the scheduler does not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from pacewright.cluster import connection
from pacewright.cluster.connection import Simulation
from pacewright.cluster.edits.change import Change, SetMeta
from pacewright.cluster.forecast import Action, Forecast
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.errors import NothingComes
from pacewright.testing.clusters import cluster, primitive

MOMENTS = itertools.count()
"""No two answers are the same: time goes on, in a copy too."""


def action(verb: str) -> Action:
    return Action(
        verb=verb, resource=ResourceId("a"), instance="a", node=NodeName("n1"), to=None, reason="", blocked=False
    )


def wants(monkeypatch: pytest.MonkeyPatch, verbs: Iterator[str]) -> None:
    """A scheduler that wants one thing after another."""

    def answered(asked: bytes) -> Forecast:
        return Forecast(
            actions=(action(next(verbs)),), known=asked.replace(b"<cib ", f'<cib at{next(MOMENTS)}="" '.encode(), 1)
        )

    monkeypatch.setattr(connection, "carried_out", answered)


def test_a_scheduler_that_goes_to_and_fro_is_not_followed_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """As 2.1.5 and 3.0.0 do in their own case novell-252693-2, on which a copy was worked until its time was over."""
    wants(monkeypatch, itertools.cycle(["stop", "start", "restart"]))
    copy = Simulation(cluster(primitive("a")), patient=False)
    assert [copy.wait(1.0) for _ in range(4)] == [True, True, True, False]
    with pytest.raises(NothingComes):
        copy.wait(1.0)


def test_after_a_commit_the_same_may_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    wants(monkeypatch, itertools.cycle(["stop", "start", "restart"]))
    copy = Simulation(cluster(primitive("a")), patient=False)
    assert copy.wait(1.0)
    assert copy.wait(1.0)
    edit = SetMeta(resource=ResourceId("a"), name="target-role", value="Stopped")
    copy.commit(Change(edits=(edit,), reason="test"), based_on=copy.read())
    assert copy.wait(1.0), "the stop of before the commit"
