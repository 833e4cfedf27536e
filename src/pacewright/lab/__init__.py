"""A real, throw-away Pacemaker cluster on this machine: systemd, corosync and Pacemaker in each node, and faults."""

from pacewright.lab.lab import Lab
from pacewright.lab.making import up
from pacewright.lab.overview import Summary, summaries
from pacewright.lab.removing import down
from pacewright.lab.rootfs import prune
from pacewright.lab.state import DISTROS, existing

__all__ = ["DISTROS", "Lab", "Summary", "down", "existing", "prune", "summaries", "up"]
