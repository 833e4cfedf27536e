"""RabbitMQ, as a client sees it that knows every node: a number is a message in a quorum queue.

A write is acknowledged when a majority of the queue's members has it (publisher confirms). A request that a node does
not serve goes to the next one, as clients of a cluster do it.
"""

import contextlib
import itertools
import random
import time
from collections.abc import Callable
from typing import Any

import amqp

QUEUE = "numbers"
TIMEOUT = 5.0
"""Seconds within which a node must serve a request."""
_ERRORS = (OSError, amqp.AMQPError)
_known: dict[str, amqp.Connection] = {}
"""By which `state` asks: a new connection each time would be most of what the server has to do."""


def connection(address: str) -> amqp.Connection:
    """To one node."""
    made = amqp.Connection(
        address,
        userid="app",
        password="secret",
        connect_timeout=TIMEOUT,
        read_timeout=TIMEOUT,
        write_timeout=TIMEOUT,
    )
    made.connect()
    return made


class Store:
    """Connections to the nodes, one after another."""

    def __init__(self, addresses: str) -> None:
        every = addresses.split(",")
        self.addresses = random.sample(every, len(every))

    def _served(self, request: Callable[[amqp.Channel], Any]) -> Any:
        until = time.monotonic() + TIMEOUT
        for address in itertools.cycle(self.addresses):
            try:
                with connection(address) as server:
                    return request(server.channel())
            except _ERRORS:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
        return None

    def write(self, number: int) -> None:
        """Send it, and wait for the confirm."""

        def publish(channel: amqp.Channel) -> None:
            declare(channel)
            message = amqp.Message(str(number), delivery_mode=2)
            channel.basic_publish_confirm(message, routing_key=QUEUE, mandatory=True, confirm_timeout=TIMEOUT)

        self._served(publish)

    def read(self, number: int) -> bool:
        """Get a message; it goes back with the connection's end.

        A queue gives what is first in it, or says that it is empty: an answer is all that can be asked for here. What
        was lost shows when all are compared.
        """
        self._served(lambda channel: channel.basic_get(QUEUE))
        return number > 0

    def stored(self) -> list[int]:
        """All that is there: taken, and given back with the connection's end."""
        found: list[int] = self._served(everything)
        return found

    def close(self) -> None:
        """Nothing: each request has ended its connection."""


def declare(channel: amqp.Channel) -> None:
    """The queue, which is made by whoever comes first."""
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000_000}
    channel.queue_declare(QUEUE, durable=True, auto_delete=False, arguments=arguments)


def everything(channel: amqp.Channel) -> list[int]:
    """What waits in the queue, and what comes in the second after it: readers hold a few messages for a moment.

    There is no end to wait for, as long as others write.
    """
    found: list[int] = []
    waiting = channel.queue_declare(QUEUE, passive=True).message_count
    channel.basic_qos(0, 65_000, a_global=False)
    channel.basic_consume(QUEUE, callback=lambda message: found.append(int(message.body)))
    until = float("inf")
    while time.monotonic() < until:
        with contextlib.suppress(TimeoutError):
            channel.connection.drain_events(timeout=0.2)
        if len(found) >= waiting:
            until = min(until, time.monotonic() + 1.0)
    return found


def state(address: str) -> tuple[str, str]:
    """Of the config of the node there what the tests change: how many channels it offers a client."""
    try:
        if address not in _known:
            _known[address] = connection(address)
        _known[address].channel().close()
    except _ERRORS:
        _known.pop(address, None)
        raise
    return "started", str(_known[address].channel_max)
