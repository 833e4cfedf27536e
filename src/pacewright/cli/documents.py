"""Documents that a caller hands over: a file, or standard input. Read whole, up to a size."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

from pacewright.errors import UsageError

__all__ = ["document"]

_MOST = 16 << 20
"""Bytes."""


def document(name: str, what: str) -> bytes:
    """What stands there.

    Args:
        name: a path; `-` for standard input.
        what: how errors call it.

    Raises:
        UsageError: it cannot be read, or is too large.
    """
    try:
        if name == "-":
            found = _whole(sys.stdin.buffer)
        else:
            with Path(name).open("rb") as file:
                found = _whole(file)
    except OSError as error:
        raise UsageError(f"{what}: it cannot be read: {error.strerror}.") from error
    except ValueError as error:  # a NUL byte in the name
        raise UsageError(f"{what}: it cannot be read: {error}.") from error
    if len(found) > _MOST:
        raise UsageError(f"{what}: it is larger than {_MOST:,} bytes.")
    return found


def _whole(file: BinaryIO) -> bytes:
    return file.read(_MOST + 1)
