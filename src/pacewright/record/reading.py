"""Reading: the entries of a log, and of what rotation has put aside. A line that is none is left out and counted."""

from __future__ import annotations

import errno
import json
import re
import stat
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

from pacewright.errors import NodeError
from pacewright.frozen import frozen
from pacewright.record.schema import sound

__all__ = ["Entry", "History", "files_of", "read_log"]

_LONGEST = 1 << 16
"""Bytes of a line that are read at once; no entry has so many."""


@frozen
class Entry:
    """One thing that was recorded.

    Attributes:
        time: seconds since the epoch, by the clock of the node that recorded it.
        kind: `call`, `seen`, `decision`, `intent`, `commit`, `conflict`, `unknown`, `end`; others may be added.
        call: which call it belongs to.
        node: where that was made.
        service: as the caller named it.
        told: every field, as it was written (docs/history.md).
    """

    time: float
    kind: str
    call: str
    node: str
    service: str
    told: Mapping[str, Any]


@frozen
class History:
    """What a log holds.

    Attributes:
        entries: in the order in which they were written.
        notes: what could not be read.
    """

    entries: tuple[Entry, ...] = ()
    notes: tuple[str, ...] = ()


def files_of(path: Path) -> list[Path]:
    """The log and what was rotated away from it, the oldest first: `.2.gz`, `.1`, `-20261124`, and then the log."""
    numbered, dated = [], []
    for found in path.parent.glob(f"{path.name}[.-]*"):
        suffix = re.fullmatch(r"(?:\.(\d+)|-(\d[\d-]*))(?:\.gz)?", found.name.removeprefix(path.name))
        if suffix is not None and suffix[1]:
            numbered.append((-int(suffix[1]), found))
        elif suffix is not None:
            dated.append((suffix[2], found))
    put_aside = [found for _, found in sorted(numbered)] + [found for _, found in sorted(dated)]
    return put_aside + ([path] if path.exists() else [])


def read_log(path: Path, *, since: float = 0.0) -> History:
    """Every entry of a log.

    Args:
        path: the log.
        since: files that were last written before that are left alone.

    Raises:
        NodeError: the log may not be read.
    """
    entries: list[Entry] = []
    notes: list[str] = []
    for file in files_of(path):
        bad = 0
        try:
            if file.stat().st_mtime < since:
                continue
            for line in _lines(file):
                entry = _entry(line)
                if entry is not None:
                    entries.append(entry)
                elif line.strip():
                    bad += 1
        except PermissionError as error:
            raise NodeError(
                f"{file}: may not be read by this user.", hint="Run it as root or as a member of the group adm."
            ) from error
        except (OSError, EOFError, zlib.error) as error:  # a gzip file may be cut off, or spoilt
            notes.append(f"{file}: not read to its end: {error}")
        if bad:
            notes.append(f"{file}: {bad} line{'s' if bad > 1 else ''} cannot be read and {_were(bad)} left out")
    return History(entries=tuple(entries), notes=tuple(notes))


def _were(number: int) -> str:
    return "were" if number > 1 else "was"


def _lines(file: Path) -> Iterator[bytes]:
    """Its lines; of one that is longer than any of ours only the beginning, which is no entry."""
    with _opened(file) as stream:
        while line := stream.readline(_LONGEST):
            yield line
            while line and not line.endswith(b"\n"):
                line = stream.readline(_LONGEST)


def _opened(file: Path) -> IO[bytes]:
    if stat.S_ISCHR(file.stat().st_mode):
        raise OSError(errno.EINVAL, "it is a device")
    if file.suffix != ".gz":
        return file.open("rb")
    import gzip  # noqa: PLC0415 - only where something was rotated

    return cast("IO[bytes]", gzip.open(file, "rb"))


def _no_constant(name: str) -> object:
    raise ValueError(name)  # NaN and Infinity are no JSON, though Python takes them


def _entry(line: bytes) -> Entry | None:
    try:
        told = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not {"time", "kind", "call"} <= told.keys() or not sound(told):
        return None
    return Entry(
        time=float(told["time"]),
        kind=told["kind"],
        call=told["call"],
        node=told.get("node", ""),
        service=told.get("service", ""),
        told=told,
    )
