"""How the tests of services count: what they call down, promoted or lost must be so."""

from __future__ import annotations

import json
from datetime import datetime

from tests.services.episode import Episode
from tests.services.lives import Life
from tests.services.operations import Operation, read
from tests.services.seen import Look, Request, Seen

FOR_EVER = float("inf")


def life(node: str, began: float, ended: float = FOR_EVER) -> Life:
    return Life(node=node, pid=1, began=began, ended=ended)


def look(node: str, at: float, role: str = "", version: str = "") -> Look:
    return Look(node=node, at=at, role=role, version=version)


def request(ended: float, error: str = "", number: int = 1) -> Request:
    return Request(what="write", number=number, began=ended - 1, ended=ended, error=error)


def episode(*parts: Life | Look | Request | Operation) -> Episode:
    return Episode(
        began=10.0,
        ended=60.0,
        pause=1.5,
        lives=tuple(part for part in parts if isinstance(part, Life)),
        looks=tuple(part for part in parts if isinstance(part, Look)),
        requests=tuple(part for part in parts if isinstance(part, Request)),
        operations=tuple(part for part in parts if isinstance(part, Operation)),
    )


UP = (look("n1", 1, "promoted", "1"), look("n2", 1, "unpromoted", "1"), life("n1", 0), life("n2", 0))


def test_an_instance_is_down_without_a_process_or_without_an_answer() -> None:
    assert episode(*UP).most_down(["n1", "n2"]) == 0
    stopped = (life("n1", 0, 20), life("n1", 22))
    assert episode(*UP[:2], UP[3], *stopped).most_down(["n1", "n2"]) == 1
    silent = (look("n2", 21), look("n2", 30, "unpromoted", "1"))
    assert episode(*UP[:2], UP[3], *stopped, *silent).most_down(["n1", "n2"]) == 2
    pause = (look("n2", 21), look("n2", 22, "unpromoted", "1"))
    assert episode(*UP[:2], UP[3], *stopped, *pause).most_down(["n1", "n2"]) == 1
    later = (look("n2", 23), look("n2", 30, "unpromoted", "1"))
    assert episode(*UP[:2], UP[3], *stopped, *later).most_down(["n1", "n2"]) == 1


def test_processes_are_counted_less_those_that_end_at_once() -> None:
    assert episode(*UP, life("n1", 20, 20.1), life("n1", 20.1), life("n2", 30)).processes() == {"n1": 1, "n2": 1}


def test_the_promoted_instance_is_followed_from_node_to_node() -> None:
    moved = (look("n1", 20), look("n2", 25, "promoted"), look("n1", 30, "unpromoted"))
    assert list(map(set, episode(*UP, *moved).promoted())) == [{"n1"}, {"n2"}]
    back = (look("n1", 20), look("n1", 25, "promoted"))
    assert list(map(set, episode(*UP, *back).promoted())) == [{"n1"}]
    both = (look("n2", 25, "promoted"),)
    assert list(map(set, episode(*UP, *both).promoted())) == [{"n1"}, {"n1", "n2"}]


def test_what_answers_in_the_end_has_its_last_version() -> None:
    assert episode(*UP, look("n1", 20), look("n1", 21, "promoted", "2"), look("n2", 22)).versions() == {"n1": "2"}


def test_requests_are_counted() -> None:
    found = episode(request(20), request(30, "refused"), request(45))
    assert (found.failed(), found.gap(), found.slowest()) == (1, 25.0, 1.0)
    assert found.errors() == {"write: refused": 1}


def test_what_the_client_prints_is_taken_in() -> None:
    seen = Seen()
    told = [
        {"what": "write", "number": 7, "began": 1.0, "ended": 2.0, "error": ""},
        {"what": "write", "number": 8, "began": 1.0, "ended": 3.0, "error": "refused"},
        {"node": "n1", "at": 2.0, "role": "started", "version": "1"},
    ]
    seen.take(map(json.dumps, told))
    assert seen.acknowledged() == {7}
    assert seen.now()["n1"].role == "started"
    assert [one.number for one in seen.between(2.5, 3)] == [8]


def test_operations_are_read_from_a_log_of_pacemaker() -> None:
    line = (
        "Nov 25 13:48:22.676 n1 pacemaker-controld  [55] (do_lrm_rsc_op) \tnotice: Requesting local execution of start "
        "operation for redis on n1 | transition_key=13:1:0:a49539a2 op_key=redis_start_0"
    )
    at = datetime(2026, 11, 25, 13, 48, 22, 676000).astimezone().timestamp()
    assert list(read([line, "Nov 25 other"], since=at - 1)) == [
        Operation(at=at, node="n1", resource="redis", what="start")
    ]
    assert list(read([line], since=at + 1)) == []
