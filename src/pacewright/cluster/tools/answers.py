"""What Pacemaker's commands have in common: their exit codes, and the errors that they stand for.

Exit codes are Pacemaker's `crm_exit_t` (the same in 2.1 and 3.0, include/crm/common/results.h).
"""

from __future__ import annotations

import contextlib
import grp
import os
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from pacewright.errors import ClusterDown, NodeError, OutcomeUnknown, Refused, ToolHung, ToolOutput
from pacewright.process import Completed, run

__all__ = [
    "INVALID",
    "OK",
    "SCRATCH",
    "TIMEOUT",
    "in_memory",
    "invalid",
    "raise_if_down",
    "raise_unless_written",
    "write",
    "xml",
]

OK = 0
_INSUFFICIENT_PRIVILEGES = 4
_NOT_CONNECTED = 102
INVALID = 78
TIMEOUT = 30.0
"""Seconds. cibadmin itself gives up after 30 s; a CIB of 32 nodes and 1,000 resources takes under 2."""
_TELLING = 2
"""Lines of a schema's complaint that say what is wrong."""
SCRATCH = {"CIB_shadow_dir": "/dev/shm", "TMPDIR": "/dev/shm"}  # noqa: S108 - on purpose
"""Where crm_simulate has its scratch copy of the CIB: in memory, because a full disk must not stop a preview."""
_START = "Look at `systemctl status corosync pacemaker`; start it with `pcs cluster start`."
_STRANGER = "Pacemaker answers only root and the members of the group haclient."


def write(argv: list[str], *, timeout: float, stdin: bytes = b"") -> Completed:
    """Run a program that writes; whoever calls looks at its exit code.

    Raises:
        OutcomeUnknown: it did not answer in time.
    """
    try:
        return run(argv, timeout=timeout, stdin=stdin)
    except ToolHung as error:
        raise OutcomeUnknown(
            f"{argv[0]}: no answer within {timeout:g} s.",
            hint="Look at `journalctl -u pacemaker` on this node.",
            output=error.output,
        ) from error


def raise_unless_written(done: Completed) -> None:
    """Do nothing where a program says that it has written.

    Raises:
        NodeError: it had no right to.
        OutcomeUnknown: nobody knows whether it has.
    """
    if done.code == _INSUFFICIENT_PRIVILEGES:
        raise _no_right(done)
    if done.code != OK:
        raise OutcomeUnknown(
            f"{done.argv[0]}: exit code {done.code}.",
            hint="Look at `journalctl -u pacemaker` on this node.",
            output=done.output[-500:],
        )


def xml(done: Completed) -> ET.Element:
    """The XML that a program has printed.

    Raises:
        ToolOutput: it is none.
    """
    try:
        return ET.fromstring(done.stdout)  # noqa: S314 - the cluster's own answer
    except ET.ParseError as error:
        raise ToolOutput(
            f"{done.argv[0]}: it printed something that is not XML ({error}).",
            hint="Is it Pacemaker's own program, and is its version 2.1 or newer?",
            output=done.stdout[:300].decode(errors="replace"),
        ) from error


def invalid(done: Completed) -> Refused:
    """The error for what the schema does not allow, in the schema's words."""
    lines = done.stderr.decode(errors="replace").splitlines()
    return Refused(
        "the cluster's schema does not allow what would be written, so nothing was written.",
        hint="Correct what it names; `cibadmin --upgrade` brings an old schema up to date.",
        output="\n".join(lines[:_TELLING]),  # those that follow are about the elements around it
    )


def raise_if_down(done: Completed) -> None:
    """Do nothing where the cluster has answered.

    Raises:
        ClusterDown: Pacemaker does not run here, or is still starting.
        NodeError: it does not talk to this user.
    """
    if done.code == _NOT_CONNECTED:
        raise ClusterDown(
            "the cluster does not answer on this node: Pacemaker is not running or still starting.",
            hint=_START if _let_in() else f"{_STRANGER} If you are one: {_START}",
            output=done.output[-500:],
        )
    if done.code == _INSUFFICIENT_PRIVILEGES:
        raise _no_right(done)


def _let_in() -> bool:
    """True if Pacemaker lets this user in, as it does root and the members of haclient."""
    with contextlib.suppress(KeyError):
        return os.geteuid() == 0 or grp.getgrnam("haclient").gr_gid in {os.getegid(), *os.getgroups()}
    return True  # where the group is not known, nobody is turned away for it


def _no_right(done: Completed) -> NodeError:
    return NodeError(
        f"{done.argv[0]}: no right to talk to the cluster.",
        hint="Run it as root, or as a member of the group haclient.",
    )


@contextlib.contextmanager
def in_memory(document: bytes) -> Iterator[int]:
    """A file that lives in memory, so that a full disk cannot stop us; other programs read it by descriptor."""
    fd = os.memfd_create("pacewright")
    try:
        view = memoryview(document)
        while view:
            view = view[os.write(fd, view) :]
        yield fd
    finally:
        os.close(fd)
