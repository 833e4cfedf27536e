"""A service under each of its names, from the words of a command to the CIB in the end: no name makes a difference."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest

from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.simulation import Simulation
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import ConfigError
from pacewright.node import place
from pacewright.service import services as operations
from pacewright.service.requests import Options
from pacewright.service.services import Services
from pacewright.service.settings import Settings
from pacewright.testing.clock import FakeClock
from pacewright.testing.clusters import clone, primitive
from pacewright.testing.scheduled import started

pytestmark = pytest.mark.scheduler

NAMES = ["web-front", "web-front.service", "web-clone", "web", "nginx", "nginx.service"]
SAID = """\
services:
  web-front:
    resource: web-clone
    gate: true
    max_unavailable: 2
    config: [{folder}/web.conf]
    health: {{command: [/bin/sh, -c, 'echo healthy {{node}} >>{folder}/ran']}}
    drain: {{before: [/bin/sh, -c, 'echo out {{node}} >>{folder}/ran']}}
"""


class Site(Simulation):
    """A cluster whose services are operated as from the command line, with a services.yaml of its own."""

    def __init__(self, snapshot: Snapshot, folder: Path, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(snapshot)
        self.folder = folder
        self.file = folder / "services.yaml"
        self.file.write_text(said.format(folder=folder), encoding="utf-8")
        (folder / "web.conf").write_text("one", encoding="utf-8")
        (folder / "ran").write_text("", encoding="utf-8")
        self.clock = FakeClock()
        self._patch = monkeypatch
        monkeypatch.setattr(operations, "LiveConnection", lambda clock: self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        del error

    def do(self, verb: str, name: str, node: str = "n1") -> str:
        """`pacewright service VERB NAME` on a node, to its end; returns its message."""
        self._patch.setattr(place, "local_names", lambda: (node,))
        offline = _Offline(self)
        return offline.operate(verb, name, Options()).message

    def end(self) -> str:
        """The configuration in the end, without what is different in each run."""
        text = ET.tostring(self.read().root.find("configuration") or ET.Element("none"), encoding="unicode")
        return re.sub(r"\d{8}T\d{6}Z-[0-9a-f]{6}|[0-9a-f]{16,}|\d{10}(\.\d+)?", "X", text)


class _Offline(Services):
    def __init__(self, site: Site) -> None:
        super().__init__(config=site.file, clock=site.clock)
        self._site = site

    def _snapshot(
        self, names: list[str] | None, settings: Settings, read_cluster: Callable[[], Snapshot] | None = None
    ) -> Snapshot:
        return self._site.read()


@pytest.fixture(scope="module", name="begun")
def running() -> Snapshot:
    return started(clone("web-clone", primitive("web", "systemd:nginx")), primitive("db"))


@pytest.fixture(scope="module", name="reported")
def all_reported(begun: Snapshot, folder: Path) -> Snapshot:
    """Every node has reported its config, so every node is let in."""
    with pytest.MonkeyPatch.context() as patch:
        site = Site(begun, folder, SAID, patch)
        for node in ("n1", "n2", "n3"):
            site.do("refresh", "web-front", node)
        return site.read()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


def changed(reported: Snapshot, folder: Path, patch: pytest.MonkeyPatch) -> Site:
    """The site after a change of its config on this node."""
    site = Site(reported, folder, SAID, patch)
    (folder / "web.conf").write_text("two", encoding="utf-8")
    return site


@pytest.mark.parametrize("verb", ["refresh", "reconcile", "stop"])
def test_every_name_ends_in_the_same_cib(
    verb: str, reported: Snapshot, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = set()
    for name in NAMES:
        site = changed(reported, folder, monkeypatch)
        message = site.do(verb, name)
        assert message.startswith(f"{name}: ")
        ends.add((site.end(), message.removeprefix(name), (folder / "ran").read_text(encoding="utf-8")))
    assert len(ends) == 1


@pytest.mark.parametrize("name", NAMES)
def test_no_name_takes_the_gate_away_or_skips_what_is_said_about_config_health_and_drain(
    name: str, reported: Snapshot, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = changed(reported, folder, monkeypatch)
    assert "restarted on n1" in site.do("refresh", name)
    assert site.read().gates == {ResourceId("web-clone"): frozenset(NodeName(n) for n in ("n1", "n2", "n3"))}
    assert (folder / "ran").read_text(encoding="utf-8").splitlines()[-2:] == ["out n1", "healthy n1"]


@pytest.mark.parametrize("name", ["web", "nginx", "web-front"])
def test_a_part_may_be_said_under_each_name(
    name: str, begun: Snapshot, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "services: {{nginx: {{gate: true}}, web: {{config: [{folder}/web.conf]}}, web-front: {{resource: web}}}}"
    site = Site(begun, folder, said, monkeypatch)
    site.do("report", name)
    assert set(site.read().gates) == {ResourceId("web-clone")}
    (mark,) = site.read().nodes[NodeName("n1")].marks.values()
    assert re.match(r"[0-9a-f]{16}", mark), "the fingerprint of its config, not the mere fact of a call"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("verb", ["refresh", "restart", "stop", "report", "reconcile", "enable"])
def test_names_that_contradict_each_other_are_an_error_with_both_lines(
    verb: str, name: str, begun: Snapshot, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "services:\n  web-clone:\n    gate: false\n  web-front:\n    resource: web-clone\n    gate: true\n"
    site = Site(begun, folder, said, monkeypatch)
    before = site.end()
    with pytest.raises(ConfigError) as caught:
        site.do(verb, name)
    assert caught.value.message == (
        f"{site.file}:6: services.web-front.gate: line 3 (services.web-clone.gate) says something else, and both are "
        "the resource 'web-clone'."
    )
    assert site.end() == before


def test_what_contradicts_itself_does_not_stop_another_service(
    begun: Snapshot, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(begun, folder, "services: {{web: {{timeout: 5}}, nginx: {{timeout: 6}}}}", monkeypatch)
    assert site.do("stop", "db").startswith("db: stopped")
