"""The mail's scenario on the real things: Puppet deploys, changes and upgrades Neutron on a cluster of three nodes."""

from pacewright.demo.openstack.cluster_services import ADDRESS
from pacewright.demo.openstack.data import Data
from pacewright.demo.openstack.neutron_site import build
from pacewright.demo.openstack.packages import PACKAGES
from pacewright.demo.openstack.puppet_on_nodes import MANIFESTS
from pacewright.demo.openstack.puppet_under_load import Before, Episode, Stage
from pacewright.demo.openstack.story import ACTS, Act, Told, perform, unmet

__all__ = [
    "ACTS",
    "ADDRESS",
    "MANIFESTS",
    "PACKAGES",
    "Act",
    "Before",
    "Data",
    "Episode",
    "Stage",
    "Told",
    "build",
    "perform",
    "unmet",
]
