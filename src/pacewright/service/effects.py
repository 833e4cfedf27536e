"""What an operation would do beyond what was asked: the scheduler's actions, sorted into expected and surprising."""

from __future__ import annotations

from pacewright.cluster import Action, Forecast, ResourceId

__all__ = ["surprises"]

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
