"""A lasting stop of one instance, and its start, on a simulated cluster where the real scheduler decides."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from functools import cache

import pytest

from pacewright.cluster.cib.parse import parse
from pacewright.cluster.edits.constraints import Tie
from pacewright.cluster.edits.kept_off import KeepOff
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import OperationFailed, Refused, UsageError
from pacewright.frozen import replace
from pacewright.service.lookup import Target, find
from pacewright.service.requests import Options
from pacewright.service.settings import Settings
from pacewright.service.status import State, local_state, status_of
from pacewright.testing.clusters import clone, cluster, primitive
from pacewright.testing.scheduled import Killed, ScheduledCluster, everything, of, operate, restarts, written

pytestmark = pytest.mark.scheduler

N2 = Options(node="n2")


@cache
def base() -> Snapshot:
    """One of each sort, running; `st` is promoted on n2."""
    return everything()


def up(world: ScheduledCluster, name: str) -> dict[str, list[str]]:
    """Where each primitive runs."""
    found: dict[str, list[str]] = {}
    for instance in of(world.read(), name):
        if instance.role.active:
            found.setdefault(instance.resource, []).append(instance.node)
    return {resource: sorted(nodes) for resource, nodes in found.items()}


def target(world: ScheduledCluster, name: str) -> Target:
    found = find(name, world.read(), Settings())
    assert found is not None
    return found


@pytest.mark.parametrize(("name", "primitives"), [("web", ["web"]), ("pair", ["one", "two"]), ("st", ["st"])])
def test_it_stops_there_and_nowhere_else_and_comes_back(name: str, primitives: list[str]) -> None:
    world = ScheduledCluster(base())
    stopped = operate(world, "stop", name, N2)
    assert stopped.changed
    assert stopped.message == f"{name} on n2: stopped."
    assert stopped.notes == (f"it stays stopped there until `pacewright service start {name} --node n2`",)
    assert up(world, name) == {one: ["n1", "n3"] for one in primitives}
    assert len(world.forecasts) == 1
    began = operate(world, "start", name, N2)
    assert began.changed
    assert began.message == f"{name} on n2: started."
    assert up(world, name) == {one: ["n1", "n2", "n3"] for one in primitives}
    assert not world.read().kept_off
    assert "pacewright" not in "".join(one.get("id", "") for one in world.read().root.iter("rsc_location"))


def test_twice_is_as_once() -> None:
    world = ScheduledCluster(base())
    operate(world, "stop", "web", N2)
    again = operate(world, "stop", "web", N2)
    assert not again.changed
    assert again.message == "web on n2: already stopped; nothing was changed."
    operate(world, "start", "web", N2)
    again = operate(world, "start", "web", N2)
    assert not again.changed
    assert again.message == "web on n2: already running; nothing was changed."
    assert len(world.forecasts) == 2


@pytest.mark.parametrize("verb", ["stop", "start"])
def test_whoever_dies_right_after_the_commit_has_done_it(verb: str) -> None:
    world = ScheduledCluster(base())
    if verb == "start":
        operate(world, "stop", "web", N2)
    world.kill_after = 1
    with pytest.raises(Killed):
        operate(world, verb, "web", N2)
    world.wait(1)
    assert up(world, "web")["web"] == (["n1", "n3"] if verb == "stop" else ["n1", "n2", "n3"])
    assert "already" in operate(world, verb, "web", N2).message


def test_it_stays_stopped_through_what_others_do() -> None:
    world = ScheduledCluster(base())
    operate(world, "stop", "web", N2)
    commits = len(world.forecasts)
    operate(world, "restart", "web", Options())
    assert restarts(world.forecasts[commits:]) == ["web n1", "web n3"]
    assert up(world, "web")["web"] == ["n1", "n3"]
    assert world.read().kept_off == {(ResourceId("web-clone"), NodeName("n2"))}


def test_it_is_seen_where_it_counts() -> None:
    world = ScheduledCluster(base())
    operate(world, "stop", "web", N2)
    there, elsewhere = (local_state(target(world, "web"), world.read(), NodeName(node)) for node in ("n2", "n1"))
    assert (there, elsewhere) == (State.STOPPED, State.RUNNING)
    (told,) = status_of(target(world, "web"), world.read(), None).owed
    assert (told.node, told.reason) == ("n2", "stopped there on purpose")
    assert "pacewright service start web --node n2" in told.hindrance


def test_start_of_the_whole_service_takes_it_away_too() -> None:
    world = ScheduledCluster(base())
    operate(world, "stop", "web", N2)
    operate(world, "stop", "web", Options())
    assert up(world, "web") == {}
    with pytest.raises(Refused, match="all of it is stopped on purpose"):
        operate(world, "start", "web", N2)
    operate(world, "start", "web", Options())
    assert up(world, "web")["web"] == ["n1", "n2", "n3"]
    assert not world.read().kept_off


@pytest.mark.parametrize(("name", "verb"), [("db", "stop"), ("g", "stop"), ("db", "start")])
def test_what_runs_in_one_place_has_no_single_instance(name: str, verb: str) -> None:
    world = ScheduledCluster(base())
    with pytest.raises(Refused, match="runs in one place"):
        operate(world, verb, name, N2)
    assert world.forecasts == []


def test_the_only_one_that_is_up_is_not_stopped_by_the_way() -> None:
    world = ScheduledCluster(base())
    for node in ("n1", "n3"):
        operate(world, "stop", "web", Options(node=node))
    with pytest.raises(Refused, match="nothing else of it is up"):
        operate(world, "stop", "web", N2)
    operate(world, "stop", "web", Options(node="n2", allow_collateral=True))
    assert up(world, "web") == {}


def test_what_would_stop_elsewhere_is_not_stopped_by_the_way() -> None:
    least = '<rsc_order id="o" first="web-clone" then="api"/>'
    snapshot = cluster(
        clone("web-clone", primitive("web"), **{"clone-min": "3"}),
        primitive("api"),
        running={"web": ("n1", "n2", "n3"), "api": ("n1",)},
        constraints=least,
    )
    world = ScheduledCluster(written(snapshot))
    with pytest.raises(Refused, match=r"would also .*api on n1"):
        operate(world, "stop", "web", N2)
    assert world.forecasts == []
    operate(world, "stop", "web", Options(node="n2", allow_collateral=True))
    assert up(world, "web")["web"] == ["n1", "n3"]


def test_an_address_goes_where_another_instance_serves() -> None:
    tied = '<rsc_colocation id="c" rsc="vip" with-rsc="web-clone" score="INFINITY"/>'
    snapshot = cluster(
        clone("web-clone", primitive("web")),
        primitive("vip"),
        running={"web": ("n1", "n2", "n3"), "vip": ("n2",)},
        constraints=tied,
    )
    world = ScheduledCluster(written(snapshot))
    operate(world, "stop", "web", N2)
    assert up(world, "web")["web"] == ["n1", "n3"]
    assert up(world, "vip")["vip"] in (["n1"], ["n3"])


def test_a_node_that_is_none() -> None:
    with pytest.raises(UsageError, match="n9: no such node"):
        operate(ScheduledCluster(base()), "stop", "web", Options(node="n9"))


def test_where_it_may_not_run_it_does_not_start() -> None:
    ban = '<rsc_location id="ban" rsc="web-clone" node="n2" score="-INFINITY"/>'
    snapshot = cluster(clone("web-clone", primitive("web")), running={"web": ("n1", "n3")}, constraints=ban)
    world = ScheduledCluster(written(snapshot))
    with pytest.raises(OperationFailed, match="does not start it on n2: its constraints"):
        operate(world, "start", "web", N2)


def test_a_member_of_a_group_has_no_instance_of_its_own() -> None:
    world = ScheduledCluster(base())
    for verb in ("stop", "start"):
        with pytest.raises(Refused, match=r"two: not .*: it is a member of a group"):
            operate(world, verb, "two", N2)
    operate(world, "stop", "pair", N2)
    assert "already running" in operate(world, "start", "two", Options()).message
    assert world.read().kept_off, "that is for the group"


def test_a_role_comes_back_with_the_start_of_the_whole_service_too() -> None:
    world = ScheduledCluster(base())
    operate(world, "stop", "st", N2)
    operate(world, "start", "st", Options())
    assert up(world, "st")["st"] == ["n1", "n2", "n3"]


def test_a_run_on_one_node_leaves_what_was_stopped_on_another_one() -> None:
    world = ScheduledCluster(base())
    for node in ("n2", "n3"):
        operate(world, "stop", "web", Options(node=node))
    operate(world, "start", "web", Options(barrier=True, for_others="proceed"), here="n2")
    assert world.read().kept_off == {(ResourceId("web-clone"), NodeName("n3"))}
    assert up(world, "web")["web"] == ["n1", "n2"]


def test_what_another_call_has_just_stopped_is_not_counted_on() -> None:
    world = ScheduledCluster(base())
    operate(world, "stop", "web", Options(node="n3"))
    root = ET.fromstring(ET.tostring(world.read().root))
    KeepOff(resource=ResourceId("web-clone"), node=NodeName("n1")).apply(root)
    before = ScheduledCluster(parse(ET.tostring(root)))  # n1 has not begun to stop
    with pytest.raises(Refused, match="nothing else of it is up"):
        operate(before, "stop", "web", N2)


@pytest.mark.parametrize("beside", [Options(node="n2", wave="w"), Options(node="n2", barrier=True)])
def test_what_is_for_the_whole_service_is_not_asked_of_one_instance(beside: Options) -> None:
    with pytest.raises(UsageError, match="is for the whole service, and --node for one instance"):
        operate(ScheduledCluster(base()), "stop", "web", beside)


def test_a_location_of_somebody_elses_is_not_written_over_ours() -> None:
    world = ScheduledCluster(base())
    operate(world, "stop", "web", N2)
    about = {"rsc": "web-clone", "node": "n2"}
    tie = Tie(kind="location", about=about, values={"score": "100"}, initial={}, present=True)
    root = ET.fromstring(ET.tostring(world.read().root))
    tie.apply(root)
    assert parse(ET.tostring(root)).kept_off == world.read().kept_off
    replace(tie, present=False).apply(root)
    assert parse(ET.tostring(root)).kept_off == world.read().kept_off
