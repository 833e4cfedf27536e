"""Our end of the pipes to `_cib_events`: start it, hear what it says, ask it, see how it ended."""

from __future__ import annotations

import math
import os
import select
import sys
from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path

from pacewright.clock import Deadline
from pacewright.process import PIPE, let_go, spawn

__all__ = ["EventChild", "Sign"]

_PROGRAM = str(Path(__file__).with_name("_cib_events.py"))  # not imported: ctypes is for that process alone
_UNUSABLE, _UNREACHABLE = 3, 4  # its exit codes; a test holds them together
_ASKED = 5.0
"""Seconds in which it has to answer; milliseconds is what it takes, a second for 20 MB."""
_BLOCK = 1 << 20


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
        self._answers: int | None
        self._answers, theirs = os.pipe()
        words = (*argv, str(os.getpid()), str(theirs))
        try:
            self._process = spawn(words, stdin=PIPE, stdout=PIPE, pass_fds=(theirs,), new_session=True)
        except BaseException:
            os.close(self._answers)
            raise
        finally:
            os.close(theirs)
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None  # noqa: S101 - for mypy: we asked for pipes
        assert stdout is not None  # noqa: S101
        self._questions, self._pipe = stdin.fileno(), stdout.fileno()
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

    def ask(self, question: bytes) -> bytes | None:
        """Its answer in XML; None if it has none, or has not said so in time. Then it is asked no more.

        Args:
            question: `w` for the whole CIB, `r` for its root element.
        """
        if self._answers is None:
            return None
        deadline = Deadline.after(_ASKED)
        try:
            os.write(self._questions, question)
            said = self._said(b"", deadline)
            while b"\n" not in said:
                said = self._said(said, deadline)
            length, _, document = said.partition(b"\n")
            while len(document) < int(length):
                document = self._said(document, deadline)
        except (OSError, ValueError, EOFError):
            self._ask_no_more()
            self._process.kill()  # it may hang in the library, where it tells no changes either
            return None
        except BaseException:
            self._ask_no_more()  # or the next question would get the answer to this one
            raise
        return document if int(length) >= 0 else None

    def _said(self, before: bytes, deadline: Deadline) -> bytes:
        """What it has answered so far, with a portion more.

        Raises:
            EOFError: it says no more, or not in time.
        """
        assert self._answers is not None  # noqa: S101 - whoever asks has looked
        ready = select.poll()
        ready.register(self._answers, select.POLLIN)
        portion = os.read(self._answers, _BLOCK) if ready.poll(math.ceil(deadline.left() * 1000)) else b""
        if not portion:
            raise EOFError
        return before + portion

    def _ask_no_more(self) -> None:
        if self._answers is not None:
            os.close(self._answers)
            self._answers = None

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

    def stop(self, *, wait: bool = True) -> None:
        """End it and forget it; harmless when it has ended.

        Args:
            wait: until it has ended; else it is on its way there, which takes some milliseconds.
        """
        self._process.kill()
        if wait:
            self._process.wait()
        else:
            let_go(self._process)
        self._ask_no_more()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
