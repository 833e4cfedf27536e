"""Pacemaker's own commands: one function for each call that we make. XML out, never text for people.

Every function returns what the command said or raises; nothing here decides anything. Exit codes are
Pacemaker's `crm_exit_t` (the same in 2.1 and 3.0, include/crm/common/results.h).
"""

from __future__ import annotations

import contextlib
import grp
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from pacewright.errors import (
    ClusterDown,
    CommitConflict,
    NodeError,
    NoQuorum,
    OutcomeUnknown,
    Refused,
    ToolFailed,
    ToolHung,
    ToolOutput,
)
from pacewright.process import Begun, Completed, Process, run, spawn

__all__ = [
    "STATUS",
    "asked",
    "begin_to_delete",
    "cleanup",
    "complaints",
    "difference",
    "metadata",
    "patch",
    "query",
    "query_file",
    "query_root",
    "refuse_if_invalid",
    "schedule",
    "scores",
    "simulate",
    "status",
    "status_told",
]

STATUS = ("crm_mon", "--output-as=xml", "--inactive", "--include=none,summary,nodes,resources,bans")
"""Asks for the status of the CIB in the file that CIB_file names."""

_OK = 0
_INSUFFICIENT_PRIVILEGES = 4
_NOT_CONNECTED = 102
_UPDATE_REFUSED_AS_OLD = 103
_NO_SUCH_AGENT = 105
_NO_QUORUM = 106
_DIFFERENT_FEATURE_SET = 78
_INVALID = 78
_ABORTED = -6  # by an assertion of its own; what 2.1 does with a feature set that it does not know

_QUERY = ("cibadmin", "--query")
_TIMEOUT = 30.0
"""Seconds. cibadmin itself gives up after 30 s; a CIB of 32 nodes and 1,000 resources takes under 2."""

_ANSWER = 10.0
"""Seconds for the answer to a write, which takes milliseconds. If the CIB manager dies meanwhile, cibadmin waits 30 s
(seen on 3.0.0); what became of the write is looked at then anyway, and a caller's time is not gone for it."""

_TELLING = 2
"""Lines of a schema's complaint that say what is wrong."""

_SCRATCH = {"CIB_shadow_dir": "/dev/shm", "TMPDIR": "/dev/shm"}  # noqa: S108 - on purpose
"""Where crm_simulate has its scratch copy of the CIB: in memory, because a full disk must not stop a preview."""

_SCHEDULER = _SCRATCH | {"GLIBC_TUNABLES": "glibc.malloc.mxfast=0"}
"""It frees large copies of XML again and again, and glibc then tidies up its fast bins each time: a third of a
simulation that takes seconds, a sixth of one that takes 50 ms (2.1.5). Elsewhere than with glibc it means nothing."""

_SCHEMAS = "/usr/share/pacemaker"
"""Where Pacemaker's programs find the schemas."""
_SCHEMA = re.compile(rb"validate-with=([\"'])pacemaker-(\d{1,3})\.\d{1,3}\1")
_NEWEST = re.compile(r"pacemaker-(\d{1,3})\.\d{1,3}\.rng")

_ASSERTION = re.compile(rb"error: ([^\n]{1,300}assert[^\n]{1,300})", re.IGNORECASE)

_FEATURE_SET = re.compile(rb"crm_feature_set=[\"'](\d{1,9}(?:\.\d{1,9}){0,3})[\"']")
_HEAD = 2000
"""Bytes of a CIB in which its root stands."""
_COMPLAINT = re.compile(r"(?:\([^)]*\)\s*)?(?:error|warning):\s*(.+)")
_MANY = 4
"""Complaints that are shown; the first ones are about what matters."""

_ASK_VERIFY = "`cibadmin --query | crm_verify --xml-pipe --verbose` says what is wrong with the CIB."

_START = "Look at `systemctl status corosync pacemaker`; start it with `pcs cluster start`."
_STRANGER = "Pacemaker answers only root and the members of the group haclient."

_ON_DISK_CIB = "/var/lib/pacemaker/cib/cib.xml"


def asked(*, timeout: float = _TIMEOUT) -> Begun:
    """The question for the whole CIB, under way; `query` waits for the answer.

    Raises:
        ToolMissing: Pacemaker's commands are not installed.
    """
    return Begun(_QUERY, timeout=timeout)


