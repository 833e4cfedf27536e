"""Refresh, decision by decision: a snapshot in, the next step out."""

from __future__ import annotations

from pacewright.cluster import NodeName, ResourceId, Snapshot
from pacewright.service.config import Settings
from pacewright.service.refresh import Refresh, begin_refresh
from pacewright.service.report import own_report
from pacewright.service.revision import Report
from pacewright.service.step import Clean, Commit, Done, Next
from pacewright.service.target import find
from tests.clusters import Op, after, clone, cluster, forecast, primitive, revision_on, run

NOW = 1_700_000_500.0
WEB = ResourceId("web")
FAILED = (
    Op(task="start", run=2, call=20, rc=1, failure=True, reason="no config"),
    Op(task="stop", run=3, call=21),
)
OLD = "".join(revision_on("web", node, "aaaa") for node in ("n1", "n2", "n3"))
REPORTS = {node: {"pacewright-config-web": "aaaa@1"} for node in ("n1", "n2", "n3")}


def one_failed() -> Snapshot:
    """n2 was given a config that does not start; n1 and n3 run."""
    snapshot = cluster(
        clone("web-clone", primitive("web", sets=OLD)), running={"web": ("n1", "n2", "n3")}, attributes=REPORTS
    )
    return after(snapshot, histories={("web", "n2"): FAILED})


def begin(snapshot: Snapshot, node: str, config: str) -> Refresh:
    target = find("web", snapshot, Settings())
    assert target is not None
    own = own_report(NodeName(node), Report(fingerprint=config, changed=NOW), target, snapshot)
    return begin_refresh(target, snapshot, forecast(), own=own, at_once=False, allow_collateral=False)


def reported(snapshot: Snapshot, node: str, config: str) -> tuple[Next, Snapshot]:
    """What comes after the report."""
    step = begin(snapshot, node, config).decide(snapshot, None, NOW)
    assert isinstance(step, Commit)
    snapshot = after(snapshot, step.change)
    return step.job.decide(snapshot, None, NOW), snapshot


def test_while_an_instance_is_down_after_a_failure_no_other_is_restarted() -> None:
    """Seen in the campaign: a config that is wrong on all nodes took one instance after another away."""
    step, _ = reported(one_failed(), "n1", "bbbb")
    assert isinstance(step, Clean)
    assert (step.resource, step.node) == (WEB, "n2")


def test_a_failed_instance_is_tried_again_with_the_config_that_its_node_reports() -> None:
    step, snapshot = reported(one_failed(), "n2", "bbbb")
    assert snapshot.resources[WEB].revision_on(NodeName("n2")) == "bbbb"
    assert isinstance(step, Clean)
    done = step.job.decide(after(snapshot, histories={("web", "n2"): run(3, digest="d1")}), None, NOW)
    assert isinstance(done, Done)


def test_where_nothing_is_due_a_failure_elsewhere_is_left_alone() -> None:
    snapshot = one_failed()
    assert isinstance(begin(snapshot, "n1", "aaaa").decide(snapshot, None, NOW), Done)
