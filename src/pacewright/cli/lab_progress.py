"""Steps of long work: a live line in a terminal (with rich, if it is installed), one line per step elsewhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from pacewright.clock import SYSTEM_CLOCK, Clock

__all__ = ["steps"]


@contextlib.contextmanager
def steps(clock: Clock = SYSTEM_CLOCK) -> Iterator[Callable[[str], None]]:
    """A function that is told each step as it begins; it shows on standard error, with seconds since the start."""
    start = clock.monotonic()

    def line(text: str) -> None:
        print(f"{clock.monotonic() - start:5.1f} s  {text}", file=sys.stderr, flush=True)

    if not sys.stderr.isatty():
        yield line
        return
    try:
        from rich.console import Console  # noqa: PLC0415 - slow to import, and not needed elsewhere
    except ImportError:
        yield line
        return
    with Console(file=sys.__stderr__).status("starting") as status:  # its colours are no text to clean

        def show(text: str) -> None:
            line(text)
            status.update(f"[bold]{text}[/] ...")

        yield show
