"""What another tool has put back: the log of a node knows something newer than the cluster does."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.record.reading import Entry
from pacewright.service.ledger.record import OWED, REPORT, Report
from pacewright.service.overwritten import Lost, lost
from pacewright.testing.clusters import Op, clone, cluster, primitive, revision_on
from pacewright.testing.programs import FakeTools

OLD, NEW, LATER = (f"20231114T22{minute}00Z-aaaaaa" for minute in ("00", "10", "20"))
AT = 1_700_000_400.0
BEFORE, SINCE = 1_699_999_000, 1_700_000_300
"""When an instance was started: before NEW, and after it (22:10 is 1_699_999_800)."""


def wrote(*edits: dict[str, Any], at: float = AT, kind: str = "commit") -> Entry:
    return Entry(time=at, kind=kind, call="c", node="n1", service="web", told={"edits": list(edits)})


def revision(node: str, after: str) -> dict[str, Any]:
    return {"edit": "revision", "resource": "web", "node": node, "before": None, "after": after}


def mark(name: str, node: str, after: str | None) -> dict[str, Any]:
    return {"edit": "mark", "node": node, "name": name, "before": None, "after": after}


def web(
    value: str | None, *, started: int = BEFORE, marks: dict[str, dict[str, str]] | None = None, sets: str = ""
) -> Snapshot:
    parameters = {"pacewright_revision": value} if value else None
    runs = {("web", node): (Op(task="start", run=1, call=1, digest="d", at=started),) for node in ("n1", "n2", "n3")}
    inner = primitive("web", parameters=parameters, sets=sets)
    return cluster(clone("web-clone", inner), histories=runs, attributes=marks)


ROLL = wrote(revision("n2", NEW), mark(OWED + "web", "n1", NEW), mark(OWED + "web", "n3", NEW))
"""The first commit of a roll: n2 restarts, the others are owed."""
GONE = Lost(primitive=ResourceId("web"), written=AT, due=(NodeName("n1"), NodeName("n3")))


@pytest.mark.parametrize("there", [OLD, None])
def test_a_restart_that_was_put_back_is_told_with_what_was_due(there: str | None) -> None:
    assert lost([ROLL], web(there)) == (GONE,)


@pytest.mark.parametrize("there", [NEW, LATER, f"abcd+{NEW}", "abcd"])
def test_what_is_there_or_newer_or_of_a_config_alone_is_not_lost(there: str) -> None:
    assert lost([ROLL], web(there)) == ()


def test_a_roll_under_way_is_not_lost() -> None:
    marks = {node: {OWED + "web": NEW} for node in ("n1", "n3")}
    assert lost([ROLL], web(OLD, marks=marks, sets=revision_on("web", "n2", NEW))) == ()


def test_an_older_revision_on_one_node_beside_a_newer_one_on_another_is_not_lost() -> None:
    assert lost([ROLL], web(OLD, sets=revision_on("web", "n1", LATER))) == ()


def test_what_has_started_since_is_not_due_any_more() -> None:
    (found,) = lost([ROLL], web(OLD, started=SINCE))
    assert found.due == ()


def test_what_was_crossed_out_or_is_noted_again_is_not_due() -> None:
    done = wrote(mark(OWED + "web", "n1", None), at=AT + 1)
    (found,) = lost([ROLL, done], web(OLD, marks={"n3": {OWED + "web": LATER}}))
    assert found.due == ()


@pytest.mark.parametrize("there", [None, Report(fingerprint="f0", changed=10.0)])
def test_a_report_that_was_put_back(there: Report | None) -> None:
    entry = wrote(mark(REPORT + "web", "n2", str(Report(fingerprint="f1", changed=20.0))))
    marks = {"n2": {REPORT + "web": str(there)}} if there else None
    assert lost([entry], web("f0", marks=marks)) == (Lost(primitive=ResourceId("web"), written=AT, due=()),)
    newer = {"n2": {REPORT + "web": str(Report(fingerprint="f2", changed=30.0))}}
    assert lost([entry], web("f2", marks=newer)) == ()


def test_what_was_only_intended_and_what_is_gone_altogether_says_nothing() -> None:
    assert lost([wrote(revision("n2", NEW), kind="intent")], web(OLD)) == ()
    assert (
        lost([wrote({**revision("n2", NEW), "resource": "away"}), wrote(mark(REPORT + "web", "n9", "f@1.0"))], web(OLD))
        == ()
    )


# -- the command ------------------------------------------------------------------------------------------------------


def test_owed_says_it_in_words_and_as_json(tmp_path: Path) -> None:
    history, tools = tmp_path / "history.jsonl", FakeTools.below(tmp_path)
    line = {"time": 4e9, "kind": "commit", "call": "c", "node": "n1", "service": "web", **ROLL.told}
    history.write_text(json.dumps(line) + "\n")

    def owed(snapshot: Snapshot, *words: str) -> str:
        tools.prints("cibadmin", ET.tostring(snapshot.root))
        done = tools.pacewright("owed", *words, env={"PACEWRIGHT_HISTORY": str(history)})
        return done.checked().stdout.decode()

    told = owed(web(OLD))
    assert told.startswith("Nothing is noted as owed, but:\nweb: what was written at ")
    assert "was not done on n1, n3: `pacewright service restart web` does it." in told
    found = json.loads(owed(web(OLD), "--json"))
    assert found == {"owed": [], "lost": [{"resource": "web", "written": 4e9, "due": ["n1", "n3"]}]}
    assert "reports its config anew" in owed(web(OLD, started=SINCE))
    history.unlink()
    assert owed(web(OLD)).startswith("Nothing is owed: ")
