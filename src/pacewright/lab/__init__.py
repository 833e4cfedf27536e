"""A real, throw-away Pacemaker cluster on this machine: systemd, corosync and Pacemaker in each node, and faults."""

from pacewright.lab.down import down
from pacewright.lab.lab import Lab
from pacewright.lab.overview import Summary, summaries
from pacewright.lab.state import DISTROS, existing
from pacewright.lab.up import up

__all__ = ["DISTROS", "Lab", "Summary", "down", "existing", "summaries", "up"]
