"""Paths as people write them."""

from __future__ import annotations

import os

__all__ = ["is_path"]


def is_path(text: str) -> bool:
    """True if it can be an absolute path: with no NUL byte in it, and no half character."""
    try:
        return text.startswith("/") and b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False
