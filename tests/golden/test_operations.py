"""Whole operations on a simulated cluster, where the real scheduler decides: once, twice, interrupted, interleaved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacewright.clock import Clock, Deadline
from pacewright.cluster.cib.parse import parse
from pacewright.cluster.cib.values import is_true
from pacewright.cluster.edits.change import SetMeta
from pacewright.cluster.names import ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import CommitConflict, NothingComes, PacewrightError, Refused
from pacewright.operation.outcome import Outcome
from pacewright.operation.rehearsal import Rehearsal
from pacewright.operation.step import Ask, Commit, Done, Fail, Job, Wait
from pacewright.service.lookup import find
from pacewright.service.requests import Options
from pacewright.service.rolling.restart import begin_restart
from pacewright.service.services import Services
from pacewright.service.settings import Settings
from pacewright.testing.clock import FakeClock
from pacewright.testing.clusters import Op, after, clone, cluster, primitive
from pacewright.testing.scheduled import (
    Killed,
    ScheduledCluster,
    everything,
    job_of,
    of,
    operate,
    restarts,
    roles,
    started,
    written,
)

pytestmark = pytest.mark.scheduler

CIBS = Path(__file__).parent / "cibs"


@cache
def base() -> Snapshot:
    """One of each sort, of agents that restart for a new revision; `st` is promoted on n2, the DC is n1."""
    return everything()


@cache
def reloading() -> Snapshot:
    """A real cluster, some of whose agents would only reload: `lb`, `st` and `uniq`; the DC is not n1 for sure."""
    return parse((CIBS / "bookworm-sticky.xml").read_bytes())


def forgotten() -> Snapshot:
    """Of `web` on n2 Pacemaker knows no more than a monitor that failed, which it is to ignore.

    So a member's controller may tell it to a new DC. Nothing tells with which definition it began.
    """
    web = primitive("web").replace('name="monitor"', 'name="monitor" on-fail="ignore"')
    ill = Op(task="monitor", run=9, call=90, rc=1, interval=10_000, failure=True)
    snapshot = written(cluster(clone("web-clone", web), running={"web": ("n1", "n2", "n3")}))
    return after(snapshot, None, {("web", "n2"): (ill,)})


def debts(snapshot: Snapshot) -> list[str]:
    """Holds and debts: what would keep something down, or restart it once more."""
    return [trace for trace in traces(snapshot) if not trace.startswith("revisions")]


def traces(snapshot: Snapshot) -> list[str]:
    """What an operation must not leave behind."""
    found = [f"hold on {resource} {node or ''}" for resource, node in snapshot.holds]
    found += [
        f"{name} on {n.name}"
        for n in snapshot.nodes.values()
        for name in n.marks
        if name.startswith(("pacewright-owed", "pacewright-promoted"))
    ]
    found += [f"revisions of {r.id} for single nodes" for r in snapshot.resources.values() if r.node_revisions]
    return found


def keys(snapshot: Snapshot, resource: str) -> dict[str, str]:
    """Each instance's life."""
    return {f"{i.name} {i.node}": i.run.key for i in of(snapshot, resource) if i.run is not None}


# --- restart


def three(*members: str) -> list[str]:
    return sorted(f"{member} {node}" for member in members for node in ("n1", "n2", "n3"))


@pytest.mark.parametrize(
    ("name", "options", "restarted", "commits"),
    [
        ("db", Options(), ["db n2"], 1),
        ("g", Options(), ["a n1", "b n1"], 1),
        ("a", Options(), ["a n1", "b n1"], 1),
        ("b", Options(), ["b n1"], 1),
        ("web", Options(), three("web"), 3),
        ("web-clone", Options(), three("web"), 3),
        ("web", Options(at_once=True), three("web"), 1),
        ("web", Options(node="n3"), ["web n3"], 1),
        ("pair", Options(), three("one", "two"), 3),
        ("pair-clone", Options(), three("one", "two"), 3),
        ("pair-clone", Options(at_once=True), three("one", "two"), 1),
        ("pair-clone", Options(node="n2"), ["one n2", "two n2"], 1),
        ("two", Options(), three("two"), 3),
    ],
)
def test_restart(name: str, options: Options, restarted: list[str], commits: int) -> None:
    world = ScheduledCluster(base())
    outcome = operate(world, "restart", name, options)
    assert outcome.changed
    assert restarts(world.forecasts) == restarted
    assert len([change for change, _ in world.forecasts if not change.quiet]) == commits
    left = [trace for trace in traces(world.read()) if options.node is None or "single nodes" not in trace]
    assert left == []
    assert roles(world.read(), name) == roles(base(), name)


