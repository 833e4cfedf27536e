"""What Pacemaker's scheduler wants of a cluster, in a small honest model. Pure.

`tests/golden/test_model.py` holds its answers against those of the real one (`crm_simulate`) for many states. It knows
clones, promotable clones (all of whose instances may be promoted; these are not compared) and primitives, no groups
and no constraints but locations.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from weakref import WeakKeyDictionary

from tests.model.record import NODES, History, NodeState, Op, Status
from tests.model.rules import INFINITY, digest, locations, pairs, properties, true

__all__ = [
    "Definition",
    "Part",
    "Want",
    "carried_out",
    "definitions",
    "fail_count",
    "moved",
    "pardoned",
    "part",
    "parts",
    "promotion",
    "wanted",
]

_HOLD = "pacewright-hold-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A primitive and what is around it.

    Attributes:
        around: the elements that its meta attributes come from, outwards.
        clone: the id of the clone around it; None if it runs in one place.
    """

    id: str
    element: ET.Element
    around: tuple[ET.Element, ...]
    clone: str | None
    promotable: bool

    @property
    def outermost(self) -> str:
        """The id that location constraints name."""
        return self.clone or self.id

    def meta(self, name: str, configuration: ET.Element, now: float, *, held: bool = True) -> str | None:
        """A meta attribute as it applies; `held=False` looks past our own holds."""
        for element in self.around:
            if not held:
                element = _unheld(element)  # noqa: PLW2901 - the same, without
            found = pairs(element, "meta_attributes", "", now)
            if name in found:
                return found[name]
        defaults = configuration.find("rsc_defaults")
        return pairs(defaults, "meta_attributes", "", now).get(name) if defaults is not None else None

    def parameters(self, node: str, now: float) -> dict[str, str]:
        """What its agent is given on a node."""
        return pairs(self.element, "instance_attributes", node, now)

    @property
    def reloads(self) -> bool:
        """Its agent advertises `reload-agent`."""
        return self.element.get("provider") == "pacemaker"


def _unheld(element: ET.Element) -> ET.Element:
    found = ET.Element(element.tag, element.attrib)
    found.extend(child for child in element if not child.get("id", "").startswith(_HOLD))
    return found


def fail_count(resource: str, task: str) -> str:
    """The transient attribute that counts failures."""
    return f"fail-count-{resource}#{task}_{10_000 if task == 'monitor' else 0}"


def promotion(resource: str) -> str:
    """The transient attribute with the promotion score that an agent sets."""
    return f"master-{resource}"


_KNOWN: WeakKeyDictionary[ET.Element, list[Definition]] = WeakKeyDictionary()


def definitions(configuration: ET.Element) -> list[Definition]:
    """Every primitive; nobody changes a configuration, who wants another one makes it."""
    if configuration not in _KNOWN:
        found = configuration.iterfind("resources/*")
        _KNOWN[configuration] = [_definition(element) for element in found if element.tag != "template"]
    return _KNOWN[configuration]


