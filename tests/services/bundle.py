"""Apache in the replicas of a bundle, one container on each of three nodes; what it stands before is not under test."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import ClassVar

from pacewright import process
from pacewright.lab import Lab, rootfs
from tests.services.service import INSIDE, Service

__all__ = ["Bundle"]

CONFIG = "/etc/web/httpd.conf"
STORE = "n4"
INSIDE_IMAGE = ("pacemaker-remote", "resource-agents", "apache2", "curl")


_STORAGE = """\
[storage]
driver = "vfs"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
"""
_CONTAINERS = """\
[containers]
cgroups = "disabled"
keyring = false
[engine]
runtime = "crun"
cgroup_manager = "cgroupfs"
"""
"""A lab's node can give containers no control groups of their own, and no keys."""


class Bundle(Service):
    """See docs/services/bundle.md."""

    name: ClassVar[str] = "bundle"
    packages: ClassVar[tuple[str, ...]] = ("podman", "crun")
    primitive: ClassVar[str] = "web"
    top: ClassVar[str] = "web-bundle"
    process: ClassVar[str] = "apache2"
    parent: ClassVar[str] = "pacemaker-remoted"
    store: ClassVar[str] = "remote"
    front: ClassVar[str] = "10.88.0.11,10.88.0.12,10.88.0.13"
    nodes: ClassVar[int] = 4

    def places(self, lab: Lab) -> tuple[str, ...]:
        """See `Service`: n4 is there for the quorum, and for what Apache stands before."""
        return lab.nodes[:3]

    def prepare(self, lab: Lab) -> None:
        """See `Service`; and the image, on each node."""
        image = _image(lab)
        for node in self.places(lab):
            # A container's layers cannot lie on those of a lab's node, which may make no device files either.
            lab.write(node, "/etc/containers/storage.conf", _STORAGE)
            lab.run(node, ["mount", "-t", "tmpfs", "tmpfs", "/var/lib/containers"]).checked()
            lab.write(node, "/etc/containers/containers.conf", _CONTAINERS)
            lab.run(node, ["podman", "import", "-", "localhost/web:latest"], timeout=300, stdin=image).checked()
        for node in lab.nodes:
            lab.write(node, "/etc/pacemaker/authkey", "of the tests" * 20)
        lab.write(STORE, "/usr/local/lib/remote_backend.py", (INSIDE / "remote_backend.py").read_text("utf-8"))
        lab.run(STORE, ["systemd-run", "python3", "/usr/local/lib/remote_backend.py"]).checked()
        super().prepare(lab)

    def configure(self, lab: Lab, node: str, version: str) -> None:
        """See `Service`."""
        told = f'Redirect gone /version\nErrorDocument 410 "{version}"\n'
        lab.write(node, CONFIG, self.page.files[CONFIG] + told)

    def spoil(self, lab: Lab, node: str) -> None:
        """See `Service`."""
        lab.write(node, CONFIG, f"{self.page.files[CONFIG]}NoSuchDirective yes\n")


def _image(lab: Lab) -> bytes:
    """A file system with what runs in a container, as a tar file (280 MB)."""
    release = (
        lab.run(STORE, ["sh", "-c", ". /etc/os-release; echo $VERSION_CODENAME"]).checked().stdout.decode().strip()
    )
    build = [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        f"--include={','.join(INSIDE_IMAGE)}",
        '--aptopt=Apt::Install-Recommends "false"',
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=force-unsafe-io",
        '--customize-hook=mkdir -p "$1/etc/libqb" && touch "$1/etc/libqb/force-filesystem-sockets"',
        release,
    ]
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder, "image.tar")
        process.run([*build, str(image), rootfs.MIRROR], timeout=600).checked()
        return image.read_bytes()
