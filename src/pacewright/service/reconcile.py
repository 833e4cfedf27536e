"""What `reconcile --all` has to do: one read tells, so a service that owes nothing costs no call of its own."""

from __future__ import annotations

from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import PacewrightError
from pacewright.node import units
from pacewright.operation.outcome import Outcome
from pacewright.operation.step import Done
from pacewright.service.ledger.debts import debts
from pacewright.service.lookup import Target
from pacewright.service.names import every_service
from pacewright.service.requests import Options, make_job
from pacewright.service.settings import Settings
from pacewright.service.status import leftovers

__all__ = ["to_reconcile"]


def to_reconcile(
    snapshot: Snapshot, settings: Settings, *, options: Options, here: NodeName | None, now: float
) -> list[tuple[str, Outcome | None]]:
    """Every service with config inputs or something due.

    Args:
        snapshot: the cluster.
        settings: the site's services.yaml.
        options: what the caller asked for.
        here: this node, if it is in the cluster.
        now: seconds since the epoch.

    Returns:
        Its name, and how its reconcile ends if there is nothing to do; None where a call of its own has to do
        something, or to say what is wrong.
    """
    found: list[tuple[str, Outcome | None]] = []
    for target in every_service(snapshot, settings, units.also_called):
        if any(True for _ in (*debts(target, snapshot), *leftovers(target, snapshot))):
            found.append((target.name, None))
        elif target.settings.config:
            found.append((target.name, _over(target, snapshot, options, here, now)))
    return found


def _over(target: Target, snapshot: Snapshot, options: Options, here: NodeName | None, now: float) -> Outcome | None:
    # The same decision as in the call, but for what the scheduler is about to do, which is another call's to wait for.
    said = target.settings
    try:
        job = make_job("reconcile", target, snapshot, _nothing, said=said, options=options, here=here, now=now)
        step = job.decide(snapshot, None, now)
    except PacewrightError:
        return None
    return step.outcome if isinstance(step, Done) else None


def _nothing() -> Forecast:
    return Forecast(actions=())
