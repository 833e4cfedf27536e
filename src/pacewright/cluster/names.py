"""Names that must not be mixed up, and the small values that everything in this room is made of."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NewType

from pacewright.frozen import frozen

__all__ = ["Agent", "Kind", "NodeName", "ResourceId", "Role", "Timeouts", "Version"]

NodeName = NewType("NodeName", str)
"""A node's name as Pacemaker has it (`uname`)."""

ResourceId = NewType("ResourceId", str)
"""The id of a primitive, group, clone or bundle."""

Timeouts = Mapping[tuple[ResourceId, str], float]
"""Seconds, by primitive and operation (`start`, `stop`, `promote`, `demote`, ...)."""


class Kind(Enum):
    """What sort of resource it is; a promotable clone is a CLONE with `promotable` set."""

    PRIMITIVE = "primitive"
    GROUP = "group"
    CLONE = "clone"
    BUNDLE = "bundle"


class Role(Enum):
    """What an instance is doing. The first four are Pacemaker's roles; `-ing` means an operation is under way."""

    STOPPED = "Stopped"
    STARTED = "Started"
    UNPROMOTED = "Unpromoted"
    PROMOTED = "Promoted"

    @property
    def active(self) -> bool:
        """True for everything but STOPPED."""
        return self is not Role.STOPPED


@frozen
class Version:
    """The CIB's version: `num_updates` grows with each status change, `epoch` with each configuration change."""

    admin_epoch: int
    epoch: int
    num_updates: int

    def __str__(self) -> str:
        """As Pacemaker's logs write it."""
        return f"{self.admin_epoch}.{self.epoch}.{self.num_updates}"


@frozen
class Agent:
    """What runs a primitive: `systemd:nginx`, `ocf:heartbeat:IPaddr2`, `lsb:foo`, `service:foo`."""

    standard: str
    provider: str
    type: str

    def __str__(self) -> str:
        """The colon form that every Pacemaker tool prints."""
        return ":".join(part for part in (self.standard, self.provider, self.type) if part)

    @property
    def unit(self) -> str | None:
        """The systemd unit (or init script) that it runs, without `.service`; None for OCF agents."""
        if self.standard in {"systemd", "service", "lsb"}:
            return self.type.removesuffix(".service")
        return None
