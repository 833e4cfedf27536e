"""Lines that programs beside us print, taken in as they arrive, without a thread."""

from __future__ import annotations

import os
import selectors
from collections.abc import Callable

__all__ = ["Lines"]


class Lines:
    """Reads any number of pipes."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def pipe(self, take: Callable[[str], None]) -> int:
        """The writing end of a new pipe, for a program; the caller closes it once the program has it.

        Args:
            take: is given every whole line that comes out of it, from within `wait`.
        """
        reading, writing = os.pipe()
        rest = b""

        def arrived() -> None:
            nonlocal rest
            data = os.read(reading, 65536)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                take(line.decode(errors="replace"))
            if not data:
                self._selector.unregister(reading)
                os.close(reading)

        self._selector.register(reading, selectors.EVENT_READ, arrived)
        return writing

    def wait(self, seconds: float) -> None:
        """Take in what is there, or what comes first within so many seconds."""
        for key, _ in self._selector.select(max(0.0, seconds)):
            key.data()

    def close(self) -> None:
        """Stop reading."""
        for key in list(self._selector.get_map().values()):
            os.close(key.fd)
        self._selector.close()
