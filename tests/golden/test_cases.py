"""Pacemaker's own scheduler cases: nothing that we make of one differs from what its crm_mon says of it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pacewright.cluster import parse, tools
from tests.golden.agreement import agree
from tests.golden.releases import RELEASES, cases, crm_mon, programs

LEFT_OUT = {"migrate-fail-7": "crm_mon says that its resource is Stopped, and active on a node, at once"}
"""Cases that Pacemaker loads and that are not compared, each with its reason; ten at most."""
pytestmark = pytest.mark.scheduler
every_case = pytest.mark.parametrize(
    ("release", "case"),
    [pytest.param(release, case, id=f"{release}-{case.stem}") for release in RELEASES for case in cases(release)],
)


@every_case
def test_case(release: str, case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mon = crm_mon(release, case)
    if mon is None or case.stem in LEFT_OUT:
        return  # Pacemaker itself cannot load it
    monkeypatch.setenv("PATH", programs(release))
    document = case.read_bytes()

    def ask(asked: bytes) -> ET.Element:
        # 3.0.0 takes 0.3 s to bring an old case up to date; the same document need not be asked about twice.
        return mon if release != RELEASES[0] and asked == document else tools.status(asked)

    snapshot = parse(document, ask=ask)
    agree(snapshot, mon)


def test_few_are_left_out() -> None:
    assert len(LEFT_OUT) <= 10
