"""Opening a file that somebody else may have put there: a regular file, or an error; never a wait."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path

__all__ = ["opened"]


def opened(path: Path) -> io.FileIO:
    """A regular file for reading, not buffered. What it is, is asked of the open file, as a path may change meanwhile.

    A FIFO or a device is not waited for. Nor is a file of the kernel's that gives nothing now (such as /proc/kmsg):
    reading it is an error.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    file = _Regular(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC))
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "It is no regular file", str(path))
    return file


class _Regular(io.FileIO):
    def read(self, size: int | None = -1, /) -> bytes:
        """As in io.FileIO, where None means that there is nothing now."""
        block = super().read(size)
        if block is None:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), self.name)
        return block
