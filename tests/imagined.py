"""Clusters in which Pacemaker's own scheduler decides: hand-made, then brought up by crm_simulate."""

from __future__ import annotations

from collections.abc import Sequence

from pacewright.cluster.connection import Simulation
from pacewright.cluster.edits.change import Change, Edit
from pacewright.cluster.forecast import Forecast, what_if
from pacewright.cluster.names import ResourceId, Role
from pacewright.cluster.snapshot import Instance, Snapshot
from tests.clusters import clone, cluster, group, primitive

__all__ = ["actions", "everything", "expected", "of", "started"]

STICKY = {"resource-stickiness": "100"}
SCORES = {"n1": {"master-st": "5"}, "n2": {"master-st": "10"}, "n3": {"master-st": "5"}}


def started(*resources: str, constraints: str = "", dc: str = "1") -> Snapshot:
    """Three nodes on which the scheduler has started all that it wants to."""
    empty = cluster(*resources, constraints=constraints, defaults=STICKY, transient=SCORES, dc=dc)
    return written(empty)


def everything(*, constraints: str = "", dc: str = "1") -> Snapshot:
    """One of each sort of resource, started; `st` is promoted on n2."""
    return started(
        clone("web-clone", primitive("web", parameters={"port": "80"})),
        group("g", primitive("a"), primitive("b")),
        primitive("db", parameters={"path": "/srv"}),
        clone("pair-clone", group("pair", primitive("one"), primitive("two"))),
        clone("st-clone", primitive("st"), promotable="true"),
        primitive("off", meta_values={"target-role": "Stopped"}),
        constraints=constraints,
        dc=dc,
    )


def of(snapshot: Snapshot, resource: str) -> tuple[Instance, ...]:
    """The instances of a resource."""
    return snapshot.instances_of(ResourceId(resource))


def expected(*texts: str) -> list[str]:
    """Actions as `verb resource node`, sorted."""
    return sorted(texts)


def actions(forecast: Forecast) -> list[str]:
    """What a forecast says, in the same form."""
    return sorted(f"{a.verb} {a.resource} {a.node}" + (f" {a.to}" if a.to else "") for a in forecast.actions)


def asked(snapshot: Snapshot, *edits: Edit) -> list[str]:
    """What the scheduler would do after these edits."""
    return actions(what_if(snapshot, Change(edits=edits, reason="test")))


def written(snapshot: Snapshot, *edits: Edit) -> Snapshot:
    """The cluster when the scheduler has carried these edits out."""
    copy = Simulation(snapshot)
    copy.commit(Change(edits=edits, reason="test"), based_on=copy.read())
    return copy.read()


def restarts(forecasts: Sequence[tuple[Change, Forecast]]) -> list[str]:
    """Every new life of an instance in a row of commits, as `resource node`."""
    return sorted(
        f"{action.resource} {action.node}"
        for _, forecast in forecasts
        for action in forecast.actions
        if action.verb in {"restart", "start", "recover"}
    )


def roles(snapshot: Snapshot, resource: str) -> dict[str, Role]:
    """What runs where."""
    return {f"{i.resource} {i.node}": i.role for i in of(snapshot, resource) if i.role.active}
