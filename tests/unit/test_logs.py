"""What a failed instance has logged last: of units and of OCF agents, here and over ssh."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pacewright.cluster.names import NodeName
from pacewright.errors import OperationFailed
from pacewright.node import logs
from pacewright.service.failure_log import with_last_lines
from pacewright.service.lookup import find
from pacewright.service.settings import Settings
from pacewright.testing.clusters import cluster, primitive
from pacewright.testing.programs import FakeTools

ENTRIES = (
    ("failing(web)", "ERROR: no config"),
    ("pacemaker-controld", " notice: Result of start operation for web on n2: error (no config)"),
    ("pacemaker-controld", r" notice: web_start_0@n2 output [ cannot bind\nocf-exit-reason:no config\n ]"),
    ("pacemaker-controld", r" notice: web2_start_0@n2 output [ of another one\n ]"),
)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTools:
    made = FakeTools.below(tmp_path)
    monkeypatch.setenv("PATH", made.path())
    return made


def journal() -> bytes:
    lines = [json.dumps({"SYSLOG_IDENTIFIER": tag, "MESSAGE": message}) for tag, message in ENTRIES]
    return "\n".join([*lines, '{"MESSAGE": [255, 0]}', "not JSON"]).encode()


def test_of_an_agent_what_it_logged_and_what_it_printed_and_nothing_of_its_neighbours(tools: FakeTools) -> None:
    tools.prints("journalctl", journal())
    assert logs.agent_lines("failing", "web", None) == "ERROR: no config\ncannot bind\nocf-exit-reason:no config"
    assert "--identifier=failing(web)" in tools.called("journalctl")[0]


def test_another_nodes_are_asked_for_over_ssh_which_never_prompts(tools: FakeTools) -> None:
    tools.prints("ssh", b"starting\nno config\n")
    assert logs.unit_lines("web", "n2") == "starting\nno config"
    (call,) = tools.called("ssh")
    assert "BatchMode=yes" in call
    assert call.endswith("-- root@n2 journalctl --no-pager --output=cat --lines=10 --unit=web.service")


@pytest.mark.parametrize("code", [255, None], ids=["no login", "no ssh"])
def test_where_nobody_may_log_in_there_are_no_lines(tools: FakeTools, code: int | None) -> None:
    if code is not None:
        tools.prints("ssh", b"Permission denied (publickey).\n", code=code)
    assert logs.unit_lines("web", "n2") == ""
    assert logs.agent_lines("failing", "web", "n2") == ""


@pytest.mark.parametrize(("agent", "named"), [("systemd:nginx", "nginx"), ("ocf:t:failing", "web")])
def test_the_error_names_what_logged_it_and_where_behind_what_it_had_to_show(
    tools: FakeTools, agent: str, named: str
) -> None:
    tools.prints("ssh", journal() if named == "web" else b"no config\n")
    snapshot = cluster(primitive("web", agent), running={"web": ("n2",)})
    target = find("web", snapshot, Settings())
    assert target is not None
    unhealthy = OperationFailed("not healthy", output="503", node="n2")
    shown = with_last_lines(unhealthy, target, snapshot, NodeName("n1")).output
    assert shown.startswith(f"503\nthe last lines of {named} on n2:\n")
    assert "no config" in shown


def test_an_error_without_a_node_stays_as_it_is(tools: FakeTools) -> None:
    snapshot = cluster(primitive("web"), running={"web": ("n2",)})
    target = find("web", snapshot, Settings())
    assert target is not None
    error = OperationFailed("nothing runs")
    assert with_last_lines(error, target, snapshot, NodeName("n1")) is error
    assert tools.called("ssh") == tools.called("journalctl") == []