def query(*, begun: Begun | None = None, timeout: float = _TIMEOUT) -> bytes:
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
    _raise_if_down(done)
    return done.checked().stdout


def query_root(*, timeout: float = _TIMEOUT) -> bytes:
    """The CIB's root element alone, which has its version (8 ms, however large it is).

    Raises:
        ClusterDown: Pacemaker does not run here any more.
    """
    done = run(["cibadmin", "--query", "--no-children"], timeout=timeout)
    _raise_if_down(done)
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
    done = _write(["cibadmin", "--patch", "--xml-pipe"], timeout=timeout, stdin=document)
    if done.code == _UPDATE_REFUSED_AS_OLD:
        raise CommitConflict("the CIB changed since it was read, so nothing was written.")
    if done.code == _NO_QUORUM:
        raise NoQuorum(
            "the cluster has no quorum, so nothing was written.",
            hint="Bring enough nodes back; `pacewright fact` shows which are missing.",
        )
    if done.code == _INVALID:
        raise _invalid(done)
    _clear(done)


def begin_to_delete(xpath: str) -> Process:
    """Have the one element that an XPath finds deleted from the CIB, or none; the caller need not wait for it.

    Not `--delete-all`, which would be for several: that wants `--force`, and this overrides a missing quorum.

    Raises:
        ToolMissing: Pacemaker's commands are not installed.
    """
    return spawn(["cibadmin", "--delete", "--xpath", xpath], new_session=True)


def difference(before: bytes, after: bytes, *, timeout: float = _TIMEOUT) -> bytes:
    """The patch from one CIB to another (`crm_diff`); empty when they are the same."""
    with _in_memory(before) as old, _in_memory(after) as new:
        done = run(
            ["crm_diff", "--original", f"/proc/self/fd/{old}", "--new", f"/proc/self/fd/{new}"],
            timeout=timeout,
            pass_fds=(old, new),
        )
    # 1 means "they differ"; 0 "they do not".
    if done.code not in {0, 1}:
        done.checked()
    return done.stdout


def metadata(agent: str, *, timeout: float = _TIMEOUT) -> ET.Element | None:
    """What an agent on this node says about itself; None if there is no such agent."""
    done = run(["crm_resource", "--show-metadata", agent], timeout=timeout)
    if done.code == _NO_SUCH_AGENT:
        return None
    return _xml(done.checked())


def schedule(cib: bytes, *, timeout: float = _TIMEOUT) -> tuple[ET.Element, bytes]:
    """What the scheduler would do with this CIB (20 ms). Touches no cluster.

    Returns:
        crm_simulate's answer in XML, and the first transition's graph.

    Raises:
        Refused: it is no valid CIB.
        ToolFailed: crm_simulate cannot work on this CIB; an older node's aborts on a newer feature set.
    """
    with _in_memory(b"") as graph:
        answer = _scheduler(cib, ["--run", f"--save-graph=/proc/self/fd/{graph}"], (graph,), timeout)
        planned = _contents(graph)
    if _newer(cib[:_HEAD], than=planned):  # without --simulate it does not mind
        raise _too_old()
    return answer, planned


def simulate(cib: bytes, *, timeout: float = _TIMEOUT) -> tuple[ET.Element, bytes, bytes]:
    """The same, and what would become of the CIB.

    Pacemaker's program writes the result of each operation into its copy by itself. On three nodes that takes some
    milliseconds; for a hundred operations in a CIB of 300 kB it takes seconds, where `schedule` takes a tenth of one.

    Returns:
        crm_simulate's answer in XML, the CIB as it would be afterwards, and the first transition's graph.
    """
    with _in_memory(b"") as after, _in_memory(b"") as graph:
        saved = [f"--save-output=/proc/self/fd/{after}", f"--save-graph=/proc/self/fd/{graph}"]
        answer = _scheduler(cib, ["--simulate", *saved], (after, graph), timeout)
        return answer, _validated_as(cib, _contents(after)), _contents(graph)


def _validated_as(before: bytes, after: bytes) -> bytes:
    """What became of a CIB, with the schema that it had before."""
    found = _SCHEMA.search(before[:_HEAD])
    return after if found is None else after.replace(b'validate-with="none"', found[0], 1)


