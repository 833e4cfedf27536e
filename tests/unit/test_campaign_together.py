"""The campaign's judgement of drains, gates and barriers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from campaign.calls import Ended
from campaign.counted_services import NODES
from campaign.invariants import judge
from campaign.observations import Invariant, Record, Struck
from campaign.plan import Call, Fault, FaultKind, Plan, last_report, make_plan
from campaign.service_logs import Entry, Turn, read_turns

BEGUN = 1000.0


def entry(service: str, at: float, what: str, node: str, *, revision: str = "r1", config: str = "new") -> Entry:
    return Entry(
        node=node, service=service, primitive=service, what=what, at=BEGUN + at, config=config, revision=revision
    )


def restarted(service: str, node: str, at: float, *, seconds: float = 1.0, revision: str = "r2") -> list[Entry]:
    return [entry(service, at, "stop", node), entry(service, at + seconds, "start", node, revision=revision)]


def call(verb: str, service: str, node: str, at: float, *, seconds: float = 3.0, code: int = 0) -> Ended:
    made = Call(at=at, number=0, verb=verb, service=service, node=node, timeout=90)
    return Ended(
        call=made,
        argv=("pacewright", "service", verb, service),
        begun=BEGUN + at,
        ended=BEGUN + at + seconds,
        code=code,
        stdout="done.",
        stderr="" if code == 0 else "pacewright: no.\n",
    )


def record(service: str, entries: Iterable[Entry], calls: Iterable[Ended], **more: object) -> Record:
    """A run on one service in which nothing else went wrong; it ran on all nodes before."""
    final = ((service, "n1"),)
    plan = Plan(seed=1, run=1, changes=(), calls=(), faults=(), final_verb="reconcile", final_nodes=final)
    first = [entry(service, -50, "start", node) for node in NODES]
    whole = Record(
        plan=plan,
        begun=BEGUN,
        healed=BEGUN + 60,
        over=BEGUN + 90,
        calls=tuple(calls),
        finals=(),
        faults=(),
        changes={(service, node): 1 for node in NODES},
        configs={(service, node): "new" for node in NODES},
        entries=tuple(sorted([*first, *entries], key=lambda one: one.at)),
        base=(),
        samples=(),
        answers=(),
        down_before=(),
        down_after=(),
        left=(),
        disagreeing=(),
        listed=frozenset(),
    )
    return dataclasses.replace(whole, **more)  # type: ignore[arg-type]


def broken(made: Record) -> list[Invariant]:
    return [violation.invariant for violation in judge(made)]


def power_cut(node: str, at: float) -> Struck:
    fault = Fault(at=at, until=at + 5, kind=FaultKind.POWER, nodes=(node,))
    return Struck(fault=fault, begun=BEGUN + at, over=BEGUN + 60)


# -- drains -----------------------------------------------------------------------------------------------------------


def turned(node: str, out: float, back: float | None) -> list[Turn]:
    turns = [Turn(service="pool", node=node, what="out", at=BEGUN + out)]
    return turns if back is None else [*turns, Turn(service="pool", node=node, what="in", at=BEGUN + back)]


def pool(turns: Iterable[Turn], *entries: Entry, faults: tuple[Struck, ...] = ()) -> Record:
    made = record("pool", entries, [call("refresh", "pool", "n1", 0.5)], turns=tuple(turns))
    return dataclasses.replace(made, faults=faults)


def test_what_is_drained_and_given_back_is_well() -> None:
    assert broken(pool(turned("n1", 1, 5), *restarted("pool", "n1", 2))) == []


def test_a_stop_that_was_not_drained_is_seen_unless_a_fault_was_upon_the_node() -> None:
    late = pool(turned("n1", 2.5, 5), *restarted("pool", "n1", 2))
    assert broken(late) == [Invariant.DRAINED]
    again = [*turned("n1", 1, 4), *turned("n1", 8.5, 9)]  # given back, and stopped once more before the second drain
    second = restarted("pool", "n1", 8, revision="r3")
    assert Invariant.DRAINED in broken(pool(again, *restarted("pool", "n1", 2), *second))
    assert broken(dataclasses.replace(late, faults=(power_cut("n1", 1.0),))) == []


def test_what_is_drained_in_the_end_is_seen() -> None:
    assert broken(pool(turned("n1", 1, None), *restarted("pool", "n1", 2))) == [Invariant.DRAINED]


def test_the_next_one_is_stopped_only_when_the_last_one_is_healthy() -> None:
    turns = [*turned("n1", 1, 4.5), *turned("n2", 3.2, 6)]
    one, other = restarted("pool", "n1", 2), restarted("pool", "n2", 3.5)  # up at 3, healthy at 4
    assert broken(pool(turns, *one, *other)) == [Invariant.ONE_DOWN]
    assert broken(pool(turns, *one, *restarted("pool", "n2", 4.2))) == []


def test_a_torn_line_of_the_load_balancer_is_no_line() -> None:
    (turn,) = read_turns("out 12.5 n1 -\nin 13", service="pool")
    assert turn == Turn(service="pool", node="n1", what="out", at=12.5)


# -- gates ------------------------------------------------------------------------------------------------------------


def test_a_service_starts_only_where_a_call_has_reported() -> None:
    shut = [entry("gated", -5, "stop", node) for node in NODES]
    starts = [entry("gated", 3, "start", "n1", revision="r2"), entry("gated", 4, "start", "n2", revision="r2")]
    both = [call("start", "gated", "n1", 1.0), call("refresh", "gated", "n2", 2.0)]
    assert broken(record("gated", [*shut, *starts], both)) == []
    assert broken(record("gated", [*shut, *starts], both[:1])) == [Invariant.GATED]
    assert broken(record("gated", [*shut, *starts], [both[0], call("refresh", "gated", "n2", 4.5)])) == [
        Invariant.GATED
    ]
    assert broken(record("gated", [*shut, *starts], [both[0], call("stop", "gated", "n2", 2)])) == [Invariant.GATED]


# -- barriers ---------------------------------------------------------------------------------------------------------


def swarm(*late: float, stopped: float = 6.0) -> Record:
    entries = [e for node in NODES for e in restarted("swarm", node, stopped)]
    return record("swarm", entries, [call("refresh", "swarm", n, at) for n, at in zip(NODES, late, strict=True)])


def test_a_restart_of_all_waits_for_every_report() -> None:
    assert broken(swarm(1, 2, 5)) == []
    early = swarm(1, 2, 7)
    assert set(broken(early)) == {Invariant.BARRIER}
    assert broken(dataclasses.replace(early, faults=(power_cut("n3", 3.0),))) == []


def test_a_start_after_a_stop_waits_for_every_report() -> None:
    entries = [e for node in NODES for e in restarted("swarm", node, 1.0, seconds=6.0)]
    stops = [call("stop", "swarm", node, 0.5, seconds=2.0) for node in NODES]
    starts = [call("start", "swarm", node, at) for node, at in zip(NODES, (3.0, 4.0, 6.0), strict=True)]
    assert broken(record("swarm", entries, [*stops, *starts])) == []
    late = [*starts[:2], call("start", "swarm", "n3", 8.0)]
    assert broken(record("swarm", entries, [*stops, *late])) == [Invariant.BARRIER] * 3


def test_a_config_run_calls_again_what_it_called() -> None:
    plans = [plan for run in range(200) if "swarm" in (plan := make_plan(1, run, NODES)).services]
    said = {last_report(plan, "swarm")[:3] for plan in plans}
    assert ("refresh", "swarm", "--barrier") in said
    assert ("start", "swarm", "--barrier") in said
    for plan in plans:
        first = {change.service: change.nodes for change in plan.changes}
        assert first["swarm"] == NODES
        starts = [one for one in plan.calls if one.verb == "start" and one.service == "swarm"]
        assert all(one.after >= 0 and one.options[1] == "--wave" for one in starts)
