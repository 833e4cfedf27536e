"""What a decision can be. A decision is a pure function of a snapshot; the loop carries it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from pacewright.cluster.edits.change import Change
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import PacewrightError
from pacewright.frozen import field, frozen
from pacewright.operation.outcome import Outcome

__all__ = [
    "Ask",
    "Check",
    "Clean",
    "Commit",
    "Done",
    "Drain",
    "Fail",
    "Job",
    "Next",
    "Restore",
    "Wait",
]


@frozen
class Commit:
    """Write this change; `job` takes over once it is written.

    Attributes:
        then: what will be written later to complete it (taking a hold away); previewed together with it.
        foreseen: it has to be written whatever follows from it, so it is not previewed: an instance is down until then.
        places: the nodes whose instances it restarts, and those where they are down already, where others of the
            service must stay up meanwhile; empty where that does not matter.
        others: where what does not belong to the service runs, if instances of the service stay up meanwhile.
        moves: what the scheduler has to do something with, and where (None: anywhere); else the commit is in vain, and
            is not written.
        ends: how the operation has ended once this is written, where nothing remains to be seen; else None.
        summary: what happens, in a few words for progress: `n1: restart`; a line for each thing; empty for what people
            need not know.
    """

    change: Change
    then: Change | None = None
    foreseen: bool = False
    places: frozenset[NodeName] = frozenset()
    others: Mapping[ResourceId, frozenset[NodeName]] = field(default_factory=dict)
    moves: frozenset[tuple[ResourceId, NodeName | None]] = frozenset()
    job: Job
    ends: Outcome | None = None
    summary: str

    def in_vain(self, forecast: Forecast) -> tuple[str, ...]:
        """What the scheduler would do nothing with, though that is what the commit is for: `web on n1`."""
        acted = {
            (action.resource, place)
            for action in forecast.actions
            if not action.blocked
            for place in (None, action.node, action.to)
        }
        idle = sorted(self.moves - acted, key=str)
        return tuple(resource + (f" on {node}" if node else "") for resource, node in idle)


@frozen
class Clean:
    """Make the cluster forget a failure, so that it tries that instance again."""

    resource: ResourceId
    node: NodeName
    job: Job
    reason: str


@frozen
class Wait:
    """Nothing to do until the cluster has changed; `job` then goes on, with what it has seen."""

    reason: str
    job: Job


@frozen
class Check:
    """Go on as `job` once the instances on these nodes are healthy.

    Attributes:
        failed: the job that goes on without an instance that is not, given its node and what was seen; None to end.
    """

    nodes: tuple[NodeName, ...]
    job: Job
    failed: Callable[[NodeName, str], Job] | None = None


@frozen
class Drain:
    """Go on as `job` once nobody sends anything to the instances on these nodes any more."""

    nodes: tuple[NodeName, ...]
    job: Job


@frozen
class Restore:
    """Go on as `job` once the instances on these nodes are sent their share again."""

    nodes: tuple[NodeName, ...]
    job: Job


@frozen
class Ask:
    """Decide again with what the scheduler would do by itself now."""


@frozen
class Done:
    """It is as it should be."""

    outcome: Outcome


@frozen
class Fail:
    """It will not become as it should be."""

    error: PacewrightError


Next = Commit | Clean | Wait | Check | Drain | Restore | Ask | Done | Fail


class Job(Protocol):
    """An operation under way: frozen; every step returns the job that goes on."""

    def decide(self, snapshot: Snapshot, planned: Forecast | None, now: float) -> Next:
        """The next step.

        Args:
            snapshot: the cluster.
            planned: what the scheduler would do by itself, if that was asked for (`Ask`).
            now: seconds since the epoch.
        """

    def examine(self, step: Commit, forecast: Forecast, planned: Forecast | None) -> Commit | Fail | Ask | Wait | Job:
        """Judge a commit by what the scheduler would do: go on, refuse, ask, wait, or decide again as another job.

        Args:
            step: what `decide` wanted.
            forecast: what the scheduler would do after the commit.
            planned: what the scheduler would do without it, if that was asked for.
        """
