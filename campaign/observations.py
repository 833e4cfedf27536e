"""What is known of a run when it is over, all of it seen from outside the program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from campaign.calls import Ended
from campaign.lab_access import Missing
from campaign.observer import Answer, Sample
from campaign.plan import Fault, FaultKind, Plan
from campaign.service_logs import Entry, Turn

__all__ = ["Invariant", "Record", "Struck", "Violation"]


class Invariant(Enum):
    """What must hold after every run."""

    NEWEST = "1 newest config runs"
    ONCE = "2 not restarted too often"
    ONE_DOWN = "3 one down at a time"
    CLEAN = "4 nothing left behind"
    QUORUM = "5 no write without quorum"
    CALLS = "6 callers end as documented"
    UP = "7 no service left down"
    ONE_CIB = "8 all nodes have one configuration"
    LISTED = "9 what is not done is listed as owed"
    DRAINED = "10 what is stopped is drained before, and given back"
    GATED = "11 runs only where its config was reported"
    BARRIER = "12 all waits for every node's report"
    ROLE = "13 none goes down while another has not got its role back"
    STOPS = "14 no roll goes on after a failure"
    LAB = "the lab came back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """An invariant that did not hold."""

    invariant: Invariant
    text: str


_HARMLESS = {
    FaultKind.KILL_CALLER,
    FaultKind.CLOCK,
    FaultKind.NODE_CLOCK,
    FaultKind.DISK,
    FaultKind.MAINTENANCE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """A fault as it came to pass.

    Attributes:
        fault: with the nodes that it really hit; none if it came too late.
        begun, over: seconds since the epoch; `over` when the cluster was whole again.
    """

    fault: Fault
    begun: float
    over: float

    @property
    def node_fault(self) -> bool:
        """The cluster may stop or restart instances because of it."""
        return bool(self.fault.nodes) and self.fault.kind not in _HARMLESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A run.

    Attributes:
        begun, healed, over: seconds since the epoch: its begin, when all faults were mended and callers had ended,
            and its end.
        calls: those of the plan. `finals`: the last one for each service.
        changes: how many configs were really written, by service and node.
        configs: what the config of each service on each node is in the end.
        entries: everything that the services have written down, from before the run on.
        base: the CIB's marks when the run began.
        down_before, down_after: what was missing before the last calls, and after them.
        left: what was left behind in CIB, attributes, processes and files.
        disagreeing: nodes whose configuration is another than the DC's.
        turns: what the load balancer was told.
        listed: services and nodes that `pacewright owed` named before the last calls, on any node.
    """

    plan: Plan
    begun: float
    healed: float
    over: float
    calls: tuple[Ended, ...]
    finals: tuple[Ended, ...]
    faults: tuple[Struck, ...]
    changes: Mapping[tuple[str, str], int]
    configs: Mapping[tuple[str, str], str]
    entries: tuple[Entry, ...]
    base: tuple[str, ...]
    samples: tuple[Sample, ...]
    answers: tuple[Answer, ...]
    down_before: tuple[Missing, ...]
    down_after: tuple[Missing, ...]
    left: tuple[str, ...]
    disagreeing: tuple[str, ...]
    listed: frozenset[tuple[str, str]]
    turns: tuple[Turn, ...] = ()
    timeline: tuple[str, ...] = ()
    violations: tuple[Violation, ...] = field(default=())
