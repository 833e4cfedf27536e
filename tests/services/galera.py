"""MariaDB Galera: every instance of a promotable clone is promoted (ocf:heartbeat:galera), haproxy before them."""

from __future__ import annotations

from typing import ClassVar

from pacewright.clock import SYSTEM_CLOCK, Deadline
from pacewright.lab import Lab
from tests.services.service import Service

__all__ = ["Galera"]

CONFIG = "/etc/mysql/mariadb.conf.d/60-galera.cnf"
_ALL_UP = ("sh", "-c", "crm_mon -1 | grep 'Promoted: .*n1 n2 n3'")
_MADE = (
    "CREATE USER haproxy@'%'",
    "CREATE USER shop@'%' IDENTIFIED BY 'secret'",
    "CREATE DATABASE shop",
    "CREATE TABLE shop.numbers (number BIGINT PRIMARY KEY)",
    "GRANT ALL ON shop.* TO shop@'%'",
)


class Galera(Service):
    """See docs/services/galera.md. To a client all instances are alike, so none counts as promoted."""

    name: ClassVar[str] = "galera"
    packages: ClassVar[tuple[str, ...]] = ("mariadb-server", "galera-4", "rsync", "haproxy", "python3-pymysql")
    primitive: ClassVar[str] = "galera"
    top: ClassVar[str] = "galera-clone"
    process: ClassVar[str] = "mariadbd-safe"
    parent: ClassVar[str] = "sh"  # which its agent lets runuser start
    start_seconds: ClassVar[float] = 300.0

    def prepare(self, lab: Lab) -> None:
        """See `Service`; and what Debian's package does otherwise than the agent expects."""
        super().prepare(lab)
        for node in lab.nodes:
            lab.run(node, ["systemctl", "mask", "--now", "mariadb.socket", "mariadb.service"], timeout=60).checked()
            lab.run(node, ["install", "-d", "-o", "mysql", "-g", "mysql", "/var/log/mysql"]).checked()

    def create(self, lab: Lab) -> None:
        """See `Service`; and the accounts, once all are there."""
        super().create(lab)
        deadline = Deadline.after(self.start_seconds)
        while lab.run(lab.nodes[0], _ALL_UP, timeout=30).code:
            assert not deadline.passed(), lab.run(lab.nodes[0], ["crm_mon", "-1"], timeout=30).stdout.decode()
            SYSTEM_CLOCK.sleep(1.0)
        for statement in _MADE:
            lab.run(lab.nodes[0], ["mariadb", "-e", statement], timeout=60).checked()

    def configure(self, lab: Lab, node: str, version: str) -> None:
        """See `Service`."""
        lab.write(node, CONFIG, f"{self.page.files[CONFIG]}interactive_timeout = {version}\n")

    def spoil(self, lab: Lab, node: str) -> None:
        """See `Service`. It fails at once: an option that it does not know it finds when it has joined the others."""
        lab.write(node, CONFIG, f"{self.page.files[CONFIG]}wsrep_provider = /nonexistent\n")