@pytest.mark.parametrize(("dc", "order"), [("1", "n3 n1 n2"), ("2", "n1 n3 n2"), ("3", "n1 n3 n2")])
def test_a_promotable_goes_dc_late_and_promoted_last(dc: str, order: str) -> None:
    world = ScheduledCluster(everything(dc=dc))
    operate(world, "restart", "st")
    ended = [a.node for _, f in world.forecasts for a in f.actions if a.verb in {"restart", "stop"}]
    assert ended == order.split()


@pytest.mark.parametrize(
    ("options", "nodes", "commits"),
    [(Options(), "n1 n2 n3", 4), (Options(at_once=True), "n1 n2 n3", 2), (Options(node="n2"), "n2", 2)],
)
def test_a_promotable_restarts_each_instance_and_holds_what_is_promoted(
    options: Options, nodes: str, commits: int
) -> None:
    world = ScheduledCluster(base())
    before = keys(world.read(), "st")
    outcome = operate(world, "restart", "st", options)
    after = keys(world.read(), "st")
    assert {where.removeprefix("st ") for where in before if before[where] != after[where]} >= set(nodes.split())
    assert outcome.restarted == tuple(nodes.split())
    assert len([change for change, _ in world.forecasts if not change.quiet]) == commits
    assert [trace for trace in traces(world.read()) if options.node is None or "single nodes" not in trace] == []


@pytest.mark.parametrize(("dc", "order"), [("1", "n2 n3 n1"), ("2", "n1 n3 n2"), ("3", "n1 n2 n3")])
def test_a_clone_goes_dc_last(dc: str, order: str) -> None:
    world = ScheduledCluster(everything(dc=dc))
    operate(world, "restart", "web")
    assert [restarts([step])[0].removeprefix("web ") for step in world.forecasts if not step[0].quiet] == order.split()


def test_never_are_two_instances_of_a_rolling_restart_down_together() -> None:
    world = ScheduledCluster(base())
    operate(world, "restart", "pair-clone")
    for forecast in (told for change, told in world.forecasts if not change.quiet):
        assert len({action.node for action in forecast.actions}) == 1


RELOADING = [("lb", ["lb"]), ("st", ["st"]), ("uniq", ["uniq"])]


@pytest.mark.parametrize(("name", "primitives"), RELOADING)
@pytest.mark.parametrize("at_once", [False, True])
def test_an_agent_that_would_only_reload_is_restarted_by_a_hold(
    name: str,
    primitives: list[str],
    at_once: bool,  # noqa: FBT001
) -> None:
    world = ScheduledCluster(reloading())
    before = keys(world.read(), name)
    outcome = operate(world, "restart", name, Options(at_once=at_once))
    assert outcome.changed
    after = keys(world.read(), name)
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())
    assert traces(world.read()) == []
    assert not any(action.verb.startswith("reload") for _, forecast in world.forecasts for action in forecast.actions)


def test_dependents_restart_along_and_are_named() -> None:
    order = '<rsc_order id="o" first="db" then="dep" kind="Mandatory"/>'
    world = ScheduledCluster(started(primitive("db"), primitive("dep"), constraints=order))
    outcome = operate(world, "restart", "db")
    assert [text.partition(" ")[0] for text in restarts(world.forecasts)] == ["db", "dep"]
    assert outcome.notes == ("dep depends on it and restarted along",)


def two_clones(**b: str) -> ScheduledCluster:
    """`order a-clone then b-clone`; without interleave each instance of b depends on all of a."""
    order = '<rsc_order id="o" first="a-clone" then="b-clone" kind="Mandatory"/>'
    return ScheduledCluster(
        started(clone("a-clone", primitive("a")), clone("b-clone", primitive("b"), **b), constraints=order)
    )


