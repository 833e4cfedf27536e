"""MariaDB Galera, as a client sees it. A write is acknowledged when every node has it (certified, in its queue)."""

import pymysql

TIMEOUT = 5
ACCOUNT = {"user": "shop", "password": "secret", "autocommit": True}
TIMEOUTS = {"connect_timeout": TIMEOUT, "read_timeout": TIMEOUT, "write_timeout": TIMEOUT}
BALANCED = 3307
"""Where haproxy listens: on its node the database has 3306."""


class Store:
    """A connection, to whichever node haproxy chooses."""

    def __init__(self, address: str) -> None:
        # A read waits until that node has applied what was acknowledged before, elsewhere too.
        self.server = pymysql.connect(
            host=address, port=BALANCED, init_command="SET wsrep_sync_wait = 1", **ACCOUNT, **TIMEOUTS
        )

    def write(self, number: int) -> None:
        """Insert it."""
        self._rows("INSERT INTO shop.numbers VALUES (%s)", (number,))

    def read(self, number: int) -> bool:
        """Whether it is there."""
        return bool(self._rows("SELECT 1 FROM shop.numbers WHERE number = %s", (number,)))

    def stored(self) -> list[int]:
        """All that is there."""
        return [number for (number,) in self._rows("SELECT number FROM shop.numbers")]

    def _rows(self, statement: str, values: tuple[int, ...] = ()) -> list[tuple[int]]:
        with self.server.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def close(self) -> None:
        """End it."""
        self.server.close()


def state(address: str) -> tuple[str, str]:
    """Started, once the node takes queries in a primary component; and of its config what the tests change.

    That is so for one that gives another one its data, too (Donor); a joiner is not ready.
    """
    with pymysql.connect(host=address, **ACCOUNT, **TIMEOUTS) as server, server.cursor() as cursor:
        cursor.execute("SHOW STATUS WHERE Variable_name IN ('wsrep_ready', 'wsrep_cluster_status')")
        found = dict(cursor.fetchall())
        if (found["wsrep_ready"], found["wsrep_cluster_status"]) != ("ON", "Primary"):
            raise ConnectionError(str(found))
        cursor.execute("SELECT @@global.interactive_timeout")
        ((version,),) = cursor.fetchall()
    return "started", str(version)
