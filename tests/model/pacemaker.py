"""A simulated cluster, one small step at a time: what its machines run, what its CIB says, and what it does next.

Machines and CIB are apart: a controller that dies forgets what its machine goes on running. Whatever happens is a
`Move` that the cluster may make next, or a fault from outside; who drives it chooses.

The scheduler's graph is made anew when nothing is under way; what was begun before a disturbance (a change of the
configuration, a failure, a node) is finished first, as Pacemaker does.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from pacewright.cluster.snapshot import Snapshot
from tests.model.own import snapshot_in
from tests.model.record import History, NodeState, Op, Status
from tests.model.rules import digest, properties, true
from tests.model.scheduler import Definition, Want, definitions, fail_count, pardoned, parts, promotion, wanted
from tests.model.site import AGENTS, NODE_NAMES, configuration

__all__ = ["Cluster", "Config", "Event", "Life", "Move"]

STEP = 0.3
"""Seconds that anything takes."""
_STOPS = {"stop", "restart", "recover", "move"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A service's config on a node's disk.

    Attributes:
        text: stands for its content; it is its fingerprint too.
        changed: when it was put there, in seconds since the epoch.
    """

    text: str
    changed: float

    @property
    def good(self) -> bool:
        """The service starts with it, and is fit to serve."""
        return self.text not in {"bad", "sick", "weak"}

    @property
    def starts(self) -> bool:
        """The service starts with it."""
        return self.text != "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A process that runs.

    Attributes:
        config: what it has read.
        read: when.
        digest: of the definition that it was started with.
        revision: the fingerprint in that definition's revision; empty if there is none.
        named: fingerprints that its node had told of by then: in that definition's revision, and in its report.
        number: no two lives share one.
    """

    config: str
    read: float
    digest: str
    revision: str
    named: frozenset[str]
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to an instance: `stopping`, `up`, `down` (the stop is done), `gone` (it died).

    Of a promotable also `demoting`, which is the first half of `stopping`, and `promoted`.

    Attributes:
        ours: it is stopped because of a revision or a hold of ours, and for no other reason.
    """

    what: str
    resource: str
    node: str
    ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Something that the cluster may do next."""

    what: str
    node: str
    resource: str = ""
    want: Want | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flight:
    """An operation under way: what it was begun with."""

    op: Op
    task: str
    config: Config
    begun: float
    revision: str
    named: frozenset[str]


@dataclass(slots=True)
class Cluster:
    """The cluster, which everything is done to.

    Attributes:
        kind: its service (`site.py`).
        disk: the config of the service on each node.
        lives: what really runs, by primitive and node.
        flights: operations under way, likewise.
        events: what has happened to instances; who judges takes them away.
        probed: lives that a probe has found, or that were promoted, by node: it hides when they began.
        apart: what nodes see whose network is gone.
        overtook: nodes where something was being started when a commit came that did not know of it.
        reloaded: lives that were reloaded, which is on record as a start.
        promoted: lives that have been promoted.
    """

    kind: str
    configuration: ET.Element = field(init=False)
    status: Status = field(init=False)
    disk: dict[str, Config] = field(init=False)
    lives: dict[tuple[str, str], Life] = field(default_factory=dict)
    flights: dict[tuple[str, str], _Flight] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    probed: dict[str, set[int]] = field(default_factory=dict)
    overtook: set[str] = field(default_factory=set)
    reloaded: set[int] = field(default_factory=set)
    promoted: set[int] = field(default_factory=set)
    apart: dict[str, tuple[Snapshot, Status]] = field(default_factory=dict)
    now: float = 1_900_000_000.0
    epoch: int = 10
    updates: int = 1
    _calls: int = 10
    _disturbed: int = 0
    _graph: int = 0
    _text: tuple[int, str] = (0, "")
    _seen: tuple[tuple[int, int], Snapshot, Status] | None = None

    def __post_init__(self) -> None:
        self.configuration = configuration(self.kind)
        self.status = Status(nodes={name: NodeState() for name in NODE_NAMES})
        self.disk = {name: Config(text="aa", changed=self.now - 1000) for name in NODE_NAMES}
        self.settle()

    # -- looking ----------------------------------------------------------------------------------------------------

    @property
    def version(self) -> tuple[int, int]:
        """Of the CIB."""
        return self.epoch, self.updates

    def read(self, viewer: str = "") -> tuple[Snapshot, Status]:
        """The CIB as Pacewright reads it on a node, and its status as the model has it."""
        if viewer in self.apart:
            return self.apart[viewer]
        if self._seen is None or self._seen[0] != self.version:
            document = self.status.document(self._configuration_text(), AGENTS, epoch=self.epoch, updates=self.updates)
            self._seen = (self.version, snapshot_in(document), self.status.copy())
        return self._seen[1], self._seen[2]

    def _configuration_text(self) -> str:
        if self._text[0] != self.epoch:
            self._text = (self.epoch, ET.tostring(self.configuration, encoding="unicode"))
        return self._text[1]

    def definitions(self) -> list[Definition]:
        """Every primitive."""
        return definitions(self.configuration)

    # -- what the cluster does --------------------------------------------------------------------------------------

    def settle(self, most: int = 200) -> bool:
        """Let it do all that it wants; False if it does not come to an end."""
        for _ in range(most):
            moves = self.moves()
            if not moves:
                return True
            self.make(moves[0])
        return False

    def moves(self) -> list[Move]:
        """What it may do next."""
        found = [Move(what="end", resource=resource, node=node) for resource, node in self.flights]
        found += self._unnoticed()
        found += self._unscored()
        up = [name for name, node in self.status.nodes.items() if node.presence == "online"]
        joining = [name for name, node in self.status.nodes.items() if node.presence == "pending"]
        if self.status.dc is None:
            return found + [Move(what="elect", node=name) for name in up or joining]
        if joining:
            return found + [Move(what="join", node=name) for name in joining]
        lost = [name for name, node in self.status.nodes.items() if node.presence == "lost"]
        if lost:
            return found + [Move(what="fence", node=name) for name in lost if self.status.quorate]
        if not self.flights:
            self._graph = self._disturbed
        return found + list(self._begins()) if self._graph == self._disturbed else found

    def _unnoticed(self) -> list[Move]:
        """Processes that have died, of which the cluster believes that they run."""
        return [
            Move(what="notice", resource=definition.id, node=name)
            for definition in self.definitions()
            for name, part in parts(definition, self.status).items()
            if part.active and not part.failed and not part.busy and self.status.nodes[name].presence == "online"
            if (definition.id, name) not in self.lives
        ]

    def _unscored(self) -> list[Move]:
        """Agents that have not set a promotion score yet: it comes some time after the start."""
        return [
            Move(what="score", resource=definition.id, node=node)
            for definition in self.definitions()
            for (resource, node) in self.lives
            if definition.promotable and resource == definition.id and (resource, node) not in self.flights
            if self.status.nodes[node].presence == "online"
            if promotion(resource) not in self.status.nodes[node].transient
        ]

    def _begins(self) -> Iterator[Move]:
        for definition in self.definitions():
            known = parts(definition, self.status)
            unknown = [name for name in NODE_NAMES if not known[name].known]
            for name in unknown:
                if (definition.id, name) not in self.flights:
                    yield Move(what="probe", resource=definition.id, node=name)
        for resource, name in pardoned(self.configuration, self.status, self.now):
            yield Move(what="pardon", resource=resource, node=name)
        for want in wanted(self.configuration, self.status, self.now):
            if not want.blocked and self._runnable(want):
                yield Move(what="begin", resource=want.resource, node=want.node, want=want)

    def _runnable(self, want: Want) -> bool:
        """What has to come before it is done."""
        if (want.resource, want.node) in self.flights:
            return False
        definition = next(one for one in self.definitions() if one.id == want.resource)
        known = parts(definition, self.status)
        if definition.clone is not None:
            return want.verb != "start" or known[want.node].known
        busy = any(resource == want.resource for resource, _ in self.flights)
        return not busy and (want.verb != "start" or all(part.known for part in known.values()))

    def make(self, move: Move) -> None:
        """Do it."""
        self.now += STEP
        match move.what:
            case "end":
                self._end(move.resource, move.node)
            case "begin":
                assert move.want is not None
                self._begin(move.want)
            case "probe":
                self._start_operation("monitor", move.resource, move.node, expected=7)
            case "pardon":
                del self.status.nodes[move.node].transient[fail_count(move.resource, "start")]
            case "score":
                self._score(move.resource, move.node, "5")
            case "notice":
                self._notice(move.resource, move.node)
            case "elect":
                self.status.dc = move.node
                self.disturb()
            case "join":
                self._join(move.node)
            case "fence":
                self._fence(move.node)
        self.updates += 1

    def _begin(self, want: Want) -> None:
        definition = next(one for one in self.definitions() if one.id == want.resource)
        if want.verb in _STOPS and parts(definition, self.status)[want.node].promoted:
            self._happened("demoting", want.resource, want.node, ours=want.ours)
            self._start_operation("demote", want.resource, want.node)
        elif want.verb in _STOPS:
            if (want.resource, want.node) in self.lives:
                self._happened("stopping", want.resource, want.node, ours=want.ours)
            self._start_operation("stop", want.resource, want.node)
        elif want.verb == "reload":
            self._start_operation("reload-agent", want.resource, want.node)
        else:
            self._start_operation(want.verb, want.resource, want.node)

    def _start_operation(self, task: str, resource: str, node: str, *, expected: int = 0) -> None:
        definition = next(one for one in self.definitions() if one.id == resource)
        parameters = definition.parameters(node, self.now)
        op = Op(
            # A reload under way is on record as a monitor (pcmk__create_history_xml).
            task="monitor" if task == "reload-agent" else task,
            expected=expected,
            key=f"5:{self._next()}:{expected}:model",
            digest=digest(parameters),
            reloads=definition.reloads,
            at=self.now,
        )
        revision = _fingerprint(parameters.get("pacewright_revision", ""))
        report = properties(self.configuration).get(f"pacewright-config-{resource}@{node}", "").partition("@")[0]
        self.flights[resource, node] = _Flight(
            op=op,
            task=task,
            config=self.disk[node],
            begun=self.now,
            revision=revision,
            named=frozenset({revision, report}),
        )
        self._record(resource, node, self.status.history(resource, node).begun(op))

    def _end(self, resource: str, node: str) -> None:
        flight = self.flights.pop((resource, node))
        code = self._physically(flight, resource, node)
        # A reload that worked is on record as a start.
        task = "start" if flight.task == "reload-agent" else flight.op.task
        op = replace(flight.op, task=task, code=code, call=self._next(), at=self.now, took=self.now - flight.begun)
        self._record(resource, node, self.status.history(resource, node).ended(op))
        if op.failed:
            fatal = flight.task in {"start", "stop"}
            self.status.nodes[node].transient[fail_count(resource, flight.task)] = "INFINITY" if fatal else "1"
            self.disturb()

    def _physically(self, flight: _Flight, resource: str, node: str) -> int:
        """What it does to the machine; the agent's answer."""
        at = resource, node
        if flight.task == "monitor":
            life = self.lives.get(at)
            if life is not None:
                self.probed.setdefault(node, set()).add(life.number)
            return 7 if life is None else 8 if life.number in self.promoted else 0
        if flight.task == "reload-agent" and at in self.lives:
            self.reloaded.add(self.lives[at].number)
        elif flight.task in {"promote", "demote"}:
            return self._ranked(flight.task, resource, node)
        elif flight.task == "stop":
            self._score(resource, node, None)
            if self.lives.pop(at, None) is not None:
                self._happened("down", resource, node)
        elif flight.task == "start" and at not in self.lives:
            if not flight.config.starts:
                return 1
            self.lives[at] = Life(
                config=flight.config.text,
                read=flight.begun,
                digest=flight.op.digest,
                revision=flight.revision,
                named=flight.named,
                number=self._next(),
            )
            self._happened("up", resource, node)
        return 0

    def _ranked(self, task: str, resource: str, node: str) -> int:
        """A promote or a demote. The agent changes its score, which interrupts what was planned."""
        life = self.lives.get((resource, node))
        if task == "promote" and (life is None or life.config == "weak"):
            return 1
        if life is None:
            return 0
        self._score(resource, node, "10" if task == "promote" else "5")
        if task == "promote":
            assert life is not None
            self.promoted.add(life.number)
            self.probed.setdefault(node, set()).add(life.number)  # it hides when it began, as a probe does
            self._happened("promoted", resource, node)
        else:
            self.promoted.discard(life.number)
        return 0

    def _score(self, resource: str, node: str, score: str | None) -> None:
        transient = self.status.nodes[node].transient
        if transient.get(promotion(resource)) == score:
            return
        transient.pop(promotion(resource), None)
        if score is not None:
            transient[promotion(resource)] = score
        self.disturb()

    def _notice(self, resource: str, node: str) -> None:
        key = f"5:{self._next()}:0:model"
        op = Op(task="monitor", code=7, interval=10_000, key=key, call=self._next(), at=self.now)
        self._record(resource, node, self.status.history(resource, node).ended(op))
        self.status.nodes[node].transient[fail_count(resource, "monitor")] = "1"
        self.disturb()

    def _join(self, node: str) -> None:
        """A controller that joins has no history until it has probed."""
        self.status.nodes[node] = NodeState(presence="online")
        self._count()

    def _fence(self, node: str) -> None:
        self.apart.pop(node, None)
        self._machine_off(node)
        self.status.nodes[node] = NodeState(presence="offline")
        self._count()

    # -- what comes from outside ------------------------------------------------------------------------------------

    def edit(self, root: ET.Element) -> None:
        """Take over the configuration of a CIB that somebody has written."""
        found = root.find("configuration")
        assert found is not None
        self.configuration = found
        self.epoch += 1
        self.updates = 0
        self.disturb()

    def put(self, node: str, text: str) -> None:
        """Change the config on a node's disk."""
        self.now += STEP
        self.disk[node] = Config(text=text, changed=self.now)

    def reported_once(self, node: str, text: str, began: float) -> None:
        """A call without any inputs has said that something has changed, as of its beginning."""
        self.disk[node] = Config(text=text, changed=began)
        for at, life in self.lives.items():
            if at[1] == node and life.read > began:
                self.lives[at] = replace(life, config=text)
        for at, flight in self.flights.items():
            if at[1] == node and flight.begun > began:
                self.flights[at] = replace(flight, config=self.disk[node])

    def die(self, node: str) -> None:
        """The process on a node dies."""
        self.now += STEP
        for resource, where in list(self.lives):
            if where == node and (resource, node) not in self.flights:
                del self.lives[resource, where]
                self._happened("gone", resource, node)

    def crash(self, node: str) -> None:
        """The controller on a node dies, and comes back without any memory; what its machine does, it goes on with."""
        self.now += STEP
        for (resource, where), flight in list(self.flights.items()):
            if where == node:
                del self.flights[resource, where]
                self._physically(flight, resource, node)
        self.status.nodes[node].presence = "pending"
        self._count()

    def lose(self, node: str) -> None:
        """A node's power goes; the others have to fence it before they go on."""
        self.now += STEP
        self._machine_off(node)
        self.status.nodes[node].presence = "lost"
        self._count()

    def isolate(self, node: str) -> None:
        """A node's network goes: it has no quorum and stops what it runs; the others fence it before they go on."""
        self.now += STEP
        alone = self.status.copy()
        alone.quorate, alone.dc = False, node
        for name, other in alone.nodes.items():
            other.presence = "online" if name == node else "lost"
        document = alone.document(self._configuration_text(), AGENTS, epoch=self.epoch, updates=self.updates)
        self.apart[node] = snapshot_in(document), alone
        self.lose(node)

    def boot(self, node: str) -> None:
        """A node that is off comes back."""
        self.now += STEP
        self.apart.pop(node, None)
        self.status.nodes[node].presence = "pending"
        self._count()

    def cleanup(self, resource: str, node: str) -> None:
        """`crm_resource --cleanup`: what has failed is forgotten with all its history, and probed."""
        self.now += STEP
        state = self.status.nodes[node]
        history = state.histories.get(resource)
        for task in ("start", "monitor", "promote", "demote"):
            state.transient.pop(fail_count(resource, task), None)
        if history is not None and history.failure is not None:
            if (resource, node) in self.flights:
                state.histories[resource] = replace(history, failure=None)
            else:
                del state.histories[resource]
        self.disturb()
        self.updates += 1

    def pass_time(self, seconds: float) -> None:
        """Nothing happens for a while."""
        self.now += seconds

    def disturb(self) -> None:
        """What the scheduler had in mind no longer holds."""
        self._disturbed += 1

    # -- inside -----------------------------------------------------------------------------------------------------

    def _machine_off(self, node: str) -> None:
        for resource, where in list(self.flights):
            if where == node:
                del self.flights[resource, where]
        for resource, where in list(self.lives):
            if where == node:
                del self.lives[resource, where]
                self._happened("gone", resource, node)

    def _count(self) -> None:
        """Who is there, and whether that is enough."""
        there = [name for name, node in self.status.nodes.items() if node.presence in {"online", "pending"}]
        self.status.quorate = len(there) * 2 > len(NODE_NAMES)
        if self.status.dc is not None and self.status.nodes[self.status.dc].presence != "online":
            self.status.dc = None
        self.disturb()
        self.updates += 1

    def _record(self, resource: str, node: str, history: History) -> None:
        self.status.nodes[node].histories[resource] = history

    def _happened(self, what: str, resource: str, node: str, *, ours: bool = False) -> None:
        self.events.append(Event(what=what, resource=resource, node=node, ours=ours))

    def _next(self) -> int:
        self._calls += 1
        return self._calls

    @property
    def maintenance(self) -> bool:
        """The whole cluster is in maintenance mode."""
        return true(properties(self.configuration).get("maintenance-mode"))


def _fingerprint(revision: str) -> str:
    """The fingerprint in a revision: those of the model have no hyphen, a token has one."""
    head = revision.partition("+")[0]
    return "" if "-" in head and not head.startswith("once-") else head
