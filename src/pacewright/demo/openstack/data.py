"""What changes in the site's data from one run of Puppet to the next; all else stands in data/common.yaml."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from pacewright.demo.openstack import cluster_services
from pacewright.demo.openstack.instance_starts import SERVICES
from pacewright.demo.openstack.puppet_on_nodes import ENVIRONMENT
from pacewright.lab import Lab

__all__ = ["Data", "write"]

_HEARTBEATS = {"neutron": 60, "neutron_2": 30}


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """The data of all nodes.

    Attributes:
        account: with which Neutron goes to RabbitMQ.
        version: of Neutron's packages; empty for the one that is there.
        together: all instances of a service restart in one step.
        later: who comes to a service before the others leaves its start to the last one, and does not wait.
    """

    account: str = cluster_services.QUEUE_USERS[0]
    version: str = ""
    together: bool = False
    later: bool = False

    def turned(self) -> Data:
        """The same with the other account."""
        (other,) = set(cluster_services.QUEUE_USERS) - {self.account}
        return replace(self, account=other)

    def text(self) -> str:
        """As YAML (and JSON), for Hiera."""
        services: dict[str, dict[str, object]] = {service: {} for service in SERVICES}
        for settings in services.values():
            if self.together:
                settings["strategy"] = "together"
            if self.later:
                settings["barrier"] = {"timeout": 0, "on_timeout": "later"}
        said: dict[str, object] = {
            "neutron::default_transport_url": f"rabbit://{self.account}:{cluster_services.SECRET}@10.88.0.11:5672/",
            "neutron::rabbit_heartbeat_timeout_threshold": _HEARTBEATS[self.account],
            "pacewright::services": services,
        }
        if self.version:
            said |= {"neutron::package_ensure": self.version, "neutron::server::package_ensure": self.version}
        return json.dumps(said, indent=2) + "\n"


def write(lab: Lab, data: Data, homes: Iterable[str]) -> None:
    """Put it on nodes that have the site; the next run of Puppet finds it."""
    for node in homes:
        lab.write(node, f"{ENVIRONMENT}/data/change.yaml", data.text())
