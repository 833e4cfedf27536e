"""A service as a JSON object, for programs."""

from __future__ import annotations

from typing import Any

from pacewright.service.ledger.debts import Debt
from pacewright.service.native import Native
from pacewright.service.status import ServiceStatus

__all__ = ["debt_as_dict", "service_as_dict"]


def service_as_dict(status: ServiceStatus | Native) -> dict[str, Any]:
    """A service for --json."""
    if isinstance(status, Native):
        return {
            "name": status.name,
            "provider": "systemd",
            "resource": None,
            "state": status.state.value,
            "here": status.state.value,
            "enabled": status.unit.enabled,
            "managed": True,
            "unit": status.unit.name,
        }
    return {
        "name": status.target.name,
        "provider": "cluster",
        "resource": status.target.outermost,
        "primitives": list(status.target.primitives),
        "agent": status.agent,
        "state": status.state.value,
        "here": status.here.value,
        "enabled": status.enabled,
        "managed": status.managed,
        "hindrance": status.hindrance or None,
        "instances": [
            {
                "node": instance.node,
                "resource": instance.resource,
                "state": instance.state,
                "role": instance.role.value,
                "since": instance.run.since if instance.run is not None else None,
                "failure": str(instance.failure) if instance.failure is not None else None,
            }
            for instance in status.instances
        ],
        "owed": [debt_as_dict(debt) for debt in status.owed],
    }


def debt_as_dict(debt: Debt) -> dict[str, Any]:
    """A debt for --json."""
    return {
        "node": debt.node,
        "resource": debt.primitive,
        "since": debt.since,
        "reason": debt.reason,
        "hindrance": debt.hindrance or None,
    }
