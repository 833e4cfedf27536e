"""A promotable's roll on a real cluster: each waits for the role of the one before, and a failure ends it.

What happened is read from what the instances wrote down themselves.
"""

from __future__ import annotations

import pytest

from pacewright.lab import Lab
from tests.lab.ranked import installed
from tests.lab.services import as_json, pacewright

pytestmark = [pytest.mark.lab, pytest.mark.trixie]
ONE = {"n1": 1, "n2": 1, "n3": 1}


def owed(lab: Lab) -> list[str]:
    found = as_json(pacewright(lab, "n1", "owed", "--json").checked())["owed"]
    return sorted(debt["node"] for debt in found if debt["service"] == "ranked")


@pytest.mark.parametrize("notify", [False, True])
def test_three_promoted_wait_for_the_role_of_the_last_one_and_a_failed_promote_ends_it(lab: Lab, notify: bool) -> None:  # noqa: FBT001
    with installed(lab, promoted=3, notify=notify) as ranked:
        ranked.configure("slow_promote=2 late=3")
        pacewright(lab, "n2", "service", "restart", "ranked").checked()
        assert (ranked.count("start"), ranked.count("promote")) == (ONE, ONE)
        assert ranked.most_without_role() == 1, "the next one has waited for the role of the last one"
        assert ranked.promoted() == ["n1", "n2", "n3"]
        first = ranked.did()[0].node
        others = [node for node in lab.nodes if node != first]
        ranked.begin()
        ranked.configure("fail=promote", first)
        failed = pacewright(lab, "n2", "service", "restart", "ranked")
        assert failed.code == 1, failed
        assert f"was not promoted on {first}: promote failed (rc 1)" in failed.stderr.decode()
        refused = pacewright(lab, others[0], "service", "restart", "ranked", "--node", others[0], "--timeout", "6")
        assert refused.code in {1, 7}, "no other call goes on over it either"
        assert [ranked.count("stop")[node] for node in others] == [0, 0]
        assert (ranked.promoted(), owed(lab)) == (others, others)
        ranked.configure("")
        pacewright(lab, "n3", "service", "restart", "ranked").checked()
        assert ranked.promoted() == ["n1", "n2", "n3"]
        assert [ranked.count("start")[node] for node in others] == [1, 1]


def test_the_one_that_is_promoted_comes_last_and_its_role_moves_once(lab: Lab) -> None:
    with installed(lab, promoted=1) as ranked:
        (home,) = ranked.promoted()
        ranked.configure("slow_promote=1 late=2")
        pacewright(lab, "n2", "service", "refresh", "ranked")  # a call without inputs counts for its own node
        ranked.settle(1)
        ranked.begin()
        (home,) = ranked.promoted()
        pacewright(lab, "n2", "service", "restart", "ranked").checked()
        did = ranked.did()
        assert ranked.count("start") == ONE
        assert [one.node for one in did if one.what == "stop"][-1] == home
        assert [sum(one.what == what for one in did) for what in ("demote", "promote")] == [1, 1]
        assert len(ranked.promoted()) == 1
        new = ranked.promoted()[0]
        ranked.begin()
        ranked.configure("fail=start", *(node for node in lab.nodes if node != new))
        failed = pacewright(lab, "n1", "service", "restart", "ranked")
        assert failed.code == 1, failed
        assert ranked.promoted() == [new]
        assert (ranked.count("stop")[new], sum(ranked.count("failed-start").values())) == (0, 1)
