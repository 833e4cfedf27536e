"""Errors: the table in the module, the one for people, and the classes say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pacewright import errors
from pacewright.cli import main as command_line
from pacewright.errors import PacewrightError

DOCUMENT = Path(__file__).parents[2] / "docs" / "exit-codes.md"


def classes() -> dict[str, int]:
    found = {name: getattr(errors, name) for name in errors.__all__}
    return {name: error.exit_code for name, error in found.items()}


def documented() -> dict[str, int]:
    rows = re.findall(r"(?m)^\| (\d+) \|[^|]*\| `(\w+)` \|", DOCUMENT.read_text(encoding="utf-8"))
    return {name: int(code) for code, name in rows}


def test_the_table_for_people_has_every_error_with_its_code() -> None:
    assert documented() == classes()


def test_the_tree_in_the_module_has_every_error_with_its_code() -> None:
    rows = re.findall(r"(?m)^[│ ├└─]*(\w+) +(\d+) ", errors.__doc__ or "")
    assert {name: int(code) for name, code in rows} == classes()


def test_the_tree_is_drawn_as_the_classes_inherit() -> None:
    chain: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^((?:[│ ] {2} ?|├── |└── )*)(\w+) +\d+ ", line)
        if found is None:
            continue
        depth = len(found[1]) // 4
        chain[depth:] = [found[2]]
        parents = [parent.__name__ for parent in getattr(errors, found[2]).__mro__[1:]]
        assert depth == 0 or parents[0] == chain[depth - 1]


def test_codes_that_are_no_error_of_ours_are_documented_too() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for code in (0, 3, 130):
        assert re.search(rf"(?m)^\| {code} \|", text)


def test_an_error_shows_message_hint_and_the_output_on_lines_of_its_own() -> None:
    error = PacewrightError("web: broken.", hint="Mend it.", output="\nfirst\nsecond\n")
    assert str(error) == "web: broken. Mend it.\n    first\n    second"
    assert str(PacewrightError("web: broken.")) == "web: broken."


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_ends_a_command_with_its_code_and_its_message(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = getattr(errors, name)("web: what was seen.", hint="What to do.")

    def raise_it(arguments: list[str]) -> int:
        raise error

    monkeypatch.setattr(command_line, "_dispatch", raise_it)
    assert command_line.main(["service", "status", "web"]) == classes()[name]
    assert capsys.readouterr().err == "pacewright: web: what was seen. What to do.\n"


def test_an_interrupted_command_says_that_the_cluster_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "_dispatch", interrupt)
    assert command_line.main(["service", "restart", "web"]) == 130
    assert "the cluster finishes" in capsys.readouterr().err
