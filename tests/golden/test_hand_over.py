"""A promoted instance is let go when another one has its role and agents have set their scores, as PAF does late."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from pacewright.clock import Deadline
from pacewright.cluster.connection import Simulation, Still
from pacewright.cluster.edits.change import Change
from pacewright.cluster.names import NodeName, Role
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import NothingComes
from pacewright.operation.loop import carry_out
from pacewright.operation.outcome import Outcome
from pacewright.service.lookup import find
from pacewright.service.rolling.restart import Restart, begin_restart
from pacewright.service.settings import Settings
from tests.clusters import clone, cluster, primitive
from tests.imagined import of, written

pytestmark = pytest.mark.scheduler

SCORES = {"n1": {"master-db": "1001"}, "n2": {"master-db": "1000"}, "n3": {"master-db": "990"}}


class Cluster(Simulation):
    """A simulation with a clock, whose agent sets its scores some seconds after it has promoted, if at all."""

    def __init__(self, *, scores_after: float) -> None:
        super().__init__(written(cluster(clone("db-clone", primitive("db"), promotable="true"), transient=SCORES)))
        self.at = 0.0
        self.scores_after = scores_after
        self.ended: list[str] = []
        self.reasons: list[str] = []

    def now(self) -> float:
        return 1_900_000_000.0 + self.at

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds

    def commit(self, change: Change, *, based_on: Snapshot, still: Still | None = None) -> bool:
        done = super().commit(change, based_on=based_on, still=still)
        self.ended += [f"{a.verb} {a.node}" for a in self.forecasts[-1][1].actions if a.resource == "db"]
        return done

    def wait(self, seconds: float) -> bool:
        try:
            changed = super().wait(seconds)
        except NothingComes:  # but for the agent, who is not in a rehearsal
            changed = False
        self.at += 0.01 if changed else seconds
        if self.at >= self.scores_after and not changed:
            self._set_scores()
        return changed

    def _set_scores(self) -> None:
        (promoted,) = (i.node for i in of(self.read(), "db") if i.role is Role.PROMOTED)
        root = ET.fromstring(self._document)
        for state in root.iterfind("status/node_state"):
            for pair in state.iterfind("transient_attributes/instance_attributes/nvpair"):
                if pair.get("name") == "master-db":
                    pair.set("value", "1001" if state.get("uname") == promoted else "-1000")
        self._document = ET.tostring(root)


def restart(world: Cluster, node: str | None = None) -> Outcome:
    snapshot = world.read()
    target = find("db", snapshot, Settings())
    assert target is not None
    job = begin_restart(
        target,
        snapshot,
        world.what_if(snapshot),
        token="token",
        node=NodeName(node) if node else None,
    )
    return go(job, world)


def go(job: Restart, world: Cluster) -> Outcome:
    deadline = Deadline.after(120, world)
    return carry_out(job, world, name="db", deadline=deadline, clock=world, progress=world.reasons.append)


def test_letting_go_waits_until_the_agent_has_set_its_scores() -> None:
    world = Cluster(scores_after=3)
    assert restart(world).restarted == ("n1", "n2", "n3")
    assert world.ended == ["restart n2", "restart n3", "promote n2", "stop n1", "start n1"]
    assert {i.node: i.role for i in of(world.read(), "db")}[NodeName("n2")] is Role.PROMOTED


def test_an_agent_that_never_sets_them_is_not_waited_for_for_long() -> None:
    world = Cluster(scores_after=float("inf"))
    assert restart(world, "n1").restarted == ("n1",)
    assert world.ended[:2] == ["promote n2", "stop n1"]
    assert "start n1" in world.ended
    assert world.at < 20


def test_a_rehearsal_does_not_wait_for_scores() -> None:
    world = Cluster(scores_after=float("inf"))
    snapshot = world.read()
    target = find("db", snapshot, Settings())
    assert target is not None
    planned = world.what_if(snapshot)
    job = begin_restart(target, snapshot, planned, token="token", node=None)
    assert go(job.rehearsed(), world).restarted == ("n1", "n2", "n3")
    assert world.at < 5
