"""The fence agent and the power switch it asks, without a cluster."""

from __future__ import annotations

import io
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacewright.errors import NodeError
from pacewright.lab import fence_agent, node, power_switch
from pacewright.lab.state import LabState


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[object], dict[str, object]]]:
    """A power switch that notes what it is asked and answers with what the test puts there."""
    requests: list[object] = []
    answer: dict[str, object] = {}
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        monkeypatch.setattr(fence_agent, "SOCKET", str(tmp_path / "s"))

        def serve() -> None:
            line, _ = server.accept()
            with line, line.makefile("rw") as stream:
                requests.append(json.loads(stream.readline()))
                stream.write(json.dumps(answer) + "\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield requests, answer


def agent(monkeypatch: pytest.MonkeyPatch, stdin: str, *arguments: str) -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
    monkeypatch.setattr(sys, "argv", ["fence_pacewright_lab", *arguments])
    return fence_agent.main()


Asked = tuple[list[object], dict[str, object]]


@pytest.mark.parametrize(
    ("stdin", "arguments"),
    [
        ("action=off\nport=n2\n", ()),
        ("# a comment\n\naction=off\nplug=n2\n", ()),
        ("nodename=n2\naction=on\n", ("--action=off",)),
        ("", ("-o", "off", "-n", "n2")),
    ],
)
def test_options_come_from_both_sides(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, stdin: str, arguments: tuple[str, ...]
) -> None:
    asked[1]["power"] = "off"
    assert agent(monkeypatch, stdin, *arguments) == 0
    assert asked[0] == [{"action": "off", "node": "n2"}]


@pytest.mark.parametrize(("power", "code"), [("on", 0), ("off", 2)])
def test_status_is_an_exit_code(asked: Asked, monkeypatch: pytest.MonkeyPatch, power: str, code: int) -> None:
    asked[1]["power"] = power
    assert agent(monkeypatch, "action=status\nport=n1\n") == code


def test_a_refusal_fails_and_says_why(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked[1]["error"] = "n9: no such node"
    assert agent(monkeypatch, "port=n9\n") == 1
    assert "n9: no such node" in capsys.readouterr().err
    assert asked[0] == [{"action": "reboot", "node": "n9"}]


def test_list_names_the_nodes(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked[1]["nodes"] = "n1 n2"
    assert agent(monkeypatch, "action=list\n") == 0
    assert capsys.readouterr().out == "n1,\nn2,\n"


def test_no_power_switch_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fence_agent, "SOCKET", str(tmp_path / "absent"))
    assert agent(monkeypatch, "action=off\nport=n1\n") == 1
    assert "does not answer" in capsys.readouterr().err


def test_metadata_is_xml_with_the_actions_that_fencing_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert agent(monkeypatch, "action=metadata\n") == 0
    actions = {action.get("name") for action in ET.fromstring(capsys.readouterr().out).iterfind("actions/action")}
    assert actions >= {"on", "off", "reboot", "status", "list", "monitor", "metadata", "validate-all"}


# --- the other end

Call = tuple[str, str]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """What the power switch does to nodes."""
    done: list[Call] = []

    def note(verb: str) -> Callable[..., None]:
        return lambda paths, name, *rest: done.append((verb, name))

    monkeypatch.setattr(node, "kill", note("kill"))
    monkeypatch.setattr(node, "boot", note("boot"))
    monkeypatch.setattr(node, "is_on", lambda paths, name: True)
    return done


SWITCH = power_switch.PowerSwitch(LabState(name="x", nodes=2))


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("off", [("kill", "n2")]),
        ("on", [("boot", "n2")]),
        ("reboot", [("kill", "n2"), ("boot", "n2")]),
        ("status", []),
    ],
)
def test_actions(calls: list[Call], action: str, expected: list[Call]) -> None:
    assert SWITCH.answer({"action": action, "node": "n2"}) == {"power": "on"}
    assert calls == expected


NONSENSE: tuple[object, ...] = (
    None,
    [],
    "off",
    {},
    {"action": "off"},
    {"action": "off", "node": "n3"},
    {"action": "x", "node": "n1"},
    {"action": [], "node": "n1"},
    {"action": {}, "node": "n1"},
    {"action": "off", "node": ["n1"]},
    {"action": "off", "node": {}},
    {"node": "n1"},
)


@pytest.mark.parametrize("request_", NONSENSE)
def test_nonsense_is_answered_and_does_nothing(calls: list[Call], request_: object) -> None:
    assert "error" in SWITCH.answer(request_)
    assert not calls


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"[" * 4096, b'{"a":' * 800, b"\xff", b"1" * 4096, b'{"action": "off", "node']
)
def test_what_is_no_request_is_none(line: bytes) -> None:
    assert "error" in SWITCH.answer(power_switch.parsed(line))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from(["action", "node", "x1"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["action", "node"]) | st.text(), inner),
)


@given(line=st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_a_node_sends_is_answered(line: bytes) -> None:
    answer = SWITCH.answer(power_switch.parsed(line))
    assert "error" in answer or "nodes" in answer
    assert json.dumps(answer)


def test_the_daemon_answers_after_one_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power_switch._Handler, "timeout", 0.05)
    path = str(tmp_path / "s")
    with power_switch._Server(path, power_switch._Handler) as server:
        server.switch = SWITCH
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        with socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as asking:
            silent.connect(path)
            asking.connect(path)
            asking.sendall(b'{"action": "list"}\n')
            assert json.loads(asking.makefile().readline()) == {"nodes": "n1 n2"}
            silent.settimeout(5)
            assert silent.recv(1) == b"", "and is not waited for without end"
        server.shutdown()


def test_a_node_that_will_not_boot_is_an_answer_too(calls: list[Call], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise NodeError("n1: did not start.")

    monkeypatch.setattr(node, "boot", fails)
    assert SWITCH.answer({"action": "on", "node": "n1"}) == {"error": "n1: did not start."}
