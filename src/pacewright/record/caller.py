"""Who calls: the person or the program behind this process, as far as the system knows."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from pacewright.node import place

__all__ = ["caller", "still_runs", "this_node"]

_PROC = Path("/proc")
_PASSWD = Path("/etc/passwd")
_NOBODY = 2**32 - 1
"""The audit system's login uid of what nobody has logged in for."""
_FURTHEST = 8
_LATEST = 2.0
"""Seconds: /proc tells when the machine was booted in whole ones, and the clock may have been set since."""

_TOOLS = {"puppet": "puppet", "ansible": "ansible", "AnsiballZ": "ansible", "salt-": "salt"}
"""Programs that run in an interpreter, by how a file among the first words of the command line begins.

Nothing else of a command line is ever kept.
"""
_SHELLS = ("sh", "bash", "dash", "zsh", "ksh", "fish", "busybox")
_WRAPPERS = ("sudo", "doas", "su", "runuser", "env", "timeout", "nohup", "setsid", "nice", "ionice", "flock", "xargs")
_BETWEEN = frozenset((*_SHELLS, *_WRAPPERS, "script", "pacewright"))
_TERMINALS = ("sshd", "login", "tmux", "screen", "agetty")


def this_node() -> str:
    """This node's name: as its cluster has it, where its configuration says so."""
    return place.configured_here() or place.local_names()[0]


def caller() -> Mapping[str, object]:
    """Who calls this process, as an entry tells it. Reads /proc and /etc/passwd; asks no name service, which may hang.

    `user` is the process's real user: its name, or its number where this machine's list has no name for it. `login` is
    who logged in and became that user (by sudo, or as the audit system knows), `program` what called us (`puppet`,
    `cron`, a person's `bash`); both are None if not known. `parents` are the processes around us by name, outwards.
    """
    uid = os.getuid()
    chain = _chain(os.getppid())
    return {
        "user": _name(uid),
        "login": _login(uid),
        "pid": os.getpid(),
        "program": _program(chain),
        "parents": [name for _, name in chain],
    }


def still_runs(pid: int, since: float) -> bool:
    """True if the process with that number was running at that moment (seconds since the epoch), and still does."""
    words = _text(_PROC / str(pid) / "stat").rpartition(") ")[2].split()
    booted = re.search(r"(?m)^btime (\d+)$", _text(_PROC / "stat"))
    if len(words) < 20 or booted is None:
        return False
    started = int(booted[1]) + int(words[19]) / os.sysconf("SC_CLK_TCK")  # the 22nd field of the file, see proc(5)
    return started < since + _LATEST


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
