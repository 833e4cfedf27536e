"""Applying a document: write what differs, wait if that was asked for. The decisions, pure."""

from __future__ import annotations

from collections.abc import Mapping

from pacewright.cluster.commit import changes_nothing
from pacewright.cluster.edits.change import Change
from pacewright.cluster.edits.definition import Operation
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import ResourceId
from pacewright.cluster.snapshot import Instance, Snapshot
from pacewright.errors import OperationFailed
from pacewright.frozen import frozen, replace
from pacewright.operation.collateral import refusal
from pacewright.operation.outcome import Outcome
from pacewright.operation.step import Ask, Commit, Done, Fail, Job, Next, Wait
from pacewright.resource.edits import edits
from pacewright.resource.model import Document
from pacewright.resource.removal import leaving

__all__ = ["Apply"]

_EVERYTHING = {"start", "stop", "restart", "reload", "recover", "promote", "demote", "move", "migrate"}
_DEPENDENTS_MAY = {"start", "promote"}


@frozen
class Apply:
    """See to it that the cluster has what a document says.

    Attributes:
        usual: the operations that a new primitive gets where the document does not name them, by agent.
        wait: also until the cluster has carried it out.
        acted: something was written.
        known_failures: those that were on record before.
    """

    document: Document
    usual: Mapping[str, tuple[Operation, ...]]
    wait: bool
    allow_collateral: bool
    acted: bool = False
    known_failures: frozenset[str] = frozenset()

    def decide(self, snapshot: Snapshot, planned: Forecast | None, now: float) -> Next:
        """The next step."""
        del now
        left = any(name.id in snapshot.resources for name in self.document.unwanted)
        if not self.acted or left:  # what is written once is not written again: somebody may want it otherwise
            change = Change(edits=edits(self.document, snapshot, self.usual), reason="apply", given=True)
            if not changes_nothing(snapshot.root, change.apply(snapshot)):
                known = self.known_failures if self.acted else frozenset(_failures(snapshot, self._own(snapshot)))
                job = replace(self, acted=True, known_failures=known)
                return Commit(change=change, job=job, summary="writing what differs")
        going = leaving(self.document, snapshot)
        if going:
            return self._await_stop(going, snapshot)
        if self.wait:
            return self._await_all(snapshot, planned)
        return self._done()

    def examine(self, step: Commit, forecast: Forecast, planned: Forecast | None) -> Commit | Fail | Ask | Job:
        """Whatever happens to what the document names was asked for; of the rest, dependents may start."""
        if self.allow_collateral:
            return step
        refused = refusal(
            self.document.source,
            self.document.named,
            step.change.reason,
            forecast,
            planned,
            own=_EVERYTHING,
            others=_DEPENDENTS_MAY,
        )
        return refused or step

    def _own(self, snapshot: Snapshot) -> tuple[ResourceId, ...]:
        return tuple(name for name in self.document.named if name in snapshot.resources)

    def _await_stop(self, going: tuple[ResourceId, ...], snapshot: Snapshot) -> Next:
        for name in going:
            for instance in snapshot.instances.get(name, ()):
                failure = instance.failure
                if instance.failed and instance.operation is None and failure and failure.operation == "stop":
                    return Fail(error=_failed(instance, "did not stop"))
        return Wait(reason=f"{', '.join(going)} to stop, to be removed then", job=self)

    def _await_all(self, snapshot: Snapshot, planned: Forecast | None) -> Next:
        own = self._own(snapshot)
        instances = [instance for name in own for instance in snapshot.instances.get(name, ())]
        busy = sorted({f"{i.resource} is {i.state} on {i.node}" for i in instances if i.operation is not None})
        if busy:
            return Wait(reason="; ".join(busy), job=self)
        if planned is None:
            return Ask()
        if any(action.resource in own and not action.blocked for action in planned.actions):
            return Wait(reason="the cluster is about to act on it", job=self)
        broken = [i for i in instances if i.failed and i.failure and i.failure.key not in self.known_failures]
        if broken:
            return Fail(error=_failed(broken[0], "failed"))
        return self._done()

    def _done(self) -> Done:
        message = "the cluster now has what the document says." if self.acted else ""
        message = message or "the cluster has everything that the document says already; nothing was changed."
        return Done(outcome=Outcome(changed=self.acted, message=f"{self.document.source}: {message}"))


def _failures(snapshot: Snapshot, resources: tuple[ResourceId, ...]) -> list[str]:
    instances = (instance for name in resources for instance in snapshot.instances.get(name, ()))
    return [instance.failure.key for instance in instances if instance.failure is not None]


def _failed(instance: Instance, verb: str) -> OperationFailed:
    return OperationFailed(
        f"{instance.resource}: it {verb} on {instance.node}: {instance.failure}.",
        hint=f"The definition is written. Look at `journalctl` on {instance.node}, fix the cause, then "
        f"`pacewright service start {instance.resource}`.",
        node=instance.node,
        resource=instance.resource,
    )
