"""Ten runs of the campaign; script/campaign makes as many as one likes (docs/reliability.md).

A run that goes wrong is carried out once more, on a lab of its own: a defect that follows from its plan shows twice,
what a machine that stood still has done to a cluster does not.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from campaign.figures import Figures
from campaign.many_runs import Campaign
from pacewright import lab as labs

SEED = 2
RUNS = (3, 5, 6, 9)
"""A promotable whose promotes fail, and a caller killed; a drained pool and a cut network; all stopped and started at a
barrier while a daemon dies; two services, and config that changes in mid-roll."""


def carried_out(runs: Iterable[int], folder: Path) -> Figures:
    name = f"test-{os.getpid()}-campaign"  # one that is left by a session that was killed is removed by the next
    distro = os.environ.get("PACEWRIGHT_LAB_DISTRO", "bookworm")
    figures = Figures(distro=distro, seed=SEED)
    Campaign(name=name, distro=distro, seed=SEED, numbers=tuple(runs), evidence=folder, say=print).carry_out(figures)
    assert name not in labs.existing()
    return figures


@pytest.mark.campaign
@pytest.mark.timeout(1500)
def test_every_invariant_holds_in_four_runs(tmp_path: Path) -> None:
    figures = carried_out(RUNS, tmp_path)
    assert figures.runs == len(RUNS)
    assert sum(figures.ours.values()) > 0
    if wrong := sorted({run for run, _, _ in figures.violations}):
        assert carried_out(wrong, tmp_path / "again").violations == []
