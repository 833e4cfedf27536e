"""A cluster that only exists in the imagination of Pacemaker's scheduler."""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET

from pacewright.cluster.cib.parse import parse
from pacewright.cluster.cib.slim import slim
from pacewright.cluster.cib.values import number
from pacewright.cluster.commit import Still, changes_nothing
from pacewright.cluster.edits.change import Change, SetMark
from pacewright.cluster.forecast import Action, Forecast, Scheduler, question, what_if
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import CommitConflict, NothingComes

__all__ = ["Simulation"]

_SMALL = 200_000
"""Bytes of a CIB up to which the scheduler is asked at once what becomes of it: what was examined is written mostly."""
_STEPS = 10
"""Writes for each node after which a rehearsal goes round in circles: a roll makes four at most, and what ends it."""


class Simulation:
    """A copy of a cluster in which the real scheduler decides and every operation succeeds at once.

    `--plan` runs an operation on it; so do the tests that need no cluster.

    Args:
        snapshot: the cluster.
        patient: a wait in which nothing comes is not the end, because whoever waits has a clock that goes on.
        scheduler: who is asked; None for one that knows nothing yet.

    Attributes:
        forecasts: what the scheduler did for each commit, in order.
    """

    def __init__(self, snapshot: Snapshot, *, patient: bool = True, scheduler: Scheduler | None = None) -> None:
        self._patient = patient
        self._first = snapshot
        self._document = ET.tostring(slim(snapshot.root))  # as the scheduler is asked about it
        self.forecasts: list[tuple[Change, Forecast]] = []
        self._done: tuple[tuple[Action, ...], ...] = ()
        self._idle = False
        self._read: tuple[bytes, Snapshot] | None = None
        scheduler = scheduler or Scheduler()
        self._scheduler = scheduler.followed_up() if len(self._document) < _SMALL else scheduler

    def anew(self) -> Simulation:
        """The copy as it was in the beginning, with all that the scheduler has said of it."""
        return Simulation(self._first, patient=self._patient, scheduler=self._scheduler)

    def read(self) -> Snapshot:
        """The copy as it is now."""
        if self._read is None or self._read[0] is not self._document:
            self._read = (self._document, parse(self._document))
        return self._read[1]

    def what_if(self, snapshot: Snapshot, change: Change | None = None, then: Change | None = None) -> Forecast:
        """What the real scheduler would do."""
        return what_if(snapshot, change, then, self._scheduler)

    def copy(self, snapshot: Snapshot) -> Simulation:
        """One of this one, from a snapshot on."""
        return Simulation(snapshot, patient=False, scheduler=self._scheduler)

    def commit(self, change: Change, *, based_on: Snapshot, still: Still | None = None) -> bool:
        """Write the change into the copy, and let everything happen that follows from it."""
        del still  # nothing happens to the copy meanwhile
        if based_on.version != self.read().version:
            raise CommitConflict("the copy changed since it was read, so nothing was written.")
        if change.edits and changes_nothing(based_on.root, change.apply(based_on)):
            return False
        if not self._patient and len(self.forecasts) > _STEPS * len(based_on.nodes):
            raise NothingComes("the same comes again and again.")
        self._idle = False
        if change.quiet and all(isinstance(edit, SetMark) for edit in change.edits):
            # The scheduler does not read marks, and nobody is shown this commit.
            self.forecasts.append((change, Forecast(actions=())))
            self._document = ET.tostring(change.apply(based_on))
            return True
        self._done = self._done[-1:]
        forecast = self._scheduler(question(based_on, change))
        self.forecasts.append((change, forecast))
        self._document = _unlike_any_other(forecast.after)
        return True

    def cleanup(self, resource: ResourceId, node: NodeName) -> None:
        """Drop the instance's history, as a cleanup of the real one does, and let the cluster try again."""
        root = ET.fromstring(self._document)  # noqa: S314 - our own copy
        for state in root.iterfind("status/node_state"):
            if state.get("uname") != node:
                continue
            for histories in state.iterfind("lrm/lrm_resources"):
                for history in [h for h in histories if h.get("id") == resource]:
                    histories.remove(history)
            for values in state.iterfind("transient_attributes/instance_attributes"):
                for pair in [p for p in values if f"-{resource}#" in (p.get("name") or "")]:
                    values.remove(pair)
        self.commit(Change(edits=(), reason=f"try {resource} on {node} again"), based_on=parse(ET.tostring(root)))

    def wait(self, seconds: float) -> bool:
        """What was under way ends, and the cluster goes on from there; False if it has nothing to do.

        Raises:
            NothingComes: it had nothing to do the last time either, or only what it has done since the last commit, so
                whoever waits would wait for ever (unless it is patient).
        """
        del seconds
        root = ET.fromstring(self._document)  # noqa: S314 - our own copy
        ended = _end_operations(root)
        forecast = self._scheduler(question(parse(ET.tostring(root))))
        coming = tuple(action for action in forecast.actions if not action.blocked)
        if not ended and coming in {(), *self._done}:
            if self._idle and not self._patient:
                everything = {action.resource for action in forecast.actions}
                raise NothingComes("nothing happens any more.", output="\n".join(forecast.why_not(everything)))
            self._idle = True
            return False
        self._idle = False
        self._done += (coming,)  # if it wants the same again, it does not get there, or goes to and fro
        self._document = _unlike_any_other(forecast.after)
        return True


def _unlike_any_other(document: bytes) -> bytes:
    # In the scheduler's imagination all transitions have the same key; no two runs may look alike.
    unique = os.urandom(16).hex()
    parts = (unique[:8], unique[8:12], unique[12:16], unique[16:20], unique[20:])
    return re.sub(rb"x{8}-x{4}-x{4}-x{4}-x{12}", "-".join(parts).encode(), document)


def _end_operations(root: ET.Element) -> bool:
    """Let every operation that is under way end well; False if there was none."""
    found = root.findall("status/node_state/lrm/lrm_resources/lrm_resource/lrm_rsc_op[@op-status='-1']")
    for operation in found:
        # transition-key is ACTION:TRANSITION:EXPECTED-CODE:UUID
        key = operation.get("transition-key", "")
        code = (key.split(":") + ["0"] * 3)[2]
        calls = (number(other.get("call-id")) for other in root.iter("lrm_rsc_op"))
        operation.attrib.update(
            {"op-status": "0", "rc-code": code, "call-id": str(max(calls) + 1), "transition-magic": f"0:{code};{key}"}
        )
    return bool(found)
