"""The campaign's hands and eyes on its lab: config files, the services' own logs, the CIB as cibadmin shows it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from campaign.clocks import forget, program
from campaign.counted_services import BEGINNING, CONFIG, LOGS, SERVICES, Service
from campaign.crm_mon import Status, read_status
from campaign.service_logs import Entry, Turn, read_log, read_turns
from pacewright.clock import SYSTEM_CLOCK, Deadline
from pacewright.cluster.names import ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import DeadlinePassed, PacewrightError
from pacewright.lab import Lab
from pacewright.testing.lab import snapshot_of

__all__ = ["Missing", "Site"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """An instance that should run and does not, or has something under way.

    Attributes:
        failed: the cluster has a failure of it on record there, which may keep it from trying again.
    """

    primitive: str
    where: str
    failed: bool

    def __str__(self) -> str:
        """For people."""
        return f"{self.primitive} on {self.where}" + (" (failed)" if self.failed else "")


class Site:
    """A lab with the services in it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def reachable(self) -> tuple[str, ...]:
        """Nodes in which something can be run."""
        return tuple(node for node in self.lab.nodes if self._reachable(node))

    def _reachable(self, node: str) -> bool:
        return self.lab.is_on(node) and not self.lab.is_frozen(node)

    # -- config, and what the services wrote ------------------------------------------------------------------------

    def configure(self, service: str, node: str, value: str) -> bool:
        """Write a service's config on a node; False if it is off."""
        try:
            self.lab.write(node, f"{CONFIG}/{service}.conf", f"{value}\n")
        except (PacewrightError, OSError):
            return False
        return True

    def owed(self) -> frozenset[tuple[str, str]]:
        """Services and nodes where a restart is due, as `pacewright owed` says on all: each knows its own config."""
        found: set[tuple[str, str]] = set()
        for node in self.lab.nodes:
            told = self.lab.run(node, [*program(self.lab, node), "owed", "--json"], timeout=30).checked().stdout
            found.update((debt["service"], debt["node"]) for debt in json.loads(told)["owed"])
        return frozenset(found)

    def config(self, service: str, node: str) -> str:
        """What a service's config on a node is."""
        return self.lab.read(node, f"{CONFIG}/{service}.conf").strip()

    def entries(self) -> tuple[Entry, ...]:
        """Everything that all services wrote down on all nodes, in the order of time."""
        found: list[Entry] = []
        for node in self.lab.nodes:
            for service, about in SERVICES.items():
                for primitive in about.primitives:
                    with contextlib.suppress(FileNotFoundError):
                        text = (self.lab.shared / LOGS / node / f"{primitive}.log").read_text(encoding="utf-8")
                        found += read_log(text, node=node, service=service, primitive=primitive)
        return tuple(sorted(found, key=lambda entry: entry.at))

    def turns(self) -> tuple[Turn, ...]:
        """Everything that the load balancer was told, in the order of time."""
        found: list[Turn] = []
        for service in SERVICES:
            with contextlib.suppress(FileNotFoundError):
                text = (self.lab.shared / LOGS / f"{service}.balancer").read_text(encoding="utf-8")
                found += read_turns(text, service=service)
        return tuple(sorted(found, key=lambda turn: turn.at))

    # -- the cluster ------------------------------------------------------------------------------------------------

    def cib(self, node: str, *, timeout: float = 5.0) -> bytes:
        """The CIB as a node has it."""
        return self.lab.run(node, ["cibadmin", "--query"], timeout=timeout).checked().stdout

    def snapshot(self) -> Snapshot:
        """The CIB of the first node that answers and has quorum.

        Raises:
            DeadlinePassed: none does.
        """
        for node in self.reachable():
            with contextlib.suppress(PacewrightError):
                found = snapshot_of(self.lab, node, timeout=5.0)
                if found.quorate:
                    return found
        raise DeadlinePassed("No node of the campaign's lab answers with quorum.")

    def status(self) -> Status:
        """The cluster as Pacemaker tells it, by the first node that answers and has quorum.

        Raises:
            DeadlinePassed: none does.
        """
        for node in self.reachable():
            with contextlib.suppress(PacewrightError, ValueError):
                found = read_status(self.lab.run(node, _CRM_MON, timeout=5.0).checked().stdout)
                if found.quorate:
                    return found
        raise DeadlinePassed("No node of the campaign's lab answers with quorum.")

    def missing(self, now: Status, *, wanted: bool) -> Iterator[Missing]:
        """What should run and does not, or has not the role that it should have.

        Args:
            wanted: everything should run everywhere; else not what is stopped on purpose or shut out by a gate.
        """
        snapshot = None if wanted else self.snapshot()
        for about in SERVICES.values():
            for primitive in about.primitives:
                nodes = self.lab.nodes if snapshot is None else _let_in(ResourceId(primitive), snapshot)
                yield from _missing(primitive, now, nodes, about)

    def settle(self, seconds: float, *, wanted: bool = False) -> tuple[Missing, ...]:
        """Wait until everything runs and has been calm for a second and a half; what is still missing then.

        What has failed is waited for only until nothing changes any more: the cluster may have given it up.
        """
        deadline, calm, text = Deadline.after(seconds), 0, ""
        missing: tuple[Missing, ...] = (_NOTHING_KNOWN,)
        while calm < (_GIVEN_UP if missing else _CALM) and not deadline.passed():
            try:
                now = self.status()
                missing = tuple(self.missing(now, wanted=wanted))
            except PacewrightError:
                calm = 0
            else:
                hopeless = all(one.failed for one in missing)
                calm = calm + 1 if hopeless and now.text == text else 0
                text = now.text
            SYSTEM_CLOCK.sleep(_LOOK)
        return missing

    def whole(self, seconds: float) -> None:
        """Wait for quorum, a DC, all nodes online, and fencing; see `Lab.wait_quorate`.

        Pacemaker stays down on purpose on a node that hears of its own fencing, having come back before it was told to
        the others ("We were allegedly just fenced"). As an operator would, we start it again.
        """
        deadline = Deadline.after(seconds)
        while True:
            try:
                self.lab.wait_quorate(min(_PATIENCE, deadline.left()))
            except DeadlinePassed:
                if deadline.passed():
                    raise
                self._start_pacemaker()
            else:
                return

    def _start_pacemaker(self) -> None:
        for node in self.reachable():
            with contextlib.suppress(PacewrightError):
                if self.lab.run(node, ["systemctl", "is-active", "pacemaker"]).code:
                    self.lab.run(node, ["systemctl", "start", "--no-block", "corosync", "pacemaker"])

    def shut_out(self, service: str) -> None:
        """Stop a service, and forget its gate and its reports, so that the next report lets in that node only."""
        node, clone = self.reachable()[0], f"{service}-clone"
        role = ["crm_resource", "--resource", clone, "--meta", "--set-parameter", "target-role", "--parameter-value"]
        self.lab.run(node, [*role, "Stopped"]).checked()
        # Not with `crm_resource --wait`: on 3.0.0 that waits for ever where a monitor fails and is to be ignored.
        deadline = Deadline.after(_PATIENCE)
        while any(i.role.active or i.operation for i in self.snapshot().instances_of(ResourceId(clone))):
            if deadline.passed():
                raise DeadlinePassed(f"{clone}: not stopped within {_PATIENCE:g} s.")
            SYSTEM_CLOCK.sleep(_LOOK)
        marks = [f'<nvpair id="pacewright-marks-pacewright-config-{service}_{at}"/>' for at in self.lab.nodes]
        for element in (f'<rsc_location id="pacewright-gate-{clone}"/>', *marks):
            self.lab.run(node, ["cibadmin", "--delete", "--xml-text", element])

    def refuse_promotes(self, node: str, *, refuse: bool) -> None:
        """Let every promote on a node fail from now on, or none."""
        for service, about in SERVICES.items():
            if about.promoted:
                mark = self.lab.shared / LOGS / node / f"{service}.refuse"
                if refuse:
                    mark.touch()
                else:
                    mark.unlink(missing_ok=True)

    def by_the_true_clock(self, node: str) -> None:
        """After its clock has jumped: nothing on a node began or was written at a time that never was."""
        self.lab.run(node, ["sh", "-c", f"touch {CONFIG}/*.conf"]).checked()
        forget(self.lab, node)
        self.lab.run(node, ["systemctl", "restart", "pacemaker"], timeout=90).checked()
        self.whole(60)

    def cleanup(self) -> None:
        """Make the cluster forget every failure, between two runs."""
        for node in self.reachable()[:1]:
            self.lab.run(node, ["crm_resource", "--cleanup"], timeout=60)

    # -- what should not be there -----------------------------------------------------------------------------------

    def strays(self, node: str) -> Sequence[str]:
        """Processes and files of the program in a node where nobody is calling it."""
        processes = self.lab.run(node, ["ps", "-eo", "pid,args"]).checked().stdout.decode().splitlines()
        found = [line.strip() for line in processes if "pacewright" in line and "fence_pacewright" not in line]
        found += [line.strip() for line in processes if "_cib_events" in line and "pacewright" not in line]
        argv = ["find", *_PLACES.split(), "-mindepth", "1", "-xdev", "-newer", BEGINNING, *_NAMES.split()]
        files = self.lab.run(node, argv).stdout.decode().split()
        return [*found, *files]


