"""Faults: how each is struck and how it is mended."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from campaign import clocks
from campaign.calls import Caller
from campaign.lab_access import Site
from campaign.plan import BAD, Fault, FaultKind
from pacewright.errors import PacewrightError

__all__ = ["Breaker"]

_FULL = "mount -t tmpfs -o size=64k full /tmp; head -c 1M /dev/zero >/tmp/x 2>/dev/null"
_EMPTY = "while grep -q '^full /tmp ' /proc/mounts && umount -l /tmp; do :; done"
_WRITE_AGAIN = "kill -PIPE $(pidof pacemaker-based)"
"""After one write of the CIB that failed, Pacemaker writes none any more until it is told to, or starts anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Breaks things in a lab, and mends them.

    Args:
        callers: those under way, by number.
        say: told what was done.
    """

    site: Site
    callers: Mapping[int, Caller]
    say: Callable[[str], None]

    def strike(self, fault: Fault) -> Fault:
        """Break it. Returns the fault with the nodes that were really hit; none if there was nothing to hit."""
        hit = replace(fault, nodes=self._nodes(fault))
        try:
            done = self._strike(hit)
        except (PacewrightError, OSError) as error:
            self.say(f"{fault.kind.value}: not possible: {error}")
            return replace(hit, nodes=())
        told = ", ".join(word for word in (*hit.nodes, hit.what) if word)
        self.say(f"{fault.kind.value}: {told}{'' if done else ' (came too late)'}")
        return hit if done else replace(hit, nodes=())

    def _nodes(self, fault: Fault) -> tuple[str, ...]:
        if fault.kind is FaultKind.DC_POWER:
            with contextlib.suppress(PacewrightError):
                return (str(self.site.snapshot().dc or self.site.lab.nodes[0]),)
        if fault.kind is FaultKind.MAINTENANCE or not (fault.nodes or fault.call >= 0):
            return self.site.reachable()[:1]
        if fault.call >= 0:
            caller = self.callers.get(fault.call)
            return (caller.call.node,) if caller is not None else ()
        return fault.nodes

    def _strike(self, fault: Fault) -> bool:
        lab = self.site.lab
        match fault.kind:
            case FaultKind.KILL_CALLER:
                return fault.call in self.callers and self.callers[fault.call].kill()
            case FaultKind.CLOCK:
                return fault.call in self.callers
            case FaultKind.POWER | FaultKind.DC_POWER:
                lab.kill(fault.nodes[0])
            case FaultKind.CUT | FaultKind.QUORUM:
                for node in fault.nodes:
                    lab.cut(node)
            case FaultKind.FREEZE:
                lab.freeze(fault.nodes[0])
            case FaultKind.DAEMON:
                return self._kill_daemon(fault)
            case _:
                return self._strike_inside(fault)
        return True

    def _strike_inside(self, fault: Fault) -> bool:
        """What leaves the node itself alone."""
        match fault.kind:
            case FaultKind.DISK:
                self._fill(fault.nodes[0])
            case FaultKind.MAINTENANCE:
                self.maintain(fault.nodes[0], on=True)
            case FaultKind.NODE_CLOCK:
                clocks.jump(self.site.lab, fault.nodes[0], float(fault.what))
            case FaultKind.BAD_CONFIG:
                return self.site.configure(fault.what, fault.nodes[0], f"{BAD}-{fault.at}")
            case FaultKind.PROMOTE:
                self.site.refuse_promotes(fault.nodes[0], refuse=True)
            case _:
                return False
        return True

    def _kill_daemon(self, fault: Fault) -> bool:
        pids = self.site.lab.run(fault.nodes[0], ["pidof", fault.what], timeout=10).stdout.decode().split()
        return bool(pids) and self.site.lab.run(fault.nodes[0], ["kill", "-KILL", *pids], timeout=10).code == 0

    def _fill(self, node: str) -> None:
        """The node's disk, with the CIB, the logs and the journal on it; and /tmp, which nspawn puts elsewhere."""
        self.site.lab.run(node, ["sh", "-c", f"{_FULL}; true"], timeout=10)
        self.site.lab.fill(node)

    def _give_room(self, node: str) -> None:
        self.site.lab.give_room(node)
        self.site.lab.run(node, ["sh", "-c", f"{_EMPTY}; {_WRITE_AGAIN}"], timeout=10)

    def mend(self, fault: Fault) -> None:
        """Put it right again. Nothing happens if it is right already."""
        lab = self.site.lab
        with contextlib.suppress(PacewrightError, OSError):
            for node in fault.nodes:
                match fault.kind:
                    case FaultKind.POWER | FaultKind.DC_POWER:
                        lab.boot(node)
                    case FaultKind.CUT | FaultKind.QUORUM:
                        lab.heal(node)
                    case FaultKind.FREEZE:
                        lab.thaw(node)
                    case FaultKind.DISK:
                        self._give_room(node)
                    case FaultKind.NODE_CLOCK:
                        clocks.jump(lab, node, 0.0)
                    case FaultKind.MAINTENANCE:
                        self.maintain(node, on=False)
                    case FaultKind.BAD_CONFIG:
                        self.site.configure(fault.what, node, f"mended-{fault.at}")
                    case FaultKind.PROMOTE:
                        self.site.refuse_promotes(node, refuse=False)
                    case _:
                        return
                self.say(f"mended: {fault.kind.value}: {node}")

    def maintain(self, node: str, *, on: bool) -> None:
        """Set maintenance mode, or clear it."""
        value = ["--update", "true"] if on else ["--delete"]
        argv = ["crm_attribute", "--type", "crm_config", "--name", "maintenance-mode", *value]
        self.site.lab.run(node, argv, timeout=35).checked()
