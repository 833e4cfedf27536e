"""Random calls, faults and cluster steps, in every order: a state machine for hypothesis.

Each rule is one step: a turn of a call, or only its first or second half; a move of the cluster; a fault. At the end
everything is healed, a `reconcile` runs on every node, and the judge closes.
"""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pacewright.frozen import replace
from pacewright.service.requests import Options
from pacewright.service.settings import Health, HealthKind, ServiceSettings
from tests.model.calls import Call
from tests.model.judge import Judge
from tests.model.pacemaker import Cluster
from tests.model.site import KINDS, NODE_NAMES
from tests.model.written import set_aside, set_property

__all__ = ["Steps", "World", "explore"]

NODES = st.sampled_from(NODE_NAMES)
CONFIGS = ("aa", "bb", "cc", "bad", "sick", "weak")
SKEWS = st.sampled_from([0.0, 0.0, 0.0, 0.0, -300.0, 300.0])
VERBS = st.sampled_from(
    [*["refresh"] * 2, *["restart"] * 5, *["reconcile"] * 3, "report", "stop", "start", "disable", "enable"]
)
RARELY = st.sampled_from([False, False, False, False, True])
_OUTSIDE = {
    "kill": 5,
    "controller": 4,
    "config": 2,
    "process": 2,
    "power": 2,
    "return": 2,
    "network": 1,
    "minute": 2,
    "second": 2,
    "edit": 1,
    "standby": 1,
    "maintenance": 1,
    "maintenance-mode": 1,
}
"""What may come from outside, and how often it is tried."""
SAID = st.builds(
    ServiceSettings,
    config=st.sampled_from([("/etc/service",)] * 4 + [()]),
    max_unavailable=st.sampled_from([1, 1, 1, 2]),
    health=st.sampled_from([None, None, Health(kind=HealthKind.TCP, target=("{node}:1",))]),
    keeps_going=st.sampled_from([False, False, False, True]),
)
"""What services.yaml says; without config each refresh counts as a change."""
ANY = st.integers(min_value=0, max_value=11)
_MOST_CALLS = 3
_ENOUGH = 400
"""Turns within which a call must end when nothing goes wrong any more."""


class Steps:
    """How many steps were taken, of all machines in this process.

    Attributes:
        taken: rules.
        turns, moves: what calls and the cluster did in them and at the ends.
        restarts: of instances, by our doing.
    """

    taken = 0
    machines = 0
    turns = 0
    moves = 0
    restarts = 0

    @classmethod
    def told(cls) -> str:
        """The figures, for people."""
        return (
            f"{cls.taken} steps on {cls.machines} clusters, {cls.turns} turns of calls, {cls.moves} moves of Pacemaker"
        )


def explore(machines: int, *, seed: int | None = None, shrink: bool = True) -> None:
    """Run that many machines; an AssertionError has the steps that broke an invariant.

    Args:
        machines: how many.
        seed: where the choices come from; None for the same ones each time.
        shrink: look for the fewest steps that break it.
    """
    chosen = settings(
        max_examples=machines,
        stateful_step_count=50,
        deadline=None,
        database=None,
        derandomize=seed is None,
        phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )

    class Machine(World):
        """A class of its own for each run: hypothesis notes the seed on it."""

    run_state_machine_as_test(Machine if seed is None else with_seed(seed)(Machine), settings=chosen)


