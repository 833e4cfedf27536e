"""Private: of texts from outside, only plain words get into the record. Pure.

What an entry says is said by us: names of resources and nodes, numbers, our own words. Two things come from outside.
What an agent gives as the reason of a failure may hold anything, so only words of a short list are kept of it, and
everything else is covered. What programs and servers print stands in an error's `output`, which is not recorded at all.
And wherever they turn up, values that are known to be private (the words of a site's commands, parameters that are
called like a secret) are covered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from pacewright.cluster.snapshot import Failure, Snapshot
from pacewright.frozen import replace

__all__ = ["COVER", "covered", "failures", "is_secret", "names", "plain", "secret_parameters"]

COVER = "***"

_SECRET_NAME = ("pass", "pwd", "secret", "token", "credential", "auth", "key", "community", "pin")
_SHORTEST = 3
_LONGEST = 400
"""Characters of a reason that are looked at."""

_PLAIN = frozenset(
    [
        "a",
        "about",
        "after",
        "again",
        "agent",
        "all",
        "already",
        "an",
        "and",
        "answer",
        "any",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "before",
        "but",
        "by",
        "can",
        "cannot",
        "check",
        "clean",
        "cluster",
        "code",
        "command",
        "complete",
        "completed",
        "config",
        "configuration",
        "connect",
        "connected",
        "connection",
        "could",
        "crashed",
        "daemon",
        "dead",
        "demote",
        "did",
        "directory",
        "does",
        "done",
        "down",
        "during",
        "empty",
        "enough",
        "error",
        "executable",
        "execution",
        "exist",
        "exists",
        "exit",
        "exited",
        "expired",
        "failed",
        "failure",
        "file",
        "for",
        "found",
        "from",
        "full",
        "gone",
        "had",
        "has",
        "have",
        "host",
        "in",
        "inactive",
        "install",
        "installed",
        "instance",
        "internal",
        "invalid",
        "is",
        "it",
        "its",
        "killed",
        "later",
        "limit",
        "listen",
        "log",
        "lost",
        "master",
        "member",
        "memory",
        "missing",
        "monitor",
        "more",
        "must",
        "network",
        "no",
        "node",
        "not",
        "of",
        "on",
        "only",
        "open",
        "operation",
        "or",
        "out",
        "output",
        "partition",
        "permission",
        "port",
        "possible",
        "primary",
        "process",
        "program",
        "promote",
        "promoted",
        "quorum",
        "reached",
        "read",
        "ready",
        "received",
        "recover",
        "recovery",
        "refused",
        "replica",
        "resource",
        "respond",
        "response",
        "returned",
        "running",
        "script",
        "secondary",
        "service",
        "signal",
        "slave",
        "socket",
        "some",
        "specified",
        "standby",
        "start",
        "started",
        "starting",
        "state",
        "status",
        "stop",
        "stopped",
        "stopping",
        "succeed",
        "successful",
        "such",
        "system",
        "than",
        "that",
        "the",
        "there",
        "this",
        "time",
        "timed",
        "timeout",
        "to",
        "too",
        "under",
        "unexpected",
        "unit",
        "unknown",
        "unpromoted",
        "unreachable",
        "until",
        "up",
        "usable",
        "user",
        "version",
        "wait",
        "waiting",
        "was",
        "while",
        "with",
        "within",
        "without",
        "wrong",
        "yet",
    ]
)
_WORD = re.compile(r"\S+")
_TIME = r"\d{1,6}(?:us|ms|s|sec|seconds?|m|min|minutes?|h|%)"


def plain(reason: str) -> str:
    """What may be kept of a reason that came from outside: plain words and times; each row of others is one cover."""
    words = (word if _is_plain(word) else COVER for word in _WORD.findall(reason[:_LONGEST]))
    kept: list[str] = []
    for word in words:
        if word != COVER or kept[-1:] != [COVER]:
            kept.append(word)
    return " ".join(kept)


def _is_plain(word: str) -> bool:
    bare = word.strip("()[]'\",.:;!").lower()
    return bare in _PLAIN or re.fullmatch(_TIME, bare, re.ASCII) is not None


def failures(snapshot: Snapshot) -> dict[str, str]:
    """How each failure in a cluster is said, and how it may be recorded; the longest first."""
    every = (i.failure for instances in snapshot.instances.values() for i in instances if i.failure is not None)
    found = {str(failure): _recorded(failure) for failure in every if failure.reason}
    return {said: found[said] for said in sorted(found, key=len, reverse=True)}


def _recorded(failure: Failure) -> str:
    return str(replace(failure, reason=plain(failure.reason)))


def covered(value: object, private: Iterable[str] = (), said: Mapping[str, str] | None = None) -> object:
    """The value with everything covered that is private: a text, or whatever holds texts.

    Args:
        value: what JSON can hold. Keys are ours and stay.
        private: texts that are known to be private, the longest first.
        said: texts from outside, and what is kept of them, the longest first.
    """
    match value:
        case str():
            for text, kept in (said or {}).items():
                value = value.replace(text, kept)
            for word in private:
                value = value.replace(word, COVER)
            return value
        case Mapping():
            return {key: covered(inner, private, said) for key, inner in value.items()}
        case list() | tuple():
            return [covered(inner, private, said) for inner in value]
        case _:
            return value


def secret_parameters(snapshot: Snapshot) -> Iterator[str]:
    """The values of every parameter in the cluster that is called like a secret."""
    for resource in snapshot.resources.values():
        for name, value in resource.parameters.items():
            if len(value) >= _SHORTEST and is_secret(name):
                yield value


def names(snapshot: Snapshot) -> set[str]:
    """What everybody may know: a device's `plug_key` may be a node's name, which the record cannot do without."""
    return {*snapshot.nodes, *snapshot.resources}


def is_secret(name: str) -> bool:
    """True if a parameter is called like a secret."""
    return any(sign in name.lower() for sign in _SECRET_NAME)
