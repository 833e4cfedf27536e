"""Forecast: what the cluster's own scheduler would do, asked before anything is changed."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Collection, Iterable
from functools import cached_property

from pacewright.cluster.cib.parse import parse
from pacewright.cluster.cib.slim import slim
from pacewright.cluster.cib.values import number
from pacewright.cluster.edits.change import Change
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.cluster.tools import crm_simulate
from pacewright.errors import ToolOutput
from pacewright.frozen import field, frozen, replace

__all__ = ["Action", "Forecast", "Scheduler", "by_place", "carried_out", "question", "what_if"]

_REMEMBERED = 8
"""Answers of the scheduler that are kept: a commit follows the question about it, and in a copy time stands still."""


@frozen
class Action:
    """One thing that the scheduler would do to an instance.

    Attributes:
        verb: `restart`, `reload`, `start`, `stop`, `move`, `migrate`, `promote`, `demote`, `recover`, ...
        resource: the primitive's id, without `:0`.
        instance: its name as the scheduler has it (`web:1`).
        node: where it happens (for a move: where it is now).
        to: for a move, where it goes; else None.
        reason: the scheduler's own words; may be empty.
        blocked: it would, but something forbids it (unmanaged, unrunnable).
    """

    resource: ResourceId
    node: NodeName | None
    verb: str
    instance: str
    to: NodeName | None
    reason: str
    blocked: bool

    def __str__(self) -> str:
        """As a person would say it: `restart web on n2 (resource definition change)`."""
        where = f" on {self.node}" if self.node else ""
        where += f" to {self.to}" if self.to else ""
        why = f" ({self.reason})" if self.reason else ""
        return f"{self.verb} {self.resource}{where}{why}" + (", but it is blocked" if self.blocked else "")


@frozen
class Forecast:
    """All that the scheduler would do, in a fixed order.

    Attributes:
        fenced: nodes that it would fence.
        first: where two changes follow one another, the actions of the first one alone.
        graph: the transition that begins it, as the scheduler hands it to the cluster.
        asked: the CIB that the scheduler was asked about.
        then_asked: where two changes follow one another, what it was asked about the second one; else empty.
        known: the CIB as it would be when all that is done, if it was asked for; else empty.
    """

    __slots__ = ("__dict__",)  # what is asked for once is kept there

    actions: tuple[Action, ...]
    fenced: tuple[NodeName, ...] = ()
    first: tuple[Action, ...] | None = field(default=None, repr=False, compare=False)
    graph: bytes = field(default=b"", repr=False, compare=False)
    asked: bytes = field(default=b"", repr=False, compare=False)
    then_asked: bytes = field(default=b"", repr=False, compare=False)
    known: bytes = field(default=b"", repr=False, compare=False)

    @cached_property
    def after(self) -> bytes:
        """The CIB as it would be when all that is done, to ask "and then?". Asked for when it is looked at.

        Raises:
            ToolFailed: this node's scheduler is older than the cluster's CIB.
        """
        return self.known or crm_simulate.simulate(self.then_asked or self.asked)[1]

    @property
    def soon(self) -> tuple[Action, ...]:
        """What it would do at once, without what a second change would bring about."""
        return self.actions if self.first is None else self.first

    def why_not(self, resources: Collection[ResourceId]) -> tuple[str, ...]:
        """Why the scheduler does no more with some resources, in Pacemaker's own words; nothing if it has none."""
        blocked = [str(action) for action in self.actions if action.blocked and action.resource in resources]
        return (*blocked, *(crm_simulate.complaints(self.asked) if self.asked else ()))

    def timeouts(self) -> dict[tuple[ResourceId, str], float]:
        """Seconds that the cluster would give each operation (`start`, `stop`, ...) of each primitive."""
        try:
            graph = ET.fromstring(self.graph) if self.graph else ET.Element("none")  # noqa: S314 - the scheduler's own
        except ET.ParseError as error:
            raise ToolOutput(f"crm_simulate: its graph is not XML ({error}).") from error
        found: dict[tuple[ResourceId, str], float] = {}
        for operation in graph.iter("rsc_op"):
            primitive, said = operation.find("primitive"), operation.find("attributes")
            if primitive is not None and said is not None:
                key = (ResourceId(primitive.get("id", "").partition(":")[0]), operation.get("operation", ""))
                found[key] = max(found.get(key, 0.0), number(said.get("CRM_meta_timeout")) / 1000)
        return found


