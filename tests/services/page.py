"""A service's page in docs/services: what stands there is what the tests set up, so the page cannot be wrong."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PAGES", "Page"]

PAGES = Path(__file__).parents[2] / "docs" / "services"
_PATH = re.compile(r"# (/\S+)")


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        files: the code blocks that begin with a line `# /PATH`, by that path.
        commands: the lines of code blocks that begin with `pcs `, as words.
    """

    files: Mapping[str, str]
    commands: tuple[tuple[str, ...], ...]

    @classmethod
    def read(cls, name: str) -> Page:
        """The page of a service."""
        blocks = list(_blocks((PAGES / f"{name}.md").read_text(encoding="utf-8")))
        files = {found[1]: block for block in blocks if (found := _PATH.fullmatch(block.splitlines()[0]))}
        lines = [line for block in blocks for line in block.splitlines()]
        return cls(files=files, commands=tuple(tuple(shlex.split(line)) for line in lines if line.startswith("pcs ")))


def _blocks(text: str) -> Iterator[str]:
    """The indented code blocks, less their indent; a blank line before one that is not indented ends it."""
    for found in re.finditer(r"(?m)(?:^ {4}.*\n|^\n(?=(?:^\n)* {4}\S))+", text):
        block = "".join(line[4:] or "\n" for line in found[0].splitlines(keepends=True)).strip("\n")
        # Two examples with nothing but a blank line between: the path begins a new one.
        yield from (part.strip("\n") + "\n" for part in re.split(r"(?m)^\n(?=# /)|^\n(?=pcs )", block) if part.strip())
