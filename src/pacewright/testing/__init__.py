"""Testing: what tests and measurements of Pacewright need on a lab's cluster, seen from outside its nodes."""

from pacewright.testing.snapshots import snapshot_of

__all__ = ["snapshot_of"]
