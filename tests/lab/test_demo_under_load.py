"""The demo's first act on a real cluster: restarted under load, each instance once, and hardly anybody noticed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pacewright import demo
from pacewright.demo import Stage, View
from pacewright.lab import Lab

pytestmark = pytest.mark.lab


@pytest.fixture
def site(lab: Lab) -> Iterator[Lab]:
    """The shared lab with the demo's site on it, for as long as one test takes."""
    demo.build(lab, lambda _: None)
    yield lab
    for resource in ("web", "front"):
        lab.run("n1", ["pcs", "resource", "delete", "--force", resource], timeout=60).checked()
    lab.run("n1", ["pcs", "property", "set", "load-threshold="]).checked()


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
