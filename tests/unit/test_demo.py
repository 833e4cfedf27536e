"""The demo's counting, its verdict and its table; and that its web service lets nobody down when it stops."""

from __future__ import annotations

import os
import random
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacewright.cli.demo import view as demo_view
from pacewright.demo import ACTS, Answer, Count, Result, Row, View, act, load, tally, unmet, view, web_server
from pacewright.demo.lines import Lines
from pacewright.testing.clusters import clone, cluster, primitive

NODES = ("n1", "n2", "n3")


def served(at: float, node: str = "n1", version: str = "1") -> Answer:
    return Answer(at=at, seconds=0.01, node=node, version=version)


def failed(at: float, error: str = "503 Service Unavailable") -> Answer:
    return Answer(at=at, seconds=0.01, error=error)


# --- counting


def test_an_answer_survives_its_line() -> None:
    answer = Answer(at=12.5, seconds=0.25, node="n2", version="7")
    assert Answer.parse(answer.line()) == answer
    assert answer.line().endswith("\n")


def test_only_what_ended_in_the_span_is_counted() -> None:
    answers = [served(0.9), served(1.0), failed(1.5), served(2.0), failed(2.1)]
    counted = tally.count(answers, since=1.0, until=2.0)
    assert (counted.served, counted.failed) == (2, 1)
    assert counted.errors == {"503 Service Unavailable": 1}


def test_the_gap_is_the_longest_time_without_a_served_request() -> None:
    answers = [served(1.0), failed(2.0), failed(3.0), served(4.5), served(5.0)]
    assert tally.count(answers, since=0.5, until=5.2).gap == pytest.approx(3.5)


def test_the_gap_reaches_to_the_ends_of_the_span() -> None:
    assert tally.count([], since=1.0, until=9.0).gap == pytest.approx(8.0)
    assert tally.count([served(1.5)], since=1.0, until=9.0).gap == pytest.approx(7.5)


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans())), st.randoms(use_true_random=False))
def test_the_order_in_which_answers_arrive_does_not_count(
    drawn: list[tuple[float, bool]], shuffle: random.Random
) -> None:
    answers = [served(at) if well else failed(at) for at, well in drawn]
    shuffled = answers.copy()
    shuffle.shuffle(shuffled)
    counted = tally.count(answers, since=0, until=100)
    assert counted == tally.count(shuffled, since=0, until=100)
    assert counted.served + counted.failed == len(answers)
    assert 0 <= counted.gap <= 100


def test_the_rate_is_of_the_last_second_and_of_served_requests() -> None:
    answers = [served(8.0), served(9.2), failed(9.4), served(9.3), served(9.9)]
    assert tally.rate(answers, now=10.0) == pytest.approx(3.0)
    assert tally.rate([], now=10.0) == 0


def test_the_newest_version_of_each_node() -> None:
    answers = [served(1, "n1", "1"), served(2, "n2", "1"), failed(3), served(4, "n1", "2")]
    assert tally.newest(answers) == {"n1": "2", "n2": "1"}


def test_all_serve_since_the_last_node_did() -> None:
    answers = [served(1, "n1", "2"), served(2, "n2", "2"), served(3, "n3", "1")]
    assert tally.all_serve(answers, NODES, "2") is None
    assert tally.all_serve([*answers, served(4, "n3", "2"), served(5, "n1", "2")], NODES, "2") == 4


def test_a_node_that_goes_back_to_the_old_config_does_not_count() -> None:
    answers = [served(1, "n1", "2"), served(2, "n1", "1")]
    assert tally.all_serve(answers, ["n1"], "2") is None
    assert tally.all_serve([*answers, served(3, "n1", "2")], ["n1"], "2") == 3


# --- the verdict

GOOD = Result(
    act=ACTS[0],
    code=0,
    seconds=13.7,
    starts=dict.fromkeys(NODES, 1),
    all_new=11.9,
    count=Count(served=1256, failed=0, gap=0.12, slowest=0.06, errors={}),
)


def test_a_good_result_leaves_nothing_to_say() -> None:
    assert unmet([GOOD]) == ()


def test_failed_requests_are_reported_and_break_no_promise() -> None:
    assert unmet([replace(GOOD, count=Count(served=1, failed=9, gap=1, slowest=1, errors={"x": 9}))]) == ()


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (replace(GOOD, starts={"n1": 1, "n2": 2, "n3": 0}), "restarted n2 2 times, n3 0 times"),
        (replace(GOOD, all_new=None), "not all instances serve the new config"),
        (replace(GOOD, code=7, said=("a", "web: not finished")), "exit code 7: web: not finished"),
        (replace(GOOD, code=None, seconds=120.0), "did not end within 120 s"),
    ],
)
def test_a_broken_promise_is_one_sentence(bad: Result, says: str) -> None:
    (sentence,) = unmet([GOOD, bad])
    assert says in sentence
    assert "\n" not in sentence


