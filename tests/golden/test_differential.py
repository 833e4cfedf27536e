"""Our view of recorded clusters against Pacemaker's own: the same nodes, the same instances, in the same states.

Beside each CIB in cibs/ stands what crm_mon of the release that wrote it says of that very file (`record.py`). Where we
would ask crm_mon ourselves, that is the answer, because this machine's release may be an older one.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pacewright.cluster.cib.parse import parse
from pacewright.cluster.snapshot import Snapshot
from tests.golden import agreement

CIBS = Path(__file__).parent / "cibs"
RECORDED = sorted(path.stem for path in CIBS.glob("*.xml") if not path.name.endswith(".crm_mon.xml"))


def theirs(mon: ET.Element, snapshot: Snapshot) -> Counter[tuple[Any, ...]]:
    """Every active instance as crm_mon has it: resource, node, what it is or what is being done to it, its flags."""
    return agreement.theirs(mon, snapshot)


def ours(snapshot: Snapshot, mon: ET.Element | None = None) -> Counter[tuple[Any, ...]]:
    """The same of a Snapshot; with crm_mon's answer, what has no place there counts as agreed."""
    return agreement.ours(snapshot, mon if mon is not None else ET.Element("none"))


@pytest.mark.parametrize("name", RECORDED)
def test_recorded(name: str) -> None:
    mon = ET.parse(CIBS / f"{name}.crm_mon.xml").getroot()
    agreement.agree(parse((CIBS / f"{name}.xml").read_bytes(), ask=lambda _: mon), mon)
