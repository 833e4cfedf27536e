"""How a service is, for people, for exit codes and for configuration management. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from pacewright.cluster.names import NodeName
from pacewright.cluster.placement import hosts
from pacewright.cluster.snapshot import Instance, Snapshot
from pacewright.errors import NodeUnclean, NoQuorum, Refused
from pacewright.frozen import frozen
from pacewright.service.ledger.debts import Debt, debts
from pacewright.service.ledger.drained import drained
from pacewright.service.ledger.record import MISSED
from pacewright.service.lookup import Target

__all__ = [
    "ServiceStatus",
    "State",
    "hindrance",
    "is_enabled",
    "is_managed",
    "leftovers",
    "local_state",
    "nothing_runs",
    "status_of",
]


class State(Enum):
    """A service in one word."""

    RUNNING = "running"
    CHANGING = "changing"
    FAILED = "failed"
    STOPPED = "stopped"


@frozen
class ServiceStatus:
    """A service over the cluster.

    Attributes:
        state: RUNNING if each part of it (member of a group) has an instance that is well, CHANGING if one is not yet.
        here: the state that counts on this node, which decides the exit code (see `local_state`).
        enabled: no `target-role=Stopped` applies.
        managed: the cluster acts on it.
        hindrance: why the cluster does not act on it; empty if it does.
        instances: every one that is active, under way or failed.
        owed: restarts that are due.
    """

    target: Target
    agent: str
    state: State
    here: State
    enabled: bool
    managed: bool
    hindrance: str
    instances: tuple[Instance, ...]
    owed: tuple[Debt, ...]


def status_of(target: Target, snapshot: Snapshot, node: NodeName | None) -> ServiceStatus:
    """How a service is, seen from a node (None: from outside)."""
    instances = tuple(i for i in snapshot.instances_of(target.resource) if i.resource in target.primitives)
    agents = (snapshot.resources[primitive].agent for primitive in target.primitives)
    return ServiceStatus(
        target=target,
        agent=" ".join(str(agent) for agent in agents),
        state=_state(instances, target),
        here=local_state(target, snapshot, node),
        enabled=is_enabled(target, snapshot),
        managed=is_managed(target, snapshot),
        hindrance=hindrance(target, snapshot),
        instances=instances,
        owed=(*debts(target, snapshot), *leftovers(target, snapshot)),
    )


def local_state(target: Target, snapshot: Snapshot, node: NodeName | None) -> State:
    """The state that counts on a node.

    A clone's own instance, where there is one; else the whole service: a primitive's other nodes, a node in standby
    or one that may not host it are passive, and must not make configuration management start what runs elsewhere.
    A node that the service's gate has not let in yet counts as stopped: it has not reported its config. So does one
    whose own instance was stopped for good.
    """
    if node is not None and (_shut_out(target, snapshot, node) or (target.many, node) in snapshot.kept_off):
        return State.STOPPED
    instances = snapshot.instances_of(target.resource)
    mine = tuple(instance for instance in instances if snapshot.home(instance.node) == node)
    if target.many is not None and mine and node is not None and snapshot.nodes[node].may_run:
        return _state(mine, target)
    return _state(instances, target)


def leftovers(target: Target, snapshot: Snapshot) -> Iterator[Debt]:
    """What is due beyond restarts: an instance to give back, a report to make."""
    for name in sorted(drained(target, snapshot)):
        why = "still out of the load balancer after an interrupted command"
        yield Debt(primitive=target.primitives[0], node=name, since=None, reason=why, hindrance="")
    for resource, name in sorted(snapshot.kept_off):
        if resource == target.many:
            why = "stopped there on purpose"
            how = f"`pacewright service start {target.name} --node {name}` lets it run again"
            yield Debt(primitive=target.primitives[0], node=name, since=None, reason=why, hindrance=how)
    for node in snapshot.nodes.values():
        if MISSED + target.outermost in node.marks:
            why = "the others went on without the report of its config"
            not_now = f"{node.why_not}; " if node.why_not else ""
            yield Debt(
                primitive=target.primitives[0],
                node=node.name,
                since=None,
                reason=why,
                hindrance=f"{not_now}its own run has to report it",
            )


def _shut_out(target: Target, snapshot: Snapshot, node: NodeName) -> bool:
    gate = snapshot.gates.get(target.outermost)
    return gate is not None and node not in gate and node in hosts(target.outermost, snapshot)


def _state(instances: tuple[Instance, ...], target: Target) -> State:
    """Running is a service of which every part (each member of a group) has an instance that is well."""
    well = {instance.resource for instance in instances if instance.settled}
    if well.issuperset(target.primitives):
        return State.RUNNING
    if any(instance.operation is not None for instance in instances):
        return State.CHANGING
    if any(instance.failed or instance.unexcused for instance in instances):
        return State.FAILED
    return State.STOPPED


def is_enabled(target: Target, snapshot: Snapshot) -> bool:
    """False if a `target-role=Stopped` applies to it."""
    return all(snapshot.target_role(p).lower() != "stopped" for p in target.primitives)


def is_managed(target: Target, snapshot: Snapshot) -> bool:
    """False if `is-managed=false`, or maintenance of the resource, applies to it."""
    return all(snapshot.is_managed(primitive) for primitive in target.primitives)


def hindrance(target: Target, snapshot: Snapshot) -> str:
    """Why the cluster would not act on the service at all; empty if it would."""
    if not snapshot.quorate:
        return "the cluster has no quorum"
    if snapshot.maintenance:
        return "the cluster is in maintenance mode"
    if not is_managed(target, snapshot):
        return "it is not managed by the cluster (is-managed=false or maintenance)"
    if target.many is None and (where := _in_maintenance(target, snapshot)):
        return f"{', '.join(where)}, where it runs, is in maintenance"
    return ""


def _in_maintenance(target: Target, snapshot: Snapshot) -> list[NodeName]:
    running = {i.node for p in target.primitives for i in snapshot.instances.get(p, ()) if i.role.active}
    return sorted(node for node in running if snapshot.nodes[node].maintenance)


def refuse_if_hindered(target: Target, snapshot: Snapshot, what: str) -> None:
    """Raise what keeps the cluster from acting on the service, before anything is begun.

    Args:
        target: the service.
        snapshot: the cluster.
        what: for the message: `not restarted`.

    Raises:
        NoQuorum, NodeUnclean, Refused: as the names say.
    """
    if not snapshot.quorate:
        raise NoQuorum(
            f"{target.name}: {what}: the cluster has no quorum.",
            hint=f"Bring nodes back: {_absent(snapshot)}.",
        )
    unclean = [node.name for node in snapshot.nodes.values() if node.unclean]
    if unclean:
        raise NodeUnclean(
            f"{target.name}: {what}: {', '.join(unclean)} failed and is not fenced yet, so the cluster waits.",
            hint="Look at `stonith_admin --history '*'`; if the node is certainly off: `pcs stonith confirm NODE`.",
        )
    why = hindrance(target, snapshot)
    if why:
        raise Refused(
            f"{target.name}: {what}: {why}.",
            hint="Nothing was done. Lift that first (`pcs property set maintenance-mode=false`, "
            f"`pacewright service enable {target.name}`), then run the command again.",
        )


def _absent(snapshot: Snapshot) -> str:
    return ", ".join(f"{n.name} is {n.why_not}" for n in snapshot.nodes.values() if n.why_not) or "none is known"


def nothing_runs(target: Target, snapshot: Snapshot, node: NodeName | None) -> str:
    """Why there is nothing to restart, in a sentence."""
    if node is not None:
        places = sorted({i.node for i in snapshot.instances_of(target.resource) if i.role.active})
        elsewhere = f"; it runs on {', '.join(places)}" if places else ""
        return f"{target.name}: nothing to restart on {node}: it does not run there{elsewhere}."
    off = [f"{n.name} {n.why_not}" for n in snapshot.nodes.values() if n.why_not]
    return f"{target.name}: nothing to restart: it runs nowhere" + (f" ({', '.join(off)})." if off else ".")