def test_pcs_is_only_reported() -> None:
    theirs = next(one for one in ACTS if not one.judged)
    assert unmet([replace(GOOD, act=theirs, code=1, starts={"n1": 5}, all_new=None)]) == ()


def test_every_act_brings_a_config_of_its_own() -> None:
    versions = [one.version for one in act.ACTS]
    assert len({"1", *versions}) == len(versions) + 1  # 1 is what the site begins with


# --- how it looks


def test_the_table_has_a_column_for_each_way() -> None:
    theirs = replace(
        GOOD, act=ACTS[2], all_new=None, count=replace(GOOD.count, failed=3, errors={"Timeout": 1, "503 x": 2})
    )
    text = demo_view.summary([GOOD, theirs])
    lines = {line.split("  ")[0].strip(): line for line in text.splitlines()}
    assert text.splitlines()[0].split() == ["PACEWRIGHT", "PCS"]
    assert lines["requests failed"].split()[2:] == ["0", "3"]
    assert lines["new config served by all"].split()[5:] == ["after", "11.9", "s", "no"]
    assert "pcs: 2 x 503 x, 1 x Timeout" in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_command_that_failed_shows_in_the_table() -> None:
    assert "2.0 s (exit code 7)" in demo_view.summary([replace(GOOD, code=7, seconds=2)])
    assert "did not end" in demo_view.summary([replace(GOOD, code=None)])


def a_view(seconds: float, *said: str, title: str = "t") -> View:
    row = Row(node="n1", cluster="online", instance="Started", revision="2026-ab", starts=2, version="3", served=9)
    return View(title=title, seconds=seconds, rows=(row,), rate=80.0, served=100, failed=2, said=said)


def test_without_a_terminal_it_is_a_line_a_second_and_each_word_of_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with demo_view.screen() as show:
        for shown in (a_view(0.0), a_view(0.3, "begun"), a_view(0.9, "begun"), a_view(1.0, "begun", "done")):
            show(shown)
        show(a_view(0.1, title="next"))
    lines = [line.strip() for line in capsys.readouterr().out.splitlines() if line]
    assert [line[:5] for line in lines] == ["t", "0.0 s", "> beg", "> don", "1.0 s", "next", "0.1 s"]
    assert "n1 Started revision ab config 3 starts 2 | 80 requests/s, 100 served, 2 failed" in lines[1]


def test_a_row_says_what_the_cluster_and_the_clients_see() -> None:
    snapshot = cluster(
        clone("web-clone", primitive("web")),
        primitive("proxy"),
        running={"web": ("n1", "n2"), "proxy": ("n2",)},
    )
    first, second, third = view.rows(snapshot, {"n1": 3, "n2": 2, "n3": 0}, [served(1, "n1", "2"), failed(2)])
    assert (first.instance, first.starts, first.version, first.served) == ("Started", 3, "2", 1)
    assert "haproxy" in second.cluster
    assert (third.instance, third.version, third.short_revision) == ("Stopped", "", "-")


def test_lines_arrive_whole() -> None:
    taken: list[str] = []
    lines = Lines()
    writing = lines.pipe(taken.append)
    os.write(writing, b"one\ntw")
    lines.wait(1)
    assert taken == ["one"]
    os.write(writing, b"o\n")
    os.close(writing)
    lines.wait(1)
    lines.wait(1)  # the end of it
    assert taken == ["one", "two"]
    lines.close()


# --- the web service and its clients, over a socket of this machine


@pytest.fixture
def server() -> Iterator[web_server.Server]:
    with web_server.Server(("127.0.0.1", 0), web_server.Handler) as made:
        made.page = b'{"node": "n1", "version": "5", "starts": 1}'
        yield made


def test_who_has_connected_is_answered_before_it_closes(server: web_server.Server) -> None:
    with socket.create_connection(server.server_address[:2], timeout=5) as early:  # type: ignore[arg-type]
        early.sendall(b"GET / HTTP/1.0\r\n\r\n")
        server.finish()  # it had not accepted anybody yet
        assert b"200 OK" in early.recv(4096)
    answer = load.ask("127.0.0.1", server.server_port)
    assert answer.error == "ConnectionRefusedError"


def test_an_answer_says_who_served_it_and_what(server: web_server.Server) -> None:
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    answer = load.ask("127.0.0.1", server.server_port)
    thread.join()
    assert (answer.node, answer.version, answer.error) == ("n1", "5", "")


def test_an_answer_that_is_no_page_is_a_failure(server: web_server.Server) -> None:
    server.page = b"<html>"
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    assert load.ask("127.0.0.1", server.server_port).error == "JSONDecodeError"
    thread.join()


def test_the_version_in_the_config() -> None:
    assert web_server.version("# a comment\nversion = 12 \n") == "12"
    with pytest.raises(SystemExit, match="version"):
        web_server.version("verson = 12\n")
