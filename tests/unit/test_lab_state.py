"""What a lab is asked for: checked, written down, locked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from pacewright.errors import NodeError, ToolMissing, UsageError
from pacewright.lab import host, paths, state
from pacewright.lab.state import LabState


@pytest.fixture
def labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "labs"
    monkeypatch.setattr(paths, "LABS", folder)
    monkeypatch.setattr(state, "LABS", folder)
    return folder


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"name": "../etc"}, "not a name for a lab"),
        ({"name": "-x"}, "not a name for a lab"),
        ({"name": ""}, "not a name for a lab"),
        ({"name": "Upper"}, "not a name for a lab"),
        ({"name": "x" * 21}, "not a name for a lab"),
        ({"name": "x", "nodes": 0}, "1 to 32"),
        ({"name": "x", "nodes": 33}, "1 to 32"),
        ({"name": "x", "distro": "sid"}, "bookworm, trixie"),
        ({"name": "x", "packages": ("--force",)}, "not the name of a Debian package"),
    ],
)
def test_what_no_lab_can_be(values: Mapping[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        LabState(**values)  # type: ignore[arg-type]


def test_what_is_written_is_read_again(labs: Path) -> None:
    asked = LabState(name="x", nodes=2, distro="trixie", packages=("curl",), fencing=False, created=12.5)
    state.claim("x")
    state.save(asked)
    assert state.load("x") == asked
    assert state.existing() == ("x",)
    assert [path.name for path in (labs / "x").iterdir()] == ["lab.json"]


def test_a_name_is_given_once(labs: Path) -> None:
    state.claim("x")
    with pytest.raises(UsageError, match="pacewright lab down --name x"):
        state.claim("x")


def test_an_unknown_lab_is_answered_with_those_there_are(labs: Path) -> None:
    with pytest.raises(UsageError, match="There is none"):
        state.load("y")
    state.claim("x")
    with pytest.raises(UsageError, match=r"no lab 'y'. There is x"):
        state.load("y")
    with pytest.raises(UsageError, match="never finished"):
        state.load("x")


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "x", "packages": [], "unheard": 1}',
        "",
        "[1]",
        '{"name": "x',
        '{"name": "x", "packages": [], "nodes": "3"}',
    ],
)
def test_a_lab_of_another_version_is_told_to_be_one(labs: Path, text: str) -> None:
    state.claim("x")
    (labs / "x" / "lab.json").write_text(text)
    with pytest.raises(UsageError, match="another version"):
        state.load("x")


def test_a_lock_is_held_once_and_let_go(tmp_path: Path) -> None:
    with (
        state.lock(tmp_path, what="it"),
        pytest.raises(NodeError, match="it: another"),
        state.lock(tmp_path, what="it"),
    ):
        pass
    with state.lock(tmp_path, what="it"):
        pass
    with pytest.raises(state.Gone), state.lock(tmp_path / "absent", what="it"):
        pass


def test_a_machine_that_cannot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NodeError, match="needs root"):
        host.check(root_file_system_is_cached=True)
    with pytest.raises(NodeError, match="MB are free"):
        host.check_room(tmp_path / "not/yet/there", 10**9)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(host, "check_room", lambda folder, needed: None)
    monkeypatch.setattr(host.shutil, "which", lambda program, path: None)  # type: ignore[attr-defined]
    monkeypatch.setattr(Path, "exists", lambda self: True)
    with pytest.raises(ToolMissing, match="Install the package systemd-container"):
        host.check(root_file_system_is_cached=True)
    monkeypatch.setattr(Path, "exists", lambda self: False)
    with pytest.raises(NodeError, match="needs Debian"):
        host.check(root_file_system_is_cached=True)
