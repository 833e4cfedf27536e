"""A few runs of the campaign; script/campaign makes as many as one likes (docs/reliability.md)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from campaign.figures import Figures
from campaign.lead import Campaign
from pacewright import lab as labs

SEED = 2
RUNS = (1, 2, 3)


@pytest.mark.campaign
@pytest.mark.timeout(400)
def test_every_invariant_holds_in_a_few_runs(tmp_path: Path) -> None:
    name = f"test-{os.getpid()}-campaign"  # one that is left by a session that was killed is removed by the next
    distro = os.environ.get("PACEWRIGHT_LAB_DISTRO", "bookworm")
    campaign = Campaign(name=name, distro=distro, seed=SEED, numbers=RUNS, evidence=tmp_path, say=print)
    figures = Figures(distro=distro, seed=SEED)
    campaign.carry_out(figures)
    assert figures.violations == []
    assert figures.runs == len(RUNS)
    assert sum(figures.ours.values()) > 0
    assert name not in labs.existing()
