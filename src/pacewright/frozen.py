"""Frozen values: made by keyword, equal if all that they hold is. Dataclasses that cost nothing at start-up.

    @frozen
    class Place:
        node: NodeName
        since: float = 0.0
        notes: Mapping[str, str] = field(default_factory=dict, compare=False)

A node's config run starts the command for every service. `dataclasses` alone takes as long to load as the rest of
Python that we use, and compiles six functions for each class, some half a millisecond: with a hundred classes that was
half of what a command took before it did anything (docs/decisions/0016). For type checkers it is a dataclass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar, dataclass_transform

__all__ = ["as_dict", "field", "fields", "frozen", "replace"]

T = TypeVar("T")

_NONE: Any = object()
"""There is no default."""


class _Field:
    """What `field` said of one."""

    __slots__ = ("compare", "default", "factory", "name", "put", "repr")

    def __init__(self, default: Any, factory: Callable[[], Any] | None, *, compare: bool, repr: bool) -> None:  # noqa: A002 - the standard library's name
        self.name = ""
        self.default = default
        self.factory = factory
        self.compare = compare
        self.repr = repr
        self.put: Callable[[object, Any], None] = _never

    def given_nothing(self, owner: type) -> Any:
        """The value of a field that was not given."""
        if self.factory is not None:
            return self.factory()
        if self.default is _NONE:
            raise TypeError(f"{owner.__name__}() needs {self.name!r}")
        return self.default


def _never(instance: object, given: Any) -> None:
    raise NotImplementedError(instance, given)


def field(
    *,
    default: Any = _NONE,
    default_factory: Callable[[], Any] | None = None,
    compare: bool = True,
    repr: bool = True,  # noqa: A002 - the standard library's name
) -> Any:
    """A field with more to say of it than its default, as in `dataclasses`.

    Args:
        default: what it is where nothing is given.
        default_factory: makes that anew each time.
        compare: two values that differ in it are not equal.
        repr: it is shown.
    """
    return _Field(default, default_factory, compare=compare, repr=repr)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """Make a class of annotated fields a value. What it inherits from other values comes first."""
    body = dict(cls.__dict__)
    own = [_of(name, body) for name in body.get("__annotations__", ())]
    slots = (*body.get("__slots__", ()), *(one.name for one in own))
    for name in ("__dict__", "__weakref__"):
        body.pop(name, None)
    methods = {name: method for name, method in _METHODS.items() if name not in body}
    # Slots have to be there when a class is made, so it is made once more.
    again: Any = type(cls)
    made = again(cls.__name__, cls.__bases__, {**body, **methods, "__slots__": slots, "__match_args__": ()})
    inherited = [one for base in reversed(cls.__mro__[1:]) for one in base.__dict__.get("_frozen_own", ())]
    for one in own:
        one.put = made.__dict__[one.name].__set__
    names = {one.name for one in own}
    made._frozen_own = tuple(own)  # noqa: SLF001 - ours
    made._frozen_fields = (*(one for one in inherited if one.name not in names), *own)  # noqa: SLF001 - ours
    made.__qualname__ = cls.__qualname__
    result: type[T] = made
    return result


def fields(of: object) -> Iterator[str]:
    """The names of a value's fields, or of its class's."""
    return (one.name for one in of._frozen_fields)  # type: ignore[attr-defined]  # noqa: SLF001 - ours


def replace(instance: T, /, **changes: Any) -> T:
    """The same value, but for these fields."""
    names = (one.name for one in instance._frozen_fields)  # type: ignore[attr-defined]  # noqa: SLF001 - ours
    return type(instance)(**{name: getattr(instance, name) for name in names} | changes)


def as_dict(instance: object) -> dict[str, Any]:
    """Its fields by their names. What is in them stays as it is."""
    return {name: getattr(instance, name) for name in fields(instance)}


def _of(name: str, body: dict[str, Any]) -> _Field:
    """The field of that name; what its class says of it is taken out, because a slot comes in its place."""
    said = body.pop(name, _NONE)
    one = said if isinstance(said, _Field) else _Field(said, None, compare=True, repr=True)
    one.name = name
    return one


def _init(self: Any, /, **given: Any) -> None:
    used = 0
    for one in self._frozen_fields:
        name = one.name
        if name in given:
            one.put(self, given[name])
            used += 1
        else:
            one.put(self, one.given_nothing(type(self)))
    if used < len(given):
        unknown = given.keys() - {one.name for one in self._frozen_fields}
        raise TypeError(f"{type(self).__name__}() has no {', '.join(map(repr, sorted(unknown)))}")


def _compared(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, one.name) for one in self._frozen_fields if one.compare)


def _eq(self: Any, other: object) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self is other or _compared(self) == _compared(other)


def _hash(self: Any) -> int:
    return hash(_compared(self))


def _repr(self: Any) -> str:
    shown = (f"{one.name}={getattr(self, one.name)!r}" for one in self._frozen_fields if one.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _frozen(self: Any, name: str, *_: Any) -> None:
    raise AttributeError(f"{type(self).__name__} is a value: {name} cannot be set; use `replace`.")


def _reduce(self: Any) -> tuple[Any, ...]:
    """For copy and pickle."""
    return _made, (type(self), as_dict(self))


def _made(cls: Any, given: dict[str, Any]) -> Any:
    return cls(**given)


_METHODS = {
    "__init__": _init,
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__reduce__": _reduce,
    "__setattr__": _frozen,
    "__delattr__": _frozen,
}
