"""The releases of Pacemaker that we are tested with: their programs, and their scheduler cases (`script/golden`)."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import IO

import pytest

from pacewright.cluster.tools import crm_simulate
from pacewright.process import PIPE, Process, spawn

__all__ = ["FETCHED", "RELEASES", "Statuses", "cases", "use"]

FETCHED = Path(__file__).parents[2] / ".golden"
RELEASES = tuple(sorted(path.name for path in FETCHED.glob("*/") if (path / "lib").is_dir()))
"""Those that `script/golden --fetch` has brought; none where it was not run."""


def use(release: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a release's own programs found first, with its own schemas."""
    monkeypatch.setenv("PATH", f"{FETCHED / release / 'bin'}:{os.environ['PATH']}")
    schemas = FETCHED / release / "root/usr/share/pacemaker"
    if schemas.is_dir():  # this machine's own release needs no others
        monkeypatch.setattr(crm_simulate, "_SCHEMAS", str(schemas))


def cases(release: str) -> list[Path]:
    """Every case of the release, by name."""
    return sorted((FETCHED / release / "cases").glob("*.xml"))


class Statuses:
    """What a release's crm_mon would say of CIBs, from one process that has read the schemas (`statuses.py`)."""

    def __init__(self, release: str) -> None:
        self._lib = FETCHED / release / "lib"
        self._process: Process | None = None

    def of(self, cib: bytes) -> ET.Element | None:
        """All sections; None if Pacemaker cannot load it."""
        asked, answers = self._pipes()
        asked.write(len(cib).to_bytes(8, "big") + cib)
        asked.flush()
        length = answers.read(8)
        if not length:
            self.end()
            raise AssertionError("Pacemaker's library gave up on this CIB")
        answer = ET.fromstring(answers.read(int.from_bytes(length, "big")))
        return answer if answer.find("nodes") is not None else None

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process is None:
            program = Path(__file__).with_name("statuses.py")
            argv = [str(self._lib / "python3"), "-I", str(program), str(self._lib / "libpacemaker.so")]
            self._process = spawn(argv, stdin=PIPE, stdout=PIPE)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    def end(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            with self._process:
                self._process.kill()
            self._process = None
