"""Checked access to a JSON document: every error says where in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from pacewright.cluster.edits.definition import Values
from pacewright.cluster.names import ResourceId
from pacewright.errors import ConfigError

__all__ = ["ROLES", "Keys", "Node", "parse"]

ROLES = ("Started", "Stopped", "Promoted", "Unpromoted")
"""Pacemaker's roles."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NOT_IN_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
_HINT = "docs/resource.md lists every key. Nothing was done."


class Node:
    """A value of the document that knows where it stands.

    Attributes:
        value: what stands there.
        source: the document's name.
        path: where in it, like `resources[0].operations.monitor`.
    """

    def __init__(self, value: object, source: str, path: str = "") -> None:
        self.value = value
        self.source = source
        self.path = path

    def wrong(self, problem: str) -> NoReturn:
        """End it: the document is wrong here."""
        raise ConfigError(f"{self.source}: {self.path or 'the document'}: {problem}.", hint=_HINT)

    def keys(self, known: tuple[str, ...], needed: tuple[str, ...] = ()) -> Keys:
        """The values below by key, all of them known and none of the needed ones missing."""
        found = self.mapping()
        for key in found:
            if key not in known:
                self.wrong(f"the key {key!r} is not known (known: {', '.join(sorted(known))})")
        for key in needed:
            if key not in found:
                self.wrong(f"the key {key!r} is missing")
        return Keys(found)

    def mapping(self) -> Mapping[str, Node]:
        """The values below by key."""
        if not isinstance(self.value, dict):
            self.wrong(f"expected keys and values, found {_shown(self.value)}")
        return {key: self._below(value, f".{key}" if self.path else key) for key, value in self.value.items()}

    def named(self) -> Mapping[str, Node]:
        """The values below by key, which can be a name in the CIB."""
        found = self.mapping()
        for name, node in found.items():
            if not _NAME.fullmatch(name):
                node.wrong(
                    f"{name!r} cannot be a name: letters, digits and _ . - are allowed, a letter or _ comes first"
                )
        return found

    def items(self) -> Iterator[Node]:
        """The values of a list."""
        if not isinstance(self.value, list):
            self.wrong(f"expected a list, found {_shown(self.value)}")
        for index, value in enumerate(self.value):
            yield self._below(value, f"[{index}]")

    def id(self) -> str:
        """A text that can be an id in the CIB."""
        text = self.text()
        if not _NAME.fullmatch(text):
            self.wrong(f"{text!r} cannot be an id: letters, digits and _ . - are allowed, a letter or _ comes first")
        return text

    def choice(self, *choices: str) -> str:
        """One of these texts."""
        text = self.text()
        if text not in choices:
            self.wrong(f"expected {' or '.join(choices)}, found {text!r}")
        return text

    def matching(self, pattern: re.Pattern[str], meaning: str) -> str:
        """A text of that form."""
        text = self.text()
        if not pattern.fullmatch(text):
            self.wrong(f"expected {meaning}, found {text!r}")
        return text

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            self.wrong(f"expected true or false, found {_shown(self.value)}")
        return self.value

    def text(self) -> str:
        """A text, which may be written as a number or as true and false."""
        value = self.value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return str(value)
        if not isinstance(value, str):
            self.wrong(f"expected a text, found {_shown(value)}")
        odd = _NOT_IN_XML.search(value)
        if odd:
            self.wrong(f"the character {odd[0]!a} cannot be written into the CIB")
        return value

    def values(self) -> Values:
        """Texts by name; null for one that shall not be there."""
        found: dict[str, str | None] = {}
        for name, node in self.named().items():
            if name.startswith("pacewright_"):
                node.wrong("names that begin with pacewright_ are Pacewright's own")
            found[name] = None if node.value is None else node.text()
        return found

    def _below(self, value: object, step: str) -> Node:
        return Node(value, self.source, self.path + step)


class Keys(dict[str, Node]):
    """The values of a mapping by key, with what it means if a key is not there."""

    def flag(self, key: str) -> bool:
        """True or false; false if it is not there."""
        return key in self and self[key].flag()

    def values_of(self, key: str) -> Values:
        """Texts by name; none if it is not there."""
        return self[key].values() if key in self else {}

    def items_of(self, key: str) -> Iterator[Node]:
        """The values of a list; none if it is not there."""
        return self[key].items() if key in self else iter(())

    def id(self, key: str) -> ResourceId | None:
        """An id; None if it is not there."""
        return ResourceId(self[key].id()) if key in self else None

    def absent(self) -> bool:
        """True if it says `ensure: absent`."""
        return "ensure" in self and self["ensure"].choice("present", "absent") == "absent"


def parse(text: bytes, source: str) -> Node:
    """The document in these bytes.

    Raises:
        ConfigError: it is no JSON, or a key stands there twice.
    """
    try:
        return Node(json.loads(text, object_pairs_hook=_unique), source)
    except RecursionError:
        problem = "it is nested too deeply"
    except (ValueError, UnicodeDecodeError) as error:
        problem = f"it is not JSON: {error}"
    raise ConfigError(f"{source}: {problem}.", hint=_HINT)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice in one place")
        found[key] = value
    return found


def _shown(value: object) -> str:
    names = {dict: "keys and values", list: "a list", type(None): "null"}
    return names.get(type(value), repr(value)[:80])
