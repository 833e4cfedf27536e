"""A promoted instance is let go when another one has its role and agents have set their scores, as PAF does late."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from pacewright.cluster.names import NodeName, Role
from pacewright.errors import NothingComes
from pacewright.service.requests import Options
from pacewright.service.rolling.restart import Restart
from pacewright.testing.clusters import clone, cluster, primitive
from pacewright.testing.scheduled import ScheduledCluster, drive, job_of, of, operate, written

pytestmark = pytest.mark.scheduler

SCORES = {"n1": {"master-db": "1001"}, "n2": {"master-db": "1000"}, "n3": {"master-db": "990"}}


class Cluster(ScheduledCluster):
    """One whose agent sets its scores some seconds after it has promoted, if at all."""

    def __init__(self, *, scores_after: float) -> None:
        super().__init__(written(cluster(clone("db-clone", primitive("db"), promotable="true"), transient=SCORES)))
        self.scores_after = scores_after

    @property
    def ended(self) -> list[str]:
        return [f"{a.verb} {a.node}" for _, planned in self.forecasts for a in planned.actions if a.resource == "db"]

    def wait(self, seconds: float) -> bool:
        try:
            changed = super().wait(seconds)
        except NothingComes:  # but for the agent, who is not in a rehearsal
            self.clock.sleep(seconds)
            changed = False
        if self.clock.at >= self.scores_after and not changed:
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


def test_letting_go_waits_until_the_agent_has_set_its_scores() -> None:
    world = Cluster(scores_after=3)
    assert operate(world, "restart", "db").restarted == ("n1", "n2", "n3")
    assert world.ended == ["restart n2", "restart n3", "promote n2", "stop n1", "start n1"]
    assert {i.node: i.role for i in of(world.read(), "db")}[NodeName("n2")] is Role.PROMOTED


def test_an_agent_that_never_sets_them_is_not_waited_for_for_long() -> None:
    world = Cluster(scores_after=float("inf"))
    assert operate(world, "restart", "db", Options(node="n1")).restarted == ("n1",)
    assert world.ended[:2] == ["promote n2", "stop n1"]
    assert "start n1" in world.ended
    assert world.clock.at < 20


def test_a_rehearsal_does_not_wait_for_scores() -> None:
    world = Cluster(scores_after=float("inf"))
    job = job_of(world, "restart", "db")
    assert isinstance(job, Restart)
    assert drive(job.rehearsed(), world).restarted == ("n1", "n2", "n3")
    assert world.clock.at < 5
