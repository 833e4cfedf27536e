"""`pacewright lab`: the command line, and how progress is shown."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

import pytest

from pacewright import lab as labs
from pacewright.cli import lab_progress
from pacewright.cli.main import main
from pacewright.lab import Lab, Summary
from pacewright.lab.state import LabState


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Labs exist, whatever their name; calls on them are noted."""
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(Lab, "open", lambda name: Lab(LabState(name=name)))

    def attach(self: Lab, node: str, argv: Sequence[str]) -> int:
        calls.append((self.name, node, *argv))
        return 7

    monkeypatch.setattr(Lab, "attach", attach)
    return calls


@pytest.mark.parametrize(
    "line",
    [
        ["exec", "n1", "--", "ls", "-l"],
        ["exec", "--name", "default", "n1", "--", "ls", "-l"],
        ["exec", "n1", "--name=default", "--", "ls", "-l"],
    ],
)
def test_exec_passes_the_command_and_its_exit_code(opened: list[tuple[str, ...]], line: list[str]) -> None:
    assert main(["lab", *line]) == 7
    assert opened == [("default", "n1", "ls", "-l")]


def test_not_root_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main(["lab", "list"]) == 9
    assert capsys.readouterr().err == (
        "pacewright: A lab needs root (namespaces, mounts, control groups). Run it as root.\n"
    )


def test_list_for_people_and_programs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    one = Summary(name="a", state="up", distro="trixie", packages=("curl",), nodes={"n1": "on", "n2": "off"})
    monkeypatch.setattr(labs, "summaries", lambda: (one,))
    assert main(["lab", "list"]) == 0
    assert "n1 on, n2 off" in capsys.readouterr().out
    assert main(["lab", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["nodes"] == {"n1": "on", "n2": "off"}


def test_up_hands_over_what_was_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    seen: dict[str, object] = {}

    def up(name: str, **values: object) -> Lab:
        seen.update(values, name=name)
        return Lab(LabState(name=name))

    monkeypatch.setattr(labs, "up", up)
    assert main(["lab", "up", "--name=x", "--nodes=2", "--with", "a,b c", "--no-fencing"]) == 0
    del seen["progress"]
    wanted = {"name": "x", "nodes": 2, "distro": "bookworm", "packages": ("a", "b", "c"), "fencing": False}
    assert seen == wanted
    assert "lab exec --name x n1" in capsys.readouterr().out


def test_down_of_nothing_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(labs, "down", lambda name: False)
    assert main(["lab", "down"]) == 0
    assert "There is no lab 'default'" in capsys.readouterr().out


class Ticking:
    """A clock that advances by a second at every look."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def now(self) -> float:
        return self.monotonic()

    def monotonic(self) -> float:
        self._seconds += 1
        return self._seconds

    def sleep(self, seconds: float) -> None:
        self._seconds += seconds


def test_progress_is_one_line_per_step_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with lab_progress.steps(Ticking()) as say:
        say("booting")
        say("waiting")
    assert capsys.readouterr().err == "  1.0 s  booting\n  2.0 s  waiting\n"
