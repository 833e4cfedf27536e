"""Every service as it is, seen from this node. Reads only: what a config run asks again and again loads no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pacewright.cluster.cib.parse import read, saved
from pacewright.cluster.cib.remote import addresses
from pacewright.cluster.names import NodeName
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import ClusterDown, PacewrightError, ToolMissing
from pacewright.frozen import replace
from pacewright.node import place, units
from pacewright.node.fingerprint import fingerprint
from pacewright.service.along import concerns
from pacewright.service.catalog import Catalog, look
from pacewright.service.ledger.debts import Debt, debts, unreported
from pacewright.service.lookup import Lookup, check_name, is_name, known_node
from pacewright.service.names import every_service, service_names
from pacewright.service.native import Native, native
from pacewright.service.overwritten import Lost, lost
from pacewright.service.settings import DEFAULT_PATH, Settings
from pacewright.service.settings_file import load
from pacewright.service.status import ServiceStatus, hindrance, leftovers, status_of

if TYPE_CHECKING:
    from pacewright.record.reading import Entry

__all__ = ["Survey", "lookup", "this_node"]


class Survey:
    """What there is to know of services, from this node.

    Args:
        config: the site's services.yaml.
    """

    def __init__(self, config: Path = DEFAULT_PATH) -> None:
        self._config = config

    def statuses(self, names: Iterable[str] | None = None, *, node: str | None = None) -> list[ServiceStatus | Native]:
        """Each service's state, from one read; of every service of the cluster if no names are given.

        Args:
            names: the services; None for all that the cluster has.
            node: seen from there; None for this node.

        Raises:
            ClusterDown: the cluster does not answer, and the name is one of its resources'.
            UnknownService: nobody knows the name.
        """
        wanted = None if names is None else [check_name(name) for name in names]
        settings = load(self._config)
        snapshot = self._snapshot(wanted, settings)
        here = this_node(snapshot) if node is None or snapshot is None else known_node(node, snapshot)
        if wanted is None:
            if snapshot is None:
                return []
            every = service_names(snapshot, settings, units.also_called)
            return [status_of(target, snapshot, here) for target in every]
        result: list[ServiceStatus | Native] = []
        known = lookup(snapshot, settings) if snapshot is not None else None
        for name in wanted:
            target = known.find(name) if known is not None else None
            if target is None or snapshot is None:
                result.append(native(name))
            else:
                result.append(status_of(target, snapshot, here))
        return result

    def catalog(self, inputs: Mapping[str, tuple[str, ...]], *, node: str | None = None) -> Catalog:
        """All services of a catalog, from one read; what is wrong with one of them is in its own answer.

        Args:
            inputs: each one's config inputs as the catalog has them, which count where services.yaml names none.
            node: seen from there; None for this node.
        """
        settings = load(self._config)
        trouble: PacewrightError | None = None
        try:
            snapshot = self._snapshot([name for name in inputs if is_name(name)], settings)
        except PacewrightError as error:
            trouble, snapshot = error, saved()
            if snapshot is None:
                raise
        here = this_node(snapshot) if node is None or snapshot is None else known_node(node, snapshot)
        return look(inputs, settings, snapshot, here, trouble)

    def owed(self) -> list[tuple[str, Debt]]:
        """Every restart that is due in the cluster, with its service's name.

        A config on this node that was changed and not reported yet counts too.
        """
        settings = load(self._config)
        snapshot = self._snapshot(None, settings)
        if snapshot is None:
            return []
        found: list[tuple[str, Debt]] = []
        here = this_node(snapshot)
        for target in every_service(snapshot, settings, units.also_called):
            due = list(debts(target, snapshot))
            said = target.settings
            if here is not None and said.config and not any(snapshot.home(debt.node) == here for debt in due):
                due += unreported(target, here, fingerprint(said.config), snapshot)
            why = hindrance(target, snapshot)
            due += leftovers(target, snapshot)
            found += [(target.name, replace(debt, hindrance=debt.hindrance or why)) for debt in due]
        return found

    def lost(self, entries: Iterable[Entry]) -> tuple[Lost, ...]:
        """What these entries of a log say was written, and another tool has put back since."""
        snapshot = self._snapshot(None, load(self._config))
        return lost(entries, snapshot) if snapshot is not None else ()

    def _snapshot(
        self, names: list[str] | None, settings: Settings, read_cluster: Callable[[], Snapshot] = read
    ) -> Snapshot | None:
        """The cluster; None if there is none here, or none of these names is its business while it is down."""
        try:
            found = read_cluster()
            if found.dc is None:
                raise ClusterDown(
                    "the cluster has no DC on this node's view: it is still starting, or electing one.",
                    hint="Run it again in a moment; `pcs status` shows when the node has joined.",
                )
            return found
        except ToolMissing:
            if place.is_cluster_node():
                raise
            return None
        except ClusterDown as error:
            if not place.is_cluster_node():
                return None
            left = saved()
            if left is None and place.is_remote_node():
                raise ClusterDown(
                    "this is a Pacemaker Remote node, and its cluster does not answer: which services are the "
                    "cluster's cannot be told, so nothing was done.",
                    hint="Look at `systemctl status pacemaker_remote`, and at `pcs status` on another node.",
                    output=error.output,
                ) from None
            # Its last configuration tells what is the cluster's, and so must not be touched behind its back.
            if left is None or names is None or any(concerns(name, left, settings) for name in names):
                raise
            return None


def lookup(snapshot: Snapshot, settings: Settings) -> Lookup:
    """Finds the services of a cluster by any name; this node's systemd knows what else a unit is called."""
    return Lookup(snapshot, settings, units.also_called)


def this_node(snapshot: Snapshot | None) -> NodeName | None:
    """The name by which the cluster knows this node; None if it is none of its nodes."""
    found = place.this_node(snapshot.nodes, addresses(snapshot)) if snapshot is not None else None
    return NodeName(found) if found is not None else None