class World(RuleBasedStateMachine):
    """The machine; each example is one cluster with one service."""

    def __init__(self) -> None:
        super().__init__()
        Steps.machines += 1
        self.calls: list[Call] = []
        self.killed_at_end = True
        self.moves_along = False
        self.aside: set[tuple[str, str]] = set()

    @initialize(kind=st.sampled_from(sorted(KINDS)), killed=st.booleans(), known=st.booleans(), said=SAID)
    def begin(self, kind: str, killed: bool, known: bool, said: ServiceSettings) -> None:  # noqa: FBT001
        """A cluster at rest, whose nodes may have reported before."""
        self.cluster = Cluster(kind)
        self.said = said
        self.judge = Judge(cluster=self.cluster, limit=said.max_unavailable, gates=said.health is not None)
        self.killed_at_end = killed
        # Held stopped for a moment, it goes back to the node that it likes best, which is refused otherwise.
        self.moves_along = kind == "lb"
        if known and said.config:
            for node in NODE_NAMES:
                self._to_the_end(self._called("report", node))

    # -- those who call ---------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.calls) < _MOST_CALLS)
    @rule(node=NODES, other=ANY, skew=SKEWS, together=RARELY)
    def run(self, node: str, other: int, skew: float, together: bool) -> None:  # noqa: FBT001
        """A run of configuration management puts a config on a node, and calls."""
        self._step()
        if self.said.config and other % 4:
            self._put(node, other)
        if self.cluster.status.nodes[node].presence == "online":
            self._called("refresh", node, skew=skew, together=together)

    @precondition(lambda self: len(self.calls) < _MOST_CALLS)
    @rule(verb=VERBS, node=NODES, skew=SKEWS, only=st.booleans(), together=RARELY)
    def call(self, verb: str, node: str, skew: float, only: bool, together: bool) -> None:  # noqa: FBT001
        """Somebody calls."""
        self._step()
        if self.cluster.status.nodes[node].presence == "online":
            options = Options(node=node if verb == "restart" and only else None, allow_collateral=self.moves_along)
            self._called(verb, node, options, skew=skew, together=together)

    # -- calls ------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.calls)
    @rule(which=ANY)
    def turn(self, which: int) -> None:
        """A call reads the cluster and acts on it."""
        self._step()
        self._turn(self.calls[which % len(self.calls)])

    @precondition(lambda self: self.calls)
    @rule(which=ANY)
    def read(self, which: int) -> None:
        """A call reads the cluster, and then something else may happen."""
        self._step()
        self.calls[which % len(self.calls)].look()

    @precondition(lambda self: self.calls)
    @rule(which=ANY)
    def act(self, which: int) -> None:
        """A call acts on what it has read before."""
        self._step()
        self._act(self.calls[which % len(self.calls)])

    @precondition(lambda self: self.calls)
    @rule(which=ANY, times=st.integers(min_value=2, max_value=7))
    def go_on(self, which: int, times: int) -> None:
        """A call and the cluster go on, in turns."""
        self._step()
        call = self.calls[which % len(self.calls)]
        for number in range(times):
            if call.over:
                return
            self._turn(call)
            self.judge.look()
            self._move(which + number)
            self.judge.look()

    # -- the cluster ------------------------------------------------------------------------------------------------

    @rule(which=ANY)
    def move(self, which: int) -> None:
        """The cluster does something."""
        self._step()
        self._move(which)

    @rule(first=ANY, more=st.integers(min_value=2, max_value=6))
    def moves(self, first: int, more: int) -> None:
        """The cluster does several things."""
        self._step()
        for number in range(more):
            self._move(first + number)
            self.judge.look()

    # -- what comes from outside ------------------------------------------------------------------------------------

    @rule(node=NODES, what=st.sampled_from([what for what, often in _OUTSIDE.items() for _ in range(often)]), which=ANY)
    def happens(self, node: str, what: str, which: int) -> None:
        """A call is killed, a daemon, a process or a node dies, somebody edits, time passes (`_OUTSIDE`)."""
        self._step()
        if what == "kill" and self.calls:
            self.calls.pop(which % len(self.calls))
        elif what == "config":
            self._put(node, which)
        elif what == "edit":
            set_property(self.cluster, "model-edit", str(self.cluster.epoch))
        elif what in {"second", "minute"}:
            self.cluster.pass_time(1.0 if what == "second" else 45.0)
        elif what == "maintenance-mode":
            self._maintenance(on=not self.cluster.maintenance)
        elif what in {"standby", "maintenance"}:
            self._set_aside(node, what, on=(node, what) not in self.aside)
        else:
            self._fault(node, what)

    # -- always, and in the end -------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Heal everything, reconcile everywhere, and close."""
        if not hasattr(self, "judge"):
            return
        self._heal()
        if self.killed_at_end:
            self.calls.clear()
        for call in list(self.calls):
            self._to_the_end(call)
        self._come_to_rest()
        for verb in ("enable", "start"):
            self._to_the_end(self._called(verb, NODE_NAMES[0]))
        self._come_to_rest()
        if self.said.health is not None:
            self._reconcile(must=False)  # what is not healthy on one node stops those of the others
        self._reconcile(must=True)
        self._come_to_rest()
        self.judge.close()
        assert self._reconcile(must=True) == 0, "a second reconcile has found something to do"
        Steps.restarts += self.judge.restarts.total()

    def _reconcile(self, *, must: bool) -> int:
        """On every node; how many commits that took."""
        wrote = 0
        for node in NODE_NAMES:
            call = self._called("reconcile", node)
            self._to_the_end(call)
            assert call.outcome is not None or not must, f"after all was healed: {call.error}"
            wrote += call.wrote
        return wrote

    # -- inside -----------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        self.judge.look()  # at what came of the last one
        Steps.taken += 1

    def _called(
        self, verb: str, node: str, options: Options | None = None, *, skew: float = 0.0, together: bool = False
    ) -> Call:
        said = replace(self.said, together=together)
        call = Call(self.cluster, verb, node, options or Options(allow_collateral=self.moves_along), said, skew)
        call.begin()
        self.judge.called(call)
        if not call.over:
            self.calls.append(call)
        return call

    def _put(self, node: str, which: int) -> None:
        others = [text for text in CONFIGS if text != self.cluster.disk[node].text]
        if self.said.config:
            self.cluster.put(node, others[which % len(others)])
            self.judge.changed(node)

    def _fault(self, node: str, what: str) -> None:
        presence = self.cluster.status.nodes[node].presence
        if what == "process":
            self.cluster.die(node)
        elif what == "return" and presence == "offline":
            self.cluster.boot(node)
        elif what == "controller" and presence == "online":
            self.cluster.crash(node)
            self.judge.struck(node)
        elif what == "power" and presence == "online":
            self.cluster.lose(node)
            self.calls = [call for call in self.calls if call.node != node]
            self.judge.struck(node)
        elif what == "network" and presence == "online" and not self.cluster.apart:
            self.cluster.isolate(node)
            self.judge.struck(node)

    def _turn(self, call: Call) -> None:
        call.look()
        self._act(call)

    def _act(self, call: Call) -> None:
        Steps.turns += 1
        before = call.restarting
        call.act()
        self.judge.wrote(call, restarts=call.restarting and not before)
        if call.over:
            self.calls.remove(call)

    def _move(self, which: int) -> bool:
        moves = self.cluster.moves()
        if moves:
            Steps.moves += 1
            self.cluster.make(moves[which % len(moves)])
        return bool(moves)

    def _to_the_end(self, call: Call) -> None:
        for turn in range(_ENOUGH):
            if call.over:
                return
            self._turn(call)
            self.judge.look()
            self._move(turn)
            self.judge.look()
        raise AssertionError(f"it goes on for ever: {call.lines[-5:]}")

    def _come_to_rest(self) -> None:
        for turn in range(_ENOUGH):
            if not self._move(turn):
                return
            self.judge.look()
        raise AssertionError("the cluster does not come to rest")

    def _heal(self) -> None:
        self._maintenance(on=False)
        for node in NODE_NAMES:
            for what in ("standby", "maintenance"):
                self._set_aside(node, what, on=False)
            if not self.cluster.disk[node].good:
                self.cluster.put(node, "dd")
                self.judge.changed(node)
        while any(state.presence in {"lost", "offline"} for state in self.cluster.status.nodes.values()):
            for name, state in self.cluster.status.nodes.items():
                if state.presence == "lost" and not self.cluster.status.quorate:
                    self.cluster.boot(name)  # nobody fences it, so somebody switches it on
                elif state.presence == "offline":
                    self.cluster.boot(name)
            self._come_to_rest()
        self._come_to_rest()

    def _maintenance(self, on: bool) -> None:  # noqa: FBT001
        set_property(self.cluster, "maintenance-mode", "true" if on else None)

    def _set_aside(self, node: str, what: str, *, on: bool) -> None:
        set_aside(self.cluster, node, what, on=on)
        if on:
            self.aside.add((node, what))
            self.judge.struck(node)
        else:
            self.aside.discard((node, what))
