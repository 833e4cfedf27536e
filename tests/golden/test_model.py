"""The model's scheduler against the real one: the same CIB, the same edits, the same actions.

The states come from random walks of the simulated cluster: operations under way, failed, not probed yet, with holds,
nodes in standby or maintenance, without quorum.
"""

from __future__ import annotations

import copy
import random
import xml.etree.ElementTree as ET

import pytest

from pacewright.cluster.cib.parse import parse
from pacewright.cluster.edits.change import Change, Edit, SetMark, SetMeta, SetRevision
from pacewright.cluster.edits.hold import HoldInstance, HoldResource, Release
from pacewright.cluster.forecast import Action, Forecast, what_if
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from tests.model.calls import imagine
from tests.model.pacemaker import Cluster
from tests.model.record import Status
from tests.model.site import CLONES, KINDS, NODE_NAMES
from tests.model.written import set_aside, set_property

pytestmark = pytest.mark.scheduler

FAR, PAST = 4_102_444_800.0, 1_000_000_000.0
"""The real scheduler reads the machine's clock, so holds are over for long, or go on for long."""
COMPARED = sorted(set(KINDS) - {"rank"})
"""Not the promotable: what the real one tells as one thing, from stopped to promoted, the model does step by step. It
promotes all that are up and have a score, whatever happens beside."""
STATES = 15
"""Of each kind; more were compared when the model was made, see docs/reliability.md."""


def edit(cluster: Cluster, chance: random.Random) -> Edit:
    """One that Pacewright might make."""
    kind = ResourceId(cluster.kind)
    many = ResourceId(CLONES[cluster.kind]) if cluster.kind in CLONES else None
    node = NodeName(chance.choice(NODE_NAMES))
    until = chance.choice([FAR, FAR, PAST])
    nodes = {NodeName(name): chance.choice("rst") for name in NODE_NAMES if chance.random() < 0.5}
    hold: Edit = HoldResource(resource=kind, until=until)
    if many is not None:
        hold = HoldInstance(resource=many, node=node, until=until)
    edits: list[Edit] = [
        *[SetRevision(resource=kind, default=chance.choice([None, "r", "s"]), nodes=nodes)] * 4,
        *[hold] * 3,
        *[Release(resource=many or kind)] * 2,
        SetMeta(resource=many or kind, name="target-role", value=chance.choice([None, "Stopped"])),
        SetMeta(resource=many or kind, name="is-managed", value=chance.choice([None, "false"])),
        SetMark(node=node, name=f"pacewright-owed-{kind}", value="r"),
    ]
    return chance.choice(edits)


def step(cluster: Cluster, chance: random.Random) -> None:
    """Something happens."""
    node = chance.choice(NODE_NAMES)
    online = cluster.status.nodes[node].presence == "online"
    moves = cluster.moves()
    what = chance.random()
    if what < 0.55 and moves:
        cluster.make(chance.choice(moves))
    elif what < 0.75:
        cluster.edit(Change(edits=(edit(cluster, chance),), reason="test").apply(cluster.read()[0]))
    elif what < 0.83:
        cluster.put(node, chance.choice(["aa", "bad"]))
    elif what < 0.87:
        cluster.die(node)
    elif what < 0.91 and online:
        cluster.crash(node)
    elif what < 0.93 and online and not _lost(cluster):
        cluster.lose(node)
    elif what < 0.95 and cluster.status.nodes[node].presence == "offline":
        cluster.boot(node)
    elif what < 0.97:
        cluster.cleanup(cluster.kind, node)
    elif what < 0.98:
        set_property(cluster, "maintenance-mode", chance.choice([None, "true"]))
    else:
        set_aside(cluster, node, chance.choice(["standby", "maintenance"]), on=chance.random() < 0.7)


def _lost(cluster: Cluster) -> bool:
    return any(node.presence == "lost" for node in cluster.status.nodes.values())


def walked(kind: str, number: int) -> tuple[Cluster, random.Random]:
    """A cluster to which all sorts of things have happened; no node waits to be fenced, for which it has no device."""
    chance = random.Random(f"{kind} {number}")  # noqa: S311 - reproducible on purpose
    cluster = Cluster(kind)
    for _ in range(chance.randrange(3, 30)):
        step(cluster, chance)
    while _lost(cluster) and cluster.status.quorate and cluster.moves():
        cluster.make(cluster.moves()[0])
    return cluster, chance


def unfenced(snapshot: Snapshot) -> Snapshot:
    """The same without fencing, which would otherwise need a device."""
    root = copy.deepcopy(snapshot.root)
    for pair in root.iter("nvpair"):
        if pair.get("name") == "stonith-enabled":
            pair.set("value", "false")
    return parse(ET.tostring(root))


def told(forecast: Forecast) -> list[str]:
    """Its actions; which instance of a clone is which has no meaning, so one that moves stops here and starts there."""
    found = []
    for action in forecast.actions:
        found += _split(action) if action.resource in CLONES and action.to is not None else [action]
    return sorted(f"{a.verb} {a.resource} {a.node}" + (f" {a.to}" if a.to else "") for a in found)


def _split(action: Action) -> list[Action]:
    values = {"resource": action.resource, "instance": action.instance, "to": None, "reason": "", "blocked": False}
    return [Action(verb="stop", node=action.node, **values), Action(verb="start", node=action.to, **values)]  # type: ignore[arg-type]


def compare(snapshot: Snapshot, status: Status, change: Change | None, then: Change | None = None) -> None:
    real = unfenced(snapshot)
    mine = imagine(snapshot, status, 1_950_000_000.0, change, then)
    assert told(mine) == told(what_if(real, change, then)), ET.tostring(real.root).decode()


@pytest.mark.parametrize("number", range(STATES))
@pytest.mark.parametrize("kind", COMPARED)
def test_the_model_wants_what_the_real_scheduler_wants(kind: str, number: int) -> None:
    cluster, chance = walked(kind, number)
    if _lost(cluster):
        return  # without quorum nobody is fenced
    snapshot, status = cluster.read()
    compare(snapshot, status, None)
    change = Change(edits=(edit(cluster, chance), edit(cluster, chance)), reason="test")
    compare(snapshot, status, change)


@pytest.mark.parametrize("number", range(STATES // 3))
@pytest.mark.parametrize("kind", COMPARED)
def test_the_model_foresees_what_a_hold_and_its_end_come_to(kind: str, number: int) -> None:
    cluster = Cluster(kind)
    chance = random.Random(f"{kind} {number}")  # noqa: S311
    for _ in range(number):
        cluster.put(chance.choice(NODE_NAMES), chance.choice(["aa", "bad"]))
        cluster.die(chance.choice(NODE_NAMES))
        cluster.settle()
    snapshot, status = cluster.read()
    many, node = ResourceId(CLONES.get(kind, kind)), NodeName(chance.choice(NODE_NAMES))
    hold: Edit = HoldInstance(resource=many, node=node, until=FAR)
    if kind not in CLONES:
        hold = HoldResource(resource=many, until=FAR)
    change = Change(edits=(hold,), reason="test")
    compare(snapshot, status, change, Change(edits=(Release(resource=many),), reason="test"))
