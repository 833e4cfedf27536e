"""`reconcile --all`: what one read settles, and what needs a call of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from pacewright.cluster.names import NodeName
from pacewright.cluster.snapshot import Snapshot
from pacewright.node.fingerprint import fingerprint
from pacewright.operation.outcome import Outcome
from pacewright.service.ledger.record import BEGUN, OWED, REPORT, Report
from pacewright.service.reconcile import to_reconcile
from pacewright.service.requests import Options
from pacewright.service.settings import ServiceSettings, Settings
from pacewright.testing.clusters import clone, cluster, primitive

NOW = 1_700_000_500.0
TOKEN = "20231114T220000Z-aaaaaa"


def running(marks: dict[str, dict[str, str]], *, quorate: bool = True) -> Snapshot:
    resources = (clone("web-clone", primitive("web")), primitive("other"))
    where = {"web": ("n1", "n2", "n3"), "other": ("n2",)}
    return cluster(*resources, running=where, attributes=marks, quorate=quorate)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "web.conf"
    path.write_text("one")
    return path


def found(snapshot: Snapshot, config: Path) -> list[tuple[str, Outcome | None]]:
    settings = Settings(services={"web": ServiceSettings(config=(str(config),))})
    return to_reconcile(snapshot, settings, options=Options(), here=NodeName("n1"), now=NOW)


def reported(config: Path) -> dict[str, str]:
    """What n1 has said of its config, which is older than everything that runs."""
    return {REPORT + "web": str(Report(fingerprint=fingerprint([str(config)]).fingerprint, changed=1.0))}


def test_what_is_reported_and_owes_nothing_is_over_by_that_read(config: Path) -> None:
    ((name, over),) = found(running({"n1": reported(config)}), config)
    assert name == "web"
    assert over is not None
    assert (over.changed, "nothing was restarted" in over.message) == (False, True)


def test_a_config_that_was_not_reported_needs_a_call(config: Path) -> None:
    assert found(running({}), config) == [("web", None)]
    before = reported(config)
    config.write_text("two")
    assert found(running({"n1": before}), config) == [("web", None)]


def test_a_restart_that_is_due_anywhere_needs_a_call_with_config_inputs_or_without(config: Path) -> None:
    stale = {REPORT + "web": str(Report(fingerprint="bbbb", changed=NOW))}
    assert found(running({"n1": reported(config), "n3": stale}), config) == [("web", None)]
    owed = {OWED + "other": TOKEN}
    assert found(running({"n1": reported(config), "n2": owed}), config)[1:] == [("other", None)]


def test_what_a_call_that_died_has_left_needs_a_call(config: Path) -> None:
    begun = {BEGUN + "web": "another run's key"}
    assert found(running({"n1": reported(config), "n3": begun}), config) == [("web", None)]


def test_what_cannot_be_decided_its_own_call_tells(config: Path) -> None:
    assert found(running({"n1": reported(config)}, quorate=False), config) == [("web", None)]
