"""What the bench makes of rolls: which commits restart something, what counts, and what is a target missed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bench import detail_log, lost_requests, rolling
from bench.lost_requests import Lost
from bench.rolling import Roll, Rolls
from pacewright.demo import Act, Count, Result
from tests.unit.test_bench import begun, commit, ended, line

NEW_REVISION = "/cib/configuration/resources/clone[@id='web-clone']/primitive[@id='web']/instance_attributes\
[@id='web-pacewright-n2']/nvpair[@id='web-pacewright-n2-revision']:  @value=aaaa"
NEW_MARK = "/cib/configuration/crm_config/cluster_property_set:  <nvpair name='pacewright-config-web@n3'/>"


def patch(at: float) -> detail_log.Landed:
    return detail_log.Landed(at=at, text="(cib_perform_op) \tinfo: Diff: --- 0.29.0 2")


def step(at: float, epoch: int, node: int) -> tuple[detail_log.Landed, ...]:
    """One step of a roll: it takes 0.5 s, and in the middle of it another node reports its config."""
    return (
        *(patch(at), commit(at, epoch), line(at, NEW_REVISION)),
        *(patch(at + 0.1), begun(at + 0.1, node, "stop"), patch(at + 0.2), ended(at + 0.2, node)),
        *(patch(at + 0.25), commit(at + 0.25, epoch + 1), line(at + 0.25, NEW_MARK)),
        *(patch(at + 0.3), begun(at + 0.3, node, "start"), patch(at + 0.5), ended(at + 0.5, node)),
    )


ROLL = (*step(10.0, 5, 1), *step(11.0, 7, 2), *step(12.0, 9, 3))


def test_only_what_gives_a_new_definition_restarts_something() -> None:
    assert detail_log.commits(ROLL) == (10.0, 10.25, 11.0, 11.25, 12.0, 12.25)
    assert detail_log.redefinitions(ROLL) == (10.0, 11.0, 12.0)
    before_its_epoch = (patch(1.0), line(1.0, NEW_REVISION), commit(1.0, 5), patch(2.0), commit(2.0, 6))
    assert detail_log.redefinitions(before_its_epoch) == (1.0,)


def test_a_roll_that_counts() -> None:
    roll = rolling.judge(ROLL, "web", whole=2.7, at=9.5)
    assert (roll.problem, roll.starts, roll.whole) == ("", 3, 2.7)
    assert roll.back == pytest.approx(12.5 - 9.5)
    assert roll.floor == pytest.approx(3 * 0.5)


def test_a_roll_in_which_an_instance_restarted_twice_or_not_at_all_does_not_count() -> None:
    assert rolling.judge((*ROLL, *step(13.0, 11, 1)), "web", whole=4.0, at=9.5).problem.startswith("4 starts on 3")
    twice = (*step(10.0, 5, 1), *step(11.0, 7, 1), *step(12.0, 9, 3))
    assert rolling.judge(twice, "web", whole=4.0, at=9.5).problem.startswith("3 starts on 2")


def test_three_callers_must_restart_each_instance_once_in_every_run() -> None:
    good, bad = Roll(whole=1, back=1, floor=1, starts=3), Roll(starts=4, problem="4 starts")
    assert not list(rolling.targets([Rolls(kind="counted", callers=1, runs=(bad,))]))
    (reached,) = rolling.targets([Rolls(kind="counted", callers=3, runs=(good, good))])
    (missed,) = rolling.targets([Rolls(kind="counted", callers=3, runs=(good, bad))])
    assert (reached.reached, missed.reached, missed.seen) == (True, False, "in 1 of 2")


def restarted(failed: int, *, code: int = 0, starts: Mapping[str, int] | None = None) -> Result:
    return Result(
        act=Act(name="", command=(), version="1", judged=False),
        code=code,
        seconds=13.0,
        starts=starts or {"n1": 1, "n2": 1, "n3": 1},
        all_new=12.0,
        count=Count(served=1000, failed=failed, gap=0.1, slowest=0.2, errors={}),
    )


def drained(*results: Result) -> Lost:
    (case,) = (case for case in lost_requests.CASES if case.services)
    return Lost(case=case, results=results)


def test_one_lost_request_misses_the_target_and_so_does_a_restart_that_went_wrong() -> None:
    def reached(*results: Result) -> bool:
        (target,) = lost_requests.targets([drained(*results)])
        return target.reached

    assert reached(restarted(0), restarted(0))
    assert not reached(restarted(0), restarted(1))
    assert not reached(restarted(0), restarted(0, code=1))
    assert not reached(restarted(0), restarted(0, starts={"n1": 2, "n2": 1, "n3": 1}))
    assert not reached()


def test_what_is_not_drained_promises_nothing() -> None:
    others = [Lost(case=case, results=(restarted(9),)) for case in lost_requests.CASES if not case.services]
    assert not list(lost_requests.targets(others))
    assert (others[0].lost.median, others[0].sent.median) == (9, 1009)
