"""A restart rehearsed on Pacemaker's own scheduler cases: a plan, a refusal, or an error with Pacemaker's own reason.

Each case is made quorate, with a DC, and without fencing where it has no device, so that something could be done. In
a run of all tests one in twenty of the oldest release's cases is rehearsed; `script/golden` does all of both
(PACEWRIGHT_ALL_CASES): Pacemaker 3.0.0 takes 0.3 s for each look at an old case.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import pytest

from pacewright.clock import Clock, SystemClock
from pacewright.cluster.cib.parse import parse
from pacewright.cluster.names import NodeName
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import DeadlinePassed, PacewrightError, ToolHung
from pacewright.service.names import service_names
from pacewright.service.requests import Options
from pacewright.service.services import Services
from pacewright.service.settings import Settings
from pacewright.testing.clock import FakeClock
from pacewright.testing.scheduled import everything
from tests.golden.releases import RELEASES, Statuses, cases, use

EVERY = 1 if os.environ.get("PACEWRIGHT_ALL_CASES") else 20
LONGEST = 5.0
"""Seconds of work, ours and that of the programs that we start."""

pytestmark = pytest.mark.scheduler


class Worked(SystemClock):
    """Goes on while somebody works, so that a machine with much else to do does not let a rehearsal's time pass."""

    def monotonic(self) -> float:
        """Seconds of work of this process, and of the programs that it has started and that have ended."""
        return sum(os.times()[:4])


WORKED = Worked()


class OnCase(Services):
    """Services on a cluster that is only a document."""

    def __init__(self, snapshot: Snapshot, clock: Clock = WORKED) -> None:
        super().__init__(config=Path("/nonexistent"), clock=clock)
        self._case = snapshot

    def _snapshot(self, *_args: object, **_more: object) -> Snapshot:
        return self._case


def able(document: bytes) -> Snapshot | None:
    """The case as a cluster that could act; None if none of its nodes is there."""
    root = ET.fromstring(document)
    there = [node for node in parse(document).nodes.values() if node.online and node.kind == "member"]
    if not there:
        return None
    root.set("have-quorum", "1")
    root.set("dc-uuid", _id_of(root, there[0].name))
    properties = root.find("configuration/crm_config/cluster_property_set")
    if properties is None:
        config = root.find("configuration/crm_config")
        properties = ET.SubElement(config if config is not None else root, "cluster_property_set", id="case-properties")
    holder = properties.find("attributes")
    holder = holder if holder is not None else properties
    if not any(primitive.get("class") == "stonith" for primitive in root.iter("primitive")):
        holder[:] = [pair for pair in holder if pair.get("name") not in {"stonith-enabled", "stonith_enabled"}]
        ET.SubElement(holder, "nvpair", id="case-fencing", name="stonith-enabled", value="false")
    return parse(ET.tostring(root))


def _id_of(root: ET.Element, name: NodeName) -> str:
    found = [*root.iterfind("configuration/nodes/node"), *root.iterfind("status/node_state")]
    return next(element.get("id", "") for element in found if element.get("uname") == name)


@pytest.mark.parametrize(
    ("release", "case"),
    [
        pytest.param(release, case, id=f"{release}-{case.stem}")
        for release in (RELEASES if EVERY == 1 else RELEASES[:1])
        for case in cases(release)[::EVERY]
    ],
)
def test_rehearsal(
    release: str, case: Path, pacemaker: Mapping[str, Statuses], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = case.read_bytes()
    if b'validate-with="pacemaker-' not in document[:3000] or pacemaker[release].of(document) is None:
        return  # an old heartbeat's, or one that Pacemaker itself cannot load
    use(release, monkeypatch)
    snapshot = able(document)
    running = [
        target.name
        for target in (service_names(snapshot, Settings()) if snapshot is not None else ())
        if snapshot is not None and any(i.role.active for i in snapshot.instances_of(target.resource))
    ]
    if snapshot is None or not running:
        return
    began = WORKED.monotonic()
    error = rehearsed(OnCase(snapshot), running[0])
    assert not isinstance(error, (DeadlinePassed, ToolHung))
    assert "older than the cluster's" not in str(error)
    assert WORKED.monotonic() - began < LONGEST


def test_where_the_scheduler_is_slow_a_plan_shows_how_far_it_came() -> None:
    """2.1.5 took 5 s for each step of a roll in its own case one-or-more-unrunnable-instances: 42 s in all."""
    planned = OnCase(everything(), clock=FakeClock(each=10.0)).plan("restart", "web", Options())
    assert [change for change, _ in planned.steps], "the first step, at least"
    assert len(planned.steps) < len(OnCase(everything()).plan("restart", "web", Options()).steps)
    (note,) = planned.outcome.notes
    assert "Seen as far as its first step" in note
    assert "--timeout" in note


def rehearsed(services: Services, name: str) -> PacewrightError | None:
    try:
        services.plan("restart", name, Options())
    except PacewrightError as error:
        return error
    return None
