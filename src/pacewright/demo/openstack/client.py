"""A client of neutron's API behind haproxy: makes a network, lists it, deletes it, again and again.

    python3 -m pacewright.demo.openstack.client HOST PORT RATE

One line of JSON on standard output for each request that ended. A program of its own, because it runs on the nodes'
network. It ends when nobody reads its lines any more.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import os
import signal
import sys
import threading
from dataclasses import dataclass
from typing import Any

from pacewright.clock import SYSTEM_CLOCK, Clock
from pacewright.demo.tally import Answer

__all__ = ["WORKERS", "Client", "keep_asking"]

WORKERS = 2
_REQUESTS = 3
"""In a round: make, list, delete."""

NETWORKS = "/v2.0/networks"
TIMEOUT = 30.0
"""Seconds after which a client gives up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Asks for one thing after another, each on a connection of its own, and tells what became of it."""

    host: str
    port: int
    clock: Clock = SYSTEM_CLOCK

    def once(self, name: str) -> list[Answer]:
        """Make a network, list it, delete it; what cannot be gone on with ends it."""
        made, answer = self.ask("POST", NETWORKS, 201, {"network": {"name": name}})
        if answer.error:
            return [answer]
        number = made["network"]["id"]
        listed, second = self.ask("GET", f"{NETWORKS}?id={number}", 200)
        if not second.error and [network["name"] for network in listed["networks"]] != [name]:
            second = dataclasses.replace(second, error="GET: not what was made")
        _, third = self.ask("DELETE", f"{NETWORKS}/{number}", 204)
        return [answer, second, third]

    def ask(self, method: str, path: str, wanted: int, body: Any = None) -> tuple[Any, Answer]:
        """One request: what the answer says, and what there is to count."""
        began = self.clock.monotonic()
        node = error = ""
        said: Any = None
        try:
            status, node, text = self._send(method, path, body)
            if status == wanted:
                said = json.loads(text or b"null")
            else:
                error = f"{method}: {status}"
        except (OSError, http.client.HTTPException, ValueError) as problem:
            error = f"{method}: {type(problem).__name__}"
        ended = self.clock.monotonic()
        taken = round(ended - began, 4)
        return said, Answer(at=round(ended, 4), seconds=taken, node=node, version=method, error=error)

    def _send(self, method: str, path: str, body: Any) -> tuple[int, str, bytes]:
        with contextlib.closing(http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT)) as connection:
            headers = {"Content-Type": "application/json"} if body else {}
            connection.request(method, path, body=json.dumps(body).encode() if body else None, headers=headers)
            response = connection.getresponse()
            return response.status, response.getheader("X-Served-By", ""), response.read()


def keep_asking(client: Client, worker: int, *, every: float, first: float) -> None:
    """One worker: a round each `every` seconds, the first at `first`; what a slow one delays is not made up for."""
    due, number = first, 0
    while True:
        client.clock.sleep(max(0.0, due - client.clock.monotonic()))
        number += 1
        for answer in client.once(f"net-{worker}-{number}"):
            try:
                os.write(sys.stdout.fileno(), answer.line().encode())  # one write of a short line is never mixed
            except OSError:
                os._exit(0)
        due = max(due + every, client.clock.monotonic())


def main(host: str, port: int, rate: float) -> None:
    """Ask for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us, also at Ctrl-C
    client = Client(host=host, port=port)
    begin = SYSTEM_CLOCK.monotonic()
    for worker in range(WORKERS):
        every = WORKERS * _REQUESTS / rate
        options = {"every": every, "first": begin + worker * every / WORKERS}
        threading.Thread(target=keep_asking, args=(client, worker), kwargs=options).start()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
