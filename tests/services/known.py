"""The services that are tested, by name."""

from __future__ import annotations

from collections.abc import Mapping

from tests.services.apache import Apache
from tests.services.bundle import Bundle
from tests.services.galera import Galera
from tests.services.postgresql import PostgreSQL
from tests.services.rabbitmq import RabbitMQ
from tests.services.redis import Redis
from tests.services.remote import Remote
from tests.services.service import Service

__all__ = ["SERVICES"]

SERVICES: Mapping[str, Service] = {
    service.name: service for service in (Apache(), Bundle(), Galera(), PostgreSQL(), RabbitMQ(), Redis(), Remote())
}
