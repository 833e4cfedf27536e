"""The fingerprint of a service's config inputs on this node: one short digest over what they are and what is in them.

Over each file's path, type, mode, owner, group and content (docs/services.yaml.md). Times are not in it: a file that
is written again with the same content is the same config.
"""

from __future__ import annotations

import glob
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pacewright.errors import NodeError

__all__ = ["Inputs", "fingerprint"]

_LENGTH = 16
"""Hexadecimal digits kept: 64 bits, to be told apart from the few configs that a service ever has."""
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """A service's config on this node, at one moment.

    Attributes:
        fingerprint: the digest.
        changed: when any of it last changed (ctime, which nobody can set back), in seconds since the epoch; 0 if
            there is nothing.
        files: how many files it is made of.
    """

    fingerprint: str
    changed: float
    files: int


def fingerprint(inputs: Iterable[str]) -> Inputs:
    """Read the config inputs: files, globs, and directories with all that is below them.

    What is not there counts as not there, so that its arrival is a change.

    Raises:
        NodeError: something is there and cannot be read.
    """
    digest = hashlib.sha256()
    changed, files = 0.0, 0
    for path in sorted({found for pattern in inputs for found in _matching(pattern)}):
        try:
            kind, when = _take(path, digest)
        except OSError as error:
            raise NodeError(
                f"{path}: a config input that cannot be read: {error.strerror}.",
                hint="Mend its permissions, or take it out of the service's config in services.yaml.",
            ) from error
        changed = max(changed, when)
        files += kind
    return Inputs(fingerprint=digest.hexdigest()[:_LENGTH], changed=changed, files=files)


def _matching(pattern: str) -> Iterator[str]:
    if not glob.has_magic(pattern):
        yield from _below(pattern)
        return
    for found in glob.iglob(pattern, recursive=True):  # noqa: PTH207 - Path.glob wants a pattern without its root
        yield from _below(found)


def _below(path: str) -> Iterator[str]:
    yield path.rstrip("/") or "/"
    if os.path.isdir(path):  # noqa: PTH112 - strings all the way; a config may be ten thousand files
        for folder, folders, names in os.walk(path):
            for name in (*folders, *names):
                yield os.path.join(folder, name)  # noqa: PTH118


def _take(path: str, digest: hashlib._Hash) -> tuple[int, float]:
    """Add a path to the digest; returns whether it is a file, and when it changed."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        _add(digest, path, "absent")
        return 0, 0.0
    _add(digest, path, oct(found.st_mode), str(found.st_uid), str(found.st_gid))
    when = found.st_ctime
    if stat.S_ISLNK(found.st_mode):
        _add(digest, os.readlink(path))  # noqa: PTH115
        try:
            found = os.stat(path)  # noqa: PTH116
        except OSError:
            return 0, when  # it leads nowhere; where it leads to is in the digest
        when = max(when, found.st_ctime)
    if not stat.S_ISREG(found.st_mode):
        return 0, when
    with Path(path).open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    _add(digest, str(found.st_size))
    return 1, when


def _add(digest: hashlib._Hash, *words: str) -> None:
    for word in words:
        digest.update(word.encode(errors="surrogateescape") + b"\0")
