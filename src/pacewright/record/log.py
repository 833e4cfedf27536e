"""The log: entries appended to a file on this node, each whole; it never stands in the way of what it records."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from pacewright.record.lines import line

__all__ = ["DEFAULT_PATH", "Log", "log_path"]

DEFAULT_PATH = Path("/var/log/pacewright/history.jsonl")
_MODE = 0o640
_FOLDER_MODE = 0o750
_GROUP = "adm"
"""Who may read what is going on on a machine (Debian policy)."""


def log_path() -> Path:
    """Where this node's log is: PACEWRIGHT_HISTORY says so, or the default."""
    return Path(os.environ.get("PACEWRIGHT_HISTORY") or DEFAULT_PATH)


class Log:
    """A file that any number of processes append to.

    It is opened for each entry, so that rotation needs no signal. An entry is one `write` at the end of the file,
    which the kernel does not mix with others'. Where a full disk has cut one off, the next begins a line of its own.

    Args:
        path: the file; made if it is not there, and the folder that it is in.
        warn: told in one sentence when an entry could not be kept, once.
    """

    def __init__(self, path: Path, *, warn: Callable[[str], None]) -> None:
        self._path = path
        self._warn = warn
        self._warned = False

    def append(self, entry: Mapping[str, object]) -> None:
        """Keep an entry, or warn. Never raises."""
        try:
            text = line(entry)
            file = self._open()
            try:
                whole = _line_end_missing(file) + text
                if os.write(file, whole) < len(whole):
                    self.warn("it did not fit on the device")
            finally:
                os.close(file)
        except OSError as error:
            self.warn(error.strerror or type(error).__name__)

    def warn(self, why: str) -> None:
        """Say that what happens is not recorded, the first time."""
        if not self._warned:
            self._warned = True
            self._warn(f"what this call does is not recorded in {self._path}: {why}")

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            return os.open(self._path, flags)
        except FileNotFoundError:
            return self._make(flags)

    def _make(self, flags: int) -> int:
        if not self._path.parent.exists():
            self._path.parent.mkdir(mode=_FOLDER_MODE, exist_ok=True)
            self._path.parent.chmod(_FOLDER_MODE)  # whatever the umask of the caller
            _give_to_group(self._path.parent)
        try:
            file = os.open(self._path, flags | os.O_CREAT | os.O_EXCL, _MODE)
        except FileExistsError:  # another call was quicker
            return os.open(self._path, flags)
        os.fchmod(file, _MODE)  # whatever the umask of the caller
        _give_to_group(file)
        return file


def _line_end_missing(file: int) -> bytes:
    size = os.fstat(file).st_size
    return b"\n" if size > 0 and os.pread(file, 1, size - 1) != b"\n" else b""


def _give_to_group(what: Path | int) -> None:
    import grp  # noqa: PLC0415 - only once in the life of a file

    try:
        os.chown(what, -1, grp.getgrnam(_GROUP).gr_gid)
    except (KeyError, OSError):  # no such group, or not root: then it stays with the caller's
        return
