"""The cluster that this node belongs to."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from pacewright.clock import SYSTEM_CLOCK, Clock
from pacewright.cluster.cib.marks import place_of
from pacewright.cluster.cib.parse import parse, read
from pacewright.cluster.commit import Still, commit
from pacewright.cluster.edits.change import SetMark, SetRevision
from pacewright.cluster.edits.hold import HoldInstance, HoldResource, Release
from pacewright.cluster.forecast import Forecast, Scheduler, what_if
from pacewright.cluster.tools import cibadmin, crm_resource
from pacewright.cluster.watch.watch import CibWatch
from pacewright.errors import PacewrightError
from pacewright.process import ended, let_go

if TYPE_CHECKING:
    from types import TracebackType

    from pacewright.cluster.edits.change import Change
    from pacewright.cluster.names import NodeName, ResourceId
    from pacewright.cluster.simulation import Simulation
    from pacewright.cluster.snapshot import Snapshot
    from pacewright.process import Begun, Process

__all__ = ["LiveConnection"]

_ACTED_ON = (SetRevision, HoldInstance, HoldResource, Release)
"""What the cluster acts on at once, where something runs or may."""
_BEGINS = 0.25
"""Seconds in which it does."""
_IN_A_UNIT = "INVOCATION_ID"
"""Set where systemd started us, or whoever called: with the main process it ends all that a unit has started."""
_ENDS = 2.0
"""Seconds in which a write is over, if anybody waits for it; it takes milliseconds."""


class LiveConnection:
    """The cluster that this node belongs to. A context manager, because waiting needs a helper process."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._watch = CibWatch(clock=clock)
        self._opened = False
        self._first: Begun | None = None
        self._left: Process | None = None
        self._scheduler = Scheduler()

    def open(self) -> None:
        """Start watching, so that no change after the first `read` is missed, and ask for that; again does nothing.

        Whoever has something else to do first, such as loading the rest of the program, need not wait for the answer.
        """
        if self._opened:
            return
        self._opened = True
        with suppress(PacewrightError):  # the first `read` says why
            self._first = cibadmin.asked()
        self._watch.start()  # what changes before it listens, the first commit sees by the version

    def close(self) -> None:
        """Stop watching."""
        if self._first is not None:
            self._first.__exit__(None, None, None)
            self._first = None
        if self._left is not None and not (_IN_A_UNIT in os.environ and ended(self._left, within=_ENDS)):
            let_go(self._left)
        self._left = None
        self._watch.close()

    def __enter__(self) -> Self:
        """As `open`."""
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """As `close`."""
        self.close()

    def read(self) -> Snapshot:
        """The cluster as this node sees it, with what this connection has written."""
        self._catch_up_with_what_was_left()
        begun, self._first = self._first, None
        if begun is not None:
            return read(begun=begun)
        self._watch.catch_up()
        return self._as_it_is()

    def what_if(self, snapshot: Snapshot, change: Change | None = None, then: Change | None = None) -> Forecast:
        """What the real scheduler would do."""
        return what_if(snapshot, change, then, self._scheduler)

    def commit(self, change: Change, *, based_on: Snapshot, still: Still | None = None) -> bool:
        """One atomic patch of the CIB; what is the last one is begun, and on its way when this returns."""
        if change.last and (place := _only_takes_away(change, based_on)):
            with suppress(PacewrightError):  # a kernel that has no room for it now may have some for a commit
                self._left = cibadmin.begin_to_delete(place)
                return True
        written = commit(change, based_on=based_on, still=still, root=self._watch.root, again=self._as_it_is)
        if written and any(isinstance(edit, _ACTED_ON) for edit in change.edits):
            # It begins within some 20 ms, and a look before that sees nothing of it.
            self._watch.catch_up()
            self._watch.wait(_BEGINS)
        return written

    def _as_it_is(self) -> Snapshot:
        document = self._watch.document()
        return read() if document is None else parse(document)

    def _catch_up_with_what_was_left(self) -> None:
        left, self._left = self._left, None
        if left is not None:
            ended(left, within=_ENDS)

    def copy(self, snapshot: Snapshot) -> Simulation:
        """A copy of it; what the scheduler has said of the one, it need not say of the other."""
        from pacewright.cluster.simulation import Simulation  # noqa: PLC0415 - most operations need none

        return Simulation(snapshot, patient=False, scheduler=self._scheduler)

    def cleanup(self, resource: ResourceId, node: NodeName) -> None:
        """`crm_resource --cleanup`."""
        crm_resource.cleanup(resource, node)

    def wait(self, seconds: float) -> bool:
        """Woken by the CIB manager itself (about 10 ms after a change)."""
        self._scheduler.forget()
        return self._watch.wait(seconds)


def _only_takes_away(change: Change, based_on: Snapshot) -> str | None:
    """The XPath of what a change takes away, where it does nothing else and the cluster may be written to."""
    gone = [(e.node, e.name) for e in change.edits if isinstance(e, SetMark) and e.value is None]
    configuration = based_on.root.find("configuration")
    if len(gone) != len(change.edits) or configuration is None or not based_on.quorate or based_on.dc is None:
        return None
    return place_of(configuration, gone)
