"""Applying a document to the cluster, or only to a copy of it, to show what would happen."""

from __future__ import annotations

from pacewright.clock import SYSTEM_CLOCK, Clock, Deadline
from pacewright.cluster.agents import default_operations
from pacewright.cluster.cib.parse import read
from pacewright.cluster.comparison import Difference, differences
from pacewright.cluster.connection import Connection
from pacewright.cluster.edits.change import Change
from pacewright.cluster.edits.definition import Operation
from pacewright.cluster.forecast import Action, Forecast
from pacewright.cluster.live import LiveConnection
from pacewright.cluster.snapshot import Snapshot
from pacewright.cluster.waiting import wait
from pacewright.errors import ClusterDown, ConfigError, Refused
from pacewright.frozen import as_dict, frozen, replace
from pacewright.operation.loop import Progress, carry_out
from pacewright.operation.outcome import Outcome
from pacewright.operation.rehearsal import PLAN_SECONDS, Rehearsal
from pacewright.operation.step import Done
from pacewright.record.call_log import Call
from pacewright.record.journal import SILENT, Journal
from pacewright.record.log import Log
from pacewright.record.redaction import COVER, is_secret
from pacewright.resource.apply import Apply
from pacewright.resource.model import Document

__all__ = ["Applied", "Options", "Resources"]


@frozen
class Options:
    """How to apply.

    Attributes:
        wait: until the cluster has carried it out.
        allow_collateral: accept that something moves or stops that the document does not name.
        timeout: seconds.
    """

    wait: bool = False
    allow_collateral: bool = False
    timeout: float = 300.0


@frozen
class Applied:
    """What was done, or would be.

    Attributes:
        changes: what was written, thing by thing.
        actions: what the scheduler does then.
        refused: why it would be refused without `allow_collateral`; None if it would not.
    """

    outcome: Outcome
    changes: tuple[Difference, ...]
    actions: tuple[Action, ...]
    refused: Refused | None = None


def _silent(line: str) -> None:
    del line


class Resources:
    """The resources of the cluster that this node belongs to.

    Args:
        clock: where time comes from.
        progress: told a line for each step.
        log: where it is recorded what is done; None for nowhere.
    """

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK, progress: Progress = _silent, log: Log | None = None) -> None:
        self._clock = clock
        self._progress = progress
        self._log = log

    def apply(self, document: Document, options: Options) -> Applied:
        """See to it that the cluster has what the document says, in one commit.

        Raises:
            Refused: something is there as another sort of thing, or something beyond the document would suffer.
            ConfigError: the document names what is nowhere.
        """
        with Call(self._log, self._clock, verb="apply", service=document.source, options=as_dict(options)) as call:
            applied = self._already(document, options) or self._apply(document, options, call)
            call.ended(changed=applied.outcome.changed, message=applied.outcome.message)
        return applied

    def _already(self, document: Document, options: Options) -> Applied | None:
        """If everything is so already, as nearly always, one look at the cluster is enough."""
        snapshot = read()
        if snapshot.dc is None or options.wait:
            return None
        step = self._job(document, options, snapshot).decide(snapshot, None, self._clock.now())
        return Applied(outcome=step.outcome, changes=(), actions=()) if isinstance(step, Done) else None

    def _apply(self, document: Document, options: Options, call: Call) -> Applied:
        with LiveConnection(self._clock) as cluster:
            for first in document.named[:1]:
                call.about(cluster.read(), first, document.named)
            return self._carry_out(document, options, cluster, call)

    def plan(self, document: Document, options: Options) -> Applied:
        """What `apply` would do, by the real scheduler, on a copy of the cluster. Writes nothing."""
        snapshot = read()
        if snapshot.dc is None:
            raise ClusterDown(
                "the cluster has no DC on this node's view: it is still starting, or electing one.",
                hint="Run it again in a moment; `pcs status` shows when the node has joined.",
            )
        rehearsal = Rehearsal(snapshot, deadline=Deadline.after(PLAN_SECONDS, self._clock), clock=self._clock)
        try:
            return self._rehearse(document, options, snapshot, rehearsal)
        except Refused as error:
            if options.allow_collateral:
                raise
            daring = replace(options, allow_collateral=True)
            return replace(self._rehearse(document, daring, snapshot, rehearsal.anew()), refused=error)

    def _rehearse(self, document: Document, options: Options, snapshot: Snapshot, rehearsal: Rehearsal) -> Applied:
        witness = _Witness(SILENT)
        outcome = rehearsal.run(self._job(document, options, snapshot), document.source, journal=witness)
        return witness.applied(outcome)

    def _carry_out(self, document: Document, options: Options, cluster: Connection, journal: Journal) -> Applied:
        deadline = Deadline.after(options.timeout, self._clock)
        has_dc = "the cluster to have a DC (it is starting, or electing one)"
        snapshot = wait(
            lambda found: found.dc is not None, deadline, cluster=cluster, waiting_for=has_dc, clock=self._clock
        )
        job = self._job(document, options, snapshot)
        witness = _Witness(journal)
        outcome = carry_out(
            job,
            cluster,
            name=document.source,
            deadline=deadline,
            clock=self._clock,
            progress=self._progress,
            journal=witness,
        )
        return witness.applied(outcome)

    @staticmethod
    def _job(document: Document, options: Options, snapshot: Snapshot) -> Apply:
        return Apply(
            document=document,
            usual=_usual_operations(document, snapshot),
            wait=options.wait,
            allow_collateral=options.allow_collateral,
        )


