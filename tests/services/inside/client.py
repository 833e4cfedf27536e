"""A client of a service, run in a node: it writes numbers, reads them again, and asks every instance how it is.

    client.py STORE FRONT RATE NODE=ADDRESS...   for ever: a line of JSON for each request and change of an instance
    client.py STORE FRONT --stored               once: every number that is there

STORE is a module beside this one. It has `Store(address)`, a connection with `write(number)`, which returns when the
write is acknowledged, `read(number)`, true if it is there, `stored()`, all that are there, and `close()`; and
`state(address)`, the role and the config's version of the instance there, which raises anything if it does not answer.
"""

import contextlib
import importlib
import itertools
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

WORKERS = 4
LOOK = 0.1
"""Seconds between two questions to an instance."""

sys.path.insert(0, str(Path(__file__).parent))


def tell(**about: Any) -> None:
    """One line, whole: one write of a short line is never mixed with another."""
    os.write(1, (json.dumps(about) + "\n").encode())


def ask(store: Any, front: str, what: str, number: int) -> bool:
    """One request on a connection of its own; true if it was served."""
    began, error = time.time(), ""
    try:
        with contextlib.closing(store.Store(front)) as connection:
            if what == "write":
                connection.write(number)
            elif not connection.read(number):
                error = "lost"
    except Exception as problem:  # noqa: BLE001 - each library has errors of its own
        error = f"{type(problem).__name__}: {problem}"[:200]
    tell(what=what, number=number, began=began, ended=time.time(), error=error)
    return not error


def work(store: Any, front: str, numbers: "itertools.count[int]", every: float, first: float) -> None:
    """Write a number, read the last one that was acknowledged, and again."""
    due, acknowledged = first, None
    while True:
        time.sleep(max(0.0, due - time.monotonic()))
        number = next(numbers)
        if ask(store, front, "write", number):
            acknowledged = number
        if acknowledged is not None:
            ask(store, front, "read", acknowledged)
        due = max(due + every, time.monotonic())


def look(store: Any, node: str, address: str) -> None:
    """Tell how an instance is, whenever that has changed."""
    before = None
    while True:
        try:
            role, version = store.state(address)
        except Exception:  # noqa: BLE001 - it does not answer
            role, version = "", ""
        if (role, version) != before:
            before = role, version
            tell(node=node, at=time.time(), role=role, version=version)
        time.sleep(LOOK)


def main(name: str, front: str, rate: str, *places: str) -> None:
    """See above."""
    store = importlib.import_module(name)
    if rate == "--stored":
        with contextlib.closing(store.Store(front)) as connection:
            os.write(1, json.dumps(sorted(connection.stored())).encode())
        return
    for place in places:
        threading.Thread(target=look, args=(store, *place.split("="))).start()
    numbers = itertools.count(time.time_ns() // 1_000_000)
    every = WORKERS * 2 / float(rate)
    for worker in range(WORKERS):
        first = time.monotonic() + every * worker / WORKERS
        threading.Thread(target=work, args=(store, front, numbers, every, first)).start()


main(*sys.argv[1:])
