"""RabbitMQ: a clone of brokers that the agent joins to one cluster (ocf:heartbeat:rabbitmq-cluster)."""

from __future__ import annotations

from typing import ClassVar

from pacewright.lab import Lab
from tests.services.service import Service

__all__ = ["RabbitMQ"]

CONFIG = "/etc/rabbitmq/rabbitmq.conf"


class RabbitMQ(Service):
    """See docs/services/rabbitmq.md."""

    name: ClassVar[str] = "rabbitmq"
    packages: ClassVar[tuple[str, ...]] = ("rabbitmq-server", "libxml2-utils", "python3-amqp")
    primitive: ClassVar[str] = "rabbitmq"
    top: ClassVar[str] = "rabbitmq-clone"
    process: ClassVar[str] = "beam.smp"
    parent: ClassVar[str] = "rabbitmq-server"
    front: ClassVar[str] = "10.88.0.11,10.88.0.12,10.88.0.13"
    rate: ClassVar[float] = 10.0
    start_seconds: ClassVar[float] = 600.0
    patience: ClassVar[float] = 900.0  # each start takes a minute on a machine with much else to do
    wiped: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("rabbitmqctl", "add_user", "app", "secret"),
        ("rabbitmqctl", "set_permissions", "app", ".*", ".*", ".*"),
    )

    def create(self, lab: Lab) -> None:
        """See `Service`; and the account: a broker that has not joined the others does not know it."""
        super().create(lab)
        self.furnish(lab)

    def configure(self, lab: Lab, node: str, version: str) -> None:
        """See `Service`."""
        lab.write(node, CONFIG, f"{self.page.files[CONFIG]}channel_max = {version}\n")

    def spoil(self, lab: Lab, node: str) -> None:
        """See `Service`."""
        lab.write(node, CONFIG, f"{self.page.files[CONFIG]}no_such_key = yes\n")
