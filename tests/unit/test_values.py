"""How Pacemaker writes values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacewright.cluster.cib.values import duration, is_true, number
from pacewright.durations import LONGEST


@pytest.mark.parametrize("text", ["true", "TRUE", "on", "Yes", "y", "1", " true "])
def test_what_pacemaker_reads_as_true(text: str) -> None:
    assert is_true(text)
    assert is_true(text, default=False)


@pytest.mark.parametrize("text", ["false", "off", "no", "n", "0", "", "2", "maybe"])
def test_what_it_does_not(text: str) -> None:
    assert not is_true(text)
    assert not is_true(text, default=True)


def test_the_default_is_for_what_is_not_there() -> None:
    assert is_true(None, default=True)
    assert not is_true(None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20", 20),
        ("20s", 20),
        (" 20 sec ", 20),
        ("1500ms", 1.5),
        ("1500msec", 1.5),
        ("250000us", 0.25),
        ("2min", 120),
        ("2m", 120),
        ("1h", 3600),
        ("1hr", 3600),
        ("1.5S", 1.5),
        ("0", 0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text, 99.0) == pytest.approx(seconds)


@pytest.mark.parametrize("text", [None, "", "soon", "10 parsecs", "5 days", "-5", "1e3", "PT20S"])
def test_durations_that_are_none(text: str | None) -> None:
    assert duration(text, 99.0) == 99.0


@given(st.text(max_size=20) | st.from_regex(r"\A\s*[0-9.]{1,20}\s*[a-z]{0,5}\Z"))
def test_a_duration_can_be_added_to_a_date_whatever_is_written(text: str) -> None:
    assert 0.0 <= duration(text, 99.0) <= LONGEST


@pytest.mark.parametrize("text", ["99999999999", "999999999999999h"])
def test_the_longest_duration(text: str) -> None:
    assert duration(text, 99.0) == LONGEST


def test_numbers() -> None:
    assert [number(text) for text in ("12", "-1", "", None, "x", "1.5")] == [12, -1, 0, 0, 0, 0]
    assert number("x", 193) == 193
