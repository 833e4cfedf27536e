"""Pacemaker's own scheduler cases: nothing that we make of one differs from what its crm_mon says of it.

What crm_mon says is asked of the library that it asks itself, because it takes 0.2 s for each case of 3.0.0, and the
library 0.01 s. One case in fifty is asked of crm_mon as well, in `script/golden` (PACEWRIGHT_ALL_CASES) every one.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import pytest

from pacewright.cluster.cib.parse import parse
from pacewright.cluster.tools import crm_mon
from pacewright.errors import ToolFailed
from pacewright.process import run
from tests.golden.agreement import agree
from tests.golden.releases import RELEASES, Statuses, cases, use

SOME = 1 if os.environ.get("PACEWRIGHT_ALL_CASES") else 50
LEFT_OUT = {"migrate-fail-7": "crm_mon says that its resource is Stopped, and active on a node, at once"}
"""Cases that Pacemaker loads and that are not compared, each with its reason; ten at most."""
pytestmark = pytest.mark.scheduler


def of_the_cases(every: int) -> pytest.MarkDecorator:
    """One in so many of each release."""
    found = [(release, case) for release in RELEASES for case in cases(release)[::every]]
    return pytest.mark.parametrize(("release", "case"), [pytest.param(*c, id=f"{c[0]}-{c[1].stem}") for c in found])


@of_the_cases(1)
def test_case(release: str, case: Path, pacemaker: Mapping[str, Statuses]) -> None:
    document = case.read_bytes()
    mon = pacemaker[release].of(document)
    if mon is None or case.stem in LEFT_OUT:
        return  # Pacemaker itself cannot load it

    def ask(asked: bytes) -> ET.Element:
        answer = mon if asked == document else pacemaker[release].of(asked)
        assert answer is not None
        return answer

    agree(parse(document, ask=ask), mon)


def test_few_are_left_out() -> None:
    assert len(LEFT_OUT) <= 10


@of_the_cases(SOME)
def test_crm_mon_says_the_same(
    release: str, case: Path, pacemaker: Mapping[str, Statuses], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(release, monkeypatch)
    told = pacemaker[release].of(case.read_bytes())
    if told is None:
        with pytest.raises(ToolFailed):
            crm_mon.status(case.read_bytes())
        return
    whole = run(["crm_mon", "--output-as=xml", "--inactive"], timeout=30, env={"CIB_file": str(case)}).checked()
    assert parts(ET.fromstring(whole.stdout)) == parts(told)
    asked = parts(crm_mon.status(case.read_bytes()))
    assert asked == {path: text for path, text in parts(told).items() if path not in NOT_ASKED}


PARTS = ("summary/current_dc", "summary/cluster_options", "nodes", "resources", "bans")
NOT_ASKED = {"summary/cluster_options"}
"""What the question that we ask leaves out."""


def parts(mon: ET.Element) -> dict[str, str]:
    """What is read of crm_mon's answer, here and by us."""
    found = {path: mon.find(path) for path in PARTS}
    return {
        path: ET.canonicalize(ET.tostring(part), strip_text=True) for path, part in found.items() if part is not None
    }
