"""A service that the cluster does not know, as systemd on this node has it."""

from __future__ import annotations

from pacewright.errors import UnknownService
from pacewright.frozen import frozen
from pacewright.node import units
from pacewright.operation.outcome import Outcome
from pacewright.service.lookup import is_unit, unit_name
from pacewright.service.status import State

__all__ = ["Native", "native", "operate", "plan", "unknown"]

_VERBS = {"refresh": "restart"}
"""What systemd calls it, where that is something else."""


@frozen
class Native:
    """A service that the cluster does not know, as systemd on this node has it."""

    name: str
    unit: units.Unit

    @property
    def state(self) -> State:
        """In the same words as a service of the cluster."""
        if self.unit.changing:
            return State.CHANGING
        if self.unit.active:
            return State.RUNNING
        return State.FAILED if self.unit.state.startswith("failed") else State.STOPPED


def native(name: str) -> Native:
    """Ask systemd about a service.

    Raises:
        UnknownService: systemd does not know it either.
    """
    unit = units.show(unit_name(name)) if is_unit(name) else None
    if unit is None or not unit.known:
        raise unknown(name)
    return Native(name=name, unit=unit)


def plan(name: str, verb: str) -> Outcome:
    """What `operate` would do."""
    found = native(name)
    command = f"systemctl {_VERBS.get(verb, verb)} {found.unit.name}"
    return Outcome(changed=True, message=f"{name}: the cluster does not know it; `{command}` on this node.")


def operate(name: str, verb: str, timeout: float) -> Outcome:
    """Have systemd on this node do it; what is so already is left alone.

    Args:
        name: the service.
        verb: `start`, `stop`, `restart`, `refresh`, `enable`, ...
        timeout: seconds.

    Raises:
        PacewrightError: systemd does not know it, or could not do it.
    """
    found = native(name)
    done = {
        "start": found.unit.active,
        "stop": not found.unit.active and not found.unit.changing,
        "enable": found.unit.enabled,
        "disable": not found.unit.enabled,
    }.get(verb, False)
    whose = f"{name}: the cluster does not know it, so systemd's {found.unit.name} on this node"
    if done:
        words = {"start": "runs", "stop": "is stopped", "enable": "is enabled", "disable": "is disabled"}
        return Outcome(changed=False, message=f"{whose} was asked; it {words[verb]} already, nothing was changed.")
    if verb in {"report", "reconcile"}:
        return Outcome(changed=False, message=f"{whose} has nothing to report; nothing was changed.")
    verb = _VERBS.get(verb, verb)
    units.operate(verb, unit_name(name), timeout=timeout)
    past = {"start": "started", "stop": "stopped"}.get(verb, f"{verb}ed".replace("eed", "ed"))
    return Outcome(changed=True, message=f"{whose} was {past}.")


def unknown(name: str) -> UnknownService:
    """The error for a name that means nothing to anybody."""
    return UnknownService(
        f"{name}: neither the cluster nor systemd on this node knows it.",
        hint="`pacewright service list` shows the cluster's services; an alias can stand in services.yaml.",
    )
