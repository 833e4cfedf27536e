"""The picture of a timeline: what is in it, and that it is drawn as it was."""

from __future__ import annotations

import json
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pacewright.cli.history.picture import picture
from pacewright.cli.main import main
from pacewright.record.call_history import stories
from pacewright.record.reading import read_log
from pacewright.record.timeline import Row, Span, Timeline, timeline

PICTURES = Path(__file__).parent / "pictures"
SVG = "{http://www.w3.org/2000/svg}"
T = 1_795_509_140.0


@pytest.fixture(autouse=True)
def utc() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(scope="module")
def recorded() -> Timeline:
    return timeline(stories(read_log(PICTURES / "history.jsonl").entries))


def drawn(told: Timeline) -> ET.Element:
    return ET.fromstring(picture(told))


def of_class(svg: ET.Element, name: str) -> list[ET.Element]:
    return svg.findall(f".//{SVG}g[@class='{name}']")


def hints(element: ET.Element) -> list[str]:
    return [title.text or "" for title in element.iter(f"{SVG}title")]


def test_it_is_drawn_as_it_was(tmp_path: Path) -> None:
    """After a change that is meant to be: TZ=UTC pacewright history --file history.jsonl --timeline history.svg."""
    target = tmp_path / "history.svg"
    assert main(["history", "--file", str(PICTURES / "history.jsonl"), "--timeline", str(target)]) == 0
    assert target.read_text(encoding="utf-8") == (PICTURES / "history.svg").read_text(encoding="utf-8")


def test_what_is_in_it(recorded: Timeline) -> None:
    svg = drawn(recorded)
    assert [group.findtext(f"{SVG}text") for group in of_class(svg, "instance")] == [
        "other on n2",
        "web on n1",
        "web on n2",
    ]
    assert len(of_class(svg, "call")) == 4
    assert len(of_class(svg, "commit")) == 3
    assert len(of_class(svg, "conflict")) == 1
    assert any("restarted on n1. (2 commits, 5.4 s)" in hint for hint in hints(of_class(svg, "call")[1]))
    assert "committed on 0.24.0: restart web on n1" in hints(of_class(svg, "commit")[1])[0]
    assert len(of_class(svg, "axis")[0].findall(f"{SVG}text")) >= 5


def test_nothing_stands_outside_or_over_something_else(recorded: Timeline) -> None:
    svg = drawn(recorded)
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    for bar in svg.iter(f"{SVG}rect"):
        assert 0 <= float(bar.attrib["x"]) <= float(bar.attrib["x"]) + float(bar.attrib["width"]) <= width
        assert float(bar.attrib["y"]) + float(bar.attrib["height"]) <= height
    for row in of_class(svg, "instance"):
        ends = 0.0
        for bar in row.findall(f"{SVG}rect"):
            assert float(bar.attrib["x"]) >= ends - 0.01
            ends = float(bar.attrib["x"]) + float(bar.attrib["width"])


def test_whatever_stands_in_a_record_it_is_a_document(tmp_path: Path) -> None:
    evil = "</title><script>alert(1)</script>]]>\"'&\x00\x1b\x0b\ud800\uffff" + "x" * 500
    instance = {"resource": evil, "node": evil, "before": None, "after": evil, "since": 1}
    lines: list[dict[str, Any]] = [
        {"kind": "call", "verb": evil, "user": evil, "program": evil, "parents": [evil]},
        {"kind": "seen", "cib": evil, "instances": [instance]},
        {"kind": "commit", "reason": evil, "cib_before": evil},
        {"kind": "conflict", "reason": evil, "cib_before": evil},
        {"kind": "end", "changed": True, "message": evil},
    ]
    path = tmp_path / "history.jsonl"
    head = {"call": "c", "node": evil, "service": evil}
    path.write_text("".join(json.dumps({"time": T + n, **head, **one}) + "\n" for n, one in enumerate(lines)))
    svg = drawn(timeline(stories(read_log(path).entries)))
    assert {element.tag for element in svg.iter()} <= {
        f"{SVG}{tag}" for tag in ("svg", "g", "rect", "line", "text", "title", "polygon")
    }
    assert any("<script>" in hint for hint in hints(svg)), "it is there, as text"


