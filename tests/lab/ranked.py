"""A promotable service for the shared lab whose promotes are slow, late or fail, and which writes down what it does.

Its agent has no reload action, so that it restarts for a new definition; `/etc/ranked` says how it goes on a node.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pacewright.clock import SYSTEM_CLOCK, Deadline
from pacewright.cluster.names import ResourceId, Role
from pacewright.lab import Lab
from pacewright.testing.lab import snapshot_of

__all__ = ["Did", "Ranked", "installed"]

AGENT = """\
#!/bin/sh
# $1 is done as /etc/ranked says: slow_promote=SECONDS, late=SECONDS (until the score is set), fail=ACTION.
slow_promote=0 late= fail=
. /etc/ranked
state=/run/ranked
score() { /usr/sbin/crm_attribute --promotion "$@"; }
did() { echo "$(date +%s.%N) $1" >>/var/lib/ranked.log; }
is() { [ "$(cat $state 2>/dev/null)" = "$1" ]; }
if [ "$1" = "$fail" ]; then did "failed-$1"; echo "it cannot $1" >&2; exit 1; fi
case $1 in
start) did start; echo Unpromoted >$state
  if [ -n "$late" ]; then (sleep $late; score -v 5) >/dev/null 2>&1 & else score -v 5; fi ;;
promote) sleep $slow_promote; echo Promoted >$state; score -v 10; did promote ;;
demote) did demote; echo Unpromoted >$state; score -v 5 ;;
stop) did stop; score -D; rm -f $state ;;
monitor) is Promoted && exit 8; is Unpromoted || exit 7 ;;
notify) ;;
meta-data) cat <<'XML'
<?xml version="1.0"?>
<resource-agent name="ranked" version="1.0">
  <version>1.1</version>
  <longdesc lang="en">Writes down what it does.</longdesc>
  <shortdesc lang="en">Writes down what it does</shortdesc>
  <parameters/>
  <actions>
    <action name="start" timeout="20s"/><action name="stop" timeout="20s"/>
    <action name="promote" timeout="20s"/><action name="demote" timeout="20s"/><action name="notify" timeout="20s"/>
    <action name="monitor" timeout="20s" interval="10s" role="Unpromoted"/>
    <action name="monitor" timeout="20s" interval="9s" role="Promoted"/><action name="meta-data" timeout="5s"/>
  </actions>
</resource-agent>
XML
;;
*) exit 3 ;;
esac
"""
WHERE = "/usr/lib/ocf/resource.d/pacewright/ranked"


@dataclass(frozen=True)
class Did:
    """Something that an instance did, as it wrote it down itself."""

    at: float
    node: str
    what: str


@dataclass(frozen=True)
class Ranked:
    """The service `ranked`, in a lab."""

    lab: Lab

    def configure(self, text: str, *nodes: str) -> None:
        """How it goes on these nodes, or on all."""
        for node in nodes or self.lab.nodes:
            self.lab.write(node, "/etc/ranked", text + "\n")

    def begin(self) -> None:
        """From now on, what it does is written down anew."""
        for node in self.lab.nodes:
            self.lab.write(node, "/var/lib/ranked.log", "")

    def did(self) -> list[Did]:
        """What it has done since."""
        found = []
        for node in self.lab.nodes:
            text = self.lab.run(node, ["cat", "/var/lib/ranked.log"]).checked().stdout.decode()
            found += [Did(at=float(at), node=node, what=what) for at, what in map(str.split, text.splitlines())]
        return sorted(found, key=lambda did: did.at)

    def count(self, what: str) -> dict[str, int]:
        """How often it has done that since, by node."""
        did = [one.node for one in self.did() if one.what == what]
        return {node: did.count(node) for node in self.lab.nodes}

    def most_without_role(self) -> int:
        """How many of those that were promoted were not at once, since."""
        most = lacking = 0
        for one in self.did():
            lacking += {"demote": 1, "promote": -1}.get(one.what, 0)
            most = max(most, lacking)
        return most

    def promoted(self) -> list[str]:
        """Where it is promoted, as the CIB has it."""
        found = snapshot_of(self.lab, "n1").instances.get(ResourceId("ranked"), ())
        return sorted(i.node for i in found if i.role is Role.PROMOTED and i.settled)

    def settle(self, promoted: int) -> None:
        """Wait until so many are promoted and nothing is under way."""
        deadline = Deadline.after(60, SYSTEM_CLOCK)
        while len(self.promoted()) < promoted:
            assert not deadline.passed(SYSTEM_CLOCK), f"promoted on {self.promoted()} only"
            SYSTEM_CLOCK.sleep(0.3)


@contextmanager
def installed(lab: Lab, *, promoted: int, notify: bool = False) -> Iterator[Ranked]:
    """The service, while it is needed."""
    ranked = Ranked(lab)
    ranked.configure("")
    for node in lab.nodes:
        lab.run(node, ["mkdir", "-p", WHERE.rpartition("/")[0]]).checked()
        lab.write(node, WHERE, AGENT, 0o755)
    meta = [f"promoted-max={promoted}", f"notify={str(notify).lower()}"]
    create = ["pcs", "resource", "create", "ranked", "ocf:pacewright:ranked", "promotable", *meta]
    lab.run("n1", create, timeout=60).checked()
    try:
        ranked.settle(promoted)
        ranked.begin()
        yield ranked
    finally:
        ranked.configure("")
        lab.run("n1", ["crm_resource", "--cleanup", "--resource", "ranked"], timeout=60)
        lab.run("n1", ["pacewright", "reconcile", "ranked"], timeout=120)  # or its debts would outlive it
        lab.run("n1", ["pcs", "resource", "delete", "ranked", "--force"], timeout=120)
