"""What a large CIB is asked without: the scheduler decides the same without it, in Pacemaker's own cases as well."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bench.large_cib import large_cib
from pacewright.cluster.cib.parse import parse
from pacewright.cluster.cib.slim import slim
from pacewright.cluster.edits.change import Change, SetRevision
from pacewright.cluster.forecast import Forecast, Scheduler, what_if
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.tools import crm_simulate
from pacewright.errors import PacewrightError
from tests.golden.releases import RELEASES, cases, use

EVERY = 1 if os.environ.get("PACEWRIGHT_ALL_CASES") else 15
LARGE = parse(large_cib(16, 300).encode())

pytestmark = pytest.mark.scheduler


def decided(root: ET.Element) -> tuple[list[str], list[str]] | None:
    """What the scheduler would do, and fence; None if it cannot work on this."""
    try:
        answer, _ = crm_simulate.schedule(ET.tostring(root))
    except PacewrightError:
        return None
    actions = (ET.tostring(found, encoding="unicode").strip() for found in answer.iterfind("actions/rsc_action"))
    fenced = (found.get("node", "") for found in answer.iterfind("actions/node_action"))
    return sorted(actions), sorted(fenced)


def slimmed(release: str) -> list[Path]:
    """The cases of which something is left out, where it does not matter how little."""
    found = []
    for case in cases(release):
        root = ET.fromstring(case.read_bytes())
        if slim(root, many=1) is not root:
            found.append(case)
    return found


@pytest.mark.parametrize(
    ("release", "case"),
    [
        pytest.param(release, case, id=f"{release}-{case.stem}")
        for release in RELEASES
        for case in slimmed(release)[::EVERY]
    ],
)
def test_the_scheduler_decides_the_same(release: str, case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(release, monkeypatch)
    root = ET.fromstring(case.read_bytes())
    assert decided(slim(root, many=1)) == decided(root)


def test_of_a_large_cluster_a_fraction_is_asked_about() -> None:
    whole = ET.tostring(LARGE.root)
    assert len(ET.tostring(slim(LARGE.root))) < len(whole) / 3
    assert decided(slim(LARGE.root)) == decided(LARGE.root) == ([], [])
    assert slim(slim(LARGE.root)) is not LARGE.root
    told = parse(ET.tostring(slim(LARGE.root)))
    assert told.instances == LARGE.instances
    assert not any(told.silent(resource, node) for resource in told.instances for node in told.nodes)


def test_a_node_that_has_not_said_everything_is_asked_so_nothing_is_left_out() -> None:
    root = ET.fromstring(ET.tostring(LARGE.root))
    histories = root.find("status/node_state/lrm/lrm_resources")
    assert histories is not None
    histories.remove(histories[0])
    assert slim(root) is root


def test_the_answer_is_that_of_the_whole() -> None:
    edit = SetRevision(resource=ResourceId("cloned01"), default=None, nodes={NodeName("node03"): "r"})
    asked: list[bytes] = []

    def whole(cib: bytes) -> Forecast:
        asked.append(cib)
        return Forecast(actions=())

    what_if(LARGE, Change(edits=(edit,), reason="test"), scheduler=Scheduler(whole))
    assert len(asked[0]) < len(ET.tostring(LARGE.root)) / 3
    forecast = what_if(LARGE, Change(edits=(edit,), reason="test"))
    assert [str(action) for action in forecast.actions] == ["restart cloned01 on node03 (resource definition change)"]
