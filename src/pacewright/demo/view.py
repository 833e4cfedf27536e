"""What there is to see at one moment: nodes, instances, revisions, and what the clients get."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.demo import tally
from pacewright.demo.tally import Answer

__all__ = ["WEB", "Row", "View", "rows"]

WEB = ResourceId("web")
_FRONT = ResourceId("proxy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One node.

    Attributes:
        cluster: how the cluster sees the node, in a few words: `online, DC, haproxy`.
        instance: the state of its web instance.
        revision: what the definition of that instance says; empty before the first restart.
        starts: how often the service has started there, by its own count.
        version: of the config that its last answer came from; empty if it never answered.
        served: how many requests it has served.
    """

    node: str
    cluster: str
    instance: str
    revision: str
    starts: int
    version: str
    served: int

    @property
    def short_revision(self) -> str:
        """The part of it that differs from one to the next; `-` for none."""
        return self.revision.rpartition("-")[2] or "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything at one moment.

    Attributes:
        title: what is being done.
        seconds: since it began.
        rate: requests served per second, lately.
        served, failed: requests since it began.
        said: the last lines that the command printed.
    """

    title: str
    seconds: float
    rows: tuple[Row, ...]
    rate: float
    served: int
    failed: int
    said: tuple[str, ...]


def rows(snapshot: Snapshot, starts: Mapping[str, int], answers: Sequence[Answer]) -> tuple[Row, ...]:
    """One row for each node, in the lab's order."""
    versions = tally.newest(answers)
    served = Counter(answer.node for answer in answers if not answer.error)
    return tuple(_row(node, snapshot, starts[node], versions.get(node, ""), served[node]) for node in starts)


def _row(node: str, snapshot: Snapshot, starts: int, version: str, served: int) -> Row:
    name = NodeName(node)
    member = snapshot.nodes.get(name)
    words = [(member.why_not or "online") if member else "unknown"]
    words += ["DC"] if snapshot.dc == name else []
    words += ["haproxy"] if any(i.node == name and i.role.active for i in snapshot.instances.get(_FRONT, ())) else []
    instance = next((i for i in snapshot.instances.get(WEB, ()) if i.node == name), None)
    resource = snapshot.resources.get(WEB)
    return Row(
        node=node,
        cluster=", ".join(words),
        instance=instance.state if instance else "Stopped",
        revision=(resource.revision_on(name) if resource else None) or "",
        starts=starts,
        version=version,
        served=served,
    )