def _definition(element: ET.Element) -> Definition:
    inner = element.find("primitive") if element.tag == "clone" else element
    assert inner is not None
    return Definition(
        id=inner.get("id", ""),
        element=inner,
        around=(inner, element) if element is not inner else (inner,),
        clone=element.get("id") if element is not inner else None,
        promotable=element is not inner and true(pairs(element, "meta_attributes", "", 0.0).get("promotable")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An instance as its history tells (`unpack_rsc_op` of lib/pengine/unpack.c).

    Attributes:
        known: something is on record, so it need not be probed.
        promoted: it has that role.
        failed: it must be stopped before it can be used again.
        checked: the operation whose definition is compared with the one of now; None where none is.
        busy: an operation is under way.
    """

    known: bool = False
    active: bool = False
    promoted: bool = False
    failed: bool = False
    checked: Op | None = None
    busy: str = ""


@lru_cache(maxsize=4096)
def part(history: History) -> Part:
    """What a history tells."""
    found = Part(known=history.last is not None or history.failure is not None)
    for op in history.ops:
        found = _told(found, op)
    last = history.last
    if last is not None and last.task in {"start", "promote", "monitor"} and found.active:
        found = replace(found, checked=last)
    return found


def _told(found: Part, op: Op) -> Part:
    if op.code is None:
        found = replace(found, busy=op.task)
        if op.task in {"start", "promote", "demote"}:
            return replace(found, active=True, promoted=op.task != "start")
        return found
    if op.failed:
        return replace(found, active=True, failed=True)
    if op.task == "stop" or op.code == 7:
        return replace(found, active=False, promoted=False, failed=False)
    promoted = op.task == "promote" or op.code == 8
    return replace(found, active=True, promoted=promoted, failed=found.failed and op.task not in {"start", "promote"})


def parts(definition: Definition, status: Status) -> dict[str, Part]:
    """The instances of a primitive, by node."""
    gone = Part(known=True)
    return {
        name: part(node.histories.get(definition.id) or History()) if node.presence in {"online", "lost"} else gone
        for name, node in status.nodes.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """What should happen to an instance.

    Attributes:
        verb: as crm_simulate has it: `start`, `stop`, `restart`, `reload`, `recover`, `move`, `promote`, `demote`.
        to: for a move, where it goes.
        ours: it would not happen but for a revision or a hold of ours.
        blocked: it would, but something forbids it.
    """

    resource: str
    node: str
    verb: str
    to: str | None = None
    ours: bool = False
    blocked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One look at a cluster."""

    configuration: ET.Element
    status: Status
    now: float
    properties: dict[str, str]
    kept: bool = True

    def may_run(self, definition: Definition, node: str, *, held: bool = True) -> int:
        """The score with which it may run there; -INFINITY if it may not."""
        state = self.status.nodes[node]
        if state.presence != "online" or self._says(node, "standby") or not self._allowed(definition, held=held):
            return -INFINITY
        if self.banned(definition, node) or (self.kept and self._says(node, "maintenance")):
            return -INFINITY
        total = 0
        for of, score in locations(self.configuration, definition.outermost, node, self.now):
            if score <= -INFINITY and (held or not of.startswith(_HOLD)):
                return -INFINITY
            total += score if score > -INFINITY else 0
        return total

    def banned(self, definition: Definition, node: str) -> bool:
        """It failed to start there, and nothing has changed since."""
        count = self.status.nodes[node].transient.get(fail_count(definition.id, "start"))
        # In a clone the count is cleared too, but only the next evaluation knows of it.
        return count == "INFINITY" and (definition.clone is not None or not self.pardoned(definition, node))

    def pardoned(self, definition: Definition, node: str) -> bool:
        """Its definition has changed since it failed, so the count is cleared (`should_clear_for_param_change`)."""
        failure = self.status.history(definition.id, node).failure
        if failure is None or failure.task != "start":
            return False
        return digest(definition.parameters(node, self.now)) != failure.digest

    def _says(self, node: str, name: str) -> bool:
        for element in self.configuration.iterfind("nodes/node"):
            if element.get("uname") == node:
                return true(pairs(element, "instance_attributes", node, self.now).get(name))
        return False

    def _allowed(self, definition: Definition, *, held: bool) -> bool:
        if not self.status.quorate and self.properties.get("no-quorum-policy", "stop") == "stop":
            return False
        role = definition.meta("target-role", self.configuration, self.now, held=held)
        return (role or "Started").lower() != "stopped"

    def managed(self, definition: Definition, node: str | None = None) -> bool:
        """Pacemaker acts on it, there."""
        if not self.kept:
            return True
        if true(self.properties.get("maintenance-mode")) or (node is not None and self._says(node, "maintenance")):
            return False
        return true(definition.meta("is-managed", self.configuration, self.now), default=True)

    def changed(self, definition: Definition, node: str, found: Part) -> bool:
        """It was started with another definition than it has."""
        if found.checked is None:
            return False
        return digest(definition.parameters(node, self.now)) != found.checked.digest


def pardoned(configuration: ET.Element, status: Status, now: float) -> list[tuple[str, str]]:
    """Where fail counts are to be cleared because the definition has changed: resources and nodes."""
    look = _look(configuration, status, now)
    return [
        (definition.id, name)
        for definition in definitions(configuration)
        for name, node in status.nodes.items()
        if fail_count(definition.id, "start") in node.transient and look.pardoned(definition, name)
    ]


def _look(configuration: ET.Element, status: Status, now: float) -> _Look:
    return _Look(configuration=configuration, status=status, now=now, properties=properties(configuration))


def wanted(configuration: ET.Element, status: Status, now: float, *, kept: bool = True) -> list[Want]:
    """Everything that the scheduler would do now; `kept=False` looks past maintenance."""
    look = replace(_look(configuration, status, now), kept=kept)
    found: list[Want] = []
    for definition in definitions(configuration):
        each = _one_place if definition.clone is None else _clone
        found += each(definition, parts(definition, status), look)
    return found


def _clone(definition: Definition, found: dict[str, Part], look: _Look) -> Iterator[Want]:
    wants = []
    for node, one in found.items():
        if look.status.nodes[node].presence == "lost" or not look.managed(definition, node):
            continue
        stays = look.may_run(definition, node) > -INFINITY
        if one.active and not stays:
            ours = look.may_run(definition, node, held=False) > -INFINITY and not one.failed
            wants.append(Want(resource=definition.id, node=node, verb="stop", ours=ours))
        elif stays and not one.active:
            wants.append(Want(resource=definition.id, node=node, verb="start"))
        elif stays and (want := _stay(definition, node, one, look)) is not None:
            wants.append(want)
    return iter(wants)


def moved(wants: list[Want]) -> list[Want]:
    """The same as crm_simulate tells it: where one instance of a clone stops and one starts, it has moved.

    Nothing follows from that; which instance of a clone is which has no meaning.
    """
    stops = [want for want in wants if want.verb == "stop"]
    starts = [want for want in wants if want.verb == "start"]
    pairs = list(zip(stops, starts, strict=False))
    rest = [want for want in wants if not any(want in pair for pair in pairs)]
    return rest + [replace(stop, verb="move", to=start.node) for stop, start in pairs]


def _stay(definition: Definition, node: str, one: Part, look: _Look) -> Want | None:
    """What happens to an instance that goes on where it is."""
    if one.failed:
        return Want(resource=definition.id, node=node, verb="recover")
    if not look.changed(definition, node, one):
        return _promoted(definition, node, one, look)
    reload = one.checked is not None and one.checked.reloads and one.busy != "start"
    return Want(resource=definition.id, node=node, verb="reload" if reload else "restart", ours=True)


def _promoted(definition: Definition, node: str, one: Part, look: _Look) -> Want | None:
    """All may be promoted whose agents have said so."""
    scored = int(look.status.nodes[node].transient.get(promotion(definition.id), "0")) > 0
    if not definition.promotable or one.promoted or one.busy or not scored:
        return None
    return Want(resource=definition.id, node=node, verb="promote")


def _one_place(definition: Definition, found: dict[str, Part], look: _Look) -> Iterator[Want]:
    active = [node for node, one in found.items() if one.active]
    if all(look.managed(definition, node) for node in active or (None,)):
        yield from _placed(definition, found, active, _chosen(definition, active, look), look)


def _placed(
    definition: Definition, found: dict[str, Part], active: list[str], chosen: str | None, look: _Look
) -> Iterator[Want]:
    if not active:
        if chosen is not None:
            yield Want(resource=definition.id, node=chosen, verb="start")
        return
    (node, *others) = sorted(active, key=lambda name: name != chosen)
    for other in others:
        yield Want(resource=definition.id, node=other, verb="stop")
    one = found[node]
    if chosen is None:
        held = _chosen(definition, active, look, held=False) is not None
        yield Want(resource=definition.id, node=node, verb="stop", ours=held and not one.failed)
    elif chosen != node:
        yield Want(resource=definition.id, node=node, verb="recover" if one.failed else "move", to=chosen)
    elif (want := _stay(definition, node, one, look)) is not None:
        yield want


def _chosen(definition: Definition, active: list[str], look: _Look, *, held: bool = True) -> str | None:
    sticky = int(definition.meta("resource-stickiness", look.configuration, look.now) or "0")
    scores = {node: look.may_run(definition, node, held=held) for node in NODES}
    scores = {node: score + sticky * (node in active) for node, score in scores.items() if score > -INFINITY}
    return max(scores, key=lambda node: scores[node]) if scores else None


def carried_out(configuration: ET.Element, status: Status, now: float, wants: list[Want]) -> Status:
    """The status when all that was done, as crm_simulate imagines it: every operation succeeds at once."""
    after = status.copy()
    known = {definition.id: definition for definition in definitions(configuration)}
    for number, want in enumerate(want for want in wants if not want.blocked):
        definition = known[want.resource]
        key = f"9:{number}:0:imagined"
        if want.verb in {"stop", "restart", "recover", "move"}:
            _do(after.nodes[want.node], definition, Op(task="stop", code=0, key=key, call=10_000))
        if want.verb == "promote":
            up = Op(task="promote", code=0, key=key, call=10_001, digest=digest(definition.parameters(want.node, now)))
            _do(after.nodes[want.node], definition, up)
        if want.verb in {"start", "restart", "recover", "move", "reload"} and (where := want.to or want.node):
            given = digest(definition.parameters(where, now))
            start = Op(task="start", code=0, key=key, call=10_001, digest=given, reloads=definition.reloads, at=now)
            _do(after.nodes[where], definition, start)
    return after


def _do(node: NodeState, definition: Definition, op: Op) -> None:
    history = node.histories.get(definition.id) or History()
    node.histories[definition.id] = history.ended(op)
