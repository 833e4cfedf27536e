"""The scheduler, which touches no cluster: `crm_simulate`, and `crm_verify` for what it finds wrong."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

from pacewright.cluster.tools.answers import INVALID, OK, SCRATCH, TIMEOUT, in_memory, invalid, xml
from pacewright.errors import ToolFailed
from pacewright.process import Completed, run

__all__ = ["complaints", "refuse_if_invalid", "schedule", "scores", "simulate"]

_DIFFERENT_FEATURE_SET = 78
_ABORTED = -6  # by an assertion of its own; what 2.1 does with a feature set that it does not know
_SCHEDULER = SCRATCH | {"GLIBC_TUNABLES": "glibc.malloc.mxfast=0"}
"""It frees large copies of XML again and again, and glibc then tidies up its fast bins each time: a third of a
simulation that takes seconds, a sixth of one that takes 50 ms (2.1.5). Elsewhere than with glibc it means nothing."""
_SCHEMAS = "/usr/share/pacemaker"
"""Where Pacemaker's programs find the schemas."""
_SCHEMA = re.compile(rb"validate-with=([\"'])pacemaker-(\d{1,3})\.(\d{1,3})\1")
_NEWEST = re.compile(r"pacemaker-(\d{1,3})\.\d{1,3}\.rng")
_ASSERTION = re.compile(rb"error: ([^\n]{1,300}assert[^\n]{1,300})", re.IGNORECASE)
_FEATURE_SET = re.compile(rb"crm_feature_set=[\"'](\d{1,9}(?:\.\d{1,9}){0,3})[\"']")
_HEAD = 2000
"""Bytes of a CIB in which its root stands."""
_COMPLAINT = re.compile(r"(?:\([^)]*\)\s*)?(?:error|warning):\s*(.+)")
_MANY = 4
"""Complaints that are shown; the first ones are about what matters."""


def schedule(cib: bytes, *, timeout: float = TIMEOUT) -> tuple[ET.Element, bytes]:
    """What the scheduler would do with this CIB (20 ms). Touches no cluster.

    Returns:
        crm_simulate's answer in XML, and the first transition's graph.

    Raises:
        Refused: it is no valid CIB.
        ToolFailed: crm_simulate cannot work on this CIB; an older node's aborts on a newer feature set.
    """
    with in_memory(b"") as graph:
        answer = _scheduler(cib, ["--run", f"--save-graph=/proc/self/fd/{graph}"], (graph,), timeout)
        planned = _contents(graph)
    if _newer(cib[:_HEAD], than=planned):  # without --simulate it does not mind
        raise _too_old()
    return answer, planned


def simulate(cib: bytes, *, timeout: float = TIMEOUT) -> tuple[ET.Element, bytes, bytes]:
    """The same, and what would become of the CIB.

    Pacemaker's program writes the result of each operation into its copy by itself. On three nodes that takes some
    milliseconds; for a hundred operations in a CIB of 300 kB it takes seconds, where `schedule` takes a tenth of one.

    Returns:
        crm_simulate's answer in XML, the CIB as it would be afterwards, and the first transition's graph.
    """
    with in_memory(b"") as after, in_memory(b"") as graph:
        saved = [f"--save-output=/proc/self/fd/{after}", f"--save-graph=/proc/self/fd/{graph}"]
        answer = _scheduler(cib, ["--simulate", *saved], (after, graph), timeout)
        return answer, _validated_as(cib, _contents(after)), _contents(graph)


def refuse_if_invalid(cib: bytes, *, timeout: float = TIMEOUT) -> None:
    """Hold a CIB against its schema, which nobody has done yet for what a user has written into it (30 ms).

    Raises:
        Refused: it is no valid CIB.
        ToolFailed: crm_simulate cannot work on it.
    """
    _raise_unless_simulated(_simulated(cib, ["--run"], (), timeout), cib)


def scores(cib: bytes, *, timeout: float = TIMEOUT) -> ET.Element:
    """How much the scheduler would like each resource on each node, in crm_simulate's XML (20 ms). Touches no cluster.

    Raises:
        ToolFailed: it cannot work on this CIB.
    """
    return _scheduler(cib, ["--show-scores"], (), timeout)


def complaints(cib: bytes, *, timeout: float = TIMEOUT) -> tuple[str, ...]:
    """What Pacemaker finds wrong with a CIB, in its own words, the first few; nothing if it finds nothing."""
    with in_memory(cib) as fd:
        argv = ["crm_verify", f"--xml-file=/proc/self/fd/{fd}", "--verbose"]
        done = run(argv, timeout=timeout, pass_fds=(fd,), env=SCRATCH)
    lines = done.stderr.decode(errors="replace").splitlines()
    found = (match[1].strip() for line in lines if (match := _COMPLAINT.match(line)) is not None)
    return tuple(dict.fromkeys(found))[:_MANY]


def _scheduler(cib: bytes, options: list[str], files: tuple[int, ...], timeout: float) -> ET.Element:
    short = _unvalidated(cib)
    done = _simulated(cib if short is None else short, options, files, timeout)
    if short is not None and done.code != OK:
        done = _simulated(cib, options, files, timeout)  # in its own words what is wrong, or it must have the schema
    _raise_unless_simulated(done, cib)
    return xml(done)


def _simulated(cib: bytes, options: list[str], files: tuple[int, ...], timeout: float) -> Completed:
    with in_memory(cib) as fd:
        argv = ["crm_simulate", *options, f"--xml-file=/proc/self/fd/{fd}", "--output-as=xml"]
        return run(argv, timeout=timeout, pass_fds=(fd, *files), env=_SCHEDULER)


def _unvalidated(cib: bytes) -> bytes | None:
    """The CIB as one that is not held against its schema; None if its schema is an older one, which is transformed.

    The cluster has validated its own, and validates again what is written. Reading the schema is half of what the
    scheduler's program does with the CIB of three nodes: 28 ms with it, 12 without (2.1.5 and 3.0.0).
    """
    found = _SCHEMA.search(cib[:_HEAD])
    if found is None or not _is_of_the_newest(int(found[2]), int(found[3])):
        return None
    return cib[: found.start()] + b'validate-with="none"' + cib[found.end() :]


def _is_of_the_newest(major: int, minor: int) -> bool:
    """True if this machine's programs know that schema, and none with a higher major version.

    False as well if they keep them elsewhere.
    """
    try:
        names = [path.name for path in Path(_SCHEMAS).iterdir()]
    except OSError:
        return False
    majors = [int(found[1]) for name in names if (found := _NEWEST.fullmatch(name)) is not None]
    return f"pacemaker-{major}.{minor}.rng" in names and major == max(majors)


def _validated_as(before: bytes, after: bytes) -> bytes:
    """What became of a CIB, with the schema that it had before."""
    found = _SCHEMA.search(before[:_HEAD])
    return after if found is None else after.replace(b'validate-with="none"', found[0], 1)


def _raise_unless_simulated(done: Completed, cib: bytes) -> None:
    if done.code == INVALID and b"validity error" in done.stderr:
        raise invalid(done)
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
    return _newer(cib[:_HEAD], than=run(["cibadmin", "--empty"], timeout=TIMEOUT).stdout)


def _newer(document: bytes, *, than: bytes) -> bool:
    """True if both name a feature set, and the first one's is newer."""
    one, other = _FEATURE_SET.search(document), _FEATURE_SET.search(than)
    if one is None or other is None:
        return False
    return [int(part) for part in one[1].split(b".")] > [int(part) for part in other[1].split(b".")]


def _contents(fd: int) -> bytes:
    return Path(f"/proc/self/fd/{fd}").read_bytes()