@pytest.mark.parametrize("node", [None, "n2"])
def test_a_roll_whose_steps_take_a_dependent_clone_down_on_all_nodes_is_refused(node: str | None) -> None:
    world = two_clones()
    with pytest.raises(Refused, match=r"take everything of b \(on n1, n2, n3\) down") as caught:
        operate(world, "restart", "a", Options(node=node))
    assert "interleave=true" in caught.value.hint
    assert restarts(world.forecasts) == []


def test_a_dependent_clone_restarts_along_where_it_is_interleaved_or_all_goes_at_once() -> None:
    world = two_clones(interleave="true")
    operate(world, "restart", "a")
    assert restarts(world.forecasts) == [f"{r} {n}" for r in "ab" for n in ("n1", "n2", "n3")]
    world = two_clones()
    operate(world, "restart", "a", Options(at_once=True))
    assert restarts(world.forecasts) == [f"{r} {n}" for r in "ab" for n in ("n1", "n2", "n3")]


def test_what_is_colocated_with_the_promoted_role_moves_with_it_once() -> None:
    constraints = (
        '<rsc_colocation id="c" rsc="vip" with-rsc="st-clone" with-rsc-role="Promoted" score="INFINITY"/>'
        '<rsc_order id="o" first="st-clone" first-action="promote" then="vip" then-action="start"/>'
    )
    resources = (clone("st-clone", primitive("st"), promotable="true"), primitive("vip"))
    world = ScheduledCluster(started(*resources, constraints=constraints))
    assert [i.node for i in of(world.read(), "vip")] == ["n2"]
    outcome = operate(world, "restart", "st")
    assert restarts(world.forecasts).count("st n2") == 1
    moves = [a for _, f in world.forecasts for a in f.actions if a.resource == "vip" and a.verb in {"move", "restart"}]
    assert len(moves) == 1, moves
    assert outcome.restarted == ("n1", "n2", "n3")
    assert traces(world.read()) == []


def test_a_restart_that_would_move_something_is_refused_unless_it_is_allowed() -> None:
    location = (
        '<rsc_location id="l" rsc="db" node="n1" score="50"/>'
        '<rsc_colocation id="c" rsc="dep" with-rsc="web-clone" score="INFINITY"/>'
        '<rsc_location id="l2" rsc="dep" node="n1" score="500"/>'
    )
    resources = (clone("web-clone", primitive("web")), primitive("db"), primitive("dep"))
    world = ScheduledCluster(started(*resources, constraints=location))
    held = ScheduledCluster(world.read())
    operate(held, "restart", "web", Options(allow_collateral=True))
    assert traces(held.read()) == []


# --- start, stop, enable, disable: each twice


@pytest.mark.parametrize("name", ["db", "g", "a", "b", "web", "pair-clone", "two", "st"])
def test_stop_and_start_twice_each(name: str) -> None:
    world = ScheduledCluster(base())
    first = operate(world, "stop", name)
    assert first.changed
    assert of(world.read(), name) == ()
    commits = len(world.forecasts)
    again = operate(world, "stop", name)
    assert not again.changed
    assert "nothing was changed" in again.message
    assert len(world.forecasts) == commits
    back = operate(world, "start", name)
    assert back.changed
    assert roles(world.read(), name).keys() == roles(base(), name).keys()
    commits = len(world.forecasts)
    again = operate(world, "start", name)
    assert not again.changed
    assert "nothing was changed" in again.message
    assert len(world.forecasts) == commits
    assert world.read().resources == base().resources


@pytest.mark.parametrize("name", ["db", "g", "b", "web", "pair-clone", "two", "st"])
def test_disable_and_enable_twice_each(name: str) -> None:
    world = ScheduledCluster(base())
    for verb, managed in (("disable", False), ("enable", True)):
        assert operate(world, verb, name).changed
        commits = len(world.forecasts)
        again = operate(world, verb, name)
        assert not again.changed
        assert "already" in again.message
        assert len(world.forecasts) == commits
        snapshot = world.read()
        assert all(
            is_true(snapshot.meta(p, "is-managed"), default=True) == managed
            for p in snapshot.primitives(ResourceId(name))
        )
    assert world.read().resources == base().resources
    assert keys(world.read(), name) == keys(base(), name)


def test_what_is_disabled_is_neither_restarted_nor_stopped() -> None:
    world = ScheduledCluster(base())
    operate(world, "disable", "web")
    commits = len(world.forecasts)
    for verb in ("restart", "stop", "start"):
        with pytest.raises(Refused, match="not managed"):
            operate(world, verb, "web")
    assert len(world.forecasts) == commits


