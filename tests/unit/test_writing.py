"""A write whose answer is lost: what the cluster has counts, and it is never said that nothing was changed."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from pacewright.clock import Deadline
from pacewright.cluster.cib.parse import parse
from pacewright.cluster.edits.change import Change, SetMark, SetMeta
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import ClusterDown, CommitConflict, OutcomeUnknown
from pacewright.operation.loop import carry_out
from pacewright.operation.outcome import Outcome
from pacewright.operation.step import Clean, Commit, Done, Next
from pacewright.record.call_history import stories
from pacewright.record.call_log import Call
from pacewright.record.log import Log
from pacewright.record.reading import read_log
from pacewright.testing.clusters import cluster, primitive
from tests.unit.test_loop import Hands, Played

WEB, N1 = ResourceId("web"), NodeName("n1")
STOP = Change(edits=(SetMeta(resource=WEB, name="target-role", value="Stopped"),), reason="stop web")
OTHER = Change(edits=(SetMark(node=N1, name="pacewright-x", value="1"),), reason="another call")
GONE = Change(edits=(SetMeta(resource=ResourceId("gone"), name="target-role", value="Stopped"),), reason="stop gone")

Loss = Callable[["Lossy", Change], None]


@dataclass
class Lossy:
    """A cluster where the first writes do one thing or another, and give no clear answer."""

    losses: list[Loss]
    clock: Hands = field(default_factory=Hands)
    seen: list[str] = field(default_factory=list)
    down: bool = False
    snapshot: Snapshot = field(default_factory=lambda: cluster(primitive("web"), running={"web": ("n1",)}))

    def read(self) -> Snapshot:
        if self.down:
            raise ClusterDown("the cluster does not answer on this node: Pacemaker is not running or still starting.")
        self.seen.append("read")
        return self.snapshot

    def what_if(self, snapshot: Snapshot, change: Change | None = None, then: Change | None = None) -> Forecast:
        return Forecast(actions=())

    def write(self, change: Change) -> None:
        self.snapshot = parse(ET.tostring(change.apply(self.snapshot)))
        self.seen.append(f"written: {change.reason}")

    def commit(self, change: Change, *, based_on: Snapshot, still: Callable[[Snapshot], bool] | None = None) -> bool:
        if based_on.version.epoch != self.snapshot.version.epoch:
            self.seen.append("refused")
            raise CommitConflict("moved on")
        if self.losses:
            self.losses.pop(0)(self, change)
            raise OutcomeUnknown("cibadmin: exit code 124.", hint="Look at the log.")
        self.write(change)
        return True

    def cleanup(self, resource: ResourceId, node: NodeName) -> None:
        self.seen.append("cleanup")
        if self.losses:
            self.losses.pop(0)
            raise OutcomeUnknown("crm_resource: no answer within 30 s.")

    def wait(self, seconds: float) -> bool:
        self.clock.sleep(seconds)
        return False


def applied(world: Lossy, change: Change) -> None:
    world.write(change)


def lost(world: Lossy, change: Change) -> None:
    del world, change


def overtaken(world: Lossy, change: Change) -> None:
    del change
    world.write(OTHER)


def and_down(world: Lossy, change: Change) -> None:
    world.write(change)
    world.down = True


def stop(change: Change = STOP) -> Callable[[Played], Next]:
    def decide(job: Played) -> Next:
        return Commit(change=change, job=Played(iter([end])), summary="stopping web", foreseen=True)

    return decide


def end(job: Played) -> Next:
    return Done(outcome=Outcome(changed=True, message="stopped"))


def elsewhere(job: Played) -> Next:
    return Done(outcome=Outcome(changed=False, message="decided anew"))


@pytest.fixture
def kinds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Log, Callable[[], list[str]]]:
    path = tmp_path_factory.mktemp("log") / "history.jsonl"
    return Log(path, warn=pytest.fail), lambda: [entry.kind for entry in read_log(path).entries]


def play(world: Lossy, *steps: Callable[[Played], Next], log: Log | None = None, said: list[str] | None = None) -> str:
    told: list[str] = [] if said is None else said
    with Call(log, world.clock, verb="stop", service="web") as call:
        outcome = carry_out(
            Played(iter(steps)),
            world,
            name="web",
            deadline=Deadline.after(600, world.clock),
            clock=world.clock,
            progress=told.append,
            journal=call,
        )
        call.ended(changed=outcome.changed, message=outcome.message)
    return outcome.message


def test_a_write_that_the_cluster_has_is_written(kinds: tuple[Log, Callable[[], list[str]]]) -> None:
    world, said = Lossy(losses=[applied]), list[str]()
    log, told = kinds
    assert play(world, stop(), log=log, said=said) == "stopped"
    assert world.seen == ["read", "written: stop web", "read", "read"]
    assert [kind for kind in told() if kind != "seen"] == ["call", "intent", "unknown", "commit", "end"]
    assert said == ["stopping web"]


def test_a_write_that_the_cluster_has_not_is_decided_again(kinds: tuple[Log, Callable[[], list[str]]]) -> None:
    world = Lossy(losses=[lost])
    log, told = kinds
    assert play(world, stop(), stop(), log=log) == "stopped"
    assert world.seen.count("written: stop web") == 1
    kinds_told = [kind for kind in told() if kind != "seen"]
    assert kinds_told == ["call", "intent", "unknown", "intent", "commit", "end"]


def test_a_cluster_that_has_moved_on_is_decided_on_anew() -> None:
    world = Lossy(losses=[overtaken])
    assert play(world, stop(), elsewhere) == "decided anew"
    assert "written: stop web" not in world.seen


def test_what_it_was_about_may_be_gone_meanwhile() -> None:
    world = Lossy(losses=[overtaken])
    assert play(world, stop(GONE), elsewhere) == "decided anew"


def test_without_a_clear_answer_it_ends_after_three_writes(kinds: tuple[Log, Callable[[], list[str]]]) -> None:
    world = Lossy(losses=[lost] * 9)
    log, told = kinds
    with pytest.raises(OutcomeUnknown) as caught:
        play(world, *[stop()] * 9, log=log)
    assert len(world.losses) == 6
    assert "`stop web` was not in the cluster when it was looked at then" in caught.value.message
    assert "It may come yet" in caught.value.hint
    assert told().count("unknown") == 3


def test_a_cluster_that_is_down_then_does_not_hide_that_it_may_be_written(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("log") / "history.jsonl"
    with pytest.raises(ClusterDown) as caught:
        play(Lossy(losses=[and_down]), stop(), log=Log(path, warn=pytest.fail))
    assert "whether `stop web` was written is not known" in caught.value.message
    (story,) = stories(read_log(path).entries)
    assert story.unresolved is not None
    assert story.unresolved.kind == "unknown"


def test_a_clean_up_without_an_answer_is_decided_again() -> None:
    def clean(job: Played) -> Next:
        return Clean(resource=WEB, node=N1, job=Played(iter([end])), reason="trying it again")

    world = Lossy(losses=[lost])
    assert play(world, clean, clean) == "stopped"
    assert world.seen.count("cleanup") == 2
