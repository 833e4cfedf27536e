"""The log: every entry whole, whoever else writes and whatever happens; and never in the way."""

from __future__ import annotations

import grp
import json
import os
import resource
import signal
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pacewright.process import PIPE, Process, spawn
from pacewright.record.log import Log
from pacewright.record.reading import read_log
from pacewright.testing.programs import FakeTools

WRITER = """
import itertools, sys
from pathlib import Path
from pacewright.record.log import Log
log = Log(Path(sys.argv[1]), warn=print)
who, number = sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for n in range(number) if number else itertools.count():
    log.append({"time": 1.0, "kind": "end", "call": who, "n": n, "why": who * (n * 37 % 300)})
"""


@pytest.fixture
def warnings() -> list[str]:
    return []


def entry(number: int = 0, **more: object) -> dict[str, object]:
    return {"time": 1.0, "kind": "end", "call": "c", "n": number, **more}


def lines_of(path: Path) -> list[bytes]:
    """Without empty ones: who writes while another does may take its line for one that was cut off."""
    return [line for line in path.read_bytes().splitlines() if line]


@contextmanager
def writers(path: Path, names: str, number: int) -> Iterator[list[Process]]:
    """Processes that begin to write at the same moment."""
    argv = [sys.executable, "-c", WRITER, str(path)]
    found = [spawn([*argv, name, str(number)], stdin=PIPE, stdout=PIPE) for name in names]
    for one in found:
        assert one.stdout is not None
        assert one.stdout.readline() == b"ready\n"
    for one in found:
        assert one.stdin is not None
        one.stdin.write(b"\n")
        one.stdin.flush()
    try:
        yield found
    finally:
        for one in found:
            one.kill()
            one.communicate()


def test_writers_at_the_same_time_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with writers(path, "abcdef", 300) as running:
        assert [one.wait(60) for one in running] == [0] * 6
    entries = [json.loads(line) for line in lines_of(path)]
    for name in "abcdef":
        mine = [e for e in entries if e["call"] == name]
        assert [e["n"] for e in mine] == list(range(300))
        assert all(e["why"] == name * (e["n"] * 37 % 300) for e in mine)


def test_writers_that_are_killed_leave_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with writers(path, "abcdef", 0) as running:
        deadline = time.monotonic() + 30
        while not path.exists() or path.stat().st_size < 2_000_000:
            assert time.monotonic() < deadline
        for one in running:
            one.send_signal(signal.SIGKILL)
        for one in running:
            one.wait(30)
    Log(path, warn=print).append(entry(7, call="the next"))
    read = read_log(path)
    assert read.entries[-1].told["n"] == 7
    # The kernel may end a write between two pages when the process is killed: at most one such line each.
    assert len(lines_of(path)) - len(read.entries) <= len("abcdef")
    for name in "abcdef":
        numbers = [e.told["n"] for e in read.entries if e.call == name]
        assert numbers == list(range(len(numbers)))


def test_a_line_that_was_cut_off_does_not_spoil_the_next(tmp_path: Path, warnings: list[str]) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b'{"time": 1.0, "kind": "call", "ca')
    Log(path, warn=warnings.append).append(entry(1))
    Log(path, warn=warnings.append).append(entry(2))
    assert [e.told["n"] for e in read_log(path).entries] == [1, 2]
    assert warnings == []


def test_what_does_not_fit_is_a_warning_and_the_next_line_is_whole(tmp_path: Path, warnings: list[str]) -> None:
    path = tmp_path / "history.jsonl"
    log = Log(path, warn=warnings.append)
    log.append(entry(1))
    was = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, was[1]))
        log.append(entry(2))
        log.append(entry(3))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, was)
    log.append(entry(4))
    assert [e.told["n"] for e in read_log(path).entries] == [1, 4]
    assert len(warnings) == 1, "once, however often it fails"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/dev/full", "No space left on device"),
        ("/proc/version/history.jsonl", "Not a directory"),
        ("/no/such/folder/history.jsonl", "No such file or directory"),
        ("/proc/history.jsonl", "No such file or directory"),
    ],
)
def test_a_log_that_cannot_be_written_is_one_warning(path: str, why: str, warnings: list[str]) -> None:
    log = Log(Path(path), warn=warnings.append)
    for number in range(3):
        log.append(entry(number))
    assert warnings == [f"what this call does is not recorded in {path}: {why}"]