def test_what_was_stopped_starts_where_it_was_told_to() -> None:
    world = ScheduledCluster(base())
    assert operate(world, "start", "off").changed
    assert len(roles(world.read(), "off")) == 1
    assert world.read().resources[ResourceId("off")].meta == {}


# --- restart twice: the second is another restart, with nothing left of the first


@pytest.mark.parametrize("name", ["db", "g", "web", "pair-clone", "st"])
def test_restart_twice_is_two_restarts(name: str) -> None:
    world = ScheduledCluster(base())
    operate(world, "restart", name)
    first = keys(world.read(), name)
    operate(world, "restart", name)
    assert not set(first.values()) & set(keys(world.read(), name).values())
    assert traces(world.read()) == []


# --- killed after every commit, and run again by a new call


INTERRUPTED = [
    (world, "restart", name, Options(at_once=at_once))
    for world, name in [
        *((base, name) for name in ("db", "g", "a", "b", "web", "pair-clone", "two", "st")),
        *((reloading, name) for name in ("lb", "front", "st", "app")),
    ]
    for at_once in ((False, True) if name in {"g", "web", "st", "lb"} else (False,))
]


@pytest.mark.parametrize(
    ("world", "verb", "name", "options"),
    INTERRUPTED,
    ids=[f"{w.__name__}-{verb}-{name}{'-at-once' * o.at_once}" for w, verb, name, o in INTERRUPTED],
)
def test_killed_after_any_commit_and_run_again_everything_is_restarted_and_nothing_is_left(
    world: Callable[[], Snapshot], verb: str, name: str, options: Options
) -> None:
    whole = ScheduledCluster(world())
    operate(whole, verb, name, options)
    for kill_after, left in enumerate(whole.written, 1):
        now = ScheduledCluster(*left)
        before = keys(now.read(), name)
        operate(now, verb, name, options)
        after = keys(now.read(), name)
        assert roles(now.read(), name).keys() == roles(world(), name).keys(), kill_after
        assert not set(before.values()) & set(after.values()), kill_after
        # Where a hold was taken over, the revision may stand for its node alone; nothing follows from that.
        assert (traces if world is base and name != "st" else debts)(now.read()) == [], kill_after


# What is promoted is held, and a hold ends by itself: the tests on a real cluster wait for that.
@pytest.mark.parametrize("name", ["db", "g", "web", "pair-clone"])
def test_killed_after_any_commit_nothing_is_down(name: str) -> None:
    whole = ScheduledCluster(base())
    operate(whole, "restart", name)
    for left, _ in whole.written:
        assert roles(left, name).keys() == roles(base(), name).keys()
        assert left.holds == {}


@pytest.mark.parametrize("verb", ["stop", "start", "disable", "enable"])
def test_a_switch_killed_after_its_commit_is_done_and_a_new_call_says_so(verb: str) -> None:
    ready = ScheduledCluster(base())
    if verb == "start":
        operate(ready, "stop", "web")
    if verb == "enable":
        operate(ready, "disable", "web")
    now = ScheduledCluster(ready.read())
    now.kill_after = 1
    with pytest.raises(Killed):
        operate(now, verb, "web")
    now.kill_after = None
    again = operate(now, verb, "web")
    assert not again.changed
    assert traces(now.read()) == []


# --- two calls, step by step


