"""Secrets: nothing that could be one gets into the record. Pure.

Two ways, and every text goes both. What is known to be private (the words of a health check's command, a resource's
parameters that are called like a secret) is covered wherever it turns up. What looks like one is covered, too: text
from agents and programs may hold anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from pacewright.cluster import Snapshot

__all__ = ["COVER", "covered", "is_secret", "secret_parameters"]

COVER = "***"

_NAMES = r"pass(?:w(?:or)?d|phrase)?|pwd|secret|token|credentials?|auth(?:orization)?|(?:[a-z]+[-_]?)?key|community"
_PLAIN_NAMES = r"passw(?:or)?d|passphrase|secret|(?:api|access|private)[-_ ]?key|authorization"
"""Also before a colon; the others could be a service's name there: `auth: restarted`."""
_VALUE = r"""(?:"[^"]*"|'[^']*'|[^\s,;]+)"""
_SECRET_NAME = ("pass", "pwd", "secret", "token", "credential", "auth", "key", "community", "pin")
_SUSPICIOUS = (*_SECRET_NAME, "@", "://", "-----begin", "bearer ", "basic ", "-u ", "--user")
_SHORTEST = 3


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    # Compiled when the first suspicious text comes, which for most calls is never.
    found = (
        (r"(?s)-----begin [^-]*-----.*?(?:-----end [^-]*-----|$)", COVER),
        (r"([a-z][a-z0-9+.-]*://)[^\s'\"<>]*@", rf"\1{COVER}@"),
        (r"([a-z][a-z0-9+.-]*://[^\s?'\"<>]*)\?[^\s'\"<>]*", rf"\1?{COVER}"),
        (r"\b[^\s/'\"=:]+:[^\s/'\"]+@(?=[\w.\[-])", f"{COVER}@"),
        (r"(authorization\W{1,3})(?:(?:bearer|basic|digest)\s+)?\S+", rf"\1{COVER}"),
        (r"\b(bearer|basic)\s+\S{8,}", rf"\1 {COVER}"),
        (rf"([\w.-]*(?:{_NAMES})[\w.-]*[\"']?\s*=\s*){_VALUE}", rf"\1{COVER}"),
        (rf"([\"'][\w.-]*(?:{_NAMES})[\w.-]*[\"']\s*:\s*){_VALUE}", rf"\1{COVER}"),
        (rf"(\b(?:{_PLAIN_NAMES})\s*(?::|\bis\b|\bwas\b)\s*){_VALUE}", rf"\1{COVER}"),
        (rf"(--?[\w-]*(?:{_NAMES})[\w-]*\s+){_VALUE}", rf"\1{COVER}"),
        (rf"(\b(?:{_NAMES})\s+)(?:\"[^\"]*\"|'[^']*')", rf"\1{COVER}"),
        (r"((?:^|\s)(?:-u|--user)[ =]?)[^\s:]+:\S+", rf"\1{COVER}"),
    )
    return tuple((re.compile(pattern, re.IGNORECASE), cover) for pattern, cover in found)


def covered(value: object, private: Iterable[str] = ()) -> object:
    """The value with everything covered that could be a secret: a text, or whatever holds texts.

    Args:
        value: what JSON can hold. Keys are ours and stay.
        private: texts that are known to be private.
    """
    match value:
        case str():
            return _covered_text(value, private)
        case Mapping():
            return {key: covered(inner, private) for key, inner in value.items()}
        case list() | tuple():
            return [covered(inner, private) for inner in value]
        case _:
            return value


def _covered_text(text: str, private: Iterable[str]) -> str:
    for word in private:
        text = text.replace(word, COVER)
    low = text.lower()
    if any(sign in low for sign in _SUSPICIOUS):
        for pattern, cover in _patterns():
            text = pattern.sub(cover, text)
    return text


def secret_parameters(snapshot: Snapshot) -> Iterator[str]:
    """The values of every parameter in the cluster that is called like a secret."""
    for resource in snapshot.resources.values():
        for name, value in resource.parameters.items():
            if len(value) >= _SHORTEST and is_secret(name):
                yield value


def is_secret(name: str) -> bool:
    """True if a parameter is called like a secret."""
    return any(sign in name.lower() for sign in _SECRET_NAME)
