"""Reading a log: whatever is in it, and wherever rotation has put it."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from pacewright.errors import NodeError
from pacewright.process import run
from pacewright.record import reading as module
from pacewright.record.call_history import Story, stories
from pacewright.record.log import Log
from pacewright.record.reading import files_of, read_log
from pacewright.record.schema import sound

ROTATE = Path(module.__file__).with_name("logrotate.conf")


def line(number: int, kind: str = "end", **more: object) -> bytes:
    return json.dumps({"time": float(number), "kind": kind, "call": "c", "n": number, **more}).encode() + b"\n"


def numbers(path: Path, since: float = 0.0) -> list[int]:
    return [entry.told["n"] for entry in read_log(path, since=since).entries]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.jsonl"


def test_no_log_is_an_empty_history(path: Path) -> None:
    assert read_log(path).entries == ()
    assert read_log(path).notes == ()


def test_what_was_rotated_is_read_first(path: Path) -> None:
    path.write_bytes(line(9))
    path.with_name("history.jsonl.1").write_bytes(line(8))
    for number, n in ((2, 7), (10, 1), (3, 6)):
        path.with_name(f"history.jsonl.{number}.gz").write_bytes(gzip.compress(line(n)))
    path.with_name("history.jsonl-20261101.gz").write_bytes(gzip.compress(line(3)))
    path.with_name("history.jsonl-20261108").write_bytes(line(4))
    for other in ("history.jsonl.bak", "history.jsonl.1.xz", "other.jsonl", "history.jsonl.swp"):
        path.with_name(other).write_bytes(line(99))
    assert numbers(path) == [1, 6, 7, 8, 3, 4, 9]
    assert len(files_of(path)) == 7


def test_files_that_are_older_than_what_is_wanted_are_left_alone(path: Path) -> None:
    path.write_bytes(line(2))
    old = path.with_name("history.jsonl.1")
    old.write_bytes(line(1))
    os.utime(old, (1000.0, 1000.0))
    assert numbers(path, since=1000.0) == [1, 2]
    assert numbers(path, since=1000.5) == [2]


def test_a_real_logrotate_with_the_file_that_we_ship(path: Path) -> None:
    logrotate = shutil.which("logrotate") or "/usr/sbin/logrotate"
    if not Path(logrotate).exists():
        pytest.skip("logrotate is not installed")
    config = path.with_name("logrotate.conf")
    config.write_text(ROTATE.read_text().replace("/var/log/pacewright/history.jsonl", str(path)), encoding="utf-8")
    config.chmod(0o644)
    path.parent.chmod(0o750)
    log = Log(path, warn=print)
    for number in range(4):
        log.append({"time": float(number), "kind": "end", "call": "c", "n": number})
        run([logrotate, "--force", "--state", str(path.with_name("state")), str(config)], timeout=30).checked()
        assert not path.exists(), "the next call makes it, with the right mode"
    assert [file.name.removeprefix("history.jsonl") for file in files_of(path)] == [".4.gz", ".3.gz", ".2.gz", ".1"]
    assert numbers(path) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "bad",
    [
        b"not json",
        b'{"time": 1.0, "kind": "call", "ca',
        b"[]",
        b"5",
        b"null",
        b"{}",
        b'{"time": "now", "kind": "end", "call": "c"}',
        b'{"time": true, "kind": "end", "call": "c"}',
        b'{"time": NaN, "kind": "end", "call": "c"}',
        b'{"time": Infinity, "kind": "end", "call": "c"}',
        b'{"time": 1e300, "kind": "end", "call": "c"}',
        b'{"time": -5, "kind": "end", "call": "c"}',
        b'{"time": 1.0, "kind": 5, "call": "c"}',
        b'{"time": 1.0, "kind": "end", "call": ["c"]}',
        b'{"time": 1.0, "kind": "end", "call": "c", "node": 5}',
        b'{"time": 1.0, "kind": "end", "call": "c", "seconds": "5"}',
        b'{"time": 1.0, "kind": "end", "call": "c", "resources": [5]}',
        b'{"time": 1.0, "kind": "seen", "call": "c", "instances": [{"node": "n1"}]}',
        b'{"time": 1.0, "kind": "commit", "call": "c", "edits": ["x"]}',
        b'{"time": 1.0, "kind": "commit", "call": "c", "edits": [{"edit": "hold", "until": 1e300}]}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_a_line_that_is_none_is_left_out_and_counted(path: Path, bad: bytes) -> None:
    path.write_bytes(line(1) + bad + b"\n" + b"\n" + line(2))
    assert numbers(path) == [1, 2]
    assert read_log(path).notes == (f"{path}: 1 line cannot be read and was left out",)


def test_what_a_later_version_adds_is_no_reason_to_leave_a_line_out(path: Path) -> None:
    path.write_bytes(line(1, kind="drained", colour="green", more={"a": [1]}))
    assert numbers(path) == [1]
    assert read_log(path).entries[0].told["colour"] == "green"


def test_a_compressed_file_that_is_cut_off_is_read_as_far_as_it_goes(path: Path) -> None:
    whole = gzip.compress(b"".join(line(n, why=os.urandom(500).hex()) for n in range(50)))
    path.with_name("history.jsonl.2.gz").write_bytes(whole[: len(whole) // 2])
    path.with_name("history.jsonl.3.gz").write_bytes(b"this is no gzip")
    path.write_bytes(line(99))
    found = numbers(path)
    assert found[-1] == 99
    assert found[:5] == [0, 1, 2, 3, 4]
    assert [note.split(": ")[1] for note in read_log(path).notes] == ["not read to its end"] * 2


def test_a_log_that_may_not_be_read_is_an_error_with_advice(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(line(1))

    def forbidden(file: Path) -> Any:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(module, "_opened", forbidden)
    with pytest.raises(NodeError, match="may not be read by this user") as error:
        read_log(path)
    assert "group adm" in error.value.hint


def test_what_a_log_is_made_of_is_sound() -> None:
    assert sound({"time": 1, "kind": "commit", "call": "c", "foreseen": None, "edits": [{"edit": "x", "node": None}]})


# -- stories ----------------------------------------------------------------------------------------------------------


def told(path: Path, *lines: dict[str, Any]) -> list[Story]:
    path.write_bytes(b"".join(json.dumps({"time": 1.0 + n, **one}).encode() + b"\n" for n, one in enumerate(lines)))
    return stories(read_log(path).entries)


def test_calls_that_ran_at_the_same_time_are_told_apart(path: Path) -> None:
    found = told(
        path,
        {"kind": "call", "call": "a", "node": "n1"},
        {"kind": "call", "call": "b", "node": "n1"},
        {"kind": "call", "call": "a", "node": "n2"},
        {"kind": "end", "call": "a", "node": "n1", "changed": True},
        {"kind": "end", "call": "b", "node": "n1", "error": "Refused", "code": 5},
    )
    assert [(call.begun, call.last, call.end is not None, call.failed) for call in found] == [
        (1.0, 4.0, True, False),
        (2.0, 5.0, True, True),
        (3.0, 3.0, False, False),
    ]


def test_a_commit_without_what_became_of_it_is_unresolved_only_if_nothing_follows(path: Path) -> None:
    begun = {"kind": "call", "call": "a"}
    intent = {"kind": "intent", "call": "a", "reason": "restart"}
    (killed,) = told(path, begun, intent)
    assert killed.unresolved is not None
    (lived,) = told(path, begun, intent, {"kind": "end", "call": "a", "changed": False})
    assert lived.unresolved is None


def test_a_service_is_found_by_its_name_and_by_its_resources(path: Path) -> None:
    (call,) = told(
        path,
        {"kind": "call", "call": "a", "service": "neutron.service"},
        {"kind": "end", "call": "a", "service": "neutron.service", "resources": ["web-clone", "web"]},
    )
    for name in ("neutron", "neutron.service", "web", "web-clone", "web.service"):
        assert call.is_about(name)
    assert not call.is_about("we")


def test_the_rest_of_a_call_whose_beginning_was_thrown_away_is_still_a_call(path: Path) -> None:
    (call,) = told(path, {"kind": "end", "call": "a", "changed": False, "message": "done"})
    assert call.asked is None
    assert call.end is not None
    assert not call.mattered
