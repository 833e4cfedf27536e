"""PostgreSQL: streaming replication by PAF, an address on the primary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pacewright.lab import Lab
from tests.services.page import Page
from tests.services.service import Service

__all__ = ["PostgreSQL"]

_RELEASE = {"bookworm": "15", "trixie": "17"}
_ON_PAGE = "15"
_MADE = (
    "CREATE ROLE replicator LOGIN REPLICATION",
    "CREATE ROLE monitor LOGIN IN ROLE pg_monitor",
    "CREATE ROLE client LOGIN",
    "CREATE DATABASE numbers OWNER client",
)


class PostgreSQL(Service):
    """See docs/services/postgresql.md."""

    name: ClassVar[str] = "postgresql"
    packages: ClassVar[tuple[str, ...]] = ("postgresql", "resource-agents-paf", "python3-psycopg2")
    primitive: ClassVar[str] = "postgresql"
    top: ClassVar[str] = "postgresql-clone"
    process: ClassVar[str] = "postgres"
    promoted: ClassVar[int] = 1
    processes: ClassVar[int] = 2  # its agent demotes a primary by restarting it as a standby

    def page_on(self, lab: Lab) -> Page:
        """The page, for the release of a lab."""
        release = _RELEASE[lab.state.distro]

        def other(text: str) -> str:
            return text.replace(f"/{_ON_PAGE}/", f"/{release}/")

        return Page(
            files={other(path): other(text) for path, text in self.page.files.items()},
            commands=tuple(tuple(map(other, command)) for command in self.page.commands),
        )

    def prepare(self, lab: Lab) -> None:
        """The first node gets a new primary, the others a copy of it."""
        release = _RELEASE[lab.state.distro]
        data, programs = f"/var/lib/postgresql/{release}/main", f"/usr/lib/postgresql/{release}/bin"
        server = [f"{programs}/pg_ctl", "-w", "-D", f"/etc/postgresql/{release}/main"]
        first, *others = lab.nodes
        for node in lab.nodes:
            for path, text in self.page_on(lab).files.items():
                lab.write(node, path, _of_node(text, node))
        alone = ["-o", "-c synchronous_standby_names=", "-l", "/tmp/postgresql.log", "start"]
        _as_postgres(lab, first, [*server, *alone])
        for statement in _MADE:
            _as_postgres(lab, first, ["psql", "-c", statement])
        table = "CREATE TABLE numbers (number bigint PRIMARY KEY); ALTER TABLE numbers OWNER TO client"
        _as_postgres(lab, first, ["psql", "-c", table, "numbers"])
        for node in others:
            lab.run(node, ["rm", "--recursive", data]).checked()
            copy = [f"{programs}/pg_basebackup", "-h", lab.address(first), "-U", "replicator", "-D", data, "-c", "fast"]
            _as_postgres(lab, node, copy)
            _as_postgres(lab, node, ["touch", f"{data}/standby.signal"])
        _as_postgres(lab, first, [*server, "-m", "fast", "stop"])

    def create(self, lab: Lab) -> None:
        """See `Service`."""
        for command in self.page_on(lab).commands:
            lab.run(lab.nodes[0], command, timeout=120).checked()

    def configure(self, lab: Lab, node: str, version: str) -> None:
        """See `Service`."""
        self._write(lab, node, f"track_activity_query_size = {version}\n")

    def spoil(self, lab: Lab, node: str) -> None:
        """PAF itself reads the config before each operation; what it cannot see is what the server would load."""
        self._write(lab, node, "shared_preload_libraries = 'no_such_library'\n")

    def _write(self, lab: Lab, node: str, more: str) -> None:
        (path,) = (path for path in self.page_on(lab).files if path.endswith("cluster.conf"))
        lab.write(node, path, _of_node(self.page_on(lab).files[path], node) + more)


def _of_node(text: str, node: str) -> str:
    return text.replace("application_name=n1", f"application_name={node}").replace("n1    ", f"{node}    ")


def _as_postgres(lab: Lab, node: str, argv: Sequence[str]) -> None:
    lab.run(node, ["runuser", "-u", "postgres", "--", *argv], timeout=120).checked()
