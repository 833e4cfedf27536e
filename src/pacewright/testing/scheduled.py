"""Clusters in which Pacemaker's own scheduler decides, and operations that are carried out on them to their end."""

from __future__ import annotations

from collections.abc import Sequence

from pacewright.clock import Deadline
from pacewright.cluster.commit import Still
from pacewright.cluster.edits.change import Change, Edit
from pacewright.cluster.forecast import Forecast, what_if
from pacewright.cluster.names import NodeName, ResourceId, Role
from pacewright.cluster.simulation import Simulation
from pacewright.cluster.snapshot import Instance, Snapshot
from pacewright.errors import UnknownService
from pacewright.operation.loop import carry_out
from pacewright.operation.outcome import Outcome
from pacewright.operation.step import Job
from pacewright.service.lookup import Lookup
from pacewright.service.requests import Options, Verb, make_job
from pacewright.service.settings import Settings
from pacewright.testing.clock import FakeClock
from pacewright.testing.clusters import clone, cluster, group, primitive

__all__ = [
    "Killed",
    "ScheduledCluster",
    "actions",
    "asked",
    "drive",
    "everything",
    "expected",
    "job_of",
    "of",
    "operate",
    "restarts",
    "roles",
    "started",
    "written",
]

_WHILE = 60.0
"""Seconds of the cluster's clock that an operation gets."""


class Killed(BaseException):
    """What `kill -9` looks like from inside."""


class ScheduledCluster(Simulation):
    """A copy of a cluster with a clock, whose callers can be killed right after a commit.

    Args:
        snapshot: the cluster.
        at: seconds that the clock shows.

    Attributes:
        clock: goes on by a hundredth of a second when something happens, and by all of a wait in which nothing does.
        kill_after: commits after which whoever makes them is killed; None for nobody.
        written: the copy and the time right after each commit: what a caller leaves that is killed there.
    """

    def __init__(self, snapshot: Snapshot, at: float = 0.0) -> None:
        super().__init__(snapshot)
        self.clock = FakeClock(at)
        self.kill_after: int | None = None
        self.written: list[tuple[Snapshot, float]] = []

    def commit(self, change: Change, *, based_on: Snapshot, still: Still | None = None) -> bool:
        """As of any copy.

        Raises:
            Killed: it is written, and the caller's time has come.
        """
        written = super().commit(change, based_on=based_on, still=still)
        if written:
            self.written.append((self.read(), self.clock.at))
        if self.kill_after is not None:
            self.kill_after -= 1
            if self.kill_after == 0:
                raise Killed
        return written

    def wait(self, seconds: float) -> bool:
        """As of any copy, and it takes time."""
        changed = super().wait(seconds)
        self.clock.sleep(0.01 if changed else seconds)
        return changed


def job_of(
    cluster: ScheduledCluster,
    verb: Verb,
    name: str,
    options: Options | None = None,
    *,
    config: Settings | None = None,
    here: str | None = None,
) -> Job:
    """What `pacewright service VERB NAME` would carry out.

    Args:
        cluster: as the call finds it.
        verb, name, options: the command's words.
        config: the site's services.yaml.
        here: the node where it is called; None for a machine beside the cluster.

    Raises:
        PacewrightError: it cannot be begun.
    """
    snapshot = cluster.read()
    target = Lookup(snapshot, config or Settings()).find(name)
    if target is None:
        raise UnknownService(f"{name}: this cluster has no such service.")
    return make_job(
        verb,
        target,
        snapshot,
        lambda: cluster.what_if(snapshot),
        said=target.settings,
        options=options or Options(),
        here=NodeName(here) if here is not None else None,
        now=cluster.clock.now(),
    )


def drive(job: Job, cluster: ScheduledCluster, name: str = "service") -> Outcome:
    """Take a job to its end; `name` is for messages."""
    deadline = Deadline.after(_WHILE, cluster.clock)
    return carry_out(job, cluster, name=name, deadline=deadline, clock=cluster.clock, progress=_nobody)


def _nobody(line: str) -> None:
    """Progress that nobody reads."""
    del line


def operate(
    cluster: ScheduledCluster,
    verb: Verb,
    name: str,
    options: Options | None = None,
    *,
    config: Settings | None = None,
    here: str | None = None,
) -> Outcome:
    """Carry out `pacewright service VERB NAME`; the arguments are those of `job_of`."""
    return drive(job_of(cluster, verb, name, options, config=config, here=here), cluster, name)


STICKY = {"resource-stickiness": "100"}
SCORES = {"n1": {"master-st": "5"}, "n2": {"master-st": "10"}, "n3": {"master-st": "5"}}


def started(*resources: str, constraints: str = "", dc: str = "1") -> Snapshot:
    """Three nodes on which the scheduler has started all that it wants to."""
    empty = cluster(*resources, constraints=constraints, defaults=STICKY, transient=SCORES, dc=dc)
    return written(empty)


def everything(*, constraints: str = "", dc: str = "1") -> Snapshot:
    """One of each sort of resource, started; `st` is promoted on n2."""
    return started(
        clone("web-clone", primitive("web", parameters={"port": "80"})),
        group("g", primitive("a"), primitive("b")),
        primitive("db", parameters={"path": "/srv"}),
        clone("pair-clone", group("pair", primitive("one"), primitive("two"))),
        clone("st-clone", primitive("st"), promotable="true"),
        primitive("off", meta_values={"target-role": "Stopped"}),
        constraints=constraints,
        dc=dc,
    )


def of(snapshot: Snapshot, resource: str) -> tuple[Instance, ...]:
    """The instances of a resource."""
    return snapshot.instances_of(ResourceId(resource))


def expected(*texts: str) -> list[str]:
    """Actions as `verb resource node`, sorted."""
    return sorted(texts)


def actions(forecast: Forecast) -> list[str]:
    """What a forecast says, in the same form."""
    return sorted(f"{a.verb} {a.resource} {a.node}" + (f" {a.to}" if a.to else "") for a in forecast.actions)


def asked(snapshot: Snapshot, *edits: Edit) -> list[str]:
    """What the scheduler would do after these edits."""
    return actions(what_if(snapshot, Change(edits=edits, reason="test")))


def written(snapshot: Snapshot, *edits: Edit) -> Snapshot:
    """The cluster when the scheduler has carried these edits out."""
    copy = Simulation(snapshot)
    copy.commit(Change(edits=edits, reason="test"), based_on=copy.read())
    return copy.read()


def restarts(forecasts: Sequence[tuple[Change, Forecast]]) -> list[str]:
    """Every new life of an instance in a row of commits, as `resource node`."""
    return sorted(
        f"{action.resource} {action.node}"
        for _, forecast in forecasts
        for action in forecast.actions
        if action.verb in {"restart", "start", "recover"}
    )


def roles(snapshot: Snapshot, resource: str) -> dict[str, Role]:
    """What runs where."""
    return {f"{i.resource} {i.node}": i.role for i in of(snapshot, resource) if i.role.active}
