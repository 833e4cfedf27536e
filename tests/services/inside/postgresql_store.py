"""PostgreSQL, as a client sees it."""

import psycopg2

TIMEOUT = "connect_timeout=2 options='-c statement_timeout=5000'"


def connection(address: str) -> "psycopg2.extensions.connection":
    """Each statement is a transaction of its own."""
    made = psycopg2.connect(f"host={address} user=client dbname=numbers {TIMEOUT}")
    made.autocommit = True
    return made


class Store:
    """A connection."""

    def __init__(self, address: str) -> None:
        self.server = connection(address)

    def _ask(self, statement: str, *values: int) -> list[tuple[int]]:
        with self.server.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall()) if cursor.description else []

    def write(self, number: int) -> None:
        """It is acknowledged when one standby has it, too (synchronous_standby_names)."""
        self._ask("INSERT INTO numbers VALUES (%s)", number)

    def read(self, number: int) -> bool:
        """Whether it is there."""
        return bool(self._ask("SELECT number FROM numbers WHERE number = %s", number))

    def stored(self) -> list[int]:
        """All that is there."""
        return [number for (number,) in self._ask("SELECT number FROM numbers")]

    def close(self) -> None:
        """End it."""
        self.server.close()


def state(address: str) -> tuple[str, str]:
    """The role of the instance there, and of its config what the tests change."""
    server = connection(address)
    with server.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery(), current_setting('track_activity_query_size')")
        standby, version = cursor.fetchone()
    server.close()
    return "unpromoted" if standby else "promoted", version.removesuffix("B")
