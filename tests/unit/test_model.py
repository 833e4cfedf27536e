"""The model check: the decisions on a simulated cluster, with faults and other calls between any two steps.

`script/model` takes many more steps, with other choices each time; docs/reliability.md says what is checked.
"""

from __future__ import annotations

import pytest

from tests.model.machine import Steps, explore

ENOUGH = 10_000


@pytest.mark.timeout(600)
def test_whatever_happens_between_two_steps_no_invariant_is_broken() -> None:
    before = Steps.taken
    explore(245)
    assert Steps.taken - before >= ENOUGH, "it has not looked at as much as it should"
