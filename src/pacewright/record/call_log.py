"""Call: one call of an operation, as it is written into the log: who asked for what, what was done, how it ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Self

from pacewright.clock import Clock
from pacewright.cluster.edits.change import Change
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import PacewrightError
from pacewright.record.caller import caller, this_node
from pacewright.record.log import Log
from pacewright.record.redaction import COVER, covered, failures, names, secret_parameters
from pacewright.record.wording import States, changes, edits, foreseen, states

__all__ = ["Call"]

_INTERRUPTED = 130
_A_LINE = 15
"""Instances that one line tells of at first."""
_TEXT_OPTIONS = frozenset({"node", "inputs", "wave", "without", "for_others"})
"""Options whose texts are told; those of others may be anything."""


class Call:
    """A Journal that keeps what it is told. A context manager around the call.

    Whatever goes wrong in it, the operation goes on: what cannot be kept is warned of, once.

    Args:
        log: where to; None to keep nothing.
        clock: where time comes from.
        verb: `restart`, `refresh`, ...
        service: its name as the caller said it.
        options: what else was asked for.
    """

    def __init__(
        self, log: Log | None, clock: Clock, *, verb: str, service: str, options: Mapping[str, object] | None = None
    ) -> None:
        self._log = log
        self._clock = clock
        self._begun = clock.monotonic()
        self._verb = verb
        self._service = service
        self._options = options or {}
        self._id = os.urandom(4).hex()
        self._node = ""
        self._private: tuple[str, ...] = ()
        self._said: Mapping[str, str] = {}
        self._resources: tuple[str, ...] = ()
        self._primitives: tuple[ResourceId, ...] = ()
        self._states: States | None = None
        self._unsaid: tuple[Mapping[str, object], ...] = ()
        self._decision = ("", "")
        self._forecast: Forecast | None = None
        self._intended: Mapping[str, object] = {}
        self._after_commit = False
        self._ended = False

    # -- the call as a whole ------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        """Write down who asks for what."""
        self._note("call", self._call)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write down what it ended in, if `ended` has not."""
        if kind is not None and not self._ended:
            self._note("end", lambda: {**self._failure(kind, error), **self._sum()})

    def about(
        self, snapshot: Snapshot, resource: ResourceId, primitives: tuple[ResourceId, ...], private: Iterable[str] = ()
    ) -> None:
        """What of the cluster the service is.

        Args:
            snapshot: the cluster.
            resource: the outermost resource.
            primitives: whose instances are watched.
            private: texts that must not get into the log.
        """
        self._resources = tuple(dict.fromkeys((resource, *primitives)))
        self._primitives = primitives
        words = {*private, *secret_parameters(snapshot)} - names(snapshot) if self._log is not None else ()
        # The longest first: what is covered within a longer one would give the rest of that away.
        self._private = tuple(sorted(words, key=len, reverse=True))
        self._hear(snapshot)

    def ended(self, *, changed: bool, message: str, notes: tuple[str, ...] = ()) -> None:
        """How it ended."""
        self._ended = True
        said = {"changed": changed, "message": self._bare(message)} | ({"notes": notes} if notes else {})
        self._note("end", lambda: {**said, **self._sum()})

    # -- what happens in it -------------------------------------------------------------------------------------------

    def saw(self, snapshot: Snapshot) -> None:
        """Keep which instances are not as they were at the last look, and which version came of a commit."""
        self._note("seen", lambda: self._changed(snapshot))

    def decided(self, what: str, why: str) -> None:
        """Keep it, unless it is the last one again."""
        if (what, why) != self._decision:
            self._decision = (what, why)
            self._note("decision", lambda: {"decision": what, "why": why})

    def foresaw(self, forecast: Forecast) -> None:
        """Keep it for the commit that it is about."""
        self._forecast = forecast

    def intends(self, change: Change, *, based_on: Snapshot) -> None:
        """Write down that a change is about to be written."""
        forecast, self._forecast, self._decision = self._forecast, None, ("", "")

        def intent() -> Mapping[str, object]:
            self._intended = {
                "reason": change.reason,
                "cib_before": str(based_on.version),
                "edits": edits(change, based_on),
                "foreseen": None if forecast is None else foreseen(forecast),
            }
            return {"reason": change.reason, "cib_before": str(based_on.version)}

        self._note("intent", intent)

    def committed(self) -> None:
        """Write down what is written now."""
        self._note("commit", lambda: self._intended)
        self._after_commit = True

    def refused(self) -> None:
        """Write down what was refused."""
        self._note("conflict", lambda: {key: self._intended[key] for key in ("reason", "cib_before")})

    def unanswered(self, reason: str, why: str) -> None:
        """Write down that nobody knows yet."""
        self._note("unknown", lambda: {"reason": reason, "why": why})
        self._decision = ("", "")

    # -- entries ------------------------------------------------------------------------------------------------------

    def _call(self) -> Mapping[str, object]:
        self._node = this_node()
        options = {name: _told(name, value) for name, value in self._options.items() if value}
        return {"verb": self._verb, "options": options, **caller()}

    def _hear(self, snapshot: Snapshot) -> None:
        """Know what agents have given as reasons, also those that are gone: errors may still tell of them."""
        heard = failures(snapshot)
        if not heard.keys() <= self._said.keys():
            every = {**self._said, **heard}
            self._said = {said: every[said] for said in sorted(every, key=len, reverse=True)}

    def _changed(self, snapshot: Snapshot) -> Mapping[str, object] | None:
        self._hear(snapshot)
        before, self._states = self._states, states(snapshot, self._primitives, self._states or ())
        found = changes(before or {}, self._states)
        if before is None:
            # How it was in the beginning is worth a line only where something follows.
            parts = (found[at : at + _A_LINE] for at in range(0, max(len(found), 1), _A_LINE))
            more = {"cib": str(snapshot.version), "resources": self._resources}
            self._unsaid = tuple({**more, "instances": part} for part in parts)
            return None
        wanted, self._after_commit = bool(found or self._after_commit), False
        return {"cib": str(snapshot.version), "instances": found} if wanted else None

    def _failure(self, kind: type[BaseException], error: BaseException | None) -> Mapping[str, object]:
        if isinstance(error, PacewrightError):
            return {"error": kind.__name__, "code": error.exit_code, "message": self._bare(error.message)}
        if issubclass(kind, KeyboardInterrupt):
            return {"error": "Interrupted", "code": _INTERRUPTED, "message": "interrupted"}
        return {"error": kind.__name__, "code": 1, "message": "unexpected error"}

    def _sum(self) -> Mapping[str, object]:
        return {"seconds": round(self._clock.monotonic() - self._begun, 3), "resources": self._resources}

    def _bare(self, message: str) -> str:
        return message.removeprefix(f"{self._service}: ")

    def _note(self, kind: str, make: Callable[[], Mapping[str, object] | None]) -> None:
        if self._log is None:
            return
        try:
            body = make()
            if body is None:
                return
            first, self._unsaid = (self._unsaid, ()) if kind != "end" else ((), ())
            for part in first:
                self._append("seen", part)
            self._append(kind, body)
        except Exception as error:  # noqa: BLE001 - the operation must not end because its record has a fault
            self._log.warn(f"{type(error).__name__} in the record itself")

    def _append(self, kind: str, body: Mapping[str, object]) -> None:
        if self._log is not None:
            head = {"time": round(self._clock.now(), 3), "kind": kind, "call": self._id, "node": self._node}
            told = covered({"service": self._service, **body}, self._private, self._said)
            assert isinstance(told, dict)  # noqa: S101 - as it went in
            self._log.append({**head, **told})


def _told(name: str, value: object) -> object:
    if isinstance(value, bool | int | float) or name in _TEXT_OPTIONS:
        return value
    return COVER
