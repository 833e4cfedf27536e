"""Every command starts by itself: tests that have imported other rooms before do not see what it lacks alone."""

from __future__ import annotations

import os
import sys

import pytest

from pacewright.cli import main
from pacewright.process import run


@pytest.mark.parametrize("command", main._COMMANDS)
def test_a_command_in_a_process_of_its_own(command: str) -> None:
    argv = [sys.executable, "-m", "pacewright", command, "--help"]
    done = run(argv, timeout=60, env={"PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.code == 0, done.output
    assert f"pacewright {command}" in done.stdout.decode()
