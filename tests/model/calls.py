"""Calls of Pacewright on a simulated cluster, one turn of their loop at a time.

The turn is the real one (`operation/loop.py`), and so are the decisions, `make_job` and `commit`; only Pacemaker's
programs, the node's disk and the clock behind them are the model's.
"""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass, field
from unittest.mock import patch

from pacewright.clock import Deadline
from pacewright.cluster.commit import commit
from pacewright.cluster.edits.change import Change
from pacewright.cluster.forecast import Action, Forecast, _joined, by_place
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.cluster.tools import cibadmin
from pacewright.errors import ClusterDown, CommitConflict, DeadlinePassed, NoQuorum, OperationFailed, PacewrightError
from pacewright.node.fingerprint import Inputs
from pacewright.operation.loop import Means, Turn, take
from pacewright.operation.outcome import Outcome
from pacewright.operation.step import Job
from pacewright.process import Begun
from pacewright.service import requests as jobs
from pacewright.service.lookup import Target, find
from pacewright.service.requests import Options, make_job
from pacewright.service.rolling.refresh import Refresh
from pacewright.service.rolling.restart import Restart
from pacewright.service.settings import ServiceSettings, Settings
from tests.model.own import no_doubt
from tests.model.pacemaker import Cluster
from tests.model.record import Status
from tests.model.rules import digest
from tests.model.scheduler import Want, carried_out, definitions, moved, parts, wanted

__all__ = ["Call", "imagine", "target_of"]

_PATIENCE = 180.0
"""Seconds that a call has: what `Services` would give a clone on three nodes."""
_TURN = 0.05
"""Seconds that a turn takes."""


def target_of(snapshot: Snapshot, kind: str) -> Target:
    """The service."""
    found = find(kind, snapshot, Settings())
    assert found is not None
    return found


