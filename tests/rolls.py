"""Rolls as tests want them to go."""

from __future__ import annotations

from typing import Any

from pacewright.frozen import replace
from pacewright.service.rolling.restart import Restart

__all__ = ["under"]


def under(job: Restart, **policy: Any) -> Restart:
    """The same roll, where another policy holds."""
    return replace(job, policy=replace(job.policy, **policy))
