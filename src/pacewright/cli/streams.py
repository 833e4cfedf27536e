"""Standard streams: open whatever the caller has closed, clean whatever is printed, and never an operation's end.

Everything that Pacewright prints goes through here once. Texts of other nodes, agents and programs may hold anything,
and end on root's terminal and in Puppet's log; and whoever reads may have gone while an operation is under way.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TextIO, cast

__all__ = ["Door", "Doors", "clean", "doors", "json_text", "progress", "warn"]

_ODD = re.compile(r"[^\x20-\x7e\n\t]")


def clean(text: str) -> str:
    r"""The text with everything that a terminal would obey, or that nobody can see, written out: `\x1b`."""
    if _ODD.search(text) is None:
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def json_text(value: object) -> str:
    """The value as JSON for programs, whose texts are clean too: Puppet puts them into its log.

    A number that JSON has not (there should be none) is null.
    """
    return json.dumps(_cleaned(value))


def _cleaned(value: object) -> object:
    match value:
        case str():
            return clean(value)
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {clean(str(key)): _cleaned(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_cleaned(inner) for inner in value]
        case _:
            return value


class Door(io.TextIOBase):
    """A stream that takes any text and never raises: what cannot be written is dropped, and so is all that follows.

    Args:
        stream: where to.

    Attributes:
        failure: why the stream could not take something; None if it has taken everything.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the stream."""
        return self._stream.encoding or "ascii"

    def writable(self) -> bool:
        """Always."""
        return True

    def isatty(self) -> bool:
        """True if a person looks at it."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """The descriptor."""
        return self._stream.fileno()

    def write(self, text: str, /) -> int:
        """Write it, clean and in the stream's own characters."""
        if self.failure is None:
            try:
                self._stream.write(clean(text).encode(self.encoding, "backslashreplace").decode(self.encoding))
            except OSError as error:
                self._fail(error)
        return len(text)

    def flush(self) -> None:
        """Hand over what was written."""
        if self.failure is None:
            try:
                self._stream.flush()
            except OSError as error:
                self._fail(error)

    def _fail(self, error: OSError) -> None:
        self.failure = error
        # Python would try once more while it exits, complain, and end with a code of its own.
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


class Doors:
    """Standard output and standard error."""

    def __init__(self) -> None:
        self.out = Door(sys.stdout)
        self.err = Door(sys.stderr)


@contextlib.contextmanager
def doors() -> Iterator[Doors]:
    """Everything that is printed meanwhile goes through them. The first thing that the program does."""
    _open_all()
    made = Doors()
    with contextlib.redirect_stdout(cast("TextIO", made.out)), contextlib.redirect_stderr(cast("TextIO", made.err)):
        try:
            yield made
        finally:
            made.out.flush()
            made.err.flush()


def _open_all() -> None:
    """Open what is closed of the first three descriptors, on nothing.

    The next file that is opened would get such a number otherwise: a copy of the CIB would be standard input of the
    programs that we start, and Python prints what is meant for a closed standard error to standard output.
    """
    for fd, flags in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, flags)  # the lowest number that is free: this one
    # Python has none of what was closed as it began.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            fd = ("stdin", "stdout", "stderr").index(name)
            setattr(sys, name, os.fdopen(fd, mode, encoding="utf-8", closefd=False))


def progress(*, quiet: bool) -> Callable[[str], None]:
    """Where the steps of an operation are told: standard error, or nowhere beside JSON."""

    def say(line: str) -> None:
        if not quiet:
            print(f"  {line}", file=sys.stderr, flush=True)

    return say


def warn(text: str) -> None:
    """Say on standard error, also beside JSON, what somebody should know and what stops nothing."""
    print(f"pacewright: warning: {text}.", file=sys.stderr, flush=True)
