"""Redis, as a client sees it. A write is acknowledged when a replica has it too."""

import redis

KEY = "numbers"
TIMEOUT = 2.0


class Store:
    """A connection."""

    def __init__(self, address: str) -> None:
        self.server = redis.Redis(address, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT)

    def write(self, number: int) -> None:
        """Redis itself answers before any replica has it: WAIT is what makes an answer worth something."""
        self.server.sadd(KEY, number)
        if self.server.wait(1, int(TIMEOUT * 1000)) < 1:
            raise TimeoutError("no replica has it")

    def read(self, number: int) -> bool:
        """Whether it is there."""
        return bool(self.server.sismember(KEY, number))

    def stored(self) -> list[int]:
        """All that is there."""
        return [int(number) for number in self.server.smembers(KEY)]

    def close(self) -> None:
        """End it."""
        self.server.close()


def state(address: str) -> tuple[str, str]:
    """The role of the instance there, and of its config what the tests change."""
    server = redis.Redis(address, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, decode_responses=True)
    with server:
        role = server.info("replication")["role"]
        version = server.config_get("slowlog-max-len")["slowlog-max-len"]
    return {"master": "promoted", "slave": "unpromoted"}[role], version
