"""Described: edits, forecasts and instances in the words of the record. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pacewright.cluster.comparison import Difference, differences
from pacewright.cluster.edits.change import Change, SetMark, SetMeta, SetRevision
from pacewright.cluster.edits.constraints import Detach, Remove, Tie
from pacewright.cluster.edits.definition import DefineClone, DefineGroup, DefinePrimitive
from pacewright.cluster.edits.gate import SetGate
from pacewright.cluster.edits.hold import HoldInstance, HoldResource, Release
from pacewright.cluster.edits.kept_off import KeepOff, LetBack
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.record.redaction import COVER

__all__ = ["Described", "States", "changes", "edits", "foreseen", "states"]

Described = Mapping[str, object]

_OURS = "pacewright"
_PLAIN_META = frozenset({"target-role", "is-managed", "maintenance"})
"""Meta attributes whose values are told; those of others may be anything."""

_DEFINING = (DefinePrimitive, DefineGroup, DefineClone, Tie, Detach, Remove)

Place = tuple[ResourceId, NodeName]
States = Mapping[Place, tuple[str, float | None, str]]
"""By instance: its state, since when it has been running well (None if it is not), and what tells its runs apart."""


def edits(change: Change, snapshot: Snapshot) -> list[Described]:
    """What a change writes, with what was there before."""
    defining = any(isinstance(edit, _DEFINING) for edit in change.edits)
    return [
        *(described for edit in change.edits for described in _edit(edit, snapshot)),
        *(_difference(one) for one in (differences(snapshot.root, change.apply(snapshot)) if defining else ())),
    ]


def _difference(one: Difference) -> Described:
    """One thing of a definition; an edit of that sort names many that are so already."""
    where, _, name = one.what.partition(".")
    before, after = one.before, one.after
    if where == "parameters" or (where == "meta" and name not in _PLAIN_META):
        before, after = _covered(before), _covered(after)
    return {"edit": "definition", "resource": one.resource, "name": one.what, "before": before, "after": after}


def _edit(edit: object, snapshot: Snapshot) -> Iterator[Described]:
    match edit:
        case SetRevision():
            yield from _revisions(edit, snapshot)
        case SetMark(node=node, name=name, value=value):
            told = snapshot.nodes[node].marks if node in snapshot.nodes else {}
            before = told.get(name)
            if not name.startswith(_OURS):
                before, value = _covered(before), _covered(value)
            yield {"edit": "mark", "node": node, "name": name, "before": before, "after": value}
        case SetMeta(resource=resource, name=name, value=value):
            before = snapshot.resources[resource].meta.get(name) if resource in snapshot.resources else None
            if name not in _PLAIN_META and not name.startswith(_OURS):
                before, value = _covered(before), _covered(value)
            yield {"edit": "meta", "resource": resource, "name": name, "before": before, "after": value}
        case SetGate(resource=resource, nodes=nodes):
            before, value = _let_in(snapshot.gates.get(resource)), _let_in(nodes)
            yield {"edit": "gate", "resource": resource, "before": before, "after": value}
        case _ if not isinstance(edit, _DEFINING):
            yield from _kept(edit)


def _kept(edit: object) -> Iterator[Described]:
    """What keeps something from running, for a moment or for good, or lets it run again."""
    match edit:
        case HoldInstance() | HoldResource():
            node = edit.node if isinstance(edit, HoldInstance) else None
            yield {"edit": "hold", "resource": edit.resource, "node": node, "until": edit.until}
        case KeepOff(resource=resource, node=node) | LetBack(resource=resource, node=node):
            word = "keep off" if isinstance(edit, KeepOff) else "let back"
            yield {"edit": word, "resource": resource, "node": node}
        case Release(resource=resource, node=node):
            yield {"edit": "release", "resource": resource, "node": node}
        case _:
            yield {"edit": type(edit).__name__}


def _revisions(edit: SetRevision, snapshot: Snapshot) -> Iterator[Described]:
    """The nodes where it becomes another one; none where it is only written in another way."""
    resource = snapshot.resources.get(edit.resource)
    for node in snapshot.nodes:
        before = resource.revision_on(node) if resource is not None else None
        after = edit.nodes.get(node, edit.default)
        if before != after:
            yield {"edit": "revision", "resource": edit.resource, "node": node, "before": before, "after": after}


def _let_in(nodes: frozenset[NodeName] | None) -> str | None:
    return None if nodes is None else ", ".join(sorted(nodes)) or "nobody"


def _covered(value: str | None) -> str | None:
    return None if value is None else COVER


def foreseen(forecast: Forecast) -> list[str]:
    """What the scheduler would do, as a person would say it."""
    return [str(action) for action in forecast.actions] + [f"fence {node}" for node in forecast.fenced]


def states(snapshot: Snapshot, primitives: Iterable[ResourceId], known: Iterable[Place] = ()) -> States:
    """How each instance of some primitives is.

    Args:
        snapshot: the cluster.
        primitives: whose instances.
        known: where there has been one: it is told also if it is plainly stopped now, which others are not.
    """
    found: dict[Place, tuple[str, float | None, str]] = {}
    for primitive in primitives:
        for instance in snapshot.instances.get(primitive, ()):
            run = instance.run
            node = snapshot.nodes.get(instance.node)
            state = instance.state if node is not None and node.online else "offline"
            since = run.since if run is not None and instance.settled and state != "offline" else None
            found[primitive, instance.node] = (state, since, run.key if run is not None else "")
    return {place: (_absent(place, snapshot), None, "") for place in known} | found


def changes(before: States, after: States) -> list[Described]:
    """The instances that are not as they were; those that there was nothing known of are told as they are."""
    told: list[Described] = []
    for place, (state, since, run) in sorted(after.items()):
        then = before.get(place)
        if then is None or (then[0], then[2]) != (state, run):
            was = then[0] if then is not None else None
            told.append({"resource": place[0], "node": place[1], "before": was, "after": state, "since": since})
    return told


def _absent(place: Place, snapshot: Snapshot) -> str:
    node = snapshot.nodes.get(place[1])
    if node is None or not node.online:
        return "offline"
    return "Stopped" if place in snapshot.told else "unknown"
