"""What an operation would do beyond what was asked: the scheduler's actions, sorted into expected and surprising."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from pacewright.cluster.forecast import Action, Forecast
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import Refused
from pacewright.operation.step import Ask, Fail

if TYPE_CHECKING:
    from pacewright.service.lookup import Target

__all__ = [
    "ENDS",
    "collateral",
    "dependents",
    "down_everywhere",
    "left_without",
    "others_up",
    "refusal",
    "replicas",
    "surprises",
]

_DEPENDENTS_MAY = {"restart"}
ENDS = {"restart", "demote", "stop", "move", "recover"}
"""Verbs that take an instance down, or its role from it."""


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
    following = _following(forecast, primitives)
    return tuple(
        action
        for action in forecast.actions
        if action.verb not in (own if action.resource in primitives else allowed)
        and not action.blocked
        and action not in following
    )


def dependents(forecast: Forecast, primitives: tuple[ResourceId, ...]) -> set[ResourceId]:
    """What restarts along with the service, or moves along with its role."""
    along = {action.resource for action in forecast.actions if action.verb == "restart"}
    return (along | {action.resource for action in _following(forecast, primitives)}).difference(primitives)


def replicas(bundle: ResourceId | None, forecast: Forecast) -> set[ResourceId]:
    """The containers, addresses and connections of a bundle's replicas, which Pacemaker makes itself."""
    own = re.compile(rf"{re.escape(bundle or '')}-((podman|docker|rkt|ip)-.+|\d+)")
    return {action.resource for action in forecast.actions if bundle is not None and own.fullmatch(action.resource)}


def _following(forecast: Forecast, primitives: tuple[ResourceId, ...]) -> list[Action]:
    """What moves from where an instance is demoted to where another one is promoted: an address, a file system."""
    own = [action for action in forecast.actions if action.resource in primitives and not action.blocked]
    lose = {action.node for action in own if action.verb in ENDS}
    gain = {action.node for action in own if action.verb == "promote"} - lose
    moves = (a for a in forecast.actions if a.verb in {"move", "migrate"} and a.resource not in primitives)
    return [action for action in moves if action.node in lose and action.to in gain]


def down_everywhere(
    forecast: Forecast, primitives: tuple[ResourceId, ...], others: Mapping[ResourceId, Collection[NodeName]]
) -> dict[ResourceId, Collection[NodeName]]:
    """Which of these resources would be down on every node where they run, at once, and where.

    What moves along with a role is not among them: it does so as often as the role moves.

    Args:
        forecast: what the scheduler would do.
        primitives: the service's own.
        others: where they run.
    """
    ended: dict[ResourceId, set[NodeName | None]] = {}
    following = _following(forecast, primitives)
    for action in forecast.actions:
        if action.verb in ENDS - {"demote"} and not action.blocked and action not in following:
            ended.setdefault(action.resource, set()).add(action.node)
    return {resource: nodes for resource, nodes in others.items() if nodes and ended.get(resource, set()) >= set(nodes)}


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


def others_up(
    target: Target, places: Collection[NodeName], snapshot: Snapshot
) -> dict[ResourceId, frozenset[NodeName]]:
    """Where what is not the service's own runs, if instances of it stay up beside these nodes; else nothing."""
    up = {i.node for i in snapshot.instances_of(target.resource) if i.settled}
    if not up.difference(places):
        return {}
    found = ((p, instances) for p, instances in snapshot.instances.items() if p not in target.primitives)
    return {p: frozenset(i.node for i in instances if i.role.active) for p, instances in found}


def left_without(
    target: Target,
    down: Mapping[ResourceId, Collection[NodeName]],
    others: Mapping[ResourceId, Collection[NodeName]],
    felled: Collection[ResourceId],
) -> Refused | None:
    """The refusal of a step that takes a dependent down on every node, which is what a roll is there to avoid.

    What runs in one place goes down once with what it depends on there; more often it depends on all instances.

    Args:
        target: the service.
        down: what would be down everywhere, and where.
        others: where the others run.
        felled: what was so by an earlier step of the roll.
    """
    found = sorted(one for one in down if len(others[one]) > 1 or one in felled)
    if not found:
        return None
    told = "; ".join(f"{one} (on {', '.join(sorted(down[one]))})" for one in found)
    return Refused(
        f"{target.name}: not restarted: each step of the roll would take everything of {told} down, because it depends "
        f"on all instances of {target.outermost}.",
        hint="Nothing was changed for this step. Ways out: --all-at-once does it in one step, so that it happens once; "
        f"`interleave=true` on a clone that depends on {target.outermost} makes each instance depend on the one of its "
        "own node only; --allow-collateral accepts it.",
    )