def test_a_folder_and_a_link_in_its_place_are_warnings(tmp_path: Path, warnings: list[str]) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("folder", "link"):
        Log(tmp_path / name, warn=warnings.append).append(entry())
    assert len(warnings) == 2
    assert not (tmp_path / "elsewhere").exists(), "a link could lead to any file that root may write"


def test_a_pipe_that_nobody_reads_keeps_nobody_waiting(tmp_path: Path, warnings: list[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    begun = time.monotonic()
    Log(tmp_path / "pipe", warn=warnings.append).append(entry())
    assert time.monotonic() - begun < 5


def test_the_folder_is_made_and_only_its_group_may_read(tmp_path: Path, warnings: list[str]) -> None:
    path = tmp_path / "pacewright" / "history.jsonl"
    was = os.umask(0o077)
    try:
        Log(path, warn=warnings.append).append(entry())
    finally:
        os.umask(was)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
    if os.geteuid() == 0:
        assert grp.getgrgid(path.stat().st_gid).gr_name == "adm"
        assert grp.getgrgid(path.parent.stat().st_gid).gr_name == "adm"
    assert warnings == []


def test_a_log_that_was_rotated_away_is_begun_anew(tmp_path: Path, warnings: list[str]) -> None:
    path = tmp_path / "history.jsonl"
    log = Log(path, warn=warnings.append)
    log.append(entry(1))
    path.rename(tmp_path / "history.jsonl.1")
    log.append(entry(2))
    assert json.loads(path.read_bytes())["n"] == 2
    assert [e.told["n"] for e in read_log(path).entries] == [1, 2]


@pytest.fixture
def tools(tmp_path: Path) -> FakeTools:
    """A machine without a cluster, whose systemd knows `web`."""
    made = FakeTools.below(tmp_path)
    made.add(
        "systemctl", 'case $1 in show) printf "LoadState=loaded\\nActiveState=active\\nUnitFileState=enabled\\n";; esac'
    )
    return made


def test_a_full_disk_changes_nothing_about_a_call(tools: FakeTools) -> None:
    good = tools.pacewright("service", "restart", "web", "--json", member=False)
    full = tools.pacewright(
        "service", "restart", "web", "--json", member=False, env={"PACEWRIGHT_HISTORY": "/dev/full"}
    )
    assert (good.code, good.stderr) == (0, b"")
    assert (full.code, full.stdout) == (0, good.stdout)
    assert full.stderr == (
        b"pacewright: warning: what this call does is not recorded in /dev/full: No space left on device.\n"
    )


def test_a_call_of_systemd_and_one_that_fails_are_recorded_too(tools: FakeTools, tmp_path: Path) -> None:
    tools.pacewright("service", "restart", "web", member=False).checked()
    assert tools.pacewright("service", "restart", "web").code == 8, "a node without Pacemaker's programs"
    first, done, _, failed = read_log(tmp_path / "history.jsonl").entries
    assert (first.told["verb"], first.service, first.node) == ("restart", "web", "n1")
    assert done.told["changed"] is True
    assert "web.service on this node was restarted" in done.told["message"]
    assert (failed.told["error"], failed.told["code"]) == ("ToolMissing", 8)


def test_reading_and_planning_record_nothing(tools: FakeTools, tmp_path: Path) -> None:
    tools.pacewright("service", "restart", "web", "--plan", member=False).checked()
    tools.pacewright("service", "status", "web", member=False).checked()
    tools.pacewright("owed", member=False).checked()
    tools.pacewright("history", member=False).checked()
    assert not (tmp_path / "history.jsonl").exists()