def stepping(world: ScheduledCluster, job: Job) -> Iterator[str]:
    """The loop, with a pause between reading and writing, where others may come in between."""
    planned = None
    for _ in range(200):
        snapshot = world.read()
        yield "read"
        step = job.decide(snapshot, planned, world.clock.now())
        if isinstance(step, Ask):
            step = job.decide(snapshot, world.what_if(snapshot), world.clock.now())
        planned = None
        if isinstance(step, Done):
            yield f"done {step.outcome.message}"
            return
        assert not isinstance(step, Fail), step.error
        if isinstance(step, Wait):
            job, planned = step.job, world.what_if(snapshot)
            world.clock.sleep(1.0)  # so some will take a leader for dead who lives
            continue
        assert isinstance(step, Commit)
        verdict: Commit | Fail | Ask | Wait | Job = step  # what is foreseen is not examined, as the loop does not
        if not step.foreseen:
            verdict = job.examine(step, world.what_if(snapshot, step.change, step.then), None)
            if isinstance(verdict, Ask):
                verdict = job.examine(step, world.what_if(snapshot, step.change, step.then), world.what_if(snapshot))
        assert not isinstance(verdict, Fail | Ask), verdict
        if isinstance(verdict, Wait):
            job = verdict.job
            world.clock.sleep(1.0)  # as the loop waits, so that what waits for a time does not wait for ever
            continue
        if not isinstance(verdict, Commit):
            job = verdict
            continue
        try:
            world.commit(verdict.change, based_on=snapshot)
        except CommitConflict:
            yield "conflict"
            continue
        job = verdict.job
        yield "committed"
    raise AssertionError("it goes on for ever")


def interleave(world: ScheduledCluster, jobs: list[Job], order: list[int]) -> list[str]:
    """Take both to their ends, in an order that is given as long as it lasts."""
    running = [stepping(world, job) for job in jobs]
    ends: dict[int, str] = {}
    turns = iter(order)
    while len(ends) < len(jobs):
        turn = next(turns, None)
        which = turn if turn is not None and turn not in ends else next(i for i in range(len(jobs)) if i not in ends)
        said = next(running[which])
        if said.startswith("done "):
            ends[which] = said.removeprefix("done ")
    return [ends[which] for which in range(len(jobs))]


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from(["db", "g", "web", "pair-clone", "st"]),
    st.lists(st.integers(min_value=0, max_value=1), max_size=14),
    st.booleans(),
)
def test_two_calls_that_overlap_restart_each_instance_once(name: str, order: list[int], at_once: bool) -> None:  # noqa: FBT001
    world = ScheduledCluster(base())
    jobs = [job_of(world, "restart", name, Options(at_once=at_once)) for _ in range(2)]
    interleave(world, jobs, order)
    found = restarts(world.forecasts)
    assert found == sorted(set(found)), "an instance was restarted twice"
    # What is promoted is held: a stop, and a start later, which no one forecast calls a restart.
    assert len(roles(base(), name)) - len(found) <= (name == "st")
    assert traces(world.read()) == []


@settings(max_examples=8, deadline=None)
@given(st.sampled_from(["lb", "st"]), st.lists(st.integers(min_value=0, max_value=1), max_size=14))
def test_two_calls_that_overlap_on_a_reloading_agent_leave_nothing_behind(name: str, order: list[int]) -> None:
    world = ScheduledCluster(reloading())
    before = keys(world.read(), name)
    jobs = [job_of(world, "restart", name, Options()) for _ in range(2)]
    interleave(world, jobs, order)
    after = keys(world.read(), name)
    assert after.keys() == before.keys()
    assert not set(before.values()) & set(after.values())
    assert debts(world.read()) == []


def test_one_of_two_that_overlap_says_that_one_was_enough() -> None:
    world = ScheduledCluster(base())
    jobs = [job_of(world, "restart", "db", Options()) for _ in range(2)]
    first, second = interleave(world, jobs, [0, 0, 0, 1, 1])
    assert first == "db: restarted."
    assert "one restart was enough for both" in second


# --- a copy in which something is under way


@pytest.mark.parametrize("what", ["starting", "promoting", "demoting", "migrating-here", "stopping"])
def test_a_plan_does_not_wait_for_ever_for_what_is_under_way(what: str) -> None:
    snapshot = parse((CIBS / f"bookworm-{what}.xml").read_bytes())
    world = ScheduledCluster(snapshot)
    try:
        operate(world, "restart", "slow")
    except PacewrightError as error:
        assert "stopped on purpose" in str(error)  # noqa: PT017
        return
    assert all(instance.settled for instance in of(world.read(), "slow"))


def test_an_instance_that_was_demoted_is_restarted_too() -> None:
    # Pacemaker compares no definition after a demote, so a new revision alone would be written and nothing happen.
    role = SetMeta(resource=ResourceId("st-clone"), name="target-role", value="Unpromoted")
    world = ScheduledCluster(written(base(), role))
    old = keys(world.read(), "st")
    operate(world, "restart", "st")
    assert not set(old.values()) & set(keys(world.read(), "st").values())
    assert debts(world.read()) == []


