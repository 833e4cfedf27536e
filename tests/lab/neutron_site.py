"""A lab for the mail's scenario: its data, runs of Puppet, and what can be seen of Neutron from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pacewright.cluster.names import NodeName, ResourceId
from pacewright.demo.openstack import Data, Episode, Stage, cluster_services, puppet_on_nodes
from pacewright.demo.openstack.instance_starts import SERVICES
from pacewright.lab import Lab
from pacewright.testing.lab import snapshot_of

__all__ = ["CONFIG", "NeutronSite"]

CONFIG = ("neutron.conf", "neutron-api-uwsgi.ini", "plugins/ml2/ml2_conf.ini", "policy.yaml")
_PRISTINE = "/var/tmp/neutron"
_SHIM = "/usr/local/bin/pacewright"
_LEFTOVERS = ("hold", "owed", "drained", "begun", "ready")


class NeutronSite:
    """Three nodes, with the data that they have now.

    Args:
        stage: its lab has what Neutron needs, and nothing of Neutron in its cluster.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.lab: Lab = stage.lab
        self.data = Data()
        for node in self.lab.nodes:
            self.lab.run(node, ["cp", "--archive", "/etc/neutron", _PRISTINE]).checked()
        self.write(self.data)

    # --- data, and runs

    def write(self, wanted: Data, nodes: Sequence[str] = ()) -> None:
        """Change the data of all nodes, or of some, for their next run."""
        self.data = wanted
        self.stage.write(wanted, nodes)

    def turn(self, *, together: bool = False) -> None:
        """RabbitMQ's parameters change in the data of all nodes."""
        self.write(replace(self.data.turned(), together=together))

    def apply(self, *nodes: str) -> Episode:
        """A run on each of these nodes at the same time, or on all; what came of it."""
        before = self.stage.before()
        return self.stage.since(before, self.stage.puppet(*nodes))

    def lose(self, options: Mapping[str, Sequence[str]], end_at: Mapping[str, str]) -> Episode:
        """Runs on all nodes that are kept from restarting anything."""
        before = self.stage.before()
        return self.stage.since(before, self.stage.puppet(options=options, end_at=end_at))

    def add_to_manifest(self, node: str, text: str) -> None:
        """What stands beside site.pp on a node from now on; the empty text for nothing."""
        self.lab.write(node, f"{puppet_on_nodes.ENVIRONMENT}/manifests/extra.pp", text)

    def break_verb(self, node: str, verb: str) -> None:
        """From now on `pacewright service VERB` fails on a node."""
        shim = f'#!/bin/sh\n[ "$2" != {verb} ] || {{ echo "pacewright: broken for a test" >&2; exit 8; }}\n'
        self.lab.write(node, _SHIM, shim + 'exec /usr/bin/pacewright "$@"\n', 0o755)

    def mend(self) -> None:
        """Nothing is broken or added on any node."""
        for node in self.lab.nodes:
            self.lab.run(node, ["rm", "--force", _SHIM, f"{puppet_on_nodes.ENVIRONMENT}/manifests/extra.pp"]).checked()

    # --- what can be seen

    def wait_for_the_account(self, seconds: float = 90.0) -> None:
        """Return when every node's Neutron is at RabbitMQ with the account in the data, and no other."""
        wanted = {(node, self.data.account) for node in self.lab.nodes}
        self.stage.wait(
            lambda: cluster_services.queue_users(self.lab) == wanted, seconds, f"{self.data.account} at RabbitMQ"
        )

    def last_change(self) -> float:
        """When Neutron's config was last changed, on whichever node."""
        files = [f"/etc/neutron/{name}" for name in CONFIG]
        told = [self.lab.run(node, ["stat", "--format=%.6Y", *files]).checked().stdout for node in self.lab.nodes]
        return max(float(moment) for text in told for moment in text.split())

    def up(self, node: str) -> bool:
        """Whether all of Neutron runs on a node, as the cluster sees it."""
        now = snapshot_of(self.lab, "n1")
        return all(
            any(i.node == node and i.settled and i.role.active for i in now.instances.get(ResourceId(service), ()))
            for service in SERVICES
        )

    def wait_up(self, *nodes: str, seconds: float = 90.0) -> None:
        """Return when all of Neutron runs there."""
        self.stage.wait(lambda: all(self.up(node) for node in nodes), seconds, f"Neutron to run on {', '.join(nodes)}")

    def wait_off(self, node: str, seconds: float = 60.0) -> None:
        """Return when the cluster knows that a node is off."""
        self.stage.wait(
            lambda: snapshot_of(self.lab, "n1").nodes[NodeName(node)].why_not == "offline", seconds, f"{node} to be off"
        )

    def audit(self) -> None:
        """Neutron runs everywhere, and nothing of ours is left behind."""
        self.wait_up(*self.lab.nodes)
        cib = self.lab.run("n1", ["cibadmin", "--query"]).checked().stdout.decode()
        assert not [word for word in _LEFTOVERS if f"pacewright-{word}-" in cib]
        assert 'name="target-role"' not in cib

    # --- from the beginning

    def empty(self) -> None:
        """As before the first run of Puppet: nothing of Neutron in the cluster, Debian's config, no tables."""
        for service in SERVICES:
            self.lab.run("n1", ["pcs", "resource", "delete", service], timeout=120).checked()
        ours = "//cluster_property_set[@id='pacewright']"
        self.lab.run("n1", ["cibadmin", "--delete", "--xpath", ours]).checked()
        for node in self.lab.nodes:
            self.lab.run(node, ["rm", "--recursive", "--force", "/etc/neutron", "/etc/pacewright"]).checked()
            self.lab.run(node, ["cp", "--archive", _PRISTINE, "/etc/neutron"]).checked()
        cluster_services.new_database(self.lab)
