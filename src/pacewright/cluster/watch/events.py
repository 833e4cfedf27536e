"""Our end of the pipe to `_cib_events`: start it, hear what it says, see how it ended."""

from __future__ import annotations

import math
import os
import select
import sys
from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path

from pacewright.process import spawn

__all__ = ["EventChild", "Sign"]

_PROGRAM = str(Path(__file__).with_name("_cib_events.py"))  # not imported: ctypes is for that process alone
_UNUSABLE, _UNREACHABLE = 3, 4  # its exit codes; a test holds them together
_PIPE = -1


class Sign(Enum):
    """What a look at the pipe showed."""

    QUIET = auto()
    CHANGED = auto()
    GONE = auto()


class EventChild:
    """One run of the program that tells changes.

    Args:
        argv: another program that speaks the same protocol, for tests; our process id is added.

    Attributes:
        ready: it has said that from then on every change is told.
        reason: why it ended, as a clause for a person; empty while it runs.
        hopeless: another run on this machine would end the same way.
        lost: it ended because the cluster does not answer, which is not its own fault.

    Raises:
        ToolMissing: there is no Python to run it with.
        OSError: the kernel would not start it.
    """

    def __init__(self, argv: Sequence[str] = ()) -> None:
        argv = argv or (sys.executable or "python3", "-I", "-S", "-E", _PROGRAM)
        # A session of its own: Ctrl-C in the terminal is for us to handle, not for it.
        self._process = spawn((*argv, str(os.getpid())), stdin=_PIPE, stdout=_PIPE, new_session=True)
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - for mypy: we asked for a pipe
        self._pipe = stdout.fileno()
        self._poll = select.poll()
        self._poll.register(self._pipe, select.POLLIN)
        self._greeting = b""
        self.ready = False
        self.reason = ""
        self.hopeless = False
        self.lost = False

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def look(self, seconds: float) -> Sign:
        """Wait up to so many seconds for it to say something; takes all that it has said so far."""
        if not self._poll.poll(math.ceil(seconds * 1000)):
            return Sign.QUIET
        said = os.read(self._pipe, 1 << 16)
        if not said:
            self._ended()
            return Sign.GONE
        return Sign.CHANGED if self.ready or self._greeted(said) else Sign.QUIET

    def _greeted(self, said: bytes) -> bool:
        self._greeting += said
        self.ready = self._greeting.startswith(b"ready\n")
        return self.ready

    def _ended(self) -> None:
        """Learn why. It has closed its pipe, so its exit code is settled and the kill only makes it sure."""
        self.stop()
        code = self._process.returncode
        said = self._greeting.decode(errors="replace").partition("cannot: ")[2].strip()
        self.hopeless = code == _UNUSABLE
        self.lost = code == _UNREACHABLE
        if self.lost:
            self.reason = said or "the connection to the CIB manager ended"
        else:
            self.reason = said or (f"killed by signal {-code}" if code < 0 else f"exit code {code}")

    def stop(self) -> None:
        """End it and forget it; harmless when it has ended."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
