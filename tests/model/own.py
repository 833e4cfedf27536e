"""The CIB of a simulated cluster, as Pacewright reads it by itself.

Where a CIB is not plain, it asks Pacemaker's own programs. They know nothing of the model's clock, and are slow for
thousands of steps; what the model makes, our own reading understands.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from unittest.mock import patch

from pacewright.cluster.cib import parse as reading
from pacewright.cluster.cib.ambiguity import Doubt
from pacewright.cluster.cib.parse import parse
from pacewright.cluster.snapshot import Snapshot

__all__ = ["no_doubt", "snapshot_in"]


def no_doubt() -> AbstractContextManager[object]:
    """While this holds, nobody asks Pacemaker."""
    return patch.object(reading, "doubt_about", lambda root, histories: Doubt(everything=False))


def snapshot_in(document: bytes) -> Snapshot:
    """The Snapshot in a CIB of the model's."""
    with no_doubt():
        return parse(document)