def _missing(primitive: str, now: Status, nodes: Sequence[str], about: Service) -> Iterator[Missing]:
    none: frozenset[str] = frozenset()
    up, busy, failed = (kind.get(primitive, none) for kind in (now.up, now.busy, now.failed))
    if not about.clone:
        if len(up) != 1 or busy:
            yield Missing(primitive=primitive, where=" ".join(sorted(busy)) or "no node", failed=bool(failed))
        return
    for node in nodes:
        if node not in up:
            yield Missing(primitive=primitive, where=node, failed=node in failed)
    promoted = now.promoted.get(primitive, none)
    if nodes and len(promoted) < about.promoted:
        where = f"the promoted role, which only {', '.join(sorted(promoted)) or 'no node'} has"
        yield Missing(primitive=primitive, where=where, failed=bool(failed))


def _let_in(primitive: ResourceId, now: Snapshot) -> tuple[str, ...]:
    if (now.meta(primitive, "target-role") or "Started") == "Stopped":
        return ()
    gate = now.gates.get(now.top(primitive).id)
    return tuple(str(node) for node in now.nodes if gate is None or node in gate)


_CRM_MON = ("crm_mon", "--one-shot", "--output-as=xml")
_PATIENCE = 25.0
"""Seconds that a node may take to come back by itself."""
_LOOK = 0.25
_CALM, _GIVEN_UP = 6, 40
"""So many looks without a change."""
_PLACES = "/tmp /var/tmp /dev/shm /run"  # noqa: S108 - looked into, not written to
_NAMES = "( -name *pacewright* -o -name shadow.* -o -name tmp* ) -not -path *pacewright-lab* -not -path *systemd*"
_NOTHING_KNOWN = Missing(primitive="anything", where="the lab: no quorum", failed=False)
