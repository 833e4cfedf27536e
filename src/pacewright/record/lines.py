"""Lines: an entry as one line of JSON that is never longer than can be written in one piece. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

__all__ = ["LIMIT", "line"]

LIMIT = 4096
"""Bytes that a line may have, its end included."""

# How many items of a list and characters of a text are kept; the next pair if the line is still too long.
_MEASURES = ((20, 400), (10, 200), (5, 100), (2, 60), (1, 30), (0, 12))


def line(entry: Mapping[str, object]) -> bytes:
    """The line, with its end. What had to be left out of a list is counted in `<name>_cut` beside it.

    It is plain ASCII: no control character, no half character and no line end can get into the file from outside.
    """
    written = b""
    for items, characters in _MEASURES:
        written = json.dumps(_cut(entry, items, characters), separators=(",", ":")).encode() + b"\n"
        if len(written) <= LIMIT:
            return written
    few = {key: _cut(entry[key], 0, 12) for key in ("time", "kind", "call") if key in entry}
    return json.dumps({**few, "cut": len(written)}, separators=(",", ":")).encode() + b"\n"


def _cut(value: object, items: int, characters: int) -> object:
    match value:
        case str():
            return value if len(value) <= characters else value[: characters - 1] + "…"
        case Mapping():
            cut: dict[str, object] = {}
            for key, inner in value.items():
                cut[str(key)] = _cut(inner, items, characters)
                if isinstance(inner, list | tuple) and len(inner) > items:
                    cut[f"{key}_cut"] = len(inner) - items
            return cut
        case list() | tuple():
            return [_cut(inner, items, characters) for inner in value[:items]]
        case _:
            return value
