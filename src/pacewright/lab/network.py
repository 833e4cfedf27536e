"""The lab's network: a namespace with a bridge, one namespace per node, a virtual cable to each. Nothing outside.

The host's own network sees none of it: the cables are made inside the lab's namespace. The namespaces are bound to
files below /run/pacewright/lab/NAME/netns rather than to names of `ip netns`, so that they come and go with the lab
and leave nothing in /run/netns. Nodes have no route out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pacewright.lab import host
from pacewright.lab.paths import LabPaths

__all__ = ["HOST_ADDRESS", "OUTSIDE", "address", "create", "inside", "set_cable"]

OUTSIDE = "lab"
"""The namespace with the bridge: on the nodes' network and not a node. Load generators belong here."""

HOST_ADDRESS = "10.88.0.1"
_BRIDGE = "br0"


def address(number: int) -> str:
    """The address of the node with this number, counted from 1."""
    return f"10.88.0.{10 + number}"


def inside(namespace: Path, argv: Sequence[str]) -> tuple[str, ...]:
    """The command line that runs `argv`, a program of the host, in a network namespace."""
    return ("nsenter", f"--net={namespace}", "--", *argv)


def create(paths: LabPaths, nodes: Sequence[str]) -> None:
    """Make namespaces, bridge, cables and addresses of a new lab."""
    lab = paths.netns(OUTSIDE)
    lab.parent.mkdir(parents=True)
    paths.run.chmod(0o700)
    for owner in (OUTSIDE, *nodes):
        file = paths.netns(owner)
        file.touch()
        host.run(["unshare", f"--net={file}", "true"])
    _ip(lab, _bridge_commands(paths, nodes))
    for number, node in enumerate(nodes, 1):
        _ip(
            paths.netns(node),
            [
                "link set lo up",
                f"address add {address(number)}/24 dev eth0",
                "link set eth0 up",
            ],
        )


def _bridge_commands(paths: LabPaths, nodes: Sequence[str]) -> list[str]:
    commands = [
        "link set lo up",
        f"link add {_BRIDGE} type bridge",
        f"address add {HOST_ADDRESS}/24 dev {_BRIDGE}",
        f"link set {_BRIDGE} up",
    ]
    for node in nodes:
        commands += [
            f"link add {node} type veth peer name eth0 netns {paths.netns(node)}",
            f"link set {node} master {_BRIDGE} up",
        ]
    return commands


def _ip(namespace: Path, commands: Sequence[str]) -> None:
    script = "".join(f"{command}\n" for command in commands)
    host.run(inside(namespace, ["ip", "-batch", "-"]), stdin=script.encode())


def set_cable(paths: LabPaths, node: str, *, plugged: bool) -> None:
    """Pull a node's network cable at the switch, or plug it in again."""
    _ip(paths.netns(OUTSIDE), [f"link set {node} {'up' if plugged else 'down'}"])
