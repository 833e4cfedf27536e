"""What an operation would do beyond what was asked: the scheduler's actions, sorted into expected and surprising."""

from __future__ import annotations

from pacewright.cluster import Action, Forecast, ResourceId
from pacewright.errors import Refused
from pacewright.service.step import Ask, Fail
from pacewright.service.target import Target

__all__ = ["collateral", "refusal", "surprises"]

_DEPENDENTS_MAY = {"restart"}


def surprises(
    forecast: Forecast, primitives: tuple[ResourceId, ...], *, own: set[str], others: set[str] | None = None
) -> tuple[Action, ...]:
    """The actions that nobody would expect.

    Args:
        forecast: what the scheduler would do.
        primitives: the service's own.
        own: what may happen to them.
        others: what may happen to other resources: dependents by ordering constraints restart along.
    """
    allowed = _DEPENDENTS_MAY if others is None else others
    return tuple(
        action
        for action in forecast.actions
        if action.verb not in (own if action.resource in primitives else allowed) and not action.blocked
    )


def collateral(
    target: Target,
    what: str,
    forecast: Forecast,
    planned: Forecast | None,
    *,
    own: set[str],
    others: set[str] | None = None,
) -> Fail | Ask | None:
    """The refusal of effects beyond the service; None if there are none that the cluster was not about to have anyway.

    Args:
        target: the service.
        what: for the message: `not restarted`.
        forecast: what the scheduler would do.
        planned: what it would do by itself; None if that was not asked for yet (then the answer may be to ask).
        own, others: as for `surprises`.
    """
    return refusal(target.name, target.primitives, what, forecast, planned, own=own, others=others)


def refusal(
    name: str,
    primitives: tuple[ResourceId, ...],
    what: str,
    forecast: Forecast,
    planned: Forecast | None,
    *,
    own: set[str],
    others: set[str] | None = None,
) -> Fail | Ask | None:
    """The same for any primitives under any name."""
    beyond = surprises(forecast, primitives, own=own, others=others)
    if beyond and planned is None:
        return Ask()
    beyond = tuple(action for action in beyond if planned is None or action not in planned.actions)
    if not beyond:
        return None
    return Fail(
        error=Refused(
            f"{name}: {what}: the cluster would also " + "; ".join(str(action) for action in beyond) + ".",
            hint="Nothing was changed for this step. --allow-collateral accepts it, --plan shows everything.",
        )
    )
