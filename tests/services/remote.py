"""haproxy as a clone on two members and a Pacemaker Remote node; what it stands before is not under test."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pacewright import process
from pacewright.lab import Lab, rootfs
from tests.services.service import INSIDE, Service

__all__ = ["DAEMON", "NODE", "Remote"]

CONFIG = "/etc/haproxy/haproxy.cfg"
NODE = "n3"
DAEMON = "pacemaker_remote"
STORE = "n4"
SHARED = "/run/pacewright-lab"
PACKAGE = "pacemaker-remote"


class Remote(Service):
    """See docs/services/remote.md."""

    name: ClassVar[str] = "remote"
    packages: ClassVar[tuple[str, ...]] = ("curl", "haproxy")
    primitive: ClassVar[str] = "proxy"
    top: ClassVar[str] = "proxy-clone"
    process: ClassVar[str] = "haproxy"
    front: ClassVar[str] = "10.88.0.11,10.88.0.12,10.88.0.13"
    nodes: ClassVar[int] = 4

    def places(self, lab: Lab) -> tuple[str, ...]:
        """See `Service`: n4 is there for the quorum, and for what haproxy stands before."""
        return lab.nodes[:3]

    def prepare(self, lab: Lab) -> None:
        """See `Service`; n3 leaves the cluster, to come back as a remote node."""
        _become_remote(lab)
        lab.write(STORE, "/usr/local/lib/remote_backend.py", (INSIDE / "remote_backend.py").read_text("utf-8"))
        lab.run(STORE, ["systemd-run", "python3", "/usr/local/lib/remote_backend.py"]).checked()
        super().prepare(lab)

    def configure(self, lab: Lab, node: str, version: str) -> None:
        """See `Service`."""
        told = f"    http-request return status 200 content-type text/plain string {version} if {{ path /version }}\n"
        lab.write(node, CONFIG, self.page.files[CONFIG] + told)

    def spoil(self, lab: Lab, node: str) -> None:
        """See `Service`."""
        lab.write(node, CONFIG, f"{self.page.files[CONFIG]}    no-such-keyword\n")


def _become_remote(lab: Lab) -> None:
    release = lab.run(NODE, ["sh", "-c", ". /etc/os-release; echo $VERSION_CODENAME"]).checked().stdout.decode().strip()
    package = _fetched(lab.shared / "apt", release)
    lab.run(lab.nodes[0], ["pcs", "cluster", "node", "remove", NODE], timeout=120).checked()
    lab.run(NODE, ["dpkg", "--purge", "--force-depends", "pacemaker"], timeout=120).checked()
    unpack = ["dpkg", "--install", "--force-depends", f"{SHARED}/apt/{package.name}"]
    lab.run(NODE, unpack, timeout=120).checked()
    lab.run(NODE, ["systemctl", "stop", DAEMON], timeout=60).checked()  # pcs wants to start it


def _fetched(folder: Path, release: str) -> Path:
    """A release's package, from Debian's mirror; `pacemaker` keeps it out of a node's root file system."""
    for place in ("lists/partial", "cache/archives/partial"):
        (folder / place).mkdir(parents=True)
    (folder / "sources").write_text(f"deb {rootfs.MIRROR} {release} main\n", encoding="utf-8")
    options = {
        "Dir::Etc::sourcelist": folder / "sources",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", *(f"--option={name}={value}" for name, value in options.items())]
    process.run([*apt, "update"], timeout=300).checked()
    download = ["sh", "-c", 'cd "$0" && exec "$@"', str(folder), *apt, "download", PACKAGE]
    process.run(download, timeout=300).checked()
    (found,) = folder.glob(f"{PACKAGE}_*.deb")
    return found
