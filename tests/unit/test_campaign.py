"""The campaign's own judgement: what it must see, and what it must not take for a violation."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import pytest

from campaign.calls import Ended
from campaign.counted_services import NODES
from campaign.invariants import judge
from campaign.lab_access import Missing
from campaign.observations import Invariant, Record, Struck
from campaign.observer import Sample
from campaign.plan import Call, Fault, FaultKind, Plan, make_plan
from campaign.service_logs import Entry, read_log, starts

BEGUN = 1000.0


def entry(
    at: float, what: str, node: str, *, config: str = "new", revision: str = "r1", primitive: str = "api"
) -> Entry:
    return Entry(
        node=node, service="api", primitive=primitive, what=what, at=BEGUN + at, config=config, revision=revision
    )


def restarted(node: str, at: float, *, revision: str = "r2", seconds: float = 1.0) -> list[Entry]:
    return [entry(at, "stop", node), entry(at + seconds, "start", node, revision=revision)]


def call(
    number: int = 0, *, code: int | None = 0, stderr: str = "", seconds: float = 3.0, timeout: float = 90
) -> Ended:
    made = Call(at=0.0, number=number, verb="restart", service="api", node="n1", timeout=timeout)
    argv = ("pacewright", "service", "restart", "api")
    return Ended(
        call=made, argv=argv, begun=BEGUN, ended=BEGUN + seconds, code=code, stdout="api: restarted.", stderr=stderr
    )


def record(entries: Iterable[Entry] = (), calls: Iterable[Ended] = (), **more: object) -> Record:
    """A run on `api` in which nothing went wrong, but for what is given."""
    plan = Plan(seed=1, run=1, changes=(), calls=(), faults=(), final_verb="restart", final_nodes=(("api", "n1"),))
    first = [entry(-50, "start", node, revision="r1") for node in NODES]
    whole = Record(
        plan=plan,
        begun=BEGUN,
        healed=BEGUN + 60,
        over=BEGUN + 90,
        calls=tuple(calls),
        finals=(),
        faults=(),
        changes={},
        configs={("api", node): "new" for node in NODES},
        entries=tuple(sorted([*first, *entries], key=lambda one: one.at)),
        base=(),
        samples=(),
        answers=(),
        down_before=(),
        down_after=(),
        left=(),
        disagreeing=(),
        listed=frozenset(("api", node) for node in NODES),
    )
    return dataclasses.replace(whole, **more)  # type: ignore[arg-type]


def broken(made: Record) -> list[Invariant]:
    return [violation.invariant for violation in judge(made)]


def struck(kind: FaultKind, *nodes: str, at: float = 5.0, until: float = 8.0) -> Struck:
    fault = Fault(at=at, until=until, kind=kind, nodes=nodes)
    return Struck(fault=fault, begun=BEGUN + at, over=BEGUN + 60)


def test_a_plan_follows_from_the_seed_and_the_run_alone() -> None:
    assert make_plan(7, 3, NODES) == make_plan(7, 3, NODES)
    assert len({"".join(make_plan(7, run, NODES).lines()) for run in range(50)}) == 50
    seen = {fault.kind for run in range(300) for fault in make_plan(1, run, NODES).faults}
    assert seen == set(FaultKind)


def test_a_rolling_restart_is_well() -> None:
    rolled = [*restarted("n1", 1), *restarted("n2", 3), *restarted("n3", 5)]
    assert broken(record(rolled, [call()])) == []


def test_an_old_config_is_seen() -> None:
    late = [*restarted("n1", 1), entry(3, "stop", "n2"), entry(4, "start", "n2", config="old", revision="r2")]
    assert broken(record(late, [call()])) == [Invariant.NEWEST]


def test_what_is_not_listed_as_owed_is_seen() -> None:
    late = [*restarted("n1", 1), entry(3, "stop", "n2"), entry(4, "start", "n2", config="old", revision="r2")]
    forgotten = frozenset((("api", "n1"), ("api", "n3")))
    assert broken(record(late, [call()], listed=forgotten)) == [Invariant.NEWEST, Invariant.LISTED]
    again = [*late, *restarted("n2", 70, revision="r3")]
    assert broken(record(again, [call(0), call(1)], listed=forgotten)) == [Invariant.LISTED]
    fault = Fault(at=5.0, until=6.0, kind=FaultKind.POWER, nodes=("n2",))
    cut = (Struck(fault=fault, begun=BEGUN + 5, over=BEGUN + 60),)
    assert Invariant.LISTED not in broken(record(again, [call(0), call(1)], listed=forgotten, faults=cut))


def test_a_restart_too_many_is_seen() -> None:
    twice = [*restarted("n1", 1), *restarted("n1", 4, revision="r3")]
    assert broken(record(twice, [call()])) == [Invariant.ONCE]
    assert broken(record(twice, [call(0), call(1)])) == []


def test_a_node_whose_clock_jumped_may_be_restarted_once_more() -> None:
    refreshed = dataclasses.replace(call(), argv=("pacewright", "service", "refresh", "api"))
    twice = [*restarted("n1", 1), *restarted("n1", 4, revision="r3")]
    made = record(twice, [refreshed], changes={("api", "n1"): 1})
    assert broken(made) == [Invariant.ONCE]
    assert broken(dataclasses.replace(made, faults=(struck(FaultKind.NODE_CLOCK, "n1"),))) == []
    assert broken(dataclasses.replace(made, faults=(struck(FaultKind.NODE_CLOCK, "n2"),))) == [Invariant.ONCE]


def test_a_restart_that_nobody_asked_for_is_seen_unless_there_was_a_fault() -> None:
    again = [entry(3, "stop", "n2"), entry(4, "start", "n2", revision="r1")]
    assert broken(record(again, [call()])) == [Invariant.ONCE]
    assert broken(record(again, [call()], faults=(struck(FaultKind.CUT, "n2"),))) == []


def test_two_down_at_once_are_seen_but_a_power_cut_is_not_our_doing() -> None:
    together = [*restarted("n1", 1, seconds=3), *restarted("n2", 2)]
    assert broken(record(together, [call()])) == [Invariant.ONE_DOWN]
    cut = [*restarted("n1", 4.9, seconds=30), *restarted("n2", 9)]
    assert broken(record(cut, [call()], faults=(struck(FaultKind.POWER, "n1"),))) == []


@pytest.mark.parametrize(
    ("ended", "what"),
    [
        (call(code=1, stderr="pacewright: api: no.\n"), "exit code 1"),
        (call(code=0, seconds=119.0), "beyond its time-out"),
        (call(code=1, stderr="Traceback (most recent call last)\n"), "traceback"),
        (call(code=11, stderr="pacewright: what?\n"), "not documented"),
        (call(code=7, stderr="one\ntwo\n", timeout=6), "0 messages"),
        (call(code=-9), "not documented"),
    ],
)
def test_a_call_that_ends_badly_is_seen(ended: Ended, what: str) -> None:
    found = judge(record(calls=[ended]))
    assert {violation.invariant for violation in found} == {Invariant.CALLS}
    assert any(what in violation.text for violation in found)


def test_a_call_may_wait_for_the_others_and_warn_that_nothing_is_recorded() -> None:
    waits = dataclasses.replace(call(code=0, seconds=130.0), argv=("pacewright", "service", "refresh", "--barrier"))
    assert broken(record(calls=[waits])) == []
    warned = "pacewright: warning: what this call does is not recorded\npacewright: api: not finished\n"
    assert broken(record(calls=[call(code=7, stderr=warned, timeout=6)])) == []


def test_a_call_on_a_node_without_power_may_die() -> None:
    assert broken(record(calls=[call(code=-9)], faults=(struck(FaultKind.POWER, "n1"),))) == []


def test_what_is_left_down_or_behind_is_seen() -> None:
    missing = Missing(primitive="api", where="n1", failed=True)
    assert broken(record(down_after=(missing,))) == [Invariant.UP]
    assert broken(record(down_before=(missing,))) == [Invariant.UP]
    assert broken(record(down_before=(missing,), faults=(struck(FaultKind.POWER, "n1"),))) == []
    assert broken(record(left=("a hold",))) == [Invariant.CLEAN]
    assert broken(record(disagreeing=("n2",))) == [Invariant.ONE_CIB]


def test_a_write_without_quorum_is_seen() -> None:
    def sample(at: float, *, quorate: bool, marks: tuple[str, ...] = (), node: str = "n1") -> Sample:
        return Sample(at=BEGUN + at, node=node, quorate=quorate, dc="1", epoch="1", marks=marks)

    well = (sample(1, quorate=True), sample(2, quorate=True, marks=("x",)), sample(3, quorate=False, marks=("x",)))
    assert broken(record(samples=well)) == []
    assert broken(record(samples=(*well, sample(4, quorate=False, marks=("y",))))) == [Invariant.QUORUM]
    met = sample(3.5, quorate=False, marks=("y",), node="n2")
    assert broken(record(samples=(*well, met, sample(4, quorate=False, marks=("y",))))) == []


def test_a_torn_line_of_a_log_is_no_line() -> None:
    text = "start 1.0 first -\nstop 2.0 first -\nsta"
    assert [e.what for e in read_log(text, node="n1", service="api", primitive="api")] == ["start", "stop"]


def test_a_primitive_that_has_moved_was_moved_by_the_cluster() -> None:
    moved = [
        entry(-9, "start", "n1", primitive="db"),
        entry(1, "stop", "n1", primitive="db"),
        entry(2, "start", "n2", primitive="db", revision="r2"),
    ]
    (found,) = starts(moved, "db", clone=False, since=BEGUN)
    assert not found.ours
