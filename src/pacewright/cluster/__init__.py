"""Pacemaker: what it knows (Snapshot), what it would do (what_if), what we write (commit), waiting."""

from pacewright.cluster.change import (
    Change,
    Edit,
    SetMark,
    SetMeta,
    SetRevision,
)
from pacewright.cluster.commit import commit
from pacewright.cluster.connection import Connection, LiveConnection, Simulation
from pacewright.cluster.forecast import Action, Forecast, what_if
from pacewright.cluster.gate import SetGate
from pacewright.cluster.hold import HoldInstance, HoldResource, Release
from pacewright.cluster.names import Agent, Kind, NodeName, ResourceId, Role, Version
from pacewright.cluster.placement import hosts
from pacewright.cluster.reading import parse, read, saved
from pacewright.cluster.snapshot import Constraint, Failure, Instance, Node, Resource, Run, Snapshot
from pacewright.cluster.values import REVISION, is_true
from pacewright.cluster.waiting import under_way, wait

__all__ = [
    "REVISION",
    "Action",
    "Agent",
    "Change",
    "Connection",
    "Constraint",
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
    "Release",
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
    "Version",
    "commit",
    "hosts",
    "is_true",
    "parse",
    "read",
    "saved",
    "under_way",
    "wait",
    "what_if",
]
