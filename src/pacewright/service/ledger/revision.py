"""Revisions: what an instance was started with. Pure.

A revision is the value of the instance attribute `pacewright_revision` in the primitive's definition: `FINGERPRINT`,
`FINGERPRINT+TOKEN` after a restart that was asked for, or `TOKEN` where no config is known.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

from pacewright.cluster.cib.values import moment
from pacewright.frozen import frozen

__all__ = ["ONCE", "Revision", "new_token"]

ONCE = "once-"
"""How a fingerprint begins that stands for a change whose inputs nobody knows: this, and a token."""

_TOKEN_TIME = "%Y%m%dT%H%M%SZ"  # noqa: S105 - a format


@frozen
class Revision:
    """What an instance was started with.

    Attributes:
        fingerprint: of the config; None where none was known.
        token: of the restart that was asked for; None if it was the config that asked for it.
    """

    fingerprint: str | None = None
    token: str | None = None

    def __str__(self) -> str:
        """The attribute's value."""
        return "+".join(part for part in (self.fingerprint, self.token) if part)

    @classmethod
    def read(cls, value: str | None) -> Revision:
        """From the attribute's value, or the mark of a restart that is due; nothing is known where there is none."""
        head, _, tail = (value or "").partition("+")
        if _time_of(head) is not None:
            return cls(token=head)
        return cls(fingerprint=head or None, token=tail or None)

    @property
    def anew(self) -> str:
        """What makes another revision of the same config: the token, or whatever stands in its place."""
        return self.token or self.fingerprint or ""

    @property
    def asked(self) -> float | None:
        """When the restart was asked for, in seconds since the epoch; None if none was, or it does not say."""
        return _time_of(self.token or "")


def new_token(now: float) -> str:
    """A token that nobody has used: when it was asked for, and a random part."""
    asked = datetime.fromtimestamp(now, UTC).strftime(_TOKEN_TIME)
    return f"{asked}-{os.urandom(3).hex()}"  # the module `secrets` would load OpenSSL, for every `status` too


def _time_of(token: str) -> float | None:
    stamp = token.partition("-")[0]
    if len(stamp) != len("20261126T162000Z"):
        return None
    try:
        return moment(datetime.strptime(stamp, _TOKEN_TIME).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None
