"""Sound: is an entry what its fields promise? Whoever reads it need not ask again. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = ["sound"]

_LARGEST = 253_370_764_800.0
"""The beginning of the year 9999, in seconds since the epoch; no number in an entry is greater."""

_Check = Callable[[object], bool]


def _text(value: object) -> bool:
    return isinstance(value, str)


def _perhaps_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _moment(value: object) -> bool:
    return _number(value) and isinstance(value, int | float) and value >= 0


def _perhaps_moment(value: object) -> bool:
    return value is None or _moment(value)


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _fields(fields: Mapping[str, _Check], needed: frozenset[str] = frozenset()) -> _Check:
    def check(value: object) -> bool:
        return (
            isinstance(value, dict)
            and needed <= value.keys()
            and all(fields[key](inner) for key, inner in value.items() if key in fields)
        )

    return check


def _each(check: _Check) -> _Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


_INSTANCE = _fields(
    {"resource": _text, "node": _text, "before": _perhaps_text, "after": _text, "since": _perhaps_moment},
    frozenset({"resource", "node", "before", "after", "since"}),
)
_EDIT = _fields(
    {
        "edit": _text,
        "resource": _perhaps_text,
        "node": _perhaps_text,
        "name": _text,
        "before": _perhaps_text,
        "after": _perhaps_text,
        "until": _moment,
    },
    frozenset({"edit"}),
)
sound = _fields(
    {
        "time": _moment,
        **dict.fromkeys(("kind", "call", "node", "service", "verb", "user"), _text),
        **dict.fromkeys(("decision", "why", "reason", "cib", "cib_before", "message", "error"), _text),
        **dict.fromkeys(("login", "program"), _perhaps_text),
        **dict.fromkeys(("parents", "resources", "notes"), _texts),
        **dict.fromkeys(("pid", "code", "seconds"), _number),
        "options": _fields({}),
        "edits": _each(_EDIT),
        "foreseen": lambda value: value is None or _texts(value),
        "instances": _each(_INSTANCE),
    }
)
"""True if every field that is known holds what it should; fields that are not known may hold anything."""