def _scheduler(cib: bytes, options: list[str], files: tuple[int, ...], timeout: float) -> ET.Element:
    short = _unvalidated(cib)
    done = _simulated(cib if short is None else short, options, files, timeout)
    if short is not None and done.code != _OK:
        done = _simulated(cib, options, files, timeout)  # in its own words what is wrong, or it must have the schema
    _raise_unless_simulated(done, cib)
    return _xml(done)


def _simulated(cib: bytes, options: list[str], files: tuple[int, ...], timeout: float) -> Completed:
    with _in_memory(cib) as fd:
        argv = ["crm_simulate", *options, f"--xml-file=/proc/self/fd/{fd}", "--output-as=xml"]
        return run(argv, timeout=timeout, pass_fds=(fd, *files), env=_SCHEDULER)


def _unvalidated(cib: bytes) -> bytes | None:
    """The CIB as one that is not held against its schema; None if its schema is an older one, which is transformed.

    The cluster has validated its own, and validates again what is written. Reading the schema is half of what the
    scheduler's program does with the CIB of three nodes: 28 ms with it, 12 without (2.1.5 and 3.0.0).
    """
    found = _SCHEMA.search(cib[:_HEAD])
    if found is None or int(found[2]) != _newest_schema():
        return None
    return cib[: found.start()] + b'validate-with="none"' + cib[found.end() :]


def _newest_schema() -> int | None:
    """The major version of the newest schema that this machine's programs know; None if they keep them elsewhere."""
    try:
        names = [path.name for path in Path(_SCHEMAS).iterdir()]
    except OSError:
        return None
    return max((int(found[1]) for name in names if (found := _NEWEST.fullmatch(name)) is not None), default=None)


def _raise_unless_simulated(done: Completed, cib: bytes) -> None:
    if done.code == _INVALID and b"validity error" in done.stderr:
        raise _invalid(done)
    assertion = _ASSERTION.search(done.stderr)
    if done.code == _ABORTED and assertion is not None and not _is_newer(cib):
        raise ToolFailed(
            f"crm_simulate: Pacemaker's scheduler program gave up on this CIB, by an assertion of its own: "
            f"{assertion[1].decode(errors='replace')}.",
            hint="That is a fault of Pacemaker's program, perhaps fixed in a newer one; nothing was changed.",
        )
    if b"feature set" in done.stderr or done.code in {_DIFFERENT_FEATURE_SET, _ABORTED}:
        raise _too_old(done.output[-500:])
    if not done.stdout.lstrip().startswith(b"<"):
        done.checked()


def _too_old(output: str = "") -> ToolFailed:
    return ToolFailed(
        "crm_simulate: this node's Pacemaker is older than the cluster's and cannot preview.",
        hint="Run the command on the DC, or on an upgraded node.",
        output=output,
    )


def _is_newer(cib: bytes) -> bool:
    """True if a CIB has a newer feature set than this machine's programs, which then end in the same assertion."""
    return _newer(cib[:_HEAD], than=run(["cibadmin", "--empty"], timeout=_TIMEOUT).stdout)


def _newer(document: bytes, *, than: bytes) -> bool:
    """True if both name a feature set, and the first one's is newer."""
    one, other = _FEATURE_SET.search(document), _FEATURE_SET.search(than)
    if one is None or other is None:
        return False
    return [int(part) for part in one[1].split(b".")] > [int(part) for part in other[1].split(b".")]


def refuse_if_invalid(cib: bytes, *, timeout: float = _TIMEOUT) -> None:
    """Hold a CIB against its schema, which nobody has done yet for what a user has written into it (30 ms).

    Raises:
        Refused: it is no valid CIB.
        ToolFailed: crm_simulate cannot work on it.
    """
    _raise_unless_simulated(_simulated(cib, ["--run"], (), timeout), cib)


def scores(cib: bytes, *, timeout: float = _TIMEOUT) -> ET.Element:
    """How much the scheduler would like each resource on each node, in crm_simulate's XML (20 ms). Touches no cluster.

    Raises:
        ToolFailed: it cannot work on this CIB.
    """
    return _scheduler(cib, ["--show-scores"], (), timeout)