class Scheduler:
    """Pacemaker's scheduler, which is asked nothing twice: its last answers are kept.

    Args:
        ask: how it is asked.
        known: its answers so far, the newest last; shared by all that ask it in different ways.
    """

    def __init__(
        self, ask: Callable[[bytes], Forecast] | None = None, known: dict[bytes, Forecast] | None = None
    ) -> None:
        self._ask = ask or answered
        self._known = {} if known is None else known

    def __call__(self, asked: bytes) -> Forecast:
        """What it says of a CIB.

        Raises:
            ToolFailed: this node's scheduler is older than the cluster's CIB.
        """
        forecast = self._known.pop(asked, None) or self._ask(asked)
        self._known[asked] = forecast
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
        return forecast

    def forget(self) -> None:
        """Ask anew from now on: time has passed, and rules and time-outs that have expired change the answer."""
        self._known.clear()

    def followed_up(self) -> Scheduler:
        """The same for whoever will want to know what becomes of the CIB, by one program instead of two."""
        return Scheduler(carried_out if self._ask is answered else self._ask, self._known)


def what_if(
    snapshot: Snapshot,
    change: Change | None = None,
    then: Change | None = None,
    scheduler: Scheduler | None = None,
) -> Forecast:
    """What the scheduler would do after a change, or by itself. The cluster is not touched (22 ms).

    Args:
        snapshot: the cluster.
        change: what would be written; None for nothing.
        then: what would be written once that is done. An instance that the first change stops and the second starts
            on the same node counts as a restart.
        scheduler: who is asked.

    Raises:
        Refused: the change holds what a user has written, and the schema does not allow it.
        ToolFailed: this node's scheduler is older than the cluster's CIB.
    """
    scheduler = scheduler or Scheduler()
    asked = question(snapshot, change)
    if change is not None and change.given:
        crm_simulate.refuse_if_invalid(asked)
    return scheduler(asked) if then is None else followed(scheduler.followed_up()(asked), then, scheduler)


def question(snapshot: Snapshot, change: Change | None = None) -> bytes:
    """The CIB that the scheduler is asked about: the cluster's after a change, or as it is."""
    return ET.tostring(slim(_without_strays(snapshot.root if change is None else change.apply(snapshot))))


def answered(asked: bytes) -> Forecast:
    """What the scheduler says of such a CIB.

    Raises:
        ToolFailed: this node's scheduler is older than the cluster's CIB.
    """
    answer, graph = crm_simulate.schedule(asked)
    return _parse(answer, asked, graph)


def carried_out(asked: bytes) -> Forecast:
    """The same, with what would become of the CIB, by one program instead of two."""
    answer, after, graph = crm_simulate.simulate(asked)
    return replace(_parse(answer, asked, graph), known=after)


def _without_strays(root: ET.Element) -> ET.Element:
    """The CIB without what is left of nodes under an id that they no longer have: crm_simulate gives up on it."""
    ids = {node.get("uname"): node.get("id") for node in root.iterfind("configuration/nodes/node")}
    states = root.findall("status/node_state")
    strays = [state for state in states if ids.get(state.get("uname"), state.get("id")) != state.get("id")]
    if not strays:
        return root
    asked = ET.Element(root.tag, root.attrib)
    for part in root:
        kept = part
        if part.tag == "status":
            kept = ET.Element(part.tag, part.attrib)
            kept.extend(state for state in part if state not in strays)
        asked.append(kept)
    return asked


