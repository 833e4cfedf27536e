"""What arguments on the command line must look like; argparse says what is wrong with one that does not."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pacewright import durations
from pacewright.cluster.cib.values import LATEST
from pacewright.node.paths import is_path

__all__ = ["AS_SET", "BARRIERS", "Parser", "absolute_path", "epoch", "seconds", "wave"]


AS_SET = "as-set"
"""What `--barrier` without a word stands for: as services.yaml says."""
BARRIERS = ("wait", "later", "proceed", AS_SET)


class Parser(argparse.ArgumentParser):
    """argparse's own, and its subcommands', which does not load `shutil` to know how wide a terminal is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_Help, **options)

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        """As argparse's; `--barrier` may have a word behind it, and takes nothing else for it."""
        return super().parse_args(list(_with_words(args or ())), namespace)


def _with_words(args: Sequence[str]) -> Iterator[str]:
    """The arguments, with `--barrier` and its word as one: argparse would take the name of a service for the word."""
    left = iter(args)
    for argument in left:
        if argument != "--barrier":
            yield argument
            if argument == "--":
                yield from left
            continue
        following = next(left, None)
        if following in BARRIERS:
            yield f"--barrier={following}"
        else:
            yield f"--barrier={AS_SET}"
            yield from (following,) if following is not None else ()


class _Help(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    try:
        return int(os.environ.get("COLUMNS", "")) or 80
    except ValueError:
        pass
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


def wave(text: str) -> str:
    """A wave's name."""
    if not re.fullmatch(r"[A-Za-z0-9:_.+~-]{1,64}", text):
        raise argparse.ArgumentTypeError(f"expected letters, digits and : _ . + ~ -, at most 64, found {text!r}")
    return text


def absolute_path(text: str) -> str:
    """A path, or a pattern for some."""
    if not is_path(text):
        raise argparse.ArgumentTypeError(f"expected an absolute path, found {text!r}")
    return text


def seconds(text: str) -> float:
    """A length of time on the command line."""
    try:
        value = durations.seconds(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= durations.LONGEST:
        raise argparse.ArgumentTypeError(f"expected a time above 0, such as 90, 60s or 2min, found {text!r}")
    return value


def epoch(text: str) -> float:
    """Seconds since the epoch."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < LATEST:
        raise argparse.ArgumentTypeError(f"expected seconds since the epoch, found {text!r}")
    return value
