"""Lost: what calls on this node have written and another tool has put back, by pushing an older configuration. Pure.

Pacewright itself never goes back: a later revision has a later token, and a later report a later moment. So where the
log has something newer than the cluster, somebody else has written the older one, or made the resource anew. With it
went the marks of that time, and nothing but the log tells that a restart was due.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.frozen import frozen
from pacewright.service.ledger.record import OWED, REPORT, Report, owed_on, reported
from pacewright.service.ledger.revision import Revision

if TYPE_CHECKING:
    from pacewright.record.reading import Entry

__all__ = ["Lost", "lost"]

_Place = tuple[ResourceId, NodeName]


@frozen
class Lost:
    """What was written about a primitive and is not there any more.

    Attributes:
        written: when that was, in seconds since the epoch by this node's clock: the latest of it.
        due: nodes on which a restart was asked for and not noted as done, and whose instance has not started since.
    """

    primitive: ResourceId
    written: float
    due: tuple[NodeName, ...]


class _Written:
    def __init__(self) -> None:
        self.revisions: dict[ResourceId, tuple[str, float]] = {}
        self.reports: dict[_Place, tuple[str, float]] = {}
        self.asked: dict[_Place, str] = {}

    def add(self, edit: dict[str, Any], at: float) -> None:
        name, node, after = str(edit.get("name")), NodeName(str(edit.get("node"))), edit.get("after")
        value = after if isinstance(after, str) else None
        if edit.get("edit") == "revision" and value is not None:
            self.revisions[ResourceId(str(edit.get("resource")))] = value, at
        elif name.startswith(REPORT) and value is not None:
            self.reports[ResourceId(name.removeprefix(REPORT)), node] = value, at
        elif name.startswith(OWED):
            place = ResourceId(name.removeprefix(OWED)), node
            if value is None:
                self.asked.pop(place, None)
            else:
                self.asked[place] = value

    def put_back(self, snapshot: Snapshot) -> Iterator[tuple[ResourceId, float]]:
        for primitive, (value, at) in self.revisions.items():
            found = snapshot.resources.get(primitive)
            if found is not None and _older([found.revision_on(node) for node in snapshot.nodes], value):
                yield primitive, at
        for (primitive, node), (value, at) in self.reports.items():
            then, now = Report.read(value), reported(primitive, node, snapshot)
            there = primitive in snapshot.resources and node in snapshot.nodes
            if there and then is not None and (now is None or now.changed < then.changed):
                yield primitive, at


def _older(revisions: list[str | None], written: str) -> bool:
    """True if all of them are. A node that is away may well be given an older one, by a call for the others."""
    has = [Revision.read(revision).asked for revision in revisions if revision is not None]
    known = [moment for moment in has if moment is not None]
    wrote = Revision.read(written).asked
    return len(known) == len(has) and (not known or (wrote is not None and max(known) < wrote))


def lost(entries: Iterable[Entry], snapshot: Snapshot) -> tuple[Lost, ...]:
    """What the commits in a log have written and the cluster does not have any more, by primitive."""
    written = _Written()
    for entry in entries:
        for edit in entry.told.get("edits", ()) if entry.kind == "commit" else ():
            written.add(edit, entry.time)
    found: dict[ResourceId, float] = {}
    for primitive, at in written.put_back(snapshot):
        found[primitive] = max(at, found.get(primitive, 0.0))
    return tuple(
        Lost(primitive=primitive, written=at, due=tuple(sorted(_due(primitive, written.asked, snapshot))))
        for primitive, at in sorted(found.items())
    )


def _due(primitive: ResourceId, asked: dict[_Place, str], snapshot: Snapshot) -> Iterator[NodeName]:
    for instance in snapshot.instances.get(primitive, ()):
        token = asked.get((primitive, instance.node))
        run, since = instance.run, Revision.read(token).asked
        if since is None or run is None or owed_on(primitive, instance.node, snapshot) is not None:
            continue
        if run.started is None or run.started < since:
            yield instance.node
