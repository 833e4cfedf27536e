"""Asks the web service on every node for its config, 5 times a second, and writes down the answers.

poller.py LOG NODE=ADDRESS...
"""

import contextlib
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import TextIO

PAUSE = 0.2


def poll(node: str, address: str, log: TextIO) -> None:
    """Ask one node for ever."""
    while True:
        begun = time.time()
        said = "-"
        with contextlib.suppress(OSError):
            said = urllib.request.urlopen(f"http://{address}:8088/", timeout=1).read().decode()
        log.write(f"{begun:.3f} {node} {said}\n")
        time.sleep(max(0.0, PAUSE - (time.time() - begun)))


with Path(sys.argv[1]).open("a", buffering=1) as file:
    threads = [threading.Thread(target=poll, args=(*pair.split("="), file), daemon=True) for pair in sys.argv[2:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
