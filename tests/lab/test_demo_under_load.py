"""The demo's first act on a real cluster: restarted under load, each instance once, and hardly anybody noticed."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pacewright import demo
from pacewright import lab as labs
from pacewright.demo import Stage, View
from pacewright.lab import Lab
from tests.lab.conftest import PACKAGES, remove_labs_of_dead_sessions

pytestmark = pytest.mark.lab


@pytest.fixture
def site() -> Iterator[Lab]:
    """The demo's site, on a lab of its own: the shared one has other services of the same names."""
    remove_labs_of_dead_sessions()
    distro = os.environ.get("PACEWRIGHT_LAB_DISTRO", "bookworm")
    lab = labs.up(f"test-{os.getpid()}-demo", distro=distro, packages=PACKAGES)
    try:
        demo.build(lab, lambda _: None)
        yield lab
    finally:
        lab.down()


def test_a_rolling_restart_under_load(site: Lab) -> None:
    views: list[View] = []
    with Stage(site, rate=80, show=views.append) as stage:
        stage.settle()
        result = stage.perform(demo.ACTS[0])
    assert demo.unmet([result]) == ()
    assert dict(result.starts) == {"n1": 1, "n2": 1, "n3": 1}
    assert result.count.served > 400
    assert result.count.failed <= result.count.served // 100  # all at once, a quarter of them fails
    states = {row.instance for view in views for row in view.rows}
    assert {"Started", "stopping", "starting"} <= states
    assert len({row.revision for row in views[-1].rows}) == 1
