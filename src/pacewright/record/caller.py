"""Who calls: the person or the program behind this process, as far as the system knows."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pacewright.node import place

__all__ = ["Caller", "caller", "this_node"]

_PROC = Path("/proc")
_PASSWD = Path("/etc/passwd")
_NOBODY = 2**32 - 1
"""The audit system's login uid of what nobody has logged in for."""
_FURTHEST = 8

_TOOLS = {"puppet": "puppet", "ansible": "ansible", "AnsiballZ": "ansible", "salt-": "salt"}
"""Programs that run in an interpreter, by how a file among the first words of the command line begins.

Nothing else of a command line is ever kept.
"""
_SHELLS = ("sh", "bash", "dash", "zsh", "ksh", "fish", "busybox")
_WRAPPERS = ("sudo", "doas", "su", "runuser", "env", "timeout", "nohup", "setsid", "nice", "ionice", "flock", "xargs")
_BETWEEN = frozenset((*_SHELLS, *_WRAPPERS, "script", "pacewright"))
_TERMINALS = ("sshd", "login", "tmux", "screen", "agetty")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who.

    Attributes:
        user: the name of the process's real user, or its number where this machine's list has no name for it.
        login: who logged in and became that user (sudo, or the audit system's login uid); None if not known.
        pid: our process.
        program: what called us: `puppet`, `ansible`, `cron`, a person's `bash`; None if not known.
        parents: the names of the processes around us, outwards.
    """

    user: str
    login: str | None
    pid: int
    program: str | None
    parents: tuple[str, ...]


def this_node() -> str:
    """This node's name: as its cluster has it, where its configuration says so."""
    names = place.local_names()
    configured = place.configured_nodes()
    return next((name for name in names if name in configured), names[0])


def caller() -> Caller:
    """Who calls this process. Reads /proc and /etc/passwd; asks no name service, which may hang."""
    uid = os.getuid()
    chain = _chain(os.getppid())
    return Caller(
        user=_name(uid),
        login=_login(uid),
        pid=os.getpid(),
        program=_program(chain),
        parents=tuple(name for _, name in chain),
    )


def _login(uid: int) -> str | None:
    sudo = os.environ.get("SUDO_USER", "")
    if uid == 0 and re.fullmatch(r"[\w.@\\-]{1,64}", sudo):
        return sudo
    try:
        login = int(_text(_PROC / "self" / "loginuid"))
    except ValueError:
        return None
    return None if login in {uid, _NOBODY} else _name(login)


def _name(uid: int) -> str:
    if uid == 0:
        return "root"
    for user in _text(_PASSWD).splitlines():
        fields = user.split(":")
        if len(fields) > 2 and fields[2] == str(uid):
            return fields[0]
    return str(uid)


def _chain(pid: int) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    while pid > 0 and len(found) < _FURTHEST:
        # PID (NAME) STATE PPID ...; the name may hold anything, brackets too.
        head, _, rest = _text(_PROC / str(pid) / "stat").rpartition(") ")
        name = head.partition(" (")[2]
        if not rest:
            break
        found.append((pid, "".join(c if c.isprintable() else "?" for c in name)))
        pid = int(rest.split()[1])
    return found


def _program(chain: list[tuple[int, str]]) -> str | None:
    for pid, _ in chain:
        words = _text(_PROC / str(pid) / "cmdline").split("\0")[:3]
        for begin, tool in _TOOLS.items():
            if any(word.rpartition("/")[2].startswith(begin) for word in words):
                return tool
    around = [name for _, name in chain if name not in _BETWEEN]
    if chain and (not around or around[0].startswith(_TERMINALS)):
        return chain[0][1]  # a person's own shell
    return around[0] if around else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
