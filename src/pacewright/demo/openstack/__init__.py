"""The mail's scenario on the real things: Puppet deploys, changes and upgrades Neutron on a cluster of three nodes."""

from pacewright.demo.openstack.data import Data
from pacewright.demo.openstack.ground import ADDRESS
from pacewright.demo.openstack.packages import PACKAGES
from pacewright.demo.openstack.runs import MANIFESTS
from pacewright.demo.openstack.site import build
from pacewright.demo.openstack.stage import Before, Episode, Stage
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