def followed(first: Forecast, then: Change, ask: Scheduler) -> Forecast:
    """The forecast of a change together with that of the change which is written once the first one is done."""
    second = ask(question(parse(first.after), then))
    joined = _joined(first.actions, second.actions)
    return replace(first, actions=joined, first=first.actions, then_asked=second.asked, known=second.known)


def _joined(first: tuple[Action, ...], second: tuple[Action, ...]) -> tuple[Action, ...]:
    begun = [action for action in second if action.verb in {"start", "promote"}]
    again = {(action.resource, action.node) for action in begun}
    actions = []
    for action in first:
        elsewhere = [a for a in begun if a.resource == action.resource and (a.resource, a.node) not in _places(first)]
        ends = action.verb == "stop" or (action.verb == "move" and _many(action))
        if ends and (action.resource, action.node) in again:
            actions.append(replace(action, verb="restart", to=None))
            actions += [replace(action, verb="start", node=action.to, to=None)] if action.to else []
        elif action.verb == "stop" and len(elsewhere) == 1:
            actions.append(replace(action, verb="move", to=elsewhere[0].node))
            begun.remove(elsewhere[0])
        else:
            actions.append(action)
    ended = _places(first) | {(action.resource, action.to) for action in actions}
    actions += [action for action in second if (action.resource, action.node) not in ended]
    return tuple(sorted(actions, key=str))


def by_place(actions: Iterable[Action]) -> tuple[Action, ...]:
    """The same, told by place: instances of a clone are alike, so one that goes where another comes from has not moved.

    Which instance is which the scheduler decides anew each time. Where one is to start on n2 and that of n1 restarts,
    it may say that the one of n1 moves to n2 and that another one starts on n1.
    """
    found = sorted(actions, key=str)
    for resource in sorted({action.resource for action in found if action.verb == "move" and _many(action)}):
        mine = [a for a in found if a.resource == resource and not a.blocked and a.verb in {"move", "start"}]
        ends = {a.node: a for a in mine if a.verb == "move"}
        begins = {a.to or a.node: a for a in mine}
        again = ends.keys() & begins.keys()
        if not again:
            continue
        gone, come = sorted(map(str, ends.keys() - again)), sorted(map(str, begins.keys() - again))
        told = [replace(ends[node], verb="restart", to=None) for node in again]
        told += [replace(ends[NodeName(a)], to=NodeName(b)) for a, b in zip(gone, come, strict=False)]
        told += [replace(begins[n], verb="start", node=n, to=None) for n in map(NodeName, come[len(gone) :])]
        found = [action for action in found if action not in mine] + told
    return tuple(sorted(found, key=str))


def _many(action: Action) -> bool:
    return ":" in action.instance


def _places(actions: tuple[Action, ...]) -> set[tuple[ResourceId, NodeName | None]]:
    return {(action.resource, action.node) for action in actions}


def _parse(answer: ET.Element, asked: bytes, graph: bytes) -> Forecast:
    actions = {action for found in answer.iterfind("actions/rsc_action") if (action := _action(found)) is not None}
    fenced = tuple(NodeName(found.get("node", "")) for found in answer.iterfind("actions/node_action"))
    return Forecast(actions=by_place(actions), fenced=fenced, asked=asked, graph=graph)


def _action(found: ET.Element) -> Action | None:
    verb = found.get("action", "")
    if verb.startswith("leave") or not verb:
        return None
    instance = found.get("resource", "")
    node, target = found.get("node") or found.get("source"), found.get("dest")
    if node is None:
        node, target = target, None
    return Action(
        verb=verb,
        resource=ResourceId(instance.split(":", 1)[0]),
        instance=instance,
        node=NodeName(node) if node else None,
        to=NodeName(target) if target and target != node else None,
        reason=found.get("reason", ""),
        blocked=found.get("blocked") == "true",
    )
