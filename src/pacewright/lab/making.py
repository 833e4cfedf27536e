"""Making a lab: state first, then each thing in an order that `down` can undo at any point."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from pacewright.clock import SYSTEM_CLOCK
from pacewright.lab import host, layer, network, removing, rootfs
from pacewright.lab import node as nodes
from pacewright.lab.fencing import start_switch
from pacewright.lab.lab import Lab
from pacewright.lab.paths import LabPaths
from pacewright.lab.state import LabState, claim, lock, save

__all__ = ["up"]

_QUORUM_SECONDS = 90.0

Say = Callable[[str], None]


def up(
    name: str = "default",
    *,
    nodes: int = 3,
    distro: str = "bookworm",
    packages: Sequence[str] = (),
    fencing: bool = True,
    disk: int = 0,
    progress: Say | None = None,
) -> Lab:
    """Boot a cluster and return it once it is whole: quorum, a DC, all nodes online, fencing ready.

    Args:
        name: small letters, digits and dashes.
        nodes: 1 to 32.
        distro: bookworm (Pacemaker 2.1) or trixie (Pacemaker 3.0).
        packages: Debian packages to install beyond those of a bare cluster node.
        fencing: give the cluster a fence device.
        disk: MiB of each node's own disk, taken from this machine's memory, for `Lab.fill`; 0: no limit.
        progress: is told each step, for people.

    Raises:
        UsageError: the name is taken, or something else about the request is wrong.
        NodeError: this machine cannot: not root, not Debian, no room.
        ToolMissing: mmdebstrap, systemd-nspawn or ip is not installed.
        DeadlinePassed: the cluster did not form; nothing of it is left.
    """
    state = LabState(
        name=name,
        nodes=nodes,
        distro=distro,
        packages=tuple(sorted(set(packages))),
        fencing=fencing,
        disk=disk,
        created=SYSTEM_CLOCK.now(),
    )
    state = dataclasses.replace(state, rootfs=rootfs.key(state.distro, state.packages))
    host.check(root_file_system_is_cached=rootfs.is_cached(state))
    say = progress or (lambda _: None)
    claim(name)
    paths = LabPaths(name=name)
    with lock(paths.home, what=f"The lab {name!r}"):
        try:
            return _make(state, paths, say)
        except BaseException:
            say("that failed; clearing away")
            removing.clear(paths)
            raise


def _make(state: LabState, paths: LabPaths, say: Say) -> Lab:
    save(state)
    base = rootfs.ensure(state, say)
    say("configuring the cluster")
    layer.build(paths, state, base)
    network.create(paths, state.node_names)
    start_switch(paths)
    say(f"booting {', '.join(state.node_names)}")
    for node in state.node_names:
        nodes.create_disk(paths, node, state.disk)
        nodes.boot(paths, node, base)
    say("waiting for quorum")
    lab = Lab(state)
    lab.wait_quorate(_QUORUM_SECONDS)
    done = dataclasses.replace(state, ready=True)
    save(done)
    return Lab(done)
