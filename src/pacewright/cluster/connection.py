"""Connection: what an operation needs of a cluster. `live` is the real one, `simulation` one that is only imagined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pacewright.cluster.commit import Still
    from pacewright.cluster.edits.change import Change
    from pacewright.cluster.forecast import Forecast
    from pacewright.cluster.names import NodeName, ResourceId
    from pacewright.cluster.simulation import Simulation
    from pacewright.cluster.snapshot import Snapshot

__all__ = ["Connection", "Copied"]


class Connection(Protocol):
    """What an operation needs of a cluster."""

    def read(self) -> Snapshot:
        """The cluster now."""

    def what_if(self, snapshot: Snapshot, change: Change | None = None, then: Change | None = None) -> Forecast:
        """What the scheduler would do; changes nothing."""

    def commit(self, change: Change, *, based_on: Snapshot, still: Still | None = None) -> bool:
        """Write a change, or raise CommitConflict or OutcomeUnknown; False if everything was so already.

        Args:
            change: what to write.
            based_on: what it was decided on.
            still: asked whether it would be decided again, if the status has changed since; None if that is no matter.
        """

    def cleanup(self, resource: ResourceId, node: NodeName) -> None:
        """Forget a failure, so that the cluster tries again."""

    def wait(self, seconds: float) -> bool:
        """True as soon as the cluster has changed since the last `read` began; False after so many seconds."""


class Copied(Connection, Protocol):
    """One of which copies can be made, to rehearse on."""

    def copy(self, snapshot: Snapshot) -> Simulation:
        """The cluster as the snapshot has it; what the scheduler says is asked for once for both."""
