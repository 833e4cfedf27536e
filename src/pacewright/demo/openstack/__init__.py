"""The mail's scenario on the real things: Puppet deploys, changes and upgrades Neutron on a cluster of three nodes."""

from pacewright.demo.openstack.data import Data
from pacewright.demo.openstack.stage import Before, Episode, Stage

__all__ = ["Before", "Data", "Episode", "Stage"]
