"""How an operation ended."""

from __future__ import annotations

from pacewright.frozen import frozen

__all__ = ["Outcome"]


@frozen
class Outcome:
    """How an operation ended.

    Attributes:
        changed: something was done; False when everything was so already.
        message: one sentence that says what was done, or why nothing was.
        notes: what else should be known (an instance on an offline node, a dependent that restarted along).
        restarted: nodes whose instance restarted, by this call or another; the service's name if it runs in one place.
        led: this call wrote what was written; False if another one did.
    """

    changed: bool
    message: str
    notes: tuple[str, ...] = ()
    restarted: tuple[str, ...] = ()
    led: bool = False