def complaints(cib: bytes, *, timeout: float = _TIMEOUT) -> tuple[str, ...]:
    """What Pacemaker finds wrong with a CIB, in its own words, the first few; nothing if it finds nothing."""
    with _in_memory(cib) as fd:
        argv = ["crm_verify", f"--xml-file=/proc/self/fd/{fd}", "--verbose"]
        done = run(argv, timeout=timeout, pass_fds=(fd,), env=_SCRATCH)
    lines = done.stderr.decode(errors="replace").splitlines()
    found = (match[1].strip() for line in lines if (match := _COMPLAINT.match(line)) is not None)
    return tuple(dict.fromkeys(found))[:_MANY]


def status(cib: bytes, *, timeout: float = _TIMEOUT) -> ET.Element:
    """What Pacemaker makes of a CIB: its nodes and resources, in crm_mon's XML (9 ms). Touches no cluster.

    Raises:
        ToolFailed: Pacemaker cannot read this CIB; its own words say why.
    """
    with _in_memory(cib) as fd:
        return status_told(run(STATUS, timeout=timeout, pass_fds=(fd,), env={"CIB_file": f"/proc/self/fd/{fd}"}))


def status_told(done: Completed) -> ET.Element:
    """The status in the answer to `STATUS`.

    Raises:
        ToolFailed: as `status`.
    """
    answer = _xml(done) if done.code == _OK else None
    if answer is None or answer.find("nodes") is None:  # 2.1.5 exits with 0 when it cannot read the CIB, too
        said = "\n".join(answer.itertext()).strip() if answer is not None else done.output
        raise ToolFailed(
            "crm_mon: this node's Pacemaker cannot read the cluster's state.",
            hint=f"Is it older than the cluster's (`crm_mon --version` here and on the DC)? {_ASK_VERIFY}",
            output=said[-500:],
        )
    return answer


def cleanup(resource: str, node: str | None, *, timeout: float = _TIMEOUT) -> None:
    """Forget a resource's failures (on one node), so that the cluster tries it again.

    Raises:
        OutcomeUnknown: they may be forgotten or not.
    """
    argv = ["crm_resource", "--cleanup", "--resource", resource]
    if node is not None:
        argv += ["--node", node]
    _clear(_write(argv, timeout=timeout))


def _write(argv: list[str], *, timeout: float, stdin: bytes = b"") -> Completed:
    try:
        return run(argv, timeout=timeout, stdin=stdin)
    except ToolHung as error:
        raise OutcomeUnknown(
            f"{argv[0]}: no answer within {timeout:g} s.",
            hint="Look at `journalctl -u pacemaker` on this node.",
            output=error.output,
        ) from error


def _clear(done: Completed) -> None:
    if done.code == _INSUFFICIENT_PRIVILEGES:
        raise _no_right(done)
    if done.code != _OK:
        raise OutcomeUnknown(
            f"{done.argv[0]}: exit code {done.code}.",
            hint="Look at `journalctl -u pacemaker` on this node.",
            output=done.output[-500:],
        )


def _xml(done: Completed) -> ET.Element:
    try:
        return ET.fromstring(done.stdout)  # noqa: S314 - the cluster's own answer
    except ET.ParseError as error:
        raise ToolOutput(
            f"{done.argv[0]}: it printed something that is not XML ({error}).",
            hint="Is it Pacemaker's own program, and is its version 2.1 or newer?",
            output=done.stdout[:300].decode(errors="replace"),
        ) from error


def _invalid(done: Completed) -> Refused:
    lines = done.stderr.decode(errors="replace").splitlines()
    return Refused(
        "the cluster's schema does not allow what would be written, so nothing was written.",
        hint="Correct what it names; `cibadmin --upgrade` brings an old schema up to date.",
        output="\n".join(lines[:_TELLING]),  # those that follow are about the elements around it
    )


def _raise_if_down(done: Completed) -> None:
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


def _contents(fd: int) -> bytes:
    return Path(f"/proc/self/fd/{fd}").read_bytes()


@contextlib.contextmanager
def _in_memory(document: bytes) -> Iterator[int]:
    """A file that lives in memory, so that a full disk cannot stop us; other programs read it by descriptor."""
    fd = os.memfd_create("pacewright")
    try:
        view = memoryview(document)
        while view:
            view = view[os.write(fd, view) :]
        yield fd
    finally:
        os.close(fd)