def _usual_operations(document: Document, snapshot: Snapshot) -> dict[str, tuple[Operation, ...]]:
    """The operations that the agents of new primitives advise.

    Raises:
        ConfigError: this node has no such agent.
    """
    found: dict[str, tuple[Operation, ...]] = {}
    for resource in document.resources:
        name = str(resource.agent)
        if resource.id in snapshot.resources or name in found:
            continue
        advised = default_operations(resource.agent)
        if advised is None:
            raise ConfigError(
                f"{document.source}: {resource.place}.agent: this node has no agent {name}.",
                hint="Install it, or correct the name; `pcs resource agents` lists those there are. Nothing was done.",
            )
        found[name] = advised
    return found


class _Witness:
    """A journal that keeps, for the answer, what was written and what the scheduler said about it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._forecast: Forecast | None = None
        self._intended: tuple[Difference, ...] = ()
        self.changes: list[Difference] = []
        self.actions: list[Action] = []

    def applied(self, outcome: Outcome) -> Applied:
        return Applied(outcome=outcome, changes=tuple(self.changes), actions=tuple(self.actions))

    def saw(self, snapshot: Snapshot) -> None:
        self._journal.saw(snapshot)

    def decided(self, what: str, why: str) -> None:
        self._journal.decided(what, why)

    def foresaw(self, forecast: Forecast) -> None:
        self._forecast = forecast
        self._journal.foresaw(forecast)

    def intends(self, change: Change, *, based_on: Snapshot) -> None:
        self._intended = differences(based_on.root, change.apply(based_on))
        self._journal.intends(change, based_on=based_on)

    def committed(self) -> None:
        self.changes += [_covered(one) for one in self._intended]
        self.actions += self._forecast.actions if self._forecast is not None else ()
        self._journal.committed()

    def refused(self) -> None:
        self._journal.refused()

    def unanswered(self, reason: str, why: str) -> None:
        self._journal.unanswered(reason, why)


def _covered(one: Difference) -> Difference:
    """Without the value of a parameter that is called like a secret: answers end in logs."""
    if not (one.what.startswith("parameters.") and is_secret(one.what.removeprefix("parameters."))):
        return one
    return replace(one, before=one.before and COVER, after=one.after and COVER)
