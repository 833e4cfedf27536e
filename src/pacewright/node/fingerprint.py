"""The fingerprint of a service's config inputs on this node: one short digest over what they are and what is in them.

Over each file's path, type, mode, owner, group and content (docs/services.yaml.md). Times are not in it: a file that
is written again with the same content is the same config.

It stands in the CIB, where who may read the cluster's configuration but not the files could try passwords against it.
A site that minds puts a secret into `KEY` (docs/security.md).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from pacewright.clock import Deadline
from pacewright.errors import NodeError
from pacewright.frozen import frozen
from pacewright.node.matching import matching
from pacewright.node.regular import opened

__all__ = ["KEY", "Inputs", "fingerprint"]

KEY = Path("/etc/pacewright/fingerprint.key")
"""The site's secret that fingerprints are made with; without this file they are made without one."""

_LENGTH = 16
"""Hexadecimal digits kept: 64 bits, to be told apart from the few configs that a service ever has."""
_BLOCK = 1 << 20
_MOST_BYTES = 1 << 30
_MOST_PATHS = 200_000
_SECONDS = 60.0
_LEAST_KEY = 16


@frozen
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

    What is not there counts as not there, so that its arrival is a change. Of what is no file (a FIFO, a socket, a
    device, also behind a link) only that it is there counts. It ends: after 1 GiB, 200,000 paths or 60 s with an error.

    Raises:
        NodeError: something is there and cannot be read, or is more than any config; or the key is not as it has to be.
    """
    key = _key()
    reader = _Reader()
    for path in sorted({found for pattern in inputs for found in reader.counted(pattern)}):
        try:
            reader.take(path)
        except OSError as error:
            raise NodeError(
                f"{path}: a config input that cannot be read: {error.strerror}.",
                hint="Fix its permissions, or take it out of the service's config in services.yaml.",
            ) from error
    digest = reader.digest.digest()
    if key:
        import hmac  # noqa: PLC0415 - only where the site has a key

        digest = hmac.digest(key, digest, "sha256")
    return Inputs(fingerprint=digest.hex()[:_LENGTH], changed=reader.changed, files=reader.files)


def _key() -> bytes:
    """The site's secret; empty if it has none.

    Raises:
        NodeError: it is there and is no secret, so that nobody relies on what does not protect.
    """
    try:
        with opened(KEY) as file:
            found = os.fstat(file.fileno())
            key = file.read(_BLOCK).strip()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise NodeError(f"{KEY}: cannot be read: {error.strerror}.") from error
    if found.st_mode & 0o077 or found.st_uid not in {0, os.geteuid()}:
        raise NodeError(f"{KEY}: others than root may read it.", hint=f"chown root {KEY} && chmod 600 {KEY}")
    if len(key) < _LEAST_KEY:
        raise NodeError(f"{KEY}: a key has at least {_LEAST_KEY} characters.", hint="openssl rand -hex 32 makes one.")
    return key


class _Reader:
    """What has been read so far, and how much more may be: a link in a config folder may lead anywhere.

    Attributes:
        digest, changed, files: what becomes of `Inputs`.
    """

    def __init__(self) -> None:
        import hashlib  # noqa: PLC0415 - with OpenSSL, for calls that report something

        self.digest = hashlib.sha256()
        self.changed = 0.0
        self.files = 0
        self._deadline = Deadline.after(_SECONDS)
        self._paths = 0
        self._bytes = 0

    def counted(self, pattern: str) -> Iterator[str]:
        """The paths of an input, as far as they are counted."""
        for path in matching(pattern):
            self._paths += 1
            self._bounded(pattern)
            yield path

    def take(self, path: str) -> None:
        """Add a path."""
        try:
            found = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            self._add(path, "absent")
            return
        self._add(path, oct(found.st_mode), str(found.st_uid), str(found.st_gid))
        self.changed = max(self.changed, found.st_ctime)
        if stat.S_ISLNK(found.st_mode):
            self._add(os.readlink(path))  # noqa: PTH115
            try:
                found = os.stat(path)  # noqa: PTH116
            except OSError:
                return  # it leads nowhere; where it leads to is in the digest
            self.changed = max(self.changed, found.st_ctime)
        if stat.S_ISREG(found.st_mode):
            self._content(path)

    def _content(self, path: str) -> None:
        size = 0
        with opened(Path(path)) as file:
            while block := file.read(_BLOCK):
                self.digest.update(block)
                size += len(block)
                self._bytes += len(block)
                self._bounded(path)
        self._add(str(size))
        self.files += 1

    def _bounded(self, path: str) -> None:
        """Refuse to go on for ever.

        Raises:
            NodeError: it is more than any config.
        """
        more = ""
        if self._bytes > _MOST_BYTES:
            more = f"{_MOST_BYTES >> 20} MiB"
        elif self._paths > _MOST_PATHS:
            more = f"{_MOST_PATHS} files"
        elif self._deadline.passed():
            more = f"can be read in {_SECONDS:g} s"
        if more:
            raise NodeError(
                f"{path}: a config input of more than {more}.",
                hint="Is there a link to something else? Name the config's own files in services.yaml.",
            )

    def _add(self, *words: str) -> None:
        for word in words:
            self.digest.update(word.encode(errors="surrogateescape") + b"\0")