@dataclass(slots=True)
class Call:
    """One `pacewright service VERB`, on a node.

    Attributes:
        said: what services.yaml says.
        skew: seconds by which the clock of its node is ahead.
        begun: the moment of its beginning.
        outcome, error: how it ended.
        wrote: commits that it made.
        found: the lives that it has to end, if it is a restart, by node.
        once: the fingerprint that stands for the call itself, where nobody knows any inputs; else empty.
        says_since: what begins on its node from then on has what it calls for. Where the clock was set back while an
            instance was being started, that one too: its start has no time yet that could show it.
    """

    cluster: Cluster
    verb: str
    node: str
    options: Options = field(default_factory=Options)
    said: ServiceSettings = field(default_factory=lambda: ServiceSettings(config=("/etc/service",)))
    skew: float = 0.0
    begun: float = 0.0
    outcome: Outcome | None = None
    error: PacewrightError | None = None
    wrote: int = 0
    found: dict[str, int] = field(default_factory=dict)
    once: str = ""
    says_since: float = 0.0
    lines: list[str] = field(default_factory=list)
    _turn: Turn | None = None
    _seen: tuple[Snapshot, Status] | None = None
    _deadline: Deadline = field(default_factory=lambda: Deadline(at=0.0, seconds=0.0))

    # -- the clock of its node --------------------------------------------------------------------------------------

    def now(self) -> float:
        """Its node's wall clock."""
        return self.cluster.now + self.skew

    def monotonic(self) -> float:
        """Time that never jumps."""
        return self.cluster.now

    def sleep(self, seconds: float) -> None:
        """Nothing in a turn sleeps."""
        raise AssertionError

    # -- its steps --------------------------------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        """It has ended."""
        return self.outcome is not None or self.error is not None

    def begin(self) -> None:
        """Read the cluster and make the job."""
        self.begun = self.cluster.now
        starting = self.cluster.flights.get((self.cluster.kind, self.node))
        set_back = self.skew < 0 and starting is not None and starting.task == "start"
        self.says_since = starting.begun - _TURN if starting is not None and set_back else self.begun
        self._deadline = Deadline.after(_PATIENCE, self)
        snapshot = self.read()
        try:
            if snapshot.dc is None:
                raise ClusterDown("no DC")
            with patch.object(jobs, "fingerprint", self._inputs):
                job = make_job(
                    self.verb,
                    target_of(snapshot, self.cluster.kind),
                    snapshot,
                    lambda: self.what_if(snapshot),
                    said=self.said,
                    options=self.options,
                    here=NodeName(self.node),
                    now=self.now(),
                )
            self._turn = Turn(job=job)
            self.found = self._lives(job)
            self.once = self._once(job)
        except PacewrightError as error:
            self.error = error
        self.cluster.pass_time(_TURN)

    @property
    def restarting(self) -> bool:
        """It has begun to restart instances."""
        return any(line.startswith("restarting") for line in self.lines)

    @property
    def counts(self) -> bool:
        """It asks for a restart of everything, whatever the configs are."""
        return self.verb == "restart"

    @property
    def at_once(self) -> bool:
        """It may have more than one instance down."""
        job = self._turn.job if self._turn is not None else None
        return isinstance(job, Restart) and (job.policy.at_once or job.policy.keeps_going)

    def look(self) -> None:
        """Read the cluster, for the next turn."""
        self.read()

    def act(self) -> None:
        """Take the turn on what was read last; the cluster may have gone on since."""
        assert self._turn is not None
        assert self._seen is not None
        snapshot, _ = self._seen
        try:
            if snapshot.dc is not None:
                after = take(self._turn, snapshot, self, self._means())
                if isinstance(after, Outcome):
                    self.outcome = after
                else:
                    self._turn = after
            if not self.over and self._deadline.passed(self):
                raise DeadlinePassed("too late")
        except PacewrightError as error:
            if isinstance(error, CommitConflict):
                raise AssertionError("the loop reads and decides again") from error  # noqa: TRY004
            self.error = error
        self.cluster.pass_time(_TURN)

    def _means(self) -> Means:
        health = self._healthy if self.said.health is not None else None
        return Means(deadline=self._deadline, clock=self, progress=self.lines.append, health=health)

    def _healthy(self, node: NodeName) -> None:
        """Ask the instance itself."""
        life = self.cluster.lives.get((self.cluster.kind, node))
        if life is None or life.config == "sick":
            raise OperationFailed(f"{node} is not healthy")

    def _once(self, job: Job) -> str:
        if self.said.config or not isinstance(job, Refresh) or job.own is None or job.own.report is None:
            return ""
        return job.own.report.fingerprint

    def _lives(self, job: Job) -> dict[str, int]:
        if not isinstance(job, Restart):
            return {}
        places = {node for before in job.slots.before.values() for _, node in before.places}
        return {node: life.number for (_, node), life in self.cluster.lives.items() if node in places}

    def _inputs(self, paths: tuple[str, ...]) -> Inputs:
        del paths
        config = self.cluster.disk[self.node]
        return Inputs(fingerprint=config.text, changed=config.changed, files=1)

    # -- what a connection has --------------------------------------------------------------------------------------

    def read(self) -> Snapshot:
        """The cluster now."""
        snapshot, status = self.cluster.read(self.node)
        self._seen = snapshot, status
        return snapshot

    def what_if(self, snapshot: Snapshot, change: Change | None = None, then: Change | None = None) -> Forecast:
        """What the model's scheduler would do with that snapshot, by the clock of the call's node."""
        assert self._seen is not None
        assert snapshot is self._seen[0]
        # Which instance of a clone is which is a matter of chance, and so is whether one has moved.
        moves = self.cluster.updates % 2 == 1
        return imagine(snapshot, self._seen[1], self.now(), change, then, moves=moves)

    def commit(self, change: Change, *, based_on: Snapshot, still: Callable[[Snapshot], bool] | None = None) -> bool:
        """The real commit, with the cluster instead of `crm_diff` and `cibadmin`."""
        assert self._seen is not None
        differing = _Patch(cluster=self.cluster, node=self.node, seen=self._seen[1])
        with (
            patch("pacewright.cluster.commit.difference", differing.difference),
            patch.object(cibadmin, "patch", differing.patch),
            patch.object(cibadmin, "query_root", differing.query_root),
            patch.object(cibadmin, "query", differing.query),
            no_doubt(),
        ):
            written = commit(change, based_on=based_on, still=still)
        self.wrote += written
        return written

    def cleanup(self, resource: ResourceId, node: NodeName) -> None:
        """`crm_resource --cleanup`."""
        if self.node not in self.cluster.apart:
            self.cluster.cleanup(resource, node)

    def wait(self, seconds: float) -> bool:
        """True if the cluster has changed since it was read; else the time passes in which it does not."""
        assert self._seen is not None
        if self.cluster.read(self.node)[0] is not self._seen[0]:
            return True
        self.cluster.pass_time(seconds)
        return False


