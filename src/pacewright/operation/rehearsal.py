"""Rehearsal: an operation on a copy of the cluster, where the real scheduler decides and everything succeeds at once.

It is how a plan is made, and how what Pacemaker would refuse is found before anything is begun.
"""

from __future__ import annotations

from pacewright.clock import Clock, Deadline
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.simulation import Simulation
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import DeadlinePassed, NothingComes
from pacewright.operation.loop import Means, Turn, take
from pacewright.operation.outcome import Outcome
from pacewright.operation.step import Job
from pacewright.record.journal import SILENT, Journal

__all__ = ["PLAN_SECONDS", "Rehearsal"]

PLAN_SECONDS = 4.0
"""Seconds that a plan may take, unless the caller gives it longer: after that it shows how far it has come."""


class Rehearsal:
    """A copy of a cluster, and how long may be spent on it.

    Args:
        snapshot: the cluster; it has a DC.
        deadline: when it has to be over. A step that would end later is not begun, but for the first.
        clock: where time comes from.
        copy: the copy, if there is one already.
    """

    def __init__(self, snapshot: Snapshot, *, deadline: Deadline, clock: Clock, copy: Simulation | None = None) -> None:
        self._snapshot = snapshot
        self._copy = copy or Simulation(snapshot, patient=False)
        self._deadline = deadline
        self._clock = clock

    def anew(self) -> Rehearsal:
        """The same from its beginning, to the same deadline; what the scheduler has said is not asked again."""
        copy = self._copy.anew()
        return Rehearsal(self._snapshot, deadline=self._deadline, clock=self._clock, copy=copy)

    @property
    def planned(self) -> Forecast:
        """What the scheduler would do by itself, before anything is done."""
        return self._copy.what_if(self._snapshot)

    @property
    def steps(self) -> tuple[tuple[str, Forecast], ...]:
        """For each commit so far its reason and what the scheduler would do."""
        return tuple((change.reason, forecast) for change, forecast in self._copy.forecasts if not change.quiet)

    def run(self, job: Job, name: str, *, journal: Journal = SILENT) -> Outcome:
        """Take a job to its end, or as far as time allows; then the outcome says so in a note.

        Where Pacemaker works for seconds on one step, the first ones have to do: each is looked at again before it is
        written.

        Args:
            job: what to do.
            name: the service's, for messages.
            journal: told what is seen, decided and written on the copy.

        Raises:
            NothingComes: the cluster would never get there.
            DeadlinePassed: not even the first step was seen.
            PacewrightError: what a decision ended in.
        """
        said: list[str] = []
        means = Means(deadline=self._deadline, clock=self._clock, progress=said.append, journal=journal)
        turn, longest = Turn(job=job), 0.0
        while True:
            began = self._clock.monotonic()
            try:
                after = take(turn, self._copy.read(), self._copy, means)
            except NothingComes as error:
                raise _would_not(name, said, error) from error
            if isinstance(after, Outcome):
                return after
            turn, longest = after, max(longest, self._clock.monotonic() - began)
            if self._deadline.left(self._clock) <= (longest if self._copy.forecasts else 0.0):
                return self._no_further(name)

    def _no_further(self, name: str) -> Outcome:
        allowed = f"{self._deadline.seconds:g} s"
        steps = len(self._copy.forecasts)
        if not steps:
            raise DeadlinePassed(
                f"{name}: not begun: on a copy of the cluster its first step was not seen within {allowed}.",
                hint="Nothing was changed. On a busy machine a longer --timeout helps.",
            )
        seen = "its first step" if steps == 1 else f"its first {steps} steps"
        note = (
            f"Seen as far as {seen}: on a copy of this cluster Pacemaker's scheduler would take longer than {allowed}. "
            "Each step is looked at again before it is written; a longer --timeout lets a plan see more."
        )
        return Outcome(changed=True, message=f"{name} would go on from there.", notes=(note,))


def _would_not(name: str, said: list[str], error: NothingComes) -> NothingComes:
    """The refusal of what the cluster would not carry out, by the last thing that was waited for."""
    last = next((line.removeprefix("waiting: ") for line in reversed(said) if line.startswith("waiting: ")), "an end")
    why = "What Pacemaker says of it:" if error.output else "If this node's clock is behind, a hold ends in the past."
    return NothingComes(
        f"{name}: not begun: Pacemaker would not carry it out. On a copy of the cluster, this never comes: {last}.",
        hint=f"Nothing was changed. {why}",
        output=error.output,
    )
