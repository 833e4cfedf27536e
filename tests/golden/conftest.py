"""Pacemaker's libraries, which read their schemas once for all tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.golden.releases import RELEASES, Statuses


@pytest.fixture(scope="session")
def pacemaker() -> Iterator[Mapping[str, Statuses]]:
    """What each release says of a CIB."""
    found = {release: Statuses(release) for release in RELEASES}
    yield found
    for statuses in found.values():
        statuses.end()