def test_a_single_moment_can_be_drawn(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text(json.dumps({"time": T, "kind": "call", "call": "c"}) + "\n")
    assert drawn(timeline(stories(read_log(path).entries))).tag == f"{SVG}svg"


def test_many_calls_do_not_make_it_endless(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    many = ({"time": T + n / 1000, "kind": "call", "call": str(n), "service": "web"} for n in range(500))
    path.write_text("".join(json.dumps(one) + "\n" for one in many))
    assert float(drawn(timeline(stories(read_log(path).entries))).attrib["height"]) < 400


# -- how an instance was over time ------------------------------------------------------------------------------------


def spans(tmp_path: Path, *lines: dict[str, Any], begin: float = 0.0, end: float = 20.0) -> list[tuple[Any, ...]]:
    """What becomes of what calls have seen of one instance, in seconds."""
    path = tmp_path / "history.jsonl"
    path.write_text("".join(json.dumps({"call": "a", **one, "time": T + one["time"]}) + "\n" for one in lines))
    told = timeline(stories(read_log(path).entries), begin=T + begin, end=T + end)
    (row,) = told.rows
    return [(s.begin - T, s.end - T, s.state, s.watched) for s in row.spans]


def saw(at: float, before: str | None, after: str, since: float | None = None, **more: Any) -> dict[str, Any]:
    told = {"resource": "web", "node": "n1", "before": before, "after": after}
    return {"time": at, "kind": "seen", "instances": [{**told, "since": None if since is None else T + since}], **more}


def ends(at: float, **more: Any) -> dict[str, Any]:
    return {"time": at, "kind": "end", **more}


def test_it_has_been_running_since_before_anybody_looked(tmp_path: Path) -> None:
    assert spans(tmp_path, saw(5, None, "Started", -100), saw(8, "Started", "stopping"), ends(10)) == [
        (0, 5, "Started", False),
        (5, 8, "Started", True),
        (8, 10, "stopping", True),
        (10, 20, "stopping", False),
    ]


def test_before_it_was_started_nothing_is_known(tmp_path: Path) -> None:
    assert spans(tmp_path, saw(5, None, "Started", 3), ends(10))[0] == (3, 5, "Started", False)
    assert spans(tmp_path, saw(5, None, "failed"), ends(10))[0] == (5, 10, "failed", True)


def test_between_two_calls_it_was_restarted(tmp_path: Path) -> None:
    assert spans(
        tmp_path,
        saw(2, None, "Started", -5),
        ends(4),
        saw(12, None, "Started", 9, call="b"),
        ends(14, call="b"),
    ) == [
        (0, 2, "Started", False),
        (2, 4, "Started", True),
        (4, 9, "Started", False),
        (9, 12, "Started", False),
        (12, 14, "Started", True),
        (14, 20, "Started", False),
    ]


def test_the_same_run_seen_by_two_calls_is_one(tmp_path: Path) -> None:
    assert spans(
        tmp_path,
        saw(2, None, "Started", -5),
        saw(3, None, "Started", -5, call="b"),
        ends(4),
        ends(14, call="b"),
    ) == [(0, 2, "Started", False), (2, 14, "Started", True), (14, 20, "Started", False)]


def test_what_is_outside_the_picture_is_cut_off(tmp_path: Path) -> None:
    assert spans(tmp_path, saw(2, None, "Started", -5), saw(12, "Started", "Stopped"), ends(14), begin=8, end=13) == [
        (8, 12, "Started", True),
        (12, 13, "Stopped", True),
    ]


def test_a_bar_is_never_too_short_to_be_seen() -> None:
    blink = Span(begin=T + 50, end=T + 50.001, state="failed", watched=True)
    calls = stories(read_log(PICTURES / "history.jsonl").entries)
    row = Row(resource="web", node="n1", spans=(blink,))
    svg = drawn(Timeline(begin=T, end=T + 100_000, rows=(row,), calls=tuple(calls)))
    (bar,) = of_class(svg, "instance")[0].findall(f"{SVG}rect")
    assert float(bar.attrib["width"]) >= 1
