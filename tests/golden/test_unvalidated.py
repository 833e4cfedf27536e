"""CIBs that the scheduler is given without having them validated: it decides the same."""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pacewright.cluster.tools import crm_simulate
from pacewright.errors import PacewrightError, Refused
from pacewright.testing.clusters import cluster, primitive
from tests.golden.releases import RELEASES, cases, use

EVERY = 1 if os.environ.get("PACEWRIGHT_ALL_CASES") else 15
ELSEWHERE = "/nonexistent"

pytestmark = pytest.mark.scheduler


def decided(cib: bytes) -> tuple[bytes, bytes] | None:
    """The graph and what becomes of the CIB; None if the scheduler cannot work on it. UUIDs are made anew each time."""
    try:
        _, after, graph = crm_simulate.simulate(cib)
    except PacewrightError:
        return None
    return _timeless(graph), _timeless(after)


def _timeless(text: bytes) -> bytes:
    return re.sub(rb'(cib-last-written|execution-date|last-rc-change|last-run|shutdown)="[^"]*"', b"", text)


@pytest.mark.parametrize(
    ("release", "case"),
    [
        pytest.param(release, case, id=f"{release}-{case.stem}")
        for release in RELEASES
        for case in cases(release)[::EVERY]
    ],
)
def test_the_scheduler_decides_the_same(release: str, case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(release, monkeypatch)
    # As the newest schema of 2.1 has it, so that it is one of those; what that schema does not know is refused.
    cib = re.sub(rb'validate-with="pacemaker-[0-9.]+"', b'validate-with="pacemaker-3.9"', case.read_bytes())
    short = decided(cib)
    monkeypatch.setattr(crm_simulate, "_SCHEMAS", ELSEWHERE)
    assert crm_simulate._unvalidated(cib) is None
    whole = decided(cib)
    assert whole is None or short == whole


def test_what_needs_to_be_transformed_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("pacemaker-3.10.rng", "pacemaker-4.0.rng", "pacemaker-next.rng"):
        (tmp_path / name).touch()
    monkeypatch.setattr(crm_simulate, "_SCHEMAS", str(tmp_path))
    assert crm_simulate._unvalidated(b'<cib validate-with="pacemaker-4.1"/>') is None, "nobody here knows that one"
    assert crm_simulate._unvalidated(b'<cib validate-with="pacemaker-3.10"/>') is None
    assert crm_simulate._unvalidated(b"<cib validate-with='pacemaker-4.0'/>") == b'<cib validate-with="none"/>'
    assert crm_simulate._unvalidated(b'<cib validate-with="none"/>') is None


def test_a_release_that_wants_a_schema_gets_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "crm_simulate"
    program.write_text(
        "#!/bin/sh\nfor word; do case $word in --xml-file=*) file=${word#*=} ;; esac; done\n"
        'if grep -q "validate-with=.none" "$file"; then echo "none is not supported" >&2; exit 78; fi\n'
        f'PATH={os.environ["PATH"]} exec crm_simulate "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    cib = tools_document()
    assert crm_simulate._unvalidated(cib) is not None
    answer, _ = crm_simulate.schedule(cib)
    assert answer.find("actions") is not None


def test_what_is_no_valid_cib_is_refused_where_a_user_has_written_it() -> None:
    with pytest.raises(Refused, match="schema"):
        crm_simulate.refuse_if_invalid(tools_document().replace(b"<nodes>", b"<nodes><nonsense/>"))
    crm_simulate.refuse_if_invalid(tools_document())


def tools_document() -> bytes:
    """A CIB with the newest schema of this machine's programs."""
    return ET.tostring(cluster(primitive("web")).root)
