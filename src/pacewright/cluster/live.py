"""The cluster that this node belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pacewright.clock import SYSTEM_CLOCK, Clock
from pacewright.cluster import tools
from pacewright.cluster.cib.parse import read
from pacewright.cluster.commit import Still, commit
from pacewright.cluster.forecast import Forecast, Scheduler, what_if
from pacewright.cluster.watch.watch import CibWatch

if TYPE_CHECKING:
    from types import TracebackType

    from pacewright.cluster.edits.change import Change
    from pacewright.cluster.names import NodeName, ResourceId
    from pacewright.cluster.simulation import Simulation
    from pacewright.cluster.snapshot import Snapshot

__all__ = ["LiveConnection"]


class LiveConnection:
    """The cluster that this node belongs to. A context manager, because waiting needs a helper process."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._watch = CibWatch(clock=clock)
        self._scheduler = Scheduler()

    def __enter__(self) -> Self:
        """Start watching, so that no change after the first `read` is missed."""
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop watching."""
        self._watch.close()

    def read(self) -> Snapshot:
        """The cluster as this node sees it."""
        self._watch.catch_up()
        return read()

    def what_if(self, snapshot: Snapshot, change: Change | None = None, then: Change | None = None) -> Forecast:
        """What the real scheduler would do."""
        return what_if(snapshot, change, then, self._scheduler)

    def commit(self, change: Change, *, based_on: Snapshot, still: Still | None = None) -> bool:
        """One atomic patch of the CIB."""
        return commit(change, based_on=based_on, still=still)

    def copy(self, snapshot: Snapshot) -> Simulation:
        """A copy of it; what the scheduler has said of the one, it need not say of the other."""
        from pacewright.cluster.simulation import Simulation  # noqa: PLC0415 - most operations need none

        return Simulation(snapshot, patient=False, scheduler=self._scheduler)

    def cleanup(self, resource: ResourceId, node: NodeName) -> None:
        """`crm_resource --cleanup`."""
        tools.cleanup(resource, node)

    def wait(self, seconds: float) -> bool:
        """Woken by the CIB manager itself (about 10 ms after a change)."""
        self._scheduler.forget()
        return self._watch.wait(seconds)
