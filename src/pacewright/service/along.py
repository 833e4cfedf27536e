"""What systemd would do beside the cluster: stop one of its units along with another, or start one at boot."""

from __future__ import annotations

from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import PacewrightError, Refused
from pacewright.node import units
from pacewright.service.lookup import Lookup, Target, is_unit, unit_name
from pacewright.service.names import at_boot
from pacewright.service.settings import Settings

__all__ = ["concerns", "off_at_boot", "refuse_if_it_takes_ours"]


def refuse_if_it_takes_ours(name: str, verb: str, snapshot: Snapshot | None, settings: Settings) -> None:
    """Leave alone what would take one of the cluster's units along: the cluster would see it fail.

    Raises:
        Refused: systemd would.
    """
    if snapshot is None or verb not in {"stop", "restart", "refresh"}:
        return
    lookup = Lookup(snapshot, settings, units.also_called)
    for unit in units.taken_along([unit_name(name)]):
        for target in lookup.every(unit):
            raise Refused(
                f"{name}: systemd would {'stop' if verb == 'stop' else 'restart'} {unit} along with it, which the "
                f"cluster runs as {target.outermost}.",
                hint=f"`pacewright service {verb} {target.name}` has the cluster do it.",
            )


def concerns(name: str, snapshot: Snapshot, settings: Settings) -> bool:
    """True if a name means something of the cluster's, or a unit that takes such along."""
    lookup = Lookup(snapshot, settings, units.also_called)
    if lookup.find(name) is not None:
        return True
    return is_unit(name) and any(lookup.every(unit) for unit in units.taken_along([unit_name(name)]))


def off_at_boot(target: Target, snapshot: Snapshot) -> tuple[str, ...]:
    """Keep systemd from starting a service's units at boot on this node; what was done, or why not, for people."""
    notes = []
    for unit in at_boot(target, snapshot):
        try:
            if units.disable_at_boot(unit):
                notes.append(f"systemd's own {unit} is no longer started at boot on this node; the cluster starts it")
        except PacewrightError as error:
            notes.append(f"could not see to it that systemd does not start {unit} at boot: {error.message}")
    return tuple(notes)
