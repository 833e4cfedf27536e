"""`pacewright history`: the table, what is chosen, JSON, and moments as people say them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pacewright.cli.history import rows as history_rows
from pacewright.cli.history.axis import ticks
from pacewright.cli.history.since import since
from pacewright.cli.main import main
from pacewright.clock import SYSTEM_CLOCK

RECORDED = Path(__file__).parents[1] / "golden" / "pictures" / "history.jsonl"
FAILED = "web did not come up on n2: start failed (rc 1): failed."
UNRESOLVED = "It was about to commit: stop other; whether that was written, it did not live to say."
NOON = datetime(2026, 11, 24, 12, tzinfo=ZoneInfo("UTC")).timestamp()


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Times are shown as in UTC, unless a test says another zone and calls `tzset`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield patch
    time.tzset()


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "history.jsonl"
    path.write_bytes(RECORDED.read_bytes())
    monkeypatch.setenv("PACEWRIGHT_HISTORY", str(path))
    return path


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> list[list[str]]:
    """The rows of the table, without its head."""
    assert main(["history", *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    columns = [lines[0].index(word) for word in history_rows.HEAD]
    ends = [*columns[1:], None]
    return [[line[begin:end].rstrip() for begin, end in zip(columns, ends, strict=True)] for line in lines[1:]]


def test_one_row_for_each_call(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys) == [
        [
            "2026-11-24 08:32:21",
            "n1",
            "root (puppet)",
            "web",
            "refresh: every running instance runs the config that its node reported; nothing was restarted. (0.2 s)",
        ],
        [
            "2026-11-24 08:32:25",
            "n1",
            "root (puppet)",
            "web",
            "refresh --input /etc/web --wave w7: restarted on n1. (2 commits, 5.4 s)",
        ],
        [
            "2026-11-24 08:32:34",
            "n2",
            'anna <b>&" (bash)',
            "web",
            "restart --node n2 failed with code 1: " + FAILED + " (1 commit, 1.6 s)",
        ],
        [
            "2026-11-24 08:32:36",
            "n2",
            "root (puppet)",
            "other",
            "stop: no end is recorded: it goes on, or was killed. " + UNRESOLVED,
        ],
    ]


def test_every_entry(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    what = [row[4] for row in shown(capsys, "--all", "--service", "web")]
    begin = what.index("commits, on 0.24.0: restart web on n1")
    assert what[begin - 1] == "is refused, the cluster is no longer at 0.22.0: restart web on n1"
    assert what[begin + 1 : begin + 11] == [
        "  revision of web on n1: none to 1b6d643aa9931d48",
        "  holds web-clone on n1 stopped until 2026-11-24 08:42:20",
        "  lets web-clone on n2 go",
        "  target-role of web-clone: Started to Stopped",
        "  new thing",
        "  and 3 more",
        "  foreseen: restart web on n1 (resource definition change)",
        "waits for n1 to restart",
        "sees 0.26.1: web on n1 Started to stopping",
        "sees 0.26.2: web on n1 stopping to starting",
    ]
    assert what[-1] == "fails with code 1 (OperationFailed): web did not come up on n2: start failed (rc 1): failed."
    assert not any("is about to" in line for line in what), "what became of it is said"


def test_an_intent_is_shown_where_nothing_became_of_it(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = shown(capsys, "--all", "--service", "other")
    assert rows[-2][0] == "2026-11-24 08:32:36.700"
    assert [row[4] for row in rows[-2:]] == [
        "is about to commit: stop other",
        "  whether that was written, it did not live to say",
    ]


@pytest.mark.parametrize(
    ("words", "verbs"),
    [
        (("--service", "web"), ["refresh", "refresh", "restart"]),
        (("--service", "web-clone"), ["refresh", "refresh", "restart"]),
        (("--service", "other"), ["stop"]),
        (("--changes",), ["refresh", "restart", "stop"]),
        (("--since", "2026-11-24T08:32:30"), ["refresh", "restart", "stop"]),
        (("--since", "2026-11-24 08:32:31"), ["restart", "stop"]),
        (("--since", "2026-11-24 08:32:31", "--service", "web", "--changes"), ["restart"]),
    ],
)
def test_what_is_chosen(
    log: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], verbs: list[str]
) -> None:
    assert [row[4].split(" ")[0].rstrip(":") for row in shown(capsys, *words)] == verbs


def test_json_has_every_entry_as_it_was_written(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with log.open("a") as file:
        file.write("no entry\n")
    assert main(["history", "--json", "--service", "web"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    written = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    assert told == {
        "entries": [entry for entry in written if entry["service"] == "web"],
        "notes": [f"{log}: 1 line cannot be read and was left out"],
    }


def test_a_note_goes_to_standard_error(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.write_bytes(log.read_bytes() + b"\0\n{}\n")
    assert main(["history"]) == 0
    assert capsys.readouterr().err == f"note: {log}: 2 lines cannot be read and were left out\n"


def test_nothing(tmp_path: Path, log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "--service", "nobody"]) == 0
    assert capsys.readouterr().out == "Nothing that is recorded fits.\n"
    log.unlink()
    assert main(["history"]) == 0
    assert capsys.readouterr().out == f"Nothing is recorded on this node yet: there is no {log}.\n"
    assert main(["history", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"entries": [], "notes": []}


def test_the_logs_of_several_nodes_are_shown_by_time(
    tmp_path: Path, zone: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = RECORDED.read_bytes().splitlines(keepends=True)
    for node in (b"n2", b"n1"):
        mine = [line for line in lines if b'"node": "' + node + b'", "service"' in line]
        (tmp_path / node.decode()).write_bytes(b"".join(mine))
    rows = shown(capsys, "--file", str(tmp_path / "n2"), "--file", str(tmp_path / "n1"))
    assert [row[1] for row in rows] == ["n1", "n1", "n2", "n2"]


def test_a_call_that_goes_on_and_one_that_was_killed(
    log: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_rows, "this_node", lambda: "n1")
    now = SYSTEM_CLOCK.now()
    begun = {"time": now, "kind": "call", "call": "x", "node": "n1", "service": "web", "verb": "restart"}
    waits = {"time": now, "kind": "decision", "call": "x", "node": "n1", "decision": "wait", "why": "n1 to restart"}
    log.write_text("\n".join(json.dumps(line) for line in ({**begun, "pid": os.getpid()}, waits)))
    (row,) = shown(capsys)
    assert row[4] == "restart: goes on. Last: waits for n1 to restart."
    log.write_text("\n".join(json.dumps(line) for line in ({**begun, "time": now - 86400, "pid": os.getpid()}, waits)))
    (row,) = shown(capsys)
    assert row[4] == "restart: no end is recorded, so it was killed. Last: waits for n1 to restart."
    log.write_text(json.dumps({**begun, "pid": 2**22 + 1}) + "\n")
    (row,) = shown(capsys)
    assert row[4] == "restart: no end is recorded, so it was killed."


def test_what_was_recorded_cannot_steer_a_terminal(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = {"time": NOON, "kind": "end", "call": "x", "changed": True, "message": "\x1b[31mred\x07\r\nTIME forged"}
    log.write_text(json.dumps(told) + "\n")
    assert main(["history"]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 2
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--file", "/no/such/file"), 2, "no such file"),
        (("--timeline", "/no/such/folder/x.svg"), 9, "cannot be written"),
        (("--timeline", "x.svg", "--service", "nobody"), 2, "nothing to draw"),
    ],
)
def test_what_cannot_be_done_is_said(
    log: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    assert main(["history", *words]) == code
    assert said in capsys.readouterr().err


# -- moments ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", NOON - 90),
        ("30m", NOON - 1800),
        ("30 min ago", NOON - 1800),
        ("2h", NOON - 7200),
        ("1.5h", NOON - 5400),
        ("3d", NOON - 3 * 86400),
        ("1w", NOON - 7 * 86400),
        ("today", NOON - 43200),
        ("Yesterday", NOON - 43200 - 86400),
        ("08:00", NOON - 4 * 3600),
        ("8:00", NOON - 4 * 3600),
        ("08:00:30", NOON - 4 * 3600 + 30),
        ("2026-11-24", NOON - 43200),
        ("2026-11-24 11:00", NOON - 3600),
        (f"@{NOON:.3f}", NOON),
        ("2026-11-24T11:00Z", NOON - 3600),
        ("2026-11-24T11:00:00.5+01:00", NOON - 7199.5),
    ],
)
def test_a_moment(zone: pytest.MonkeyPatch, text: str, expected: float) -> None:
    assert since(text, NOON) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "2", "h", "-2h", "2y", "2026-13-01", "25:00", "0001-01-01x", "1e9d", "\u0663h"]
)
def test_what_is_no_moment(zone: pytest.MonkeyPatch, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError):
        since(text, NOON)
    assert main(["history", f"--since={text}"]) == 2
    assert "expected 30m, 2h" in capsys.readouterr().err


def test_days_and_times_are_local_also_where_a_day_has_25_hours(zone: pytest.MonkeyPatch) -> None:
    zone.setenv("TZ", "America/New_York")
    time.tzset()
    new_york = ZoneInfo("America/New_York")
    now = datetime(2026, 11, 1, 18, tzinfo=new_york).timestamp()  # clocks went back at 2 in the morning
    assert since("today", now) == datetime(2026, 11, 1, tzinfo=new_york).timestamp() == now - 19 * 3600
    assert since("yesterday", now) == datetime(2026, 10, 31, tzinfo=new_york).timestamp()
    assert since("08:00", now) == datetime(2026, 11, 1, 8, tzinfo=new_york).timestamp()
    assert since("2026-07-01", now) == datetime(2026, 7, 1, tzinfo=new_york).timestamp()


def test_times_are_shown_in_the_local_zone(
    log: Path, zone: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zone.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    assert shown(capsys)[0][0] == "2026-11-24 14:02:21"


@pytest.mark.parametrize(
    ("seconds", "first", "step"),
    [
        (0.6, "12:00:00.1", 0.1),
        (4, "12:00:00", 0.5),
        (50, "12:00:00", 5),
        (4000, "12:00", 600),
        (90_000, "12:00", 10_800),
    ],
)
def test_ticks_stand_at_round_moments(zone: pytest.MonkeyPatch, seconds: float, first: str, step: float) -> None:
    found = ticks(NOON + 0.05 if seconds < 1 else NOON, NOON + seconds, 10)
    assert 4 <= len(found) <= 11
    assert found[0].text.startswith(first)
    assert found[0].day == "2026-11-24"
    assert found[1].at - found[0].at == pytest.approx(step, rel=1e-5)


def test_ticks_of_days_stand_at_midnight_also_where_a_day_has_25_hours(zone: pytest.MonkeyPatch) -> None:
    zone.setenv("TZ", "America/New_York")
    time.tzset()
    begin = datetime(2026, 10, 29, 5, tzinfo=ZoneInfo("America/New_York")).timestamp()
    found = ticks(begin, begin + 7 * 86400, 10)
    assert [tick.text for tick in found][:5] == ["2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02", "2026-11-03"]
    assert found[3].at - found[2].at == 25 * 3600
    assert ticks(begin, begin + 3000 * 86400, 10)
