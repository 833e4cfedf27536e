"""Pacemaker: what it knows (Snapshot), what it would do (what_if), what we write (commit), waiting."""

from pacewright.cluster.agents import default_operations
from pacewright.cluster.cib.parse import parse, read, saved
from pacewright.cluster.cib.remote import addresses
from pacewright.cluster.cib.values import REVISION, is_true
from pacewright.cluster.commit import changes_nothing, commit, is_there
from pacewright.cluster.comparison import Difference, differences
from pacewright.cluster.connection import Connection, LiveConnection, Simulation
from pacewright.cluster.edits.change import (
    Change,
    Edit,
    SetMark,
    SetMeta,
    SetRevision,
)
from pacewright.cluster.edits.constraints import Detach, Remove, Tie
from pacewright.cluster.edits.definition import DefineClone, DefineGroup, DefinePrimitive, Operation, Values
from pacewright.cluster.edits.gate import SetGate
from pacewright.cluster.edits.hold import HoldInstance, HoldResource, Release
from pacewright.cluster.forecast import Action, Forecast, what_if
from pacewright.cluster.names import Agent, Kind, NodeName, ResourceId, Role, Version
from pacewright.cluster.placement import hosts
from pacewright.cluster.snapshot import Constraint, Failure, Instance, Node, Resource, Run, Snapshot
from pacewright.cluster.timeouts import Timeouts, timeouts
from pacewright.cluster.waiting import under_way, wait

__all__ = [
    "REVISION",
    "Action",
    "Agent",
    "Change",
    "Connection",
    "Constraint",
    "DefineClone",
    "DefineGroup",
    "DefinePrimitive",
    "Detach",
    "Difference",
    "Edit",
    "Failure",
    "Forecast",
    "HoldInstance",
    "HoldResource",
    "Instance",
    "Kind",
    "LiveConnection",
    "Node",
    "NodeName",
    "Operation",
    "Release",
    "Remove",
    "Resource",
    "ResourceId",
    "Role",
    "Run",
    "SetGate",
    "SetMark",
    "SetMeta",
    "SetRevision",
    "Simulation",
    "Snapshot",
    "Tie",
    "Timeouts",
    "Values",
    "Version",
    "addresses",
    "changes_nothing",
    "commit",
    "default_operations",
    "differences",
    "hosts",
    "is_there",
    "is_true",
    "parse",
    "read",
    "saved",
    "timeouts",
    "under_way",
    "wait",
    "what_if",
]
