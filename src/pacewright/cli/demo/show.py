"""What a demo consists of, for `pacewright demo`, which has more than one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pacewright.lab import Lab

__all__ = ["Show"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """A demo.

    Attributes:
        packages: what its nodes need beyond a bare cluster node.
        build: makes the site on a fresh lab, and tells its steps.
        perform: shows it, with so many requests a second, and raises OperationFailed if it does not keep its promises.
        rate: how many those are if nobody says.
        look: what may be run in a lab that is kept: a node (or `lab`) and a command.
    """

    packages: tuple[str, ...]
    build: Callable[[Lab, Callable[[str], None]], None]
    perform: Callable[[Lab, float], None]
    rate: float
    look: tuple[tuple[str, str], ...]
