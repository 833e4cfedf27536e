"""How a roll goes, as services.yaml and the caller want it; what has come of it so far is `Restart`'s."""

from __future__ import annotations

from pacewright.frozen import frozen
from pacewright.service.settings import Last

__all__ = ["Policy"]


@frozen
class Policy:
    """What holds for a roll from its beginning to its end.

    Attributes:
        at_once: all instances in one step instead of one after another.
        allow_collateral: go on also if something beyond the service moves or stops.
        limit: how many instances may be down at once by our doing (`max_unavailable`).
        health: an instance must be healthy before the next one is restarted.
        order: what is kept for the end.
        keeps_going: an instance that fails does not end the roll (`on_failure: continue`).
        drains: nobody may send anything to an instance when it is stopped.
    """

    at_once: bool = False
    allow_collateral: bool = False
    limit: int = 1
    health: bool = False
    order: tuple[Last, ...] = tuple(Last)
    keeps_going: bool = False
    drains: bool = False
