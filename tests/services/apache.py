"""Apache: in one place, in a group with its file system and its address."""

from __future__ import annotations

from typing import ClassVar

from pacewright.lab import Lab
from tests.services.service import Service

__all__ = ["Apache"]

CONFIG = "/etc/apache2/conf-enabled/cluster.conf"
_TESTS = """\
<Directory /srv/www/numbers>
    Dav On
    Options Indexes
</Directory>
ErrorDocument 404 "{version}"
"""


class Apache(Service):
    """See docs/services/apache.md."""

    name: ClassVar[str] = "apache"
    packages: ClassVar[tuple[str, ...]] = ("apache2",)
    primitive: ClassVar[str] = "apache"
    top: ClassVar[str] = "apache"
    process: ClassVar[str] = "apache2"
    everywhere: ClassVar[bool] = False

    def prepare(self, lab: Lab) -> None:
        """The storage is a folder of this machine that all nodes see."""
        numbers = lab.shared / "www" / "numbers"
        numbers.mkdir(parents=True)
        numbers.chmod(0o777)
        for node in lab.nodes:
            lab.run(node, ["ln", "--symbolic", "/run/pacewright-lab", "/mnt/storage"]).checked()
            lab.run(node, ["mkdir", "/srv/www"]).checked()
            # Filesystem wants to be able to load a module, even if it need not; nodes of a lab have none.
            lab.run(node, ["ln", "--symbolic", "/bin/true", "/sbin/modprobe"]).checked()
            lab.run(node, ["a2enmod", "dav", "dav_fs"]).checked()
        super().prepare(lab)

    def configure(self, lab: Lab, node: str, version: str) -> None:
        """See `Service`."""
        lab.write(node, CONFIG, self.page.files[CONFIG] + _TESTS.format(version=version))

    def spoil(self, lab: Lab, node: str) -> None:
        """See `Service`."""
        lab.write(node, CONFIG, f"{self.page.files[CONFIG]}NoSuchDirective yes\n")
