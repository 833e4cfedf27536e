"""What an instance has logged last, on this node or on another one.

Pacemaker cannot fetch a journal. Another node's is asked for over ssh, as crmsh and crm_report do it, if root of this
node may log in there without being asked for anything; nobody is ever prompted. Where it may not, there are no lines.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

from pacewright.errors import PacewrightError
from pacewright.node.units import full_name
from pacewright.process import run

__all__ = ["agent_lines", "unit_lines"]

_LINES = 10
_AMONG = 200
"""Of so many lines of an agent and of Pacemaker's controller, those that are about the instance are looked for."""
_HERE, _THERE = 5.0, 8.0
"""Seconds for the journal."""
_LONG = 2000
_MOST = 1 << 20
"""Bytes of a journal that are read: another node may answer anything."""
_SSH = ("ssh", "-n", "-o", "BatchMode=yes", "-o", "ConnectTimeout=3", "-o", "ForwardAgent=no", "-o", "LogLevel=ERROR")


def unit_lines(unit: str, node: str | None) -> str:
    """The last lines of a systemd unit.

    Args:
        unit: its name, with or without `.service`.
        node: where it ran; None for this node.

    Returns:
        The lines; empty if the journal has none, or does not say.
    """
    return _cut(_journal(["--output=cat", f"--lines={_LINES}", f"--unit={full_name(unit)}"], node))


def agent_lines(agent: str, primitive: str, node: str | None) -> str:
    """The last lines of an OCF agent about an instance: what it has logged, and what it printed as it failed.

    `ocf_log` tags what it logs with AGENT(PRIMITIVE); what an agent prints, the controller of its node logs
    (`log_executor_event`, controld_execd.c).

    Args:
        agent: the agent's name, without standard and provider.
        primitive: the resource's id.
        node: where it ran; None for this node.

    Returns:
        The lines; empty if the journal has none, or does not say.
    """
    tag = f"{agent}({primitive})"
    words = ["--output=json", "--output-fields=MESSAGE,SYSLOG_IDENTIFIER", f"--lines={_AMONG}"]
    told = _journal([*words, f"--identifier={tag}", "--identifier=pacemaker-controld"], node)
    return _cut("\n".join([*_of_instance(told, tag, primitive)][-_LINES:]))


def _of_instance(told: str, tag: str, primitive: str) -> Iterator[str]:
    printed = re.compile(rf"\b{re.escape(primitive)}_\w+_\d+@\S+ output \[ (.*?)\s*\]\s*$")
    for line in told.splitlines():
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        message = entry.get("MESSAGE") if isinstance(entry, dict) else None
        if not isinstance(message, str):
            continue  # the journal gives what is no UTF-8 as a list of numbers
        if entry.get("SYSLOG_IDENTIFIER") == tag:
            yield message.strip()
        elif found := printed.search(message):
            yield from filter(None, (part.strip() for part in found[1].split("\\n")))


def _journal(words: list[str], node: str | None) -> str:
    argv = ["journalctl", "--no-pager", *words]
    try:
        if node is None:
            return run(argv, timeout=_HERE, most=_MOST, ends=True).stdout.decode(errors="replace")
        done = run([*_SSH, "--", f"root@{node}", shlex.join(argv)], timeout=_THERE, most=_MOST, ends=True)
    except PacewrightError:
        return ""
    return done.stdout.decode(errors="replace") if done.code == 0 else ""


def _cut(lines: str) -> str:
    return lines.strip()[-_LONG:]
