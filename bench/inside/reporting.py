"""Report the config of many services of this node in one commit, which the command line does one by one.

python3 -I reporting.py PATTERN NAME ...

PATTERN is the path of a service's config, with `{name}` for its name.
"""

from __future__ import annotations

import sys

from pacewright.cluster.edits.change import Change, SetMark
from pacewright.cluster.live import LiveConnection
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.node import place
from pacewright.node.fingerprint import fingerprint
from pacewright.service.ledger.record import REPORT, Report


def main() -> int:
    """Write it."""
    pattern, *names = sys.argv[1:]
    with LiveConnection() as cluster:
        snapshot = cluster.read()
        here = NodeName(place.this_node(snapshot.nodes) or "")
        edits = []
        for name in names:
            found = fingerprint([pattern.replace("{name}", name)])
            report = Report(fingerprint=found.fingerprint, changed=found.changed)
            edits.append(SetMark(node=here, name=REPORT + ResourceId(name), value=str(report)))
        cluster.commit(Change(edits=tuple(edits), reason="for the bench"), based_on=snapshot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
