"""The whole site before Puppet's first run: what Neutron needs, newer packages to come, and Puppet's manifests."""

from __future__ import annotations

from collections.abc import Callable

from pacewright.demo.openstack import cluster_services, newer_packages, puppet_on_nodes
from pacewright.lab import Lab

__all__ = ["build"]


def build(lab: Lab, say: Callable[[str], None]) -> None:
    """Make it on a fresh lab with the packages that it needs.

    Raises:
        ToolFailed: a tool said no.
        DeadlinePassed: the database or the queue did not come up.
        NodeError: this source of Pacewright has no Puppet module beside it.
    """
    cluster_services.build(lab, say)
    say("packing newer versions of Neutron's packages, for an upgrade later")
    newer_packages.offer(lab)
    say("putting the manifests, the data and the module on every node")
    puppet_on_nodes.install(lab, lab.nodes)
