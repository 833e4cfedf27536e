"""A moment in the past as people say it: `2h`, `yesterday`, `2026-11-24 08:00`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

__all__ = ["since"]

_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def since(text: str, now: float) -> float:
    """The moment, in seconds since the epoch; days and times without a zone are local.

    Args:
        text: `90s`, `30m`, `2h`, `3d`, `1w` (before now), `today`, `yesterday`, `08:00` (today), an ISO date or time,
            or `@1795509140` (seconds since the epoch).
        now: seconds since the epoch.

    Raises:
        ValueError: it is none of these.
    """
    said = text.strip().lower()
    ago = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)\s*(s|m|min|h|d|w)(?:\s+ago)?", said, re.ASCII)
    if ago is not None:
        return now - float(ago[1]) * _UNITS[ago[2]]
    if re.fullmatch(r"@\d{1,11}(\.\d+)?", said, re.ASCII):
        return float(said[1:])
    today = datetime.fromtimestamp(now).astimezone().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    if said in {"today", "yesterday"}:
        return _local(today if said == "today" else today - timedelta(days=1))
    if re.fullmatch(r"\d{1,2}:\d\d(:\d\d)?", said, re.ASCII):
        said = f"{today:%Y-%m-%d}T{said.zfill(len(said) + (said[1] == ':'))}"
    return _local(datetime.fromisoformat(said.upper()))


def _local(moment: datetime) -> float:
    try:
        return moment.timestamp()  # without a zone, it is taken for local; each day has its own offset
    except (OverflowError, OSError) as error:
        raise ValueError(moment) from error
