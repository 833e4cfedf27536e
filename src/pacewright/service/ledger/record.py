"""The record of a service on a node: the marks that stand for it in the CIB, and how each is written. Pure.

`cluster/cib/marks.py` tells where marks stand. These are all that there are; each is written in the commit that it
belongs to, and whoever reads it need not know who wrote it:

    pacewright-config-<primitive>    FINGERPRINT@CHANGED[@seen]  the config that the node has in place: `Report`
    pacewright-owed-<primitive>      TOKEN                       a restart that was asked for and is due there
    pacewright-begun-<primitive>     KEY@NODE                    a restart whose start nobody has seen yet: `Begun`
    pacewright-promoted-<primitive>  NUMBER                      how many were promoted when this one was taken down
    pacewright-drained-<service>     AT                          nobody sends anything to the instance there
    pacewright-ready-<service>       WAVE@AT@UNTIL               the node's run has come to the barrier: `Ready`
    pacewright-missed-<service>      WAVE@AT                     the others went on without the node's report

What somebody has spoilt by hand reads as if it were not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pacewright.cluster.cib.values import moment
from pacewright.cluster.edits.change import Edit, SetMark
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.frozen import frozen, replace

__all__ = [
    "BEGUN",
    "DRAINED",
    "MISSED",
    "OWED",
    "PROMOTED",
    "READY",
    "REPORT",
    "Begun",
    "Ready",
    "Report",
    "as_noted",
    "begun_on",
    "owed_on",
    "ready_at",
    "reported",
]

REPORT = "pacewright-config-"
OWED = "pacewright-owed-"
BEGUN = "pacewright-begun-"
PROMOTED = "pacewright-promoted-"
DRAINED = "pacewright-drained-"
READY = "pacewright-ready-"
MISSED = "pacewright-missed-"


@frozen
class Report:
    """A node saying "my config for this service is in place". Only the node itself writes it.

    Attributes:
        fingerprint: of the config.
        changed: when it last changed, in seconds since the epoch by that node's clock.
        seen: what ran there then had begun since, though its revision names another one. A probe may hide that later.
    """

    fingerprint: str
    changed: float
    seen: bool = False

    def __str__(self) -> str:
        """The mark's value."""
        return f"{self.fingerprint}@{self.changed:.3f}{'@seen' if self.seen else ''}"

    @classmethod
    def read(cls, value: str | None) -> Report | None:
        """From the mark's value; None if there is none, or somebody has spoilt it (then it is as not reported)."""
        fingerprint, at, rest = (value or "").partition("@")
        said, _, seen = rest.partition("@")
        changed = moment(said)
        if not fingerprint or not at or changed is None:
            return None
        return cls(fingerprint=fingerprint, changed=changed, seen=bool(seen))


@frozen
class Begun:
    """A restart that was committed and whose start nobody has seen yet.

    Attributes:
        key: of the run that it has put an end to.
        by: the node from which that was written; empty if that was none.
    """

    key: str
    by: NodeName

    def __str__(self) -> str:
        """The mark's value."""
        return f"{self.key}@{self.by}"

    @classmethod
    def read(cls, value: str | None) -> Begun | None:
        """From the mark's value; None if there is none."""
        key, _, by = (value or "").partition("@")
        return cls(key=key, by=NodeName(by)) if key else None


@frozen
class Ready:
    """A node's run has come to the service, and waits at its barrier.

    Attributes:
        wave: which change is going over the cluster; empty if the caller did not say.
        at: when, in seconds since the epoch by that node's clock.
        until: how long its call waits; not later than `at` if it does not.
    """

    wave: str
    at: float
    until: float

    def __str__(self) -> str:
        """The mark's value."""
        return f"{self.wave}@{self.at:.0f}@{self.until:.0f}"

    @classmethod
    def read(cls, value: str | None) -> Ready | None:
        """From the mark's value; None if there is none, or somebody has spoilt it."""
        wave, _, rest = (value or "").partition("@")
        begun, _, end = rest.partition("@")
        at, until = moment(begun), moment(end)
        return cls(wave=wave, at=at, until=until) if at is not None and until is not None else None


def reported(primitive: ResourceId, node: NodeName, snapshot: Snapshot) -> Report | None:
    """What a node has reported for a primitive; for a replica of a bundle its host. None if nothing."""
    return Report.read(_mark(REPORT + primitive, snapshot.home(node), snapshot))


def owed_on(primitive: ResourceId, node: NodeName, snapshot: Snapshot) -> str | None:
    """The token of a restart that was asked for and is due for a primitive on a node."""
    return _mark(OWED + primitive, node, snapshot)


def begun_on(primitive: ResourceId, node: NodeName, snapshot: Snapshot) -> Begun | None:
    """The restart there whose start was not seen yet."""
    return Begun.read(_mark(BEGUN + primitive, node, snapshot))


def ready_at(resource: ResourceId, snapshot: Snapshot) -> Mapping[NodeName, Ready]:
    """Every node whose run has come to a service, whatever the wave."""
    found = {node: Ready.read(_mark(READY + resource, node, snapshot)) for node in snapshot.nodes}
    return {node: ready for node, ready in found.items() if ready is not None}


def as_noted(edits: Iterable[Edit], snapshot: Snapshot) -> Snapshot:
    """The cluster once these marks are written; nothing else of them counts, and the document stays as it is."""
    nodes = dict(snapshot.nodes)
    for edit in edits:
        if isinstance(edit, SetMark) and edit.node in nodes:
            marks = {name: value for name, value in nodes[edit.node].marks.items() if name != edit.name}
            marks |= {} if edit.value is None else {edit.name: edit.value}
            nodes[edit.node] = replace(nodes[edit.node], marks=marks)
    return replace(snapshot, nodes=nodes)


def _mark(name: str, node: NodeName, snapshot: Snapshot) -> str | None:
    found = snapshot.nodes.get(node)
    return found.marks.get(name) if found is not None else None
