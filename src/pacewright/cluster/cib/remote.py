"""Remote and guest nodes: where their connections lead, as the definitions of their resources say.

A machine that runs pacemaker_remote is not told its own name, and none of Pacemaker's tools there tells it.
"""

from __future__ import annotations

from collections.abc import Mapping

from pacewright.cluster.cib.configuration import plain_values
from pacewright.cluster.snapshot import Snapshot

__all__ = ["addresses"]


def addresses(snapshot: Snapshot) -> Mapping[str, str]:
    """The host name or address of each remote and guest node, by its name in the cluster.

    A remote node is named after its `ocf:pacemaker:remote`, whose `server` (or `addr`) it is; a guest node by its
    resource's `remote-node`, with `remote-addr` (Pacemaker Explained, "Resource Meta-Attributes").
    """
    found: dict[str, str] = {}
    for primitive in snapshot.root.iterfind("configuration/resources//primitive"):
        meta = plain_values(primitive, "meta_attributes")
        guest = meta.get("remote-node")
        if guest:
            found[guest] = meta.get("remote-addr") or guest
        elif (primitive.get("provider"), primitive.get("type")) == ("pacemaker", "remote"):
            name = primitive.get("id", "")
            told = plain_values(primitive, "instance_attributes")
            found[name] = told.get("server") or told.get("addr") or name
    return found
