"""script/test, with nothing behind it: which parts it runs, and that it says in the end where the time went."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from pacewright.process import Completed, run

SCRIPT = Path(__file__).parents[2] / "script/test"
PARTS = (
    "what the tests need",
    "lint",
    "getting Pacemaker's own scheduler cases",
    "unit and golden tests",
    "the Puppet module's specs and style",
    "lab tests on Debian 12",
    "lab tests on Debian 13, those that ask about the release",
    "four runs of the campaign",
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with that script, and others that do nothing."""
    for name in ("script", ".venv/bin", "bin"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(SCRIPT, tmp_path / "script/test")
    for name in ("bootstrap", "lint", "golden", "test-puppet"):
        program(tmp_path / "script" / name)
    for name in ("puppet", "puppet-lint", "rspec", "crm_simulate", "crm_diff", "crm_verify"):
        program(tmp_path / "bin" / name)
    program(tmp_path / ".venv/bin/python")
    return tmp_path


def program(path: Path, script: str = "") -> None:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def run_it(tree: Path, *arguments: str) -> Completed:
    return run([str(tree / "script/test"), *arguments], timeout=30, env={"PATH": f"{tree}/bin:/usr/bin:/bin"})


def told(done: Completed) -> list[str]:
    """The lines about the time, without how long it was."""
    _, _, after = done.stderr.decode().partition("where the time went:\n")
    lines = after.splitlines()
    assert all(re.fullmatch(r" *\d+ s  \S.*", line) for line in lines)
    return [line.partition(" s  ")[2] for line in lines]


def test_each_part_is_told(tree: Path) -> None:
    done = run_it(tree)
    assert done.code == 0
    assert told(done) == [*PARTS, "in all"]


def test_without_root_it_ends_before_the_lab(tree: Path) -> None:
    done = run_it(tree, "--unit")
    assert told(done) == [PARTS[0], PARTS[1], PARTS[3], PARTS[4], "in all"]


def test_a_run_of_its_own(tree: Path) -> None:
    assert told(run_it(tree, "--openstack")) == [PARTS[0], "the rest of Neutron's scenario", "in all"]


def test_one_that_fails_is_the_last_and_is_told(tree: Path) -> None:
    program(tree / ".venv/bin/python", 'case "$*" in *"-m lab"*) exit 3 ;; esac')
    done = run_it(tree)
    assert done.code == 3
    assert told(done) == [*PARTS[:5], f"{PARTS[5]}: failed", "in all"]


def test_what_fails_in_a_lab_is_run_once_more(tree: Path) -> None:
    program(tree / ".venv/bin/python", 'case "$*" in *--last-failed*) ;; *"-m lab"*) exit 1 ;; esac')
    assert run_it(tree).code == 0
    program(tree / ".venv/bin/python", 'case "$*" in *"-m lab"*) exit 1 ;; esac')
    assert run_it(tree).code == 1


def test_a_choice_may_leave_a_part_without_tests_and_everything_may_not(tree: Path) -> None:
    program(tree / ".venv/bin/python", "exit 5")
    assert run_it(tree, "--", "-k", "nothing").code == 0
    assert run_it(tree).code == 5


def test_a_word_that_it_does_not_know_has_cost_no_time(tree: Path) -> None:
    done = run_it(tree, "--wrong")
    assert done.code == 2
    assert b"where the time went" not in done.stderr
