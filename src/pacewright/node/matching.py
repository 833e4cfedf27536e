"""The paths that a config input names: files, globs, and directories with all that is below them."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator

__all__ = ["matching"]

_ANY_DEPTH = "/**"


def matching(pattern: str) -> Iterator[str]:
    """The paths, some perhaps twice, in no order; one that is not there, if the pattern is no glob."""
    if not glob.has_magic(pattern):
        yield from _below(pattern)
        return
    top = pattern.removesuffix(_ANY_DEPTH)
    if not glob.has_magic(top):
        yield top  # that it is not there counts, as for a plain path
    for found in _globbed(pattern):
        yield from _below(found)


def _below(path: str) -> Iterator[str]:
    yield path.rstrip("/") or "/"
    if os.path.isdir(path):  # noqa: PTH112 - strings all the way; a config may be ten thousand files
        for folder, folders, names in os.walk(path):
            for name in (*folders, *names):
                yield os.path.join(folder, name)  # noqa: PTH118


def _globbed(pattern: str) -> Iterator[str]:
    """As glob.iglob(recursive=True), whose `**` runs in circles for ever where two links lead back."""
    before, deep, after = pattern.partition(_ANY_DEPTH)
    if not deep or (after and not after.startswith("/")):
        yield from glob.iglob(pattern, recursive=True)  # noqa: PTH207 - Path.glob wants a pattern without its root
        return
    seen: set[tuple[int, int]] = set()
    for start in sorted(glob.iglob(before)) if glob.has_magic(before) else [before]:  # noqa: PTH207
        if not after.strip("/") and os.path.isdir(start):  # noqa: PTH112
            yield start
        for folder in _folders(start, seen):
            yield from _globbed(f"{glob.escape(folder)}/{after.strip('/') or '*'}")


def _folders(start: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    """The folder and those below it, links followed, each real one once; none that begins with a dot below it."""
    todo = [start]
    while todo:
        folder = todo.pop()
        try:
            found = os.stat(folder)  # noqa: PTH116
            with os.scandir(folder) as entries:
                inside = sorted(entry.path for entry in entries if entry.is_dir() and not entry.name.startswith("."))
        except OSError:  # not there, no folder, or a loop
            continue
        if (found.st_dev, found.st_ino) in seen:
            continue
        seen.add((found.st_dev, found.st_ino))
        yield folder
        todo += reversed(inside)
