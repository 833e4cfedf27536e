"""`--barrier` with a word behind it, and without."""

from __future__ import annotations

import argparse

import pytest

from pacewright.cli import service
from pacewright.cli.arguments import Parser
from pacewright.cli.service_changes import _options
from pacewright.service.settings import Barrier, OnTimeout


def parsed(*words: str) -> argparse.Namespace:
    parser = Parser(prog="pacewright service")
    service.configure(parser)
    found = parser.parse_args(words)
    assert isinstance(found, argparse.Namespace)
    return found


@pytest.mark.parametrize(
    ("words", "name", "barrier", "for_others"),
    [
        (("start", "web"), "web", False, ""),
        (("start", "--barrier", "web"), "web", True, ""),
        (("start", "web", "--barrier"), "web", True, ""),
        (("start", "--barrier", "later", "web"), "web", True, "later"),
        (("start", "web", "--barrier", "proceed", "--json"), "web", True, "proceed"),
        (("start", "web", "--barrier=wait"), "web", True, "wait"),
        (("start", "--barrier", "--json", "--", "later"), "later", True, ""),
        (("start", "--json", "--", "--barrier"), "--barrier", False, ""),
        (("start", "--wave", "w1", "web"), "web", True, ""),
    ],
)
def test_the_word_is_taken_and_nothing_else(words: tuple[str, ...], name: str, barrier: bool, for_others: str) -> None:  # noqa: FBT001
    args = parsed(*words)
    options = _options(args)
    assert (args.name, options.barrier, options.for_others) == (name, barrier, for_others)


def test_another_word_is_no_barrier(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("start", "web", "--barrier=soon")
    assert "invalid choice: 'soon'" in capsys.readouterr().err


def test_what_the_words_mean() -> None:
    said = Barrier(timeout=60.0, on_timeout=OnTimeout.LATER, window=7.0)
    assert said.asked("") is said
    assert said.asked("wait") == Barrier(timeout=60.0, on_timeout=OnTimeout.FAIL, window=7.0)
    assert said.asked("later") == Barrier(timeout=0.0, on_timeout=OnTimeout.LATER, window=7.0)
    assert said.asked("proceed") == Barrier(timeout=0.0, on_timeout=OnTimeout.PROCEED, window=7.0)
    never = Barrier(timeout=0.0, on_timeout=OnTimeout.PROCEED)
    assert never.asked("wait").timeout == 300.0
