"""This node's place in its cluster: its own name, and what its configuration says when the cluster does not run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

__all__ = ["COROSYNC_CONF", "among", "configured_nodes", "is_cluster_node", "local_names"]

COROSYNC_CONF = Path("/etc/corosync/corosync.conf")
_REMOTE_DEFAULTS = (Path("/etc/default/pacemaker"), Path("/etc/sysconfig/pacemaker"))


def is_cluster_node(conf: Path = COROSYNC_CONF) -> bool:
    """True if this machine is meant to be a member of a cluster."""
    return conf.exists()


def configured_nodes(conf: Path = COROSYNC_CONF) -> tuple[str, ...]:
    """The names in corosync's node list, in its order; empty if there is no readable one."""
    try:
        text = conf.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    blocks = re.findall(r"\bnode\s*\{([^{}]*)\}", re.sub(r"(?m)^\s*#.*$", "", text))
    names = []
    for block in blocks:
        values = dict(re.findall(r"(?m)^\s*(\w+)\s*:\s*(.*?)\s*$", block))
        name = values.get("name") or values.get("ring0_addr")
        if name:
            names.append(name)
    return tuple(names)


def local_names() -> tuple[str, ...]:
    """What this machine may be called in a cluster: as its Pacemaker is told, its host name, the short one."""
    host = os.uname().nodename
    told = tuple(name for path in _REMOTE_DEFAULTS if (name := _told(path)))
    return tuple(dict.fromkeys((*told, host, host.partition(".")[0])))


def among(names: Iterable[str], nodes: Iterable[str]) -> str | None:
    """The first of some names that a node has, as the cluster spells it; None if no node has any of them.

    Pacemaker takes no notice of case in nodes' names (`pcmk__str_casei` wherever it looks for one).
    """
    spelled = {node.casefold(): node for node in nodes}
    return next((spelled[name.casefold()] for name in names if name.casefold() in spelled), None)


def _told(path: Path) -> str:
    # What Pacemaker itself reads for a name (uname) that corosync does not know, as on a remote node.
    try:
        found = re.search(r"(?m)^\s*PCMK_node_name\s*=\s*[\"']?([^\"'\s#]+)", path.read_text(encoding="utf-8"))
    except OSError:
        return ""
    return found[1] if found else ""
