"""Redis: a promotable clone by ocf:heartbeat:redis, an address on the promoted instance."""

from __future__ import annotations

from typing import ClassVar

from pacewright.lab import Lab
from tests.services.service import Service

__all__ = ["Redis"]

CONFIG = "/etc/redis/cluster.conf"


class Redis(Service):
    """See docs/services/redis.md."""

    name: ClassVar[str] = "redis"
    packages: ClassVar[tuple[str, ...]] = ("redis-server", "redis-tools", "python3-redis")
    primitive: ClassVar[str] = "redis"
    top: ClassVar[str] = "redis-clone"
    process: ClassVar[str] = "redis-server"
    promoted: ClassVar[int] = 1
    pause: ClassVar[float] = 3.0  # CLIENT PAUSE 2000, when it is to follow another master

    def configure(self, lab: Lab, node: str, version: str) -> None:
        """See `Service`."""
        lab.write(node, CONFIG, f"{self.page.files[CONFIG]}slowlog-max-len {version}\n")

    def spoil(self, lab: Lab, node: str) -> None:
        """See `Service`."""
        lab.write(node, CONFIG, f"{self.page.files[CONFIG]}no-such-directive yes\n")
