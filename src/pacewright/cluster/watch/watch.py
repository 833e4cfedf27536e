"""Waiting that is driven by the cluster's changes: `CibWatch` wakes up within milliseconds of any of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import TracebackType
from typing import Literal, Self, get_args

from pacewright.clock import SYSTEM_CLOCK, Clock, Deadline
from pacewright.cluster.watch.events import EventChild, Sign
from pacewright.cluster.watch.poll import VersionPoll
from pacewright.errors import PacewrightError, ToolFailed, UsageError

__all__ = ["CibWatch", "Mode"]

Mode = Literal["auto", "events", "poll"]

_START_LIMIT = 2.0  # seconds that the child may take until it is ready; 0.02 is what it takes
_SECOND_LOOK = 2.0  # seconds between two looks at the version while the child tells changes
_STRIKES = 3  # times that the child may crash before we stop starting it
_HEALTHY = 60.0  # seconds of life after which an earlier crash is forgotten
_RETRY, _LONGEST_RETRY = 1.0, 16.0  # seconds until it is started again, doubled each time


class CibWatch:
    """Tells that the CIB has changed: configuration or status, whoever changed it.

    The order that misses nothing - arm, read, decide, wait, read again:

        with CibWatch() as watch:             # armed: from here on every change counts
            snapshot = read()
            while not done(snapshot):
                if not watch.wait(deadline.left()): ...   # time is up
                snapshot = read()

    A change that lands after a `read()` began makes the next `wait()` return True, also when it landed before that
    `wait()` was called. The reverse does not hold: `wait()` may return True when nothing is new to the caller (his
    own commit; once when the watch becomes ready; once when it changes its way of watching). So read, and decide anew.

    Two ways of watching. `events`: a child process has the CIB manager tell it every change (`_cib_events`); it
    uses no time while nothing happens. Some changes are never told, so the version is looked at every 2 s as
    well (measured on 2.1.5 and 3.0.0: a change with `crm_attribute --inhibit-policy-engine`, and one that is too
    large for the manager's messages, from some 300 kB on). `poll`: the version is asked for with `cibadmin`, at
    most 16 times a second, for less than a tenth of one core. `auto`, the default, takes events, and polls while
    it cannot have them: no library that we know, the child crashed, the cluster is down. It starts the child
    again when that may help.
    The environment variable PACEWRIGHT_WATCH (auto, events, poll) replaces `auto`, for an operator who has
    to get around one of the two.

    For one thread: the child ends with the thread that started it.

    Args:
        mode: `events` and `poll` keep to that one way; `events` raises ToolFailed when it is impossible here.
        clock: what it waits with.
        child: another program in the child's place, for tests.

    Raises:
        UsageError: PACEWRIGHT_WATCH is none of the three.
    """

    def __init__(self, mode: Mode = "auto", *, clock: Clock = SYSTEM_CLOCK, child: Sequence[str] = ()) -> None:
        self._wanted: str = _operators_choice() if mode == "auto" else mode
        self._clock = clock
        self._argv = child
        self._child: EventChild | None = None
        self._poll = VersionPoll(clock)
        self._reason = "asked for" if self._wanted == "poll" else ""
        self._hopeless = self._wanted == "poll"
        self._strikes = 0
        self._born = self._retry_at = self._look_at = 0.0
        self._pause = _RETRY
        self._armed = False

    @property
    def mode(self) -> str:
        """How changes are seen at this moment, for the log: `starting` (the child), `events` or `poll`."""
        if self._child is None:
            return "poll"
        return "events" if self._child.ready else "starting"

    @property
    def reason(self) -> str:
        """Why there are no events, as a clause for a person; empty while there are."""
        return "" if self._child else self._reason

    @property
    def child_pid(self) -> int | None:
        """The process id of the child, if there is one."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Arm. The child becomes ready later; `wait()` returns True once when it is, to cover the time before."""
        self._armed = True
        self._poll.forget()
        self._revive()

    def close(self) -> None:
        """End the child. A watch that is closed can be started again."""
        self._armed = False
        if self._child:
            self._child.stop(wait=False)
            self._child = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def wait(self, timeout: float) -> bool:
        """Return True as soon as anything has changed since the last return of `wait()`, or since `start()`.

        Any number of changes is told once.

        Args:
            timeout: seconds after which it returns False.

        Raises:
            ToolFailed: mode `events`, and events cannot be had on this machine.
            ToolMissing: cibadmin is not installed.
        """
        if not self._armed:
            raise RuntimeError("CibWatch.wait() before start()")
        deadline = Deadline.after(timeout, self._clock)
        while True:
            if self._step(deadline.left(self._clock)):
                return True
            if deadline.passed(self._clock):
                return False

    def catch_up(self) -> None:
        """Forget what has been told until now: for a caller who reads the CIB next, and so will see it anyway.

        It spares him a wake-up, and another read, for what he knows already; first of all for his own commit.
        """
        if self._child is not None:
            if self._child.ready:
                self._heard(self._child, self._child.look(0))
            else:
                self._await_ready(self._child, 0)

    def document(self) -> bytes | None:
        """The CIB, from the child that tells changes; None where `cibadmin` has to be asked.

        The child has its connection already, which spares a program, and with it 10 to 15 ms.
        """
        return self._asked(b"w")

    def root(self) -> bytes | None:
        """The CIB's root element alone, likewise."""
        return self._asked(b"r")

    def _asked(self, question: bytes) -> bytes | None:
        if self._child is not None and not self._child.ready:
            self._await_ready(self._child, 0)
        return self._child.ask(question) if self._child is not None and self._child.ready else None

    def _step(self, left: float) -> bool:
        """Watch for a while, at most so many seconds; True if something has changed."""
        self._revive()
        if self._child is None:
            return self._poll_once(left)
        if self._child.ready:
            return self._hear(self._child, left)
        return self._await_ready(self._child, left)

    def _hear(self, child: EventChild, left: float) -> bool:
        until_look = self._look_at - self._clock.monotonic()
        if until_look <= 0:
            self._look_at = self._clock.monotonic() + _SECOND_LOOK
            return self._poll.changed(left=left)
        return self._heard(child, child.look(min(left, until_look)))

    def _await_ready(self, child: EventChild, left: float) -> bool:
        until_late = self._born + _START_LIMIT - self._clock.monotonic()
        if until_late <= 0:
            return self._lose(child, "it was not ready in time")
        changed = self._heard(child, child.look(min(left, until_late)))
        if child.ready:
            self._pause = _RETRY
            self._look_at = self._clock.monotonic() + _SECOND_LOOK
        return changed

    def _heard(self, child: EventChild, sign: Sign) -> bool:
        if sign is Sign.GONE:
            return self._lose(child, child.reason)
        return sign is Sign.CHANGED

    def _lose(self, child: EventChild, reason: str) -> bool:
        """The child is gone: poll from now on. What happened meanwhile is unknown, so the first poll is a change."""
        child.stop()
        self._child, self._reason = None, reason
        if not child.lost:
            lived = self._clock.monotonic() - self._born
            self._strikes = 1 if lived > _HEALTHY else self._strikes + 1
        self._hopeless = child.hopeless or self._strikes >= _STRIKES
        self._retry_later()
        if self._wanted != "events":
            self._poll.forget()
            return False
        if self._hopeless:
            raise ToolFailed(f"CIB events: not possible on this machine: {reason}.", hint="Set PACEWRIGHT_WATCH=poll.")
        return True

    def _retry_later(self) -> None:
        self._retry_at = self._clock.monotonic() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_RETRY)

    def _poll_once(self, left: float) -> bool:
        if self._wanted == "events":
            self._clock.sleep(min(left, max(0.0, self._retry_at - self._clock.monotonic())))
            return False
        pause = self._poll.due_in()
        if pause > 0:
            self._clock.sleep(min(left, pause))
            return False
        return self._poll.changed(left=left)

    def _revive(self) -> None:
        """Start the child if there is none, if it may help, and if the cluster is there for it."""
        if self._child or self._hopeless or self._clock.monotonic() < self._retry_at:
            return
        if self._wanted == "auto" and not self._poll.answered:
            return
        self._born = self._clock.monotonic()
        try:
            self._child = EventChild(self._argv)
        except (OSError, PacewrightError) as error:
            self._reason = str(error)
            self._retry_later()


def _operators_choice() -> str:
    chosen = os.environ.get("PACEWRIGHT_WATCH", "") or "auto"
    if chosen not in get_args(Mode):
        raise UsageError(f"PACEWRIGHT_WATCH={chosen}: unknown.", hint=f"Set it to one of {', '.join(get_args(Mode))}.")
    return chosen