# --- remote nodes, guests, bundles


@pytest.mark.parametrize(
    ("name", "service", "places"),
    [
        ("made-remote", "web", ("far1", "guest1", "n1", "n2", "n3")),
        ("made-bundle", "cache", ("cache-bundle-0", "cache-bundle-1", "cache-bundle-2")),
        ("made-bundle", "db", ("n3",)),
    ],
)
def test_services_on_remote_nodes_and_in_bundles(name: str, service: str, places: tuple[str, ...]) -> None:
    world = ScheduledCluster(written(parse((CIBS / f"{name}.xml").read_bytes())))
    operate(world, "restart", service)
    assert restarts(world.forecasts) == [f"{service} {node}" for node in places]
    assert traces(world.read()) == []
    operate(world, "stop", service)
    assert roles(world.read(), service) == {}
    operate(world, "start", service)
    assert list(roles(world.read(), service)) == [f"{service} {node}" for node in places]


def rehearsal(world: ScheduledCluster, clock: Clock, seconds: float) -> Rehearsal:
    return Rehearsal(world.read(), deadline=Deadline.after(seconds, clock), clock=clock)


def test_a_clock_that_is_behind_is_found_before_anything_is_done_and_within_the_time_out() -> None:
    """Seen in the campaign: it was tried for 20 s, whatever the time-out, and said that it might have begun."""
    world = ScheduledCluster(reloading())
    target = find("lb", world.read(), Settings())
    assert target is not None
    job = begin_restart(target, world.read(), world.what_if(world.read()), token="t1")
    with pytest.raises(Refused, match="Pacemaker would do nothing with lb on n1") as caught:
        rehearsal(world, FakeClock(epoch=1_000_000_000.0), 1.0).run(job.rehearsed(), "lb")
    assert "Nothing was changed" in caught.value.hint


def test_a_longer_time_out_gives_a_rehearsal_more_time() -> None:
    """Seen with PostgreSQL on a busy machine: refused after 20 s, with the advice to give a longer one, in vain."""
    world = ScheduledCluster(reloading())
    target = find("lb", world.read(), Settings())
    assert target is not None
    job = begin_restart(target, world.read(), world.what_if(world.read()), token="t1")
    begun = FakeClock()
    rehearsal(world, begun, 60.0).run(job.rehearsed(), "lb")
    each = 30.0 / begun.looks
    whole = rehearsal(world, FakeClock(each=each), 50.0)
    assert whole.run(job.rehearsed(), "lb").notes == ()
    part = rehearsal(world, FakeClock(each=each), 20.0)
    outcome = part.run(job.rehearsed(), "lb")
    assert 0 < len(part.steps) <= len(whole.steps)
    assert "a longer --timeout" in outcome.notes[0]


@pytest.mark.parametrize(("changes", "tries"), [((), 1), ((True,), 2), ((True, True, True), 3)])
def test_what_seems_never_to_come_is_looked_at_again_while_the_cluster_changes(
    changes: tuple[bool, ...], tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen once on a busy machine: a restart was refused while the cluster recovered from a failed promote."""
    world = ScheduledCluster(reloading())
    target = find("lb", world.read(), Settings())
    assert target is not None
    job = begin_restart(target, world.read(), world.what_if(world.read()), token="t1")
    tried = []

    def never(_rehearsal: Rehearsal, _job: Job, name: str) -> Outcome:
        tried.append(name)
        raise NothingComes(f"{name}: not begun")

    left = iter(changes)
    monkeypatch.setattr(Rehearsal, "run", never)
    monkeypatch.setattr(world, "wait", lambda _seconds: next(left, False))
    with pytest.raises(NothingComes):
        Services()._rehearse_first(job, "lb", world.read(), world, Deadline.after(60.0))
    assert len(tried) == tries


def test_what_pacemaker_has_forgotten_the_definition_of_is_held_instead_of_refused() -> None:
    """Found by the campaign: a new definition would have changed nothing there, so the roll was refused for ever."""
    world = ScheduledCluster(forgotten())
    outcome = operate(world, "restart", "web")
    assert outcome.restarted == ("n1", "n2", "n3")
    assert restarts(world.forecasts) == ["web n1", "web n2", "web n3"]
    assert traces(world.read()) == []
