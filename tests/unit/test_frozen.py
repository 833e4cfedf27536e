"""Frozen values: what they promise, which is what frozen dataclasses by keyword promise."""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from functools import cached_property

import pytest

from pacewright.frozen import as_dict, field, fields, frozen, replace
from pacewright.process import run


@frozen
class Place:
    """A docstring."""

    node: str
    since: float = 0.0
    notes: Mapping[str, str] = field(default_factory=dict)
    text: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return f"on {self.node}"


@frozen
class Later(Place):
    """More of it."""

    until: float
    since: float = 9.0


@frozen
class Asking:
    """With something that is asked for once."""

    __slots__ = ("__dict__",)

    asked: list[int]

    @cached_property
    def answer(self) -> int:
        self.asked.append(1)
        return 42


def test_it_is_made_by_keyword_with_defaults_and_has_no_other_fields() -> None:
    made = Place(node="n1")
    assert (made.node, made.since, made.notes, made.text) == ("n1", 0.0, {}, "")
    assert Place(node="n1").notes is not made.notes
    assert (Place.__name__, Place.__doc__, Place.__module__) == ("Place", "A docstring.", __name__)
    assert not hasattr(made, "__dict__")
    with pytest.raises(TypeError, match=r"Place\(\) needs 'node'"):
        Place()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"Place\(\) has no 'a', 'b'"):
        Place(node="n1", b=1, a=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Place("n1")  # type: ignore[call-arg]


def test_it_cannot_be_changed_but_replaced() -> None:
    made = Place(node="n1", text="x")
    for name in ("node", "other"):
        with pytest.raises(AttributeError, match=f"Place is a value: {name} cannot be set"):
            setattr(made, name, "n2")
    with pytest.raises(AttributeError):
        del made.node
    other = replace(made, node="n2")
    assert (other.node, other.text, made.node) == ("n2", "x", "n1")
    with pytest.raises(TypeError, match="has no 'nowhere'"):
        replace(made, nowhere=1)
    assert copy.copy(made) == copy.deepcopy(made) == made


def test_it_is_equal_where_all_is_equal_that_counts() -> None:
    assert Place(node="n1", text="x") == Place(node="n1", text="y")
    assert Place(node="n1") != Place(node="n2")
    assert Place(node="n1").__eq__("n1") is NotImplemented
    assert Later(node="n1", until=1, since=0.0) != Place(node="n1")
    assert hash(Asking(asked=())) == hash(Asking(asked=()))  # type: ignore[arg-type]
    assert repr(Place(node="n1", text="x")) == "Place(node='n1', since=0.0, notes={})"
    assert str(Place(node="n1")) == "on n1"


def test_what_it_inherits_comes_first_and_can_have_another_default() -> None:
    assert list(fields(Later)) == ["node", "notes", "text", "until", "since"]
    made = Later(node="n1", until=3)
    assert as_dict(made) == {"node": "n1", "since": 9.0, "notes": {}, "text": "", "until": 3}
    assert isinstance(made, Place)
    assert str(made) == "on n1"


def test_what_is_asked_for_once_is_kept() -> None:
    made = Asking(asked=[])
    assert (made.answer, made.answer, made.asked) == (42, 42, [1])


def test_commands_of_a_node_load_no_dataclasses() -> None:
    """They are what this is for; and with them comes `inspect`, which takes as long as all the rest of Python."""
    verbs = ("fact", "owed", "reconcile", "resource", "guard", "service_changes", "service", "history")
    code = f"import sys, importlib\nfor v in {verbs!r}: importlib.import_module('pacewright.cli.' + v)\n"
    code += "print([m for m in ('dataclasses', 'inspect', 'ast') if m in sys.modules])"
    done = run([sys.executable, "-c", code], timeout=60).checked()
    assert done.stdout.strip() == b"[]"
