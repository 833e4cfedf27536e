"""What the nodes of one lab share: keys, cluster configuration, the fence agent, and our own package."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from pacewright.lab import corosync, deb, fence_agent, host, mounts, network
from pacewright.lab.paths import LabPaths
from pacewright.lab.state import LabState

__all__ = ["INSTALL", "addresses", "build"]

_PACKAGE = "/var/cache/pacewright.deb"

INSTALL = (
    "sh",
    "-ec",
    f"rm -f {_PACKAGE}; cat >{_PACKAGE}; dpkg --force-unsafe-io --install {_PACKAGE}; rm {_PACKAGE}",
)
"""The command line that installs, in a node, the package on its standard input."""


def addresses(state: LabState) -> dict[str, str]:
    """Node to address, in the nodes' order."""
    return {node: network.address(number) for number, node in enumerate(state.node_names, 1)}


def build(paths: LabPaths, state: LabState, rootfs: Path) -> None:
    """Fill the lab's layer over a root file system, and unmount it again."""
    root = mounts.mount_overlay(paths.layer, [rootfs])
    _configure_cluster(root, paths, state)
    _configure_ssh(root, state)
    _configure_pcs(root, state)
    agent = Path(fence_agent.__file__).read_text()
    _write(root, "usr/sbin/fence_pacewright_lab", agent, 0o755)
    package = deb.build(paths.layer, compression="none")
    host.run(["chroot", str(root), *INSTALL], timeout=60, stdin=package.read_bytes())
    package.unlink()
    mounts.unmount_below(paths.layer)


def _configure_cluster(root: Path, paths: LabPaths, state: LabState) -> None:
    at = addresses(state)
    _write(root, "etc/corosync/corosync.conf", corosync.corosync_conf(paths.name, at), 0o644)
    key = root / "etc/corosync/authkey"
    key.write_bytes(secrets.token_bytes(256))
    key.chmod(0o400)
    _write(root, "etc/hosts", corosync.hosts(at, network.HOST_ADDRESS), 0o644)
    empty = host.run(["chroot", str(root), "cibadmin", "--empty"]).stdout.decode()
    cib = root / "var/lib/pacemaker/cib/cib.xml"
    cib.write_text(corosync.cib(empty, state.node_names, fencing=state.fencing))
    cib.chmod(0o600)
    owner = (root / "var/lib/pacemaker/cib").stat()
    os.chown(cib, owner.st_uid, owner.st_gid)


def _configure_ssh(root: Path, state: LabState) -> None:
    for name, comment in (("root/.ssh/id_ed25519", "lab"), ("etc/ssh/ssh_host_ed25519_key", "node")):
        (root / name).parent.mkdir(mode=0o700, exist_ok=True)
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(root / name)]
        host.run(argv)
    login = (root / "root/.ssh/id_ed25519.pub").read_text()
    own = (root / "etc/ssh/ssh_host_ed25519_key.pub").read_text()
    _write(root, "root/.ssh/authorized_keys", login, 0o600)
    names = ",".join([*state.node_names, *addresses(state).values()])
    _write(root, "root/.ssh/known_hosts", f"{names} {own}", 0o600)


def _configure_pcs(root: Path, state: LabState) -> None:
    token = secrets.token_hex(16)
    _write(root, "var/lib/pcsd/known-hosts", corosync.pcs_known_hosts(state.node_names, token), 0o600)
    _write(root, "var/lib/pcsd/pcs_users.conf", corosync.pcs_users(token), 0o600)


def _write(root: Path, name: str, text: str, mode: int) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
