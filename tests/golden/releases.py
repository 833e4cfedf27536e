"""The releases of Pacemaker that we are tested with: their programs, and their scheduler cases (`script/golden`)."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from pathlib import Path

from pacewright.process import run

__all__ = ["FETCHED", "RELEASES", "cases", "crm_mon", "programs"]

FETCHED = Path(__file__).parents[2] / ".golden"
RELEASES = tuple(sorted(path.name for path in FETCHED.glob("*/") if (path / "bin").is_dir()))
"""Those that `script/golden --fetch` has brought; none where it was not run."""


def programs(release: str) -> str:
    """A PATH on which the release's own programs come first."""
    return f"{FETCHED / release / 'bin'}:{os.environ['PATH']}"


def cases(release: str) -> list[Path]:
    """Every case of the release, by name."""
    return sorted((FETCHED / release / "cases").glob("*.xml"))


def crm_mon(release: str, case: Path) -> ET.Element | None:
    """What the release's crm_mon says of a case, all sections; None if Pacemaker cannot load it."""
    program = str(FETCHED / release / "bin" / "crm_mon")
    done = run([program, "--output-as=xml", "--inactive"], timeout=30, env={"CIB_file": str(case)})
    answer = ET.fromstring(done.stdout)
    return answer if answer.find("nodes") is not None else None
