"""This node's place in its cluster: its own name, and what its configuration says when the cluster does not run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pacewright.errors import PacewrightError
from pacewright.process import run

__all__ = [
    "COROSYNC_CONF",
    "among",
    "configured_here",
    "configured_nodes",
    "is_cluster_node",
    "is_remote_node",
    "local_names",
    "this_node",
]

COROSYNC_CONF = Path("/etc/corosync/corosync.conf")
_REMOTED = "/usr/sbin/pacemaker-remoted"
_REMOTE_KEYS = ("/etc/pacemaker/authkey", "/etc/corosync/authkey")
"""Where Pacemaker Remote looks for its key if nothing is set (lrmd.h)."""
_DEFAULTS = (Path("/etc/default/pacemaker"), Path("/etc/sysconfig/pacemaker"))
_PATIENCE = 5.0
_ANY_PORT = 9


def is_cluster_node(conf: Path = COROSYNC_CONF) -> bool:
    """True if this machine is meant to be a member of a cluster, or a Pacemaker Remote node of one."""
    return conf.exists() or is_remote_node()


def is_remote_node() -> bool:
    """True if Pacemaker Remote is installed here and has a key: running or not, a cluster may count on it."""
    told = (_default(name) for name in ("PCMK_authkey_location", "PCMK_cert_file"))
    # What may not be looked at is there: the key's folder is for root and haclient.
    return os.path.exists(_REMOTED) and any(_may_exist(path) for path in (*told, *_REMOTE_KEYS) if path)  # noqa: PTH110


def configured_nodes(conf: Path = COROSYNC_CONF) -> tuple[str, ...]:
    """The names in corosync's node list, in its order; empty if there is no readable one."""
    return tuple(_configured(conf))


def configured_here(conf: Path = COROSYNC_CONF) -> str | None:
    """This node's name in corosync's node list; None if it is not there."""
    nodes = _configured(conf)
    by_address = (name for name, address in nodes.items() if _is_local(address))
    names = local_names()
    return among(names[:-1] or names, nodes) or next(by_address, None) or among(names, nodes)


def this_node(
    nodes: Iterable[str], remote: Mapping[str, str] | None = None, *, timeout: float = _PATIENCE
) -> str | None:
    """This machine's name among those of a cluster's nodes; None if it is none of them.

    Where neither its host name nor what its Pacemaker is told is a node's name, the cluster is asked (`crm_node`). On a
    remote node, where Debian has no such program, the address tells to which the cluster's connection leads.

    Args:
        nodes: as the cluster spells them.
        remote: those that are remote or guest nodes, and their addresses or host names.
        timeout: seconds that it may take to answer.
    """
    known, names = tuple(nodes), local_names()
    led_to = remote if remote and is_remote_node() else {}
    led_here = [name for name, address in led_to.items() if _is_local(address) or among([address], names)]
    # A short host name is a guess, which another node may have for its name.
    return (
        among(names[:-1] or names, known)
        or among(led_here, known)
        or among(_cluster_says(timeout), known)
        or among(names, known)
    )


def local_names() -> tuple[str, ...]:
    """What this machine may be called in a cluster: as its Pacemaker is told, its host name, the short one."""
    host = os.uname().nodename
    told = _default("PCMK_node_name")  # what Pacemaker reads for a name that corosync does not know
    return tuple(dict.fromkeys((*((told,) if told else ()), host, host.partition(".")[0])))


def among(names: Iterable[str], nodes: Iterable[str]) -> str | None:
    """The first of some names that a node has, as the cluster spells it; None if no node has any of them.

    Pacemaker takes no notice of case in nodes' names (`pcmk__str_casei` wherever it looks for one).
    """
    spelled = {node.casefold(): node for node in nodes}
    return next((spelled[name.casefold()] for name in names if name.casefold() in spelled), None)


def _cluster_says(timeout: float) -> tuple[str, ...]:
    try:
        done = run(["crm_node", "--name"], timeout=timeout)
    except PacewrightError:
        return ()
    return tuple(done.stdout.decode(errors="replace").split()) if done.code == 0 else ()


def _configured(conf: Path) -> Mapping[str, str]:
    """Names and first addresses in corosync's node list."""
    text = re.sub(r"(?m)^\s*#.*$", "", _text(conf))
    nodes: dict[str, str] = {}
    for block in re.findall(r"\bnode\s*\{([^{}]*)\}", text):
        values = dict(re.findall(r"(?m)^\s*(\w+)\s*:\s*(.*?)\s*$", block))
        name = values.get("name") or values.get("ring0_addr")
        if name:
            nodes[name] = values.get("ring0_addr", "")
    return nodes


def _is_local(address: str) -> bool:
    """True if an IP address is this machine's: so does corosync find itself. No name is resolved, as that may hang.

    A packet to an address of this machine would have it as its sender, too; none is sent. To bind to an address proves
    nothing: with `net.ipv4.ip_nonlocal_bind`, which many load balancers have, that can be any.
    """
    import socket  # noqa: PLC0415 - only where no name tells

    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            wanted = socket.inet_pton(family, address)
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((address, _ANY_PORT))
                if socket.inet_pton(family, probe.getsockname()[0]) == wanted:
                    return True
        except OSError:
            continue
    return False


def _default(name: str) -> str:
    """What Pacemaker's environment file sets a variable to; empty if nothing does."""
    for path in _DEFAULTS:
        found = re.search(rf"(?m)^\s*{name}\s*=\s*[\"']?([^\"'\s#]+)", _text(path))
        if found:
            return found[1]
    return ""


def _may_exist(path: str) -> bool:
    try:
        os.stat(path)  # noqa: PTH116
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
