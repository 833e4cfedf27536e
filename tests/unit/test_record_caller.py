"""Who calls: the person behind sudo, the tool behind a shell."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from pacewright.node import place
from pacewright.record import caller as module
from pacewright.record.caller import caller, this_node


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "_PROC", tmp_path)
    (tmp_path / "passwd").write_text("root:x:0:0::/root:/bin/sh\nanna:x:1000:1000::/home/anna:/bin/sh\nbroken\n")
    monkeypatch.setattr(module, "_PASSWD", tmp_path / "passwd")
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 0)
    return tmp_path


def around(proc: Path, *programs: str | Sequence[str]) -> None:
    """The processes around this one, the nearest first; a row of words gives a name and its command line."""
    pid = os.getppid()
    for number, program in enumerate(programs):
        name, *words = [program] if isinstance(program, str) else program
        parent = 0 if number + 1 == len(programs) else 900_000 + number
        folder = proc / str(pid)
        folder.mkdir()
        (folder / "stat").write_text(f"{pid} ({name}) S {parent} 1 1 0 -1 4194560")
        (folder / "cmdline").write_text("\0".join(words or [name]) + "\0")
        pid = parent


@pytest.mark.parametrize(
    ("programs", "expected"),
    [
        (["puppet", "systemd"], "puppet"),
        (["sh", "puppet", "systemd"], "puppet"),
        ([("ruby", "/usr/bin/ruby", "/opt/puppetlabs/bin/puppet", "agent"), "systemd"], "puppet"),
        (["sh", ("python3", "python3", "/root/.ansible/tmp/x/AnsiballZ_service.py"), "sh", "sshd"], "ansible"),
        ([("python3", "/usr/bin/python3", "/usr/bin/salt-minion"), "systemd"], "salt"),
        (["sh", "cron", "cron", "systemd"], "cron"),
        (["systemd"], "systemd"),
        (["bash", "sudo", "bash", "sshd", "sshd", "systemd"], "bash"),
        (["zsh", "tmux: server", "systemd"], "zsh"),
        (["sh", ("make", "make", "/home/salty/puppets.d/all"), "bash"], "make"),
        (["my-deploy", "bash", "sshd"], "my-deploy"),
        (["a name) with (brackets", "systemd"], "a name) with (brackets"),
        ([], None),
    ],
)
def test_which_program_called(proc: Path, programs: list[str | Sequence[str]], expected: str | None) -> None:
    around(proc, *programs)
    assert caller()["program"] == expected


def test_only_names_are_kept_of_the_processes_around(proc: Path) -> None:
    around(proc, ("deploy\x1b[31m", "deploy", "--password", "hunter2"), "systemd")
    assert caller()["parents"] == ["deploy?[31m", "systemd"]


@pytest.mark.parametrize(
    ("uid", "sudo", "loginuid", "expected"),
    [
        (0, "", "4294967295", ("root", None)),
        (0, "", "0", ("root", None)),
        (0, "", "1000", ("root", "anna")),
        (0, "otto", "1000", ("root", "otto")),
        (0, "no name\n", "4294967295", ("root", None)),
        (1000, "otto", "1000", ("anna", None)),
        (1000, "", "", ("anna", None)),
        (4711, "", "what", ("4711", None)),
    ],
)
def test_who_it_is(
    proc: Path,
    monkeypatch: pytest.MonkeyPatch,
    uid: int,
    sudo: str,
    loginuid: str,
    expected: tuple[str, str | None],
) -> None:
    """Only root's word for who called sudo is taken: everybody else can say what they like."""
    (proc / "self").mkdir()
    (proc / "self" / "loginuid").write_text(loginuid)
    monkeypatch.setattr(os, "getuid", lambda: uid)
    if sudo:
        monkeypatch.setenv("SUDO_USER", sudo)
    found = caller()
    assert (found["user"], found["login"]) == expected


def test_a_machine_that_tells_nothing(proc: Path) -> None:
    shutil.rmtree(proc)
    found = caller()
    assert (found["user"], found["program"], found["parents"]) == ("root", None, [])


def test_this_node_is_called_as_its_cluster_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "local_names", lambda: ("n1.example.com", "n1"))
    monkeypatch.setattr(place, "_configured", lambda conf: {"n1": "", "n2": ""})
    assert this_node() == "n1"
    monkeypatch.setattr(place, "_configured", lambda conf: {})
    assert this_node() == "n1.example.com"