@dataclass(slots=True)
class _Patch:
    """A commit on its way to the CIB, decided on a status as it was seen."""

    cluster: Cluster
    node: str
    seen: Status
    after: bytes = b""

    def query_root(self) -> bytes:
        """What `cibadmin --query --no-children` says."""
        version = self.cluster.read(self.node)[0].version
        return (
            f'<cib admin_epoch="{version.admin_epoch}" epoch="{version.epoch}" num_updates="{version.num_updates}"/>'
        ).encode()

    def query(self, *, begun: Begun | None = None, timeout: float = 30.0) -> bytes:
        """What `cibadmin --query` says: what is there now is what the patch is decided on."""
        del begun, timeout
        snapshot, self.seen = self.cluster.read(self.node)
        return ET.tostring(snapshot.root)

    def difference(self, before: ET.Element, after: ET.Element) -> bytes:
        """A patch, as far as `commit` looks at it."""
        self.after = ET.tostring(after)
        version = {name: before.get(name, "") for name in ("admin_epoch", "epoch", "num_updates")}
        source = ET.tostring(ET.Element("source", version), encoding="unicode")
        change = '<change operation="modify" path="/cib/configuration"/>'
        return f"<diff><version>{source}</version>{change}</diff>".encode()

    def patch(self, document: bytes) -> None:
        """What `cibadmin --patch` does: it refuses another version than the one that the patch names."""
        source = ET.fromstring(document).find("version/source")
        assert source is not None
        assert self.seen.quorate, "5: decided without quorum, and written"
        if not self.cluster.status.quorate or self.node in self.cluster.apart:
            raise NoQuorum("cibadmin says no")
        named = {"epoch": self.cluster.epoch, "num_updates": self.cluster.updates}
        if any(source.get(name, str(value)) != str(value) for name, value in named.items()):
            raise CommitConflict("cibadmin says 103")
        before = self.cluster.configuration
        self.cluster.edit(ET.fromstring(self.after))
        self.cluster.overtook |= _overtaken(self.cluster, self.seen, before)


def imagine(
    snapshot: Snapshot,
    status: Status,
    now: float,
    change: Change | None = None,
    then: Change | None = None,
    *,
    moves: bool = False,
) -> Forecast:
    """What the model's scheduler would do, as `what_if` tells it.

    Args:
        snapshot: the cluster.
        status: the status in it, as the model has it.
        now: seconds since the epoch.
        change: what would be written; None for nothing.
        then: what would be written once that is done.
        moves: say of a clone's instance that stops where another one starts that it moves.
    """
    root = snapshot.root if change is None else change.apply(snapshot)
    clones = {definition.id for definition in definitions(_configuration(root)) if definition.clone}

    def actions(wants: list[Want]) -> tuple[Action, ...]:
        return by_place(_action(want, clones) for want in (moved(wants) if moves else wants))

    wants = _wants(root, status, now)
    found = actions(wants)
    if then is not None:
        after = carried_out(_configuration(root), status, now, wants)
        root = copy.deepcopy(root)
        for edit in then.edits:
            edit.apply(root)
        found = _joined(found, actions(_wants(root, after, now)))
    lost = (NodeName(name) for name, node in status.nodes.items() if node.presence == "lost")
    return Forecast(actions=found, fenced=tuple(lost))


def _overtaken(cluster: Cluster, seen: Status, before: ET.Element) -> set[str]:
    """Nodes where something was begun after that look, with the definition that was there before this commit.

    A commit is refused only if the configuration has changed since, so it may come just behind such a start.
    """
    old = {definition.id: definition for definition in definitions(before)}
    found = set()
    for definition in cluster.definitions():
        for node, now in parts(definition, cluster.status).items():
            op = now.checked
            if op is None or op in (seen.history(definition.id, node).last, None):
                continue
            was, will = (digest(d.parameters(node, cluster.now)) for d in (old[definition.id], definition))
            if op.digest == was != will:
                found.add(node)
    return found


def _configuration(root: ET.Element) -> ET.Element:
    found = root.find("configuration")
    assert found is not None
    return found


def _wants(root: ET.Element, status: Status, now: float) -> list[Want]:
    return wanted(_configuration(root), status, now)


def _action(want: Want, clones: set[str]) -> Action:
    return Action(
        verb=want.verb,
        resource=ResourceId(want.resource),
        instance=f"{want.resource}:0" if want.resource in clones else want.resource,
        node=NodeName(want.node),
        to=NodeName(want.to) if want.to is not None else None,
        reason="",
        blocked=want.blocked,
    )
