"""systemd on this node: for services that the cluster does not know, and to keep units of those it does off at boot."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pacewright.errors import OperationFailed, ToolError, ToolOutput
from pacewright.frozen import frozen
from pacewright.process import run

__all__ = ["Unit", "also_called", "disable_at_boot", "full_name", "operate", "show", "show_all", "taken_along"]

_SHOW_TIMEOUT = 10.0
_SHOW_EACH = 0.5
_TAKES_ALONG = ("ConsistsOf", "PropagatesStopTo", "RequiredBy", "RequisiteOf", "BoundBy")
_SUFFIXES = tuple(
    f".{sort}"
    for sort in (
        *("service", "socket", "device", "mount", "automount", "swap"),  # systemd.unit(5)
        *("target", "path", "timer", "slice", "scope"),
    )
)


@frozen
class Unit:
    """A unit as systemd has it.

    Attributes:
        known: there is such a unit.
        active: it runs.
        changing: it is starting, stopping or reloading.
        state: ActiveState and SubState, for people.
        enabled: it starts at boot.
        main_pid: its main process; 0 for none.
    """

    name: str
    known: bool
    active: bool
    changing: bool
    state: str
    enabled: bool
    main_pid: int


def show(name: str) -> Unit:
    """Ask systemd about a unit.

    Raises:
        ToolMissing, ToolHung, ToolFailed: systemd does not answer.
    """
    return show_all([name])[0]


def show_all(names: Sequence[str]) -> tuple[Unit, ...]:
    """Ask systemd about units, in one question (`systemctl show`, whose output is made for programs).

    Raises:
        ToolMissing, ToolHung, ToolFailed: systemd does not answer.
    """
    if not names:
        return ()
    full = [full_name(name) for name in names]
    argv = ["systemctl", "show", "--property", "LoadState,ActiveState,SubState,UnitFileState,MainPID", "--", *full]
    return tuple(_unit(name, block) for name, block in zip(full, _blocks(argv, len(full)), strict=True))


def also_called(names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """The names of the unit behind each name, the main one first: one that is a symbolic link has those of its target.

    Empty if systemd does not tell: whoever acts on a unit asks again, and says what is wrong.
    """
    asked = [name for name in names if "@." not in full_name(name)]  # a template without an instance is no unit
    if not asked:
        return {}
    argv = ["systemctl", "show", "--property", "Id,Names", "--", *(full_name(name) for name in asked)]
    try:
        blocks = _blocks(argv, len(asked))
    except ToolError:
        return {}
    return {name: _words(block, "Id", "Names") for name, block in zip(asked, blocks, strict=True)}


def taken_along(names: Sequence[str]) -> tuple[str, ...]:
    """Every name of every unit that is stopped or restarted with these, themselves included, as far as systemd tells.

    A unit takes along what is a part of it (`PartOf=` there), what requires it or is bound to it, and what it passes
    its own stop on to: `postgresql.service` all of `postgresql@15-main.service` (systemd.unit(5)).
    """
    known = tuple(full_name(name) for name in names)
    while True:
        asked = [name for name in known if "@." not in name]
        argv = ["systemctl", "show", "--property", ",".join(("Id", "Names", *_TAKES_ALONG)), "--", *asked]
        try:
            blocks = _blocks(argv, len(asked)) if asked else []
        except ToolError:
            return known
        told = (word for block in blocks for word in _words(block, "Id", "Names", *_TAKES_ALONG))
        more = tuple(dict.fromkeys((*known, *told)))
        if more == known:
            return known
        known = more


def _words(block: Mapping[str, str], *properties: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for each in properties for word in block.get(each, "").split()))


def _blocks(argv: Sequence[str], units: int) -> list[dict[str, str]]:
    """The properties of each unit that systemd was asked about."""
    done = run(argv, timeout=_SHOW_TIMEOUT + _SHOW_EACH * units).checked()
    blocks = done.stdout.decode(errors="replace").strip().split("\n\n")
    if len(blocks) != units:
        raise ToolOutput(f"systemctl: asked about {units} units, it told of {len(blocks)}.")
    return [dict(line.partition("=")[::2] for line in block.splitlines()) for block in blocks]


def _unit(name: str, values: Mapping[str, str]) -> Unit:
    active = values.get("ActiveState", "")
    return Unit(
        name=name,
        known=values.get("LoadState") not in {"not-found", "", None},
        active=active in {"active", "reloading"},
        changing=active in {"activating", "deactivating", "reloading"},
        state=f"{active} ({values.get('SubState', '')})",
        enabled=values.get("UnitFileState") in {"enabled", "enabled-runtime"},
        main_pid=_pid(values.get("MainPID", "")),
    )


def _pid(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,10}", text) else 0


def operate(verb: str, name: str, *, timeout: float) -> None:
    """`systemctl start|stop|restart|enable|disable`.

    Raises:
        OperationFailed: systemd could not; with what it said.
    """
    done = run(["systemctl", verb, "--", full_name(name)], timeout=timeout)
    if done.code != 0:
        raise OperationFailed(
            f"{name}: `systemctl {verb}` failed with exit code {done.code}.",
            hint=f"Look at `journalctl -u {full_name(name)}`.",
            output=done.output[-1000:],
        )


def disable_at_boot(name: str) -> bool:
    """See to it that systemd does not start a unit at boot; True if that had to be changed."""
    unit = show(name)
    if not unit.known or not unit.enabled:
        return False
    itself = next(iter(also_called([name]).get(name, ())), name)  # and not a link to it
    operate("disable", itself, timeout=60.0)
    return True


def full_name(name: str) -> str:
    """A unit's name with its suffix; without one it is a service."""
    return name if name.endswith(_SUFFIXES) else f"{name}.service"
