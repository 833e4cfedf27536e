"""A service that the cluster does not know, as systemd on this node has it."""

from __future__ import annotations

from dataclasses import dataclass

from pacewright.errors import UnknownService
from pacewright.node import units
from pacewright.service.lookup import is_unit, unit_name
from pacewright.service.status import State

__all__ = ["Native", "native", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
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


def unknown(name: str) -> UnknownService:
    """The error for a name that means nothing to anybody."""
    return UnknownService(
        f"{name}: neither the cluster nor systemd on this node knows it.",
        hint="`pacewright service list` shows the cluster's services; an alias can stand in services.yaml.",
    )
