"""The load: so many requests a second from a few threads, one line of JSON on standard output for each that ended.

    python3 -m pacewright.demo.load HOST PORT RATE

A program of its own, because it runs on the nodes' network. It ends when nobody reads its lines any more.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import sys
import threading

from pacewright.clock import SYSTEM_CLOCK, Clock
from pacewright.demo.tally import Answer

__all__ = ["WORKERS", "ask", "keep_asking"]

WORKERS = 8
TIMEOUT = 5.0
"""Seconds after which a client gives up."""


def ask(host: str, port: int, clock: Clock = SYSTEM_CLOCK) -> Answer:
    """One request on a connection of its own, and what became of it."""
    began = clock.monotonic()
    node = version = error = ""
    with contextlib.closing(http.client.HTTPConnection(host, port, timeout=TIMEOUT)) as connection:
        try:
            connection.request("GET", "/")
            response = connection.getresponse()
            body = response.read()
            if response.status == http.client.OK:
                page = json.loads(body)
                node, version = str(page["node"]), str(page["version"])
            else:
                error = f"{response.status} {response.reason}"
        except (OSError, http.client.HTTPException, ValueError, KeyError) as problem:
            error = type(problem).__name__
    ended = clock.monotonic()
    return Answer(at=round(ended, 4), seconds=round(ended - began, 4), node=node, version=version, error=error)


def keep_asking(host: str, port: int, *, every: float, first: float, clock: Clock = SYSTEM_CLOCK) -> None:
    """One worker: a request each `every` seconds, the first at `first`; what a slow one delays is not made up for."""
    due = first
    while True:
        clock.sleep(max(0.0, due - clock.monotonic()))
        line = ask(host, port, clock).line().encode()
        try:
            os.write(sys.stdout.fileno(), line)  # one write of a short line into a pipe is never mixed with another
        except OSError:
            os._exit(0)
        due = max(due + every, clock.monotonic())


def main(host: str, port: int, rate: float) -> None:
    """Ask for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us, also at Ctrl-C
    every = WORKERS / rate
    begin = SYSTEM_CLOCK.monotonic()
    for number in range(WORKERS):
        first = begin + number / rate
        options = {"every": every, "first": first}
        threading.Thread(target=keep_asking, args=(host, port), kwargs=options).start()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
