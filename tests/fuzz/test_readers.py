"""No input ends in a traceback, hangs, or does half of something: a few odd ones for each reader in every run.

`script/fuzz` gives each of them many more.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings

from pacewright.errors import PacewrightError
from tests.fuzz import worlds
from tests.fuzz.readers import READERS

_EXAMPLES = int(os.environ.get("PACEWRIGHT_FUZZ") or 40)


@pytest.mark.parametrize("name", READERS)
def test_it_reads_or_says_what_is_wrong(name: str) -> None:
    reader = READERS[name]

    @settings(
        max_examples=max(int(_EXAMPLES * reader.share), 1),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(reader.inputs)
    def reads(given_: tuple[object, ...]) -> None:
        with contextlib.suppress(PacewrightError):
            reader.read(*given_)

    reads()


VALID = {
    "a CIB": (worlds.CIBS[0],),
    "bytes of a CIB": (worlds.CIBS[1],),
    "a decision": (worlds.CIBS[0], "refresh", "n1"),
    "crm_simulate's answer": (worlds.ANSWERS[0],),
    "names of units": (worlds.CIBS[0],),
    "services.yaml": (worlds.SERVICES[0],),
    "a resource document": (json.dumps(worlds.DOCUMENTS[0]).encode(),),
    "--inputs": (json.dumps(worlds.INPUTS[0]).encode(),),
    "a history": (worlds.LOG, gzip.compress(worlds.LOG)),
    "a journal": (b"{}",),
}


@pytest.mark.parametrize("name", VALID)
def test_what_it_begins_with_is_read(name: str) -> None:
    """Odd inputs are made of these: if they were refused, nothing behind the first look would be tried."""
    READERS[name].read(*VALID[name])
