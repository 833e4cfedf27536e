"""The record of whole operations on a simulated cluster: every commit is in it, also when the caller is killed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pacewright.clock import Deadline
from pacewright.cluster.edits.change import Change
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import CommitConflict
from pacewright.operation.loop import carry_out
from pacewright.record.call_history import Story, stories
from pacewright.record.call_log import Call
from pacewright.record.log import Log
from pacewright.record.reading import read_log
from pacewright.service.requests import Options
from pacewright.service.services import Services
from pacewright.testing.scheduled import Killed, ScheduledCluster, job_of
from tests.golden.test_operations import base, reloading

pytestmark = pytest.mark.scheduler

OPERATIONS = [
    (base, "restart", "web"),
    (base, "restart", "g"),
    (base, "stop", "web"),
    (base, "disable", "db"),
    (reloading, "restart", "lb"),
    (reloading, "restart", "st"),
]


class Busy(ScheduledCluster):
    """A cluster that somebody else changes right before the first commit."""

    others = 1

    def commit(self, change: Change, *, based_on: Snapshot, still: Callable[[Snapshot], bool] | None = None) -> bool:
        if self.others:
            self.others -= 1
            raise CommitConflict("it has moved on.")
        return super().commit(change, based_on=based_on, still=still)


def recorded(world: ScheduledCluster, verb: str, name: str, path: Path) -> Story:
    """Carry an operation out, and read what was recorded of it."""
    job = job_of(world, verb, name, Options())
    with Call(Log(path, warn=pytest.fail), world.clock, verb=verb, service=name) as call:
        target = job.target  # type: ignore[attr-defined]
        call.about(world.read(), target.outermost, target.primitives)
        deadline = Deadline.after(60, world.clock)
        try:
            outcome = carry_out(
                job, world, name=name, deadline=deadline, clock=world.clock, progress=lambda _: None, journal=call
            )
        except Killed:
            call._ended = True  # a process that is killed does not get there
            raise
        call.ended(changed=outcome.changed, message=outcome.message, notes=outcome.notes)
    return stories(read_log(path).entries)[-1]


@pytest.mark.parametrize(("cluster", "verb", "name"), OPERATIONS)
def test_every_commit_is_recorded_with_its_reason_its_edits_and_what_the_scheduler_foresaw(
    cluster: Callable[[], Snapshot], verb: str, name: str, tmp_path: Path
) -> None:
    world = ScheduledCluster(cluster())
    story = recorded(world, verb, name, tmp_path / "history.jsonl")
    commits = story.of("commit")
    awaited = [(change, forecast) for change, forecast in world.forecasts if not change.last]
    assert [commit.told["reason"] for commit in commits] == [change.reason for change, _ in awaited]
    intended = [entry.told["reason"] for entry in story.of("intent")]
    assert intended == [change.reason for change, _ in world.forecasts], "what nobody waits for is told before"
    assert commits, "an operation that writes nothing would prove nothing"
    for commit, (change, forecast) in zip(commits, awaited, strict=True):
        assert commit.told["edits"] or not change.edits
        if commit.told["foreseen"] is not None and "hold" not in change.reason:  # a hold is asked about with its end
            assert commit.told["foreseen"] == [str(action) for action in forecast.actions][:20]
    assert story.end is not None
    assert story.end.told["changed"] is True


def test_each_instance_that_restarted_was_seen_to(tmp_path: Path) -> None:
    story = recorded(ScheduledCluster(base()), "restart", "web", tmp_path / "history.jsonl")
    seen = [instance for entry in story.of("seen") for instance in entry.told["instances"]]
    assert [i["node"] for i in seen if i["before"] is None] == ["n1", "n2", "n3"]
    assert [(i["node"], i["after"]) for i in seen if i["before"] is not None] == [
        ("n2", "Started"),
        ("n3", "Started"),
        ("n1", "Started"),
    ]


def test_a_commit_that_came_too_late_is_a_conflict_and_the_next_one_is_recorded(tmp_path: Path) -> None:
    story = recorded(Busy(base()), "restart", "db", tmp_path / "history.jsonl")
    kinds = [entry.kind for entry in story.entries if entry.kind in {"intent", "conflict", "commit"}]
    assert kinds[:4] == ["intent", "conflict", "intent", "commit"]
    assert kinds.count("conflict") == 1


@pytest.mark.parametrize("killed_at", [1, 2, 3])
def test_whoever_is_killed_right_after_a_commit_has_said_that_it_was_about_to(killed_at: int, tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    world = ScheduledCluster(base())
    world.kill_after = killed_at
    with pytest.raises(Killed):
        recorded(world, "restart", "web", path)
    (story,) = stories(read_log(path).entries)
    assert len(story.of("commit")) == killed_at - 1
    assert story.unresolved is not None
    assert story.unresolved.told["reason"] == world.forecasts[-1][0].reason


def test_a_rehearsal_records_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history.jsonl"
    monkeypatch.setattr(Services, "_snapshot", lambda *_, **__: base())
    services = Services(config=tmp_path / "none.yaml", log=Log(path, warn=pytest.fail))
    assert services.plan("restart", "web", Options()).steps
    assert not path.exists()
