"""Reading and writing the CIB: `cibadmin`, and `crm_diff` for the difference between two."""

from __future__ import annotations

from pathlib import Path

from pacewright.cluster.tools.answers import (
    INVALID,
    TIMEOUT,
    in_memory,
    invalid,
    raise_if_down,
    raise_unless_written,
    write,
)
from pacewright.errors import CommitConflict, NoQuorum, ToolHung
from pacewright.process import Begun, Process, run, spawn

__all__ = ["asked", "begin_to_delete", "difference", "patch", "query", "query_file", "query_root"]

_UPDATE_REFUSED_AS_OLD = 103
_NO_QUORUM = 106
_QUERY = ("cibadmin", "--query")
_ANSWER = 10.0
"""Seconds for the answer to a write, which takes milliseconds. If the CIB manager dies meanwhile, cibadmin waits 30 s
(seen on 3.0.0); what became of the write is looked at then anyway, and a caller's time is not gone for it."""
_ON_DISK_CIB = "/var/lib/pacemaker/cib/cib.xml"


def asked(*, timeout: float = TIMEOUT) -> Begun:
    """The question for the whole CIB, under way; `query` waits for the answer.

    Raises:
        ToolMissing: Pacemaker's commands are not installed.
    """
    return Begun(_QUERY, timeout=timeout)


def query(*, begun: Begun | None = None, timeout: float = TIMEOUT) -> bytes:
    """The whole CIB of the running cluster, as this node has it (8 to 26 ms).

    Args:
        begun: the question, if it was asked already (`asked`).
        timeout: seconds that the answer may take, if it was not.

    Raises:
        ClusterDown: Pacemaker does not run here, or is still starting.
    """
    try:
        with begun or asked(timeout=timeout) as question:
            done = question.completed()
    except ToolHung as error:
        raise ToolHung(
            f"cibadmin: Pacemaker's CIB manager did not answer within {timeout:g} s.",
            hint="Look at `journalctl -u pacemaker` on this node.",
        ) from error
    raise_if_down(done)
    return done.checked().stdout


def query_root(*, timeout: float = TIMEOUT) -> bytes:
    """The CIB's root element alone, which has its version (8 ms, however large it is).

    Raises:
        ClusterDown: Pacemaker does not run here any more.
    """
    done = run(["cibadmin", "--query", "--no-children"], timeout=timeout)
    raise_if_down(done)
    return done.checked().stdout


def query_file() -> bytes | None:
    """The CIB that Pacemaker left on this node's disk, for when it does not run; None if there is none."""
    try:
        return Path(_ON_DISK_CIB).read_bytes()
    except OSError:
        return None


def patch(document: bytes, *, timeout: float = _ANSWER) -> None:
    """Apply a patch to the CIB, whole or not at all.

    No other code than those below tells what became of it: 124 is cibadmin's own time-out, 102 a connection that broke
    (perhaps after it was sent), and 1 stands for "update diff failed, requesting full refresh" too, which a node says
    that is being synchronised while the DC applies the same patch (cib_server_process_diff, based_messages.c).

    Raises:
        CommitConflict: the CIB is no longer the one that the patch was made for.
        NoQuorum: this partition may not write.
        Refused: the result would not be a valid CIB.
        OutcomeUnknown: it may be written or not.
    """
    done = write(["cibadmin", "--patch", "--xml-pipe"], timeout=timeout, stdin=document)
    if done.code == _UPDATE_REFUSED_AS_OLD:
        raise CommitConflict("the CIB changed since it was read, so nothing was written.")
    if done.code == _NO_QUORUM:
        raise NoQuorum(
            "the cluster has no quorum, so nothing was written.",
            hint="Bring enough nodes back; `pacewright fact` shows which are missing.",
        )
    if done.code == INVALID:
        raise invalid(done)
    raise_unless_written(done)


def begin_to_delete(xpath: str) -> Process:
    """Have the one element that an XPath finds deleted from the CIB, or none; the caller need not wait for it.

    Not `--delete-all`, which would be for several: that wants `--force`, and this overrides a missing quorum.

    Raises:
        ToolMissing: Pacemaker's commands are not installed.
    """
    return spawn(["cibadmin", "--delete", "--xpath", xpath], new_session=True)


def difference(before: bytes, after: bytes, *, timeout: float = TIMEOUT) -> bytes:
    """The patch from one CIB to another (`crm_diff`); empty when they are the same."""
    with in_memory(before) as old, in_memory(after) as new:
        done = run(
            ["crm_diff", "--original", f"/proc/self/fd/{old}", "--new", f"/proc/self/fd/{new}"],
            timeout=timeout,
            pass_fds=(old, new),
        )
    # 1 means "they differ"; 0 "they do not".
    if done.code not in {0, 1}:
        done.checked()
    return done.stdout
