"""The invariants, held against what happened on the simulated machines; docs/reliability.md says them in words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.service.ledger.debts import debts
from pacewright.service.ledger.record import BEGUN, REPORT, Report, reported
from tests.model.calls import Call, target_of
from tests.model.pacemaker import Cluster, Event, Life
from tests.model.scheduler import Definition, Want, parts, wanted
from tests.model.site import NODE_NAMES

__all__ = ["Judge"]

_DOWN = {"stop", "restart", "recover", "move"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Demand:
    """A restart that was asked for: this life has to end, or to be listed as owed."""

    node: str
    life: int


@dataclass(slots=True)
class Judge:
    """Told of everything, complains with an AssertionError.

    Attributes:
        changes: how often a config changed, by node.
        asked: how often an unconditional restart was asked for, by node.
        asks: the same, altogether.
        restarts: how often an instance was taken down by us, by node.
        down: nodes whose instance is down by our doing.
        limit: how many may be so at once.
        gates: what is not healthy is down.
        selective: somebody has asked for the restart of one instance, whatever has failed elsewhere.
        excused: restarts too many that are known and accepted, by node.
    """

    cluster: Cluster
    changes: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    asks: int = 0
    restarts: Counter[str] = field(default_factory=Counter)
    down: set[str] = field(default_factory=set)
    limit: int = 1
    gates: bool = False
    selective: bool = False
    excused: Counter[str] = field(default_factory=Counter)
    _overtaken: set[str] = field(default_factory=set)
    _misdated: set[int] = field(default_factory=set)
    _told: dict[int, set[str]] = field(default_factory=dict)
    _told_first: dict[int, str] = field(default_factory=dict)
    _looked_at: Snapshot | None = None
    _demands: set[_Demand] = field(default_factory=set)

    # -- what it is told --------------------------------------------------------------------------------------------

    def changed(self, node: str) -> None:
        """The config on a node has changed."""
        self.changes[node] += 1

    def called(self, call: Call) -> None:
        """A call has begun."""
        if call.over:
            return
        if call.at_once:
            self.limit = len(NODE_NAMES)
        lives = [life for (_, node), life in self.cluster.lives.items() if node == call.node]
        # What began in the future by the caller's clock may be restarted to be sure.
        self.excused[call.node] += any(life.read > call.now() - 1 and not life.revision for life in lives)
        if call.counts:
            self.selective |= call.options.node is not None
            self.asks += 1
            self.asked.update([call.options.node] if call.options.node else NODE_NAMES)

    def wrote(self, call: Call, *, restarts: bool) -> None:
        """A call has acted.

        Args:
            call: which.
            restarts: it has begun to restart; what ran when it began, and was known, has to, from then on.
        """
        if call.once and call.once != self.cluster.disk[call.node].text and self._reported(call.node) == call.once:
            self.cluster.reported_once(call.node, call.once, call.says_since)
            self.changed(call.node)
        if restarts and call.counts:
            self._demands |= {_Demand(node=node, life=number) for node, number in call.found.items()}

    def _reported(self, node: str) -> str:
        report = self._report(node)
        return report.fingerprint if report is not None else ""

    def _report(self, node: str) -> Report | None:
        snapshot, _ = self.cluster.read()
        return reported(ResourceId(self.cluster.kind), NodeName(node), snapshot)

    def struck(self, *nodes: str) -> None:
        """A fault is upon these nodes: what is down there now is not by our doing."""
        self.down -= set(nodes)

    # -- what must be true at every moment --------------------------------------------------------------------------

    def look(self) -> None:
        """Check what can be checked now."""
        for event in self.cluster.events:
            self._note(event)
        self.cluster.events.clear()
        if not self.cluster.status.quorate:
            self.struck(*NODE_NAMES)
        self._excuse()
        self._hear()
        self._once()
        self._up()
        self._listed()

    def _up(self) -> None:
        if not self._is_clone:
            return  # there is one, wherever it is down
        down = {node for node in self.down if not (self.selective and self._failed(node))}
        if len(down) > self.limit:
            # What is up, not healthy, and to be restarted for that may wait for its turn.
            snapshot, _ = self.cluster.read()
            due = {debt.node for debt in debts(target_of(snapshot, self.cluster.kind), snapshot)}
            down -= {node for _, node in self.cluster.lives if node in due}
        assert len(down) <= self.limit, f"3: down by our doing at once: {sorted(down)}"

    def _failed(self, node: str) -> bool:
        return self.cluster.status.history(self.cluster.kind, node).failure is not None

    def _note(self, event: Event) -> None:
        if event.what == "stopping" and event.ours:
            self.restarts[event.node] += 1
            if self.selective:  # whoever asks for one does not wait for what has failed, nor for what is tried again
                self.down = {node for node in self.down if not self._failed(node)}
            self.down.add(event.node)
        elif event.what == "demoting" and event.ours:
            self.down.add(event.node)
        elif event.what == "gone" or (event.what == self._back and not self._sick(event)):
            self.down -= {event.node} if self._is_clone else set(NODE_NAMES)

    def _sick(self, event: Event) -> bool:
        """It is up, and not fit to serve: where that is asked for, it counts as down."""
        life = self.cluster.lives.get((event.resource, event.node))
        return self.gates and life is not None and life.config == "sick"

    def _excuse(self) -> None:
        """What may be restarted once too often.

        Where neither a revision nor the time of its start tells what a run has read, or a probe has hidden whether it
        has started since it was to restart, it is restarted to be sure. And a
        commit may come just behind a start that nobody knew of when it was decided.
        """
        self.excused.update(self.cluster.overtook)
        self._overtaken |= self.cluster.overtook
        self.cluster.overtook.clear()
        snapshot, _ = self.cluster.read()
        for node, numbers in self.cluster.probed.items():
            begun = BEGUN + self.cluster.kind in snapshot.nodes[NodeName(node)].marks
            lives = [life for (_, at), life in self.cluster.lives.items() if at == node and life.number in numbers]
            self.excused[node] += sum(begun or not life.revision for life in lives)
            numbers.clear()
        self._excuse_the_misdated()

    def _excuse_the_misdated(self) -> None:
        """What has its config, though that was reported with a time after its start, and its revision does not say so.

        A clock was ahead, and the cluster started it by itself: when a hold had ended, or after a failure.
        """
        for (_, node), life in self.cluster.lives.items():
            report = self._report(node)
            if report is None or life.number in self._misdated:
                continue
            if report.fingerprint == life.config != life.revision and life.read <= report.changed:
                self._misdated.add(life.number)
                self.excused[node] += 1

    def _hear(self) -> None:
        for (_, node), life in self.cluster.lives.items():
            self._told.setdefault(life.number, set()).add(self._reported(node))
            self._told_first.setdefault(life.number, self._reported(node))

    def _once(self) -> None:
        allowed = self.changes + self.asked + self.excused
        if self._is_clone:
            for node, count in self.restarts.items():
                assert count <= allowed[node], f"2: {node}: {count} restarts by us, {allowed[node]} allowed"
        else:
            most = self.changes.total() + self.asks + self.excused.total()
            assert self.restarts.total() <= most, f"2: {self.restarts.total()} restarts by us, {most} allowed"

    def _listed(self) -> None:
        """What is due and not on its way is listed as owed."""
        snapshot, _ = self.cluster.read()
        if snapshot is self._looked_at and not snapshot.holds:
            return
        self._looked_at = snapshot
        listed = {debt.node for debt in debts(target_of(snapshot, self.cluster.kind), snapshot)}
        for definition in self.cluster.definitions():
            for node, life in self._quiet(definition):
                if node not in listed:
                    assert not self._is_old(definition, node, life, snapshot), f"6: stale on {node} and not listed"
                    demand = _Demand(node=node, life=life.number)
                    assert demand not in self._demands, f"6: a restart was asked for on {node} and is not listed"

    def _quiet(self, definition: Definition) -> list[tuple[str, Life]]:
        """Instances that run, of which the cluster knows, and with which it has nothing in mind."""
        cluster = self.cluster
        busy = {want.node for want in self._wants() if want.verb in _DOWN}
        found = []
        for node, part in parts(definition, cluster.status).items():
            life = cluster.lives.get((definition.id, node))
            there = part.known and part.active and not part.busy and not part.failed
            if life is None or not there or node in busy or cluster.status.nodes[node].presence != "online":
                continue
            found.append((node, life))
        return found

    def _wants(self) -> list[Want]:
        """What the cluster would do if nothing kept it from it."""
        return wanted(self.cluster.configuration, self.cluster.status, self.cluster.now, kept=False)

    def _is_old(self, definition: Definition, node: str, life: Life, snapshot: Snapshot) -> bool:
        """It began before the config that its node has reported was there."""
        report = reported(ResourceId(definition.id), snapshot.nodes[node].name, snapshot)  # type: ignore[index]
        if report is None or self._unknowable(node, life, report.fingerprint):
            return False
        return life.config != report.fingerprint and life.read < report.changed

    def _unknowable(self, node: str, life: Life, config: str) -> bool:
        """Nothing tells that it has read another config.

        It was restarted by the cluster between a change and the change back, and what came between was never reported.
        Or a commit came just behind its start, which made its agent reload: that looks like a start.
        """
        if node in self._overtaken and life.number in self.cluster.reloaded:
            return True
        known = config in life.named or self._told_first[life.number] == config
        return known and life.config not in self._told[life.number]

    # -- what must be true in the end -------------------------------------------------------------------------------

    def close(self) -> None:
        """Check that everything is as it should be, once all was healed and reconciled."""
        self.look()
        snapshot, _ = self.cluster.read()
        for (resource, node), life in self.cluster.lives.items():
            newest = self.cluster.disk[node].text
            if not self._unknowable(node, life, newest):
                assert life.config == newest, f"1: {resource} on {node} runs {life.config}, not {newest}"
        if self._back == "promoted":
            roles = [node for (_, node), life in self.cluster.lives.items() if life.number not in self.cluster.promoted]
            assert not roles, f"8: not promoted on {roles}"
        places = {node for _, node in self.cluster.lives}
        assert len(places) == (len(NODE_NAMES) if self._is_clone else 1), f"7: it runs on {sorted(places)}"
        assert not snapshot.holds, f"4: left behind: {snapshot.holds}"
        marks = [f"{name}@{n.name}" for n in snapshot.nodes.values() for name in n.marks if not name.startswith(REPORT)]
        assert not marks, f"4: left behind: {marks}"
        due = list(debts(target_of(snapshot, self.cluster.kind), snapshot))
        assert not due, f"4: still due: {due}"
        stopped = [r.id for r in snapshot.resources.values() if "target-role" in r.meta]
        assert not stopped, f"4: a target-role is left on {stopped}"

    @property
    def _back(self) -> str:
        """What brings an instance back: of a promotable its role, however late it comes."""
        return "promoted" if self.cluster.definitions()[0].promotable else "up"

    @property
    def _is_clone(self) -> bool:
        return self.cluster.definitions()[0].clone is not None
