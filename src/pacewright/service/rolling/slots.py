r"""Slots: what restarts in one step, and what each of them is at a moment. Pure.

A slot is an instance of a clone (by its node), or a whole primitive or group that runs in one place.

    OLD ----commit----> UNDER_WAY ----> FRESH          AWAY: the node is gone, nothing to restart there
     \--hold--> HELD --release--/  \--> FAILED         BROKEN: it had failed before the call

A promotable's instance is under way until it has the role that the cluster wants for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum

from pacewright.cluster.forecast import Action, Forecast
from pacewright.cluster.names import NodeName, ResourceId, Role
from pacewright.cluster.snapshot import Instance, Snapshot
from pacewright.frozen import frozen, replace
from pacewright.service.ledger.debts import unproven
from pacewright.service.ledger.promoted import has_roles, missing_roles
from pacewright.service.ledger.record import owed_on
from pacewright.service.lookup import WHOLE, Target
from pacewright.service.rolling.baseline import Before, about_to_restart, before
from pacewright.service.settings import Last

__all__ = ["SlotState", "Slots", "left_behind", "slot_of", "slots_at"]


class SlotState(Enum):
    """Where a slot is on its way; the drawing above has the arrows."""

    OLD = "old"
    UNDER_WAY = "under way"
    HELD = "held"
    FRESH = "fresh"
    BROKEN = "broken"
    FAILED = "failed"
    AWAY = "away"


@frozen
class Slots:
    """The slots of one roll, and what was seen of them since it began.

    Attributes:
        before: the slots as they were.
        renewed: those that were seen stopped, or restarted, since then. A later promote hides the start.
        tried: broken ones whose failure was forgotten.
        owed: tokens of restarts that were noted on nodes before the slots there were restarted, so that they pay them.
        awaits: a role that is missing is waited for, also while the scheduler wants nobody promoted.
    """

    target: Target
    before: Mapping[NodeName, Before]
    renewed: frozenset[NodeName] = frozenset()
    tried: frozenset[NodeName] = frozenset()
    owed: frozenset[tuple[NodeName, str]] = frozenset()
    awaits: bool = True

    def states(self, snapshot: Snapshot, planned: Forecast | None) -> dict[NodeName, SlotState]:
        """What each slot is.

        Args:
            snapshot: the cluster.
            planned: what the scheduler is about to do by itself, if known: a failed slot that it will start again is
                under way, and one that it will not start at all is away. What it is about to promote or demote is
                under way, too; what it was about to restart and leaves alone now is old.
        """
        states = {slot: self._state(slot, snapshot) for slot in self.before}
        if planned is None:
            return states
        return {slot: self._expecting(slot, state, snapshot, planned) for slot, state in states.items()}

    def including(self, again: Iterable[NodeName], snapshot: Snapshot) -> Slots:
        """These slots and more, or anew: what is in them now counts as old."""
        anew = frozenset(again)
        if not anew:
            return self
        added = {slot: before(self.instances(slot, snapshot), snapshot, ()) for slot in anew}
        return replace(self, before={**self.before, **added}, renewed=self.renewed - anew, tried=self.tried - anew)

    def rehearsed(self) -> Slots:
        """The same on a copy of the cluster: no agent sets a promotion score there, and nobody sees anything go down.

        What the cluster was restarting anyway is up again at once, and where it is promoted then, that hides its start.
        """
        covered = {slot for slot, was in self.before.items() if was.covered}
        return replace(self, awaits=False, renewed=self.renewed | covered)

    def without(self, these: Iterable[NodeName]) -> Slots:
        """These slots but some."""
        gone = frozenset(these)
        return replace(self, before={slot: was for slot, was in self.before.items() if slot not in gone})

    def knowing(self, states: Mapping[NodeName, SlotState], snapshot: Snapshot) -> Slots:
        """These slots, with what a look at them tells for later."""
        fresh = {slot for slot, state in states.items() if state is not SlotState.AWAY and self._anew(slot, snapshot)}
        renewed = {slot for slot in states if slot in fresh or self.stopped(slot, snapshot)} - self.renewed
        owed = {debt for slot in set(states) - fresh for debt in self._noted(slot, snapshot)}
        before = {
            slot: was if slot not in renewed else replace(was, failures=was.failures | self._ended(slot, snapshot))
            for slot, was in self.before.items()
        }
        return replace(self, before=before, renewed=self.renewed | renewed, owed=self.owed | owed)

    def instances(self, slot: NodeName, snapshot: Snapshot) -> list[Instance]:
        """The instances in a slot."""
        return [
            instance
            for primitive in self.target.primitives
            for instance in snapshot.instances.get(primitive, ())
            if slot in {WHOLE, instance.node}
        ]

    def probed_anew(self, slot: NodeName, snapshot: Snapshot) -> bool:
        """True if a probe came between a commit and the stop: Pacemaker then takes it for a run with the new one."""
        if slot in self.renewed:
            return False
        keys = self.before[slot].keys
        instances = [i for i in self.instances(slot, snapshot) if i.run is not None]
        new = any(i.run.operation == "monitor" and i.run.key not in keys for i in instances if i.run is not None)
        return (new and self.committed(slot, snapshot)) or any(unproven(i, snapshot) for i in instances)

    def unnoticed(self, slot: NodeName, snapshot: Snapshot) -> bool:
        """True if Pacemaker would not notice a new definition, or may forget it on the way: a demote hides it.

        `process_rsc_history` of lib/pacemaker/pcmk_sched_actions.c compares definitions after a start, promote,
        migration or probe. What is promoted is demoted before it is stopped. If the agent changes its promotion score
        then, as most do, or anything else interrupts the transition there, the scheduler has forgotten why it was to
        stop: it promotes the instance again, with the new definition and without a restart (seen on 2.1.5).
        """
        if self.promoted(slot, snapshot):
            return True
        runs = (i.run for i in self.instances(slot, snapshot))
        return any(run is not None and run.operation == "demote" for run in runs) or self.probed_anew(slot, snapshot)

    def promoted(self, slot: NodeName, snapshot: Snapshot) -> bool:
        """True if something in it is promoted."""
        return any(instance.role is Role.PROMOTED for instance in self.instances(slot, snapshot))

    def stopped(self, slot: NodeName, snapshot: Snapshot) -> bool:
        """True if nothing in it runs or is under way, and the nodes where it ran say so.

        A node whose controller was restarted is silent until it has probed again: what it ran may still be running.
        """
        if any(i.role.active or i.operation for i in self.instances(slot, snapshot)):
            return False
        ran = {node for _, node in self.before[slot].places} if slot in self.before else set()
        where = (ran or snapshot.nodes) if slot == WHOLE else (slot,)
        return not any(snapshot.silent(primitive, node) for node in where for primitive in self.target.primitives)

    def may_be_released(self, slot: NodeName, snapshot: Snapshot, now: float) -> bool:
        """True once what is held has stopped, or the hold has expired and does nothing any more."""
        return self.stopped(slot, snapshot) or (self.expiry(slot, snapshot) or 0.0) < now

    def missing(self, snapshot: Snapshot) -> Mapping[NodeName, str]:
        """Slots whose role is missing though nothing is done to them, and what is seen of it."""
        if not self.awaits or self.target.many is None or not has_roles(self.target, snapshot):
            return {}
        return missing_roles(self.target, snapshot)

    def stricken(self, slot: NodeName, snapshot: Snapshot) -> Instance | None:
        """What has failed in a slot so that the roll is over, whatever the cluster does about it; None if nothing has.

        That is any operation but a monitor; and a monitor of what was restarted in this roll. What runs in one place
        may come up on another node.
        """
        failed = self.failed(slot, snapshot) if slot != WHOLE else None
        if failed is None or failed.failure is None:
            return None
        return failed if failed.failure.operation != "monitor" or slot in self.renewed else None

    def failed(self, slot: NodeName, snapshot: Snapshot) -> Instance | None:
        """What has failed in a slot since the call began, a monitor last; None if nothing has."""
        known = self.before[slot].failures
        found = [i for i in self.instances(slot, snapshot) if i.unexcused is not None and i.unexcused.key not in known]
        return min(found, key=lambda i: i.failure is not None and i.failure.operation == "monitor", default=None)

    def put_off(self, states: Mapping[NodeName, SlotState], snapshot: Snapshot) -> list[NodeName]:
        """Slots that cannot be restarted now and will have to be.

        What runs on where nothing can be done: on a node in maintenance, or one that has just lost its controller. A
        start that was under way as the call began. And what ran as the call began, on a node that is being asked anew.
        """
        found = []
        for slot, state in states.items():
            starting = any(
                i.operation_key in self.before[slot].keys for i in self.instances(slot, snapshot) if i.operation
            )
            runs_on = state is SlotState.AWAY and not self.stopped(slot, snapshot)
            unheard = state is SlotState.UNDER_WAY and self._unheard(slot, snapshot)
            if slot != WHOLE and slot in snapshot.nodes and (runs_on or starting or unheard):
                found.append(slot)
        return found

    def _unheard(self, slot: NodeName, snapshot: Snapshot) -> bool:
        """True if something ran there as the call began, and its node has not told yet whether it still does."""
        silent = any(snapshot.silent(primitive, slot) for primitive in self.target.primitives)
        return silent and bool(self.before[slot].keys) and slot not in self.renewed

    def committed(self, slot: NodeName, snapshot: Snapshot) -> bool:
        """True if somebody has changed the revision of what is there since the call began."""
        before = self.before[slot].revisions
        there = (i for i in self.instances(slot, snapshot) if i.role.active or i.operation is not None)
        return any(
            before.get((i.resource, i.node)) != snapshot.resources[i.resource].revision_on(i.node)
            for i in there
            if (i.resource, i.node) in before
        )

    def revision(self, primitive: ResourceId, slot: NodeName, snapshot: Snapshot) -> str | None:
        """What the definition says for a primitive in a slot."""
        resource = snapshot.resources[primitive]
        places = (i.node for i in self.instances(slot, snapshot) if i.resource == primitive)
        return resource.revision_on(slot if slot != WHOLE else next(places, NodeName("")))

    def expiry(self, slot: NodeName, snapshot: Snapshot) -> float | None:
        """When the hold on a slot expires, in seconds since the epoch; None if there is none."""
        if slot == WHOLE or self.target.many is None:
            return snapshot.holds.get((self.target.resource, None))
        return snapshot.holds.get((self.target.many, slot))

    def away(self, slot: NodeName, snapshot: Snapshot) -> str:
        """Why nothing can be restarted there; empty if it can."""
        if slot == WHOLE:
            return ""
        node = snapshot.nodes.get(slot)
        if node is None:
            return "no longer in the cluster"
        if node.kind == "remote" and snapshot.in_bundle(self.target.primitives[0]):
            return (
                "in maintenance" if node.maintenance else ""
            )  # it goes away with its container, and comes back with it
        return node.why_not or ("in maintenance" if node.maintenance else "")

    def rank(
        self, slot: NodeName, snapshot: Snapshot, order: Sequence[Last] = tuple(Last)
    ) -> tuple[tuple[bool, ...], str]:
        """For the order: what comes last by each rule, the first rule before the others; else by name."""
        is_last = {
            Last.PROMOTED: self.promoted(slot, snapshot),
            Last.DC: slot == str(snapshot.dc),
        }
        return tuple(is_last[rule] for rule in order), slot

    def called(self, slot: NodeName) -> str:
        """A slot, for people: its node, or the service."""
        return slot or self.target.name

    def _state(self, slot: NodeName, snapshot: Snapshot) -> SlotState:
        if self.away(slot, snapshot):
            return SlotState.AWAY
        instances = self.instances(slot, snapshot)
        if self.expiry(slot, snapshot) is not None:
            return SlotState.HELD
        if self.stricken(slot, snapshot) is not None:
            return SlotState.FAILED
        if any(instance.operation is not None for instance in instances):
            return SlotState.UNDER_WAY
        before = self.before[slot]
        if self._anew(slot, snapshot):
            return SlotState.UNDER_WAY if slot in self.missing(snapshot) else SlotState.FRESH
        if self.failed(slot, snapshot) is not None:
            return SlotState.FAILED
        if slot not in self.tried and _broken(instances):
            return SlotState.BROKEN
        if not any(instance.role.active for instance in instances):
            return SlotState.UNDER_WAY
        if self.probed_anew(slot, snapshot):
            return SlotState.OLD
        return SlotState.UNDER_WAY if before.covered or self.committed(slot, snapshot) else SlotState.OLD

    def _ended(self, slot: NodeName, snapshot: Snapshot) -> frozenset[str]:
        """Failures of monitors: those of a run that has ended by now say nothing about the next one."""
        failures = (i.failure for i in self.instances(slot, snapshot) if i.failure is not None)
        return frozenset(failure.key for failure in failures if failure.operation == "monitor")

    def _anew(self, slot: NodeName, snapshot: Snapshot) -> bool:
        """True if all of it has started since the call began, whatever its role."""
        instances = self.instances(slot, snapshot)
        return all(self._fresh(primitive, slot, instances, snapshot) for primitive in self.target.primitives)

    def _fresh(self, primitive: ResourceId, slot: NodeName, instances: list[Instance], snapshot: Snapshot) -> bool:
        """True if the primitive runs there, and all its runs began after the call with the newest definition."""
        runs = [i.run for i in instances if i.resource == primitive and i.settled]
        if not runs or any(i.failed for i in instances if i.resource == primitive):
            return False
        if slot in self.renewed:
            return True
        before = self.before[slot]
        old_digest = before.digests.get(primitive)
        redefined = self.committed(slot, snapshot)
        for run in runs:
            if run is None or run.key in before.keys:
                return False
            # What was promoted is given a new definition only while it is held (`unnoticed`).
            changed = run.digest != old_digest and run.operation != "monitor"
            if not changed and (redefined or run.operation != "start"):
                return False
        return True

    def _noted(self, slot: NodeName, snapshot: Snapshot) -> Iterator[tuple[NodeName, str]]:
        """Restarts that are noted for a slot, if the next start there can pay them; one that is under way cannot."""
        if any(i.operation == "start" for i in self.instances(slot, snapshot)):
            return
        for node in snapshot.nodes:
            tokens = (owed_on(primitive, node, snapshot) for primitive in self.target.primitives)
            yield from ((node, token) for token in tokens if token is not None and slot in {WHOLE, node})

    def _expecting(self, slot: NodeName, state: SlotState, snapshot: Snapshot, planned: Forecast) -> SlotState:
        coming = any(self._concerns(action, slot) and not action.blocked for action in planned.actions)
        if state is SlotState.FAILED:
            over = not coming or self.stricken(slot, snapshot) is not None
            return SlotState.FAILED if over else SlotState.UNDER_WAY
        if coming and state in {SlotState.FRESH, SlotState.OLD} and has_roles(self.target, snapshot):
            return SlotState.UNDER_WAY
        if state is SlotState.UNDER_WAY and not coming:
            return self._left_alone(slot, snapshot)
        return state

    def _left_alone(self, slot: NodeName, snapshot: Snapshot) -> SlotState:
        """What a slot under way is once the cluster has nothing in mind with it: nothing runs there any more.

        Or it runs, and the restart that the cluster was about to do does not come: a cleanup, whoever asked for it, has
        taken the reason away.
        """
        if not self.instances(slot, snapshot):
            return SlotState.AWAY
        expected = {**self.before, slot: replace(self.before[slot], covered=False)}
        return replace(self, before=expected)._state(slot, snapshot)  # noqa: SLF001 - itself

    def _concerns(self, action: Action, slot: NodeName) -> bool:
        return action.resource in self.target.primitives and slot in {WHOLE, action.node, action.to}


def slots_at(target: Target, snapshot: Snapshot, planned: Forecast, nodes: Iterable[NodeName] | None) -> Slots:
    """The slots of a service as a call finds them.

    Args:
        target: the service.
        snapshot: the cluster when the call began.
        planned: what the scheduler would do by itself at that moment.
        nodes: only the instances there; None for all.
    """
    wanted = None if nodes is None else frozenset(nodes)
    found = [
        WHOLE if target.many is None else i.node
        for i in snapshot.instances_of(target.resource)
        if wanted is None or not wanted.isdisjoint({i.node, snapshot.home(i.node)})
    ]
    found += [slot for slot in left_behind(target, snapshot) if wanted is None or slot in {WHOLE, *wanted}]
    if not found:  # all of it is between its stop and its start, by a restart that somebody has begun
        starting = (action.node for action in planned.actions if _starts(action, target))
        found = [slot_of(target, node) for node in starting if node is not None and (not wanted or node in wanted)]
    coming = about_to_restart(planned)
    slots = Slots(target=target, before={})
    # A slot as a whole, also where only one of its nodes was asked for: what failed elsewhere has failed before.
    found_there = {slot: before(slots.instances(slot, snapshot), snapshot, coming) for slot in dict.fromkeys(found)}
    return replace(slots, before=found_there)


def _starts(action: Action, target: Target) -> bool:
    return action.resource in target.primitives and action.verb == "start" and not action.blocked


def slot_of(target: Target, node: NodeName) -> NodeName:
    """The slot that an instance on a node is in."""
    return WHOLE if target.many is None else node


def left_behind(target: Target, snapshot: Snapshot) -> Iterator[NodeName]:
    """Slots where a call that died has left a hold, or a debt, though nothing may run there at this moment."""
    for resource, node in snapshot.holds:
        if resource in {target.many, target.resource}:
            yield node or WHOLE
    for name in snapshot.nodes:
        if any(owed_on(primitive, name, snapshot) is not None for primitive in target.primitives):
            yield WHOLE if target.many is None else name


def _broken(instances: Iterable[Instance]) -> bool:
    """True if something in a slot has failed and is not up anywhere in it."""
    found = list(instances)
    up = {i.resource for i in found if i.role.active}
    return any(i.failed or i.resource not in up for i in found)
