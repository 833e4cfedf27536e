"""Health: is an instance that the cluster calls started also fit to serve? Asked between the steps of a roll."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pacewright.clock import Clock, Deadline
from pacewright.cluster.names import NodeName
from pacewright.errors import OperationFailed, PacewrightError
from pacewright.service.instance.site_command import run_for
from pacewright.service.settings import Health, HealthKind

if TYPE_CHECKING:
    from http.client import HTTPConnection

__all__ = ["HealthCheck", "health_check"]

_EACH = 5.0
"""Seconds that one question may take at least."""
_PART = 4
"""It may take this part of the time-out, if that is longer: some commands need more than `_EACH`. Never all of it, as
one that hangs must not be the only one that is asked."""
_LEAST = 0.1
"""Seconds that it may take in any case."""
_PAUSE = 0.1
"""Seconds between two questions."""
_OK_STATUS = range(200, 400)

HealthCheck = Callable[[NodeName], None]
"""Returns once the instance on a node is healthy; raises OperationFailed if it does not become so in time."""


def health_check(service: str, health: Health, clock: Clock) -> HealthCheck:
    """Asks the instances of a service as services.yaml says."""

    def pass_through(node: NodeName) -> None:
        begun = clock.monotonic()
        each = max(_EACH, health.timeout / _PART)
        healthy_since: float | None = None
        while True:
            left = health.timeout - (clock.monotonic() - begun)
            why, output = _why_not(health, node, min(each, max(left, _LEAST)))
            now = clock.monotonic()
            healthy_since = None if why else (healthy_since if healthy_since is not None else now)
            if healthy_since is not None and now - healthy_since >= health.stable_for:
                return
            if now - begun > health.timeout:
                raise OperationFailed(
                    f"{service}: the instance on {node} runs, but was not healthy within {health.timeout:g} s: "
                    f"{why or 'not for long enough'}. The roll stops here; what was not restarted yet runs as before.",
                    hint="Fix the cause, then run the same command again; what is owed stays owed.",
                    output=output,
                    node=node,
                )
            clock.sleep(_PAUSE)

    return pass_through


def _why_not(health: Health, node: NodeName, seconds: float) -> tuple[str, str]:
    """Why an instance is not fit, and what the command printed; twice nothing if it is. Asks so long at most.

    Neither says more of the command than its program, nor of a URL than its place: they may hold credentials.
    """
    target = health.target[0].replace("{node}", node)
    try:
        match health.kind:
            case HealthKind.HTTP:
                return _http(target, seconds), ""
            case HealthKind.TCP:
                return _tcp(target, seconds), ""
            case HealthKind.COMMAND:
                run_for(health.target, node, seconds)
                return "", ""
    except (OSError, ValueError) as error:
        return f"{_place(target)}: {_reason(error)}", ""
    except PacewrightError as error:
        return error.message, error.output


def _reason(error: OSError | ValueError) -> str:
    """In the system's words; what else an error says may have come from outside."""
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


def _place(url: str) -> str:
    """A URL without its user, password and query; an address as it is."""
    scheme, colon, rest = url.partition("?")[0].rpartition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{colon}{authority.rpartition('@')[2]}{slash}{path}"


def _tcp(address: str, seconds: float) -> str:
    import socket  # noqa: PLC0415 - only where it is wanted

    host, _, port = address.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=seconds):
        return ""


def _hang_up(connection: HTTPConnection) -> None:
    import socket  # noqa: PLC0415 - only where it is wanted

    open_one = connection.sock
    if open_one is not None:
        with suppress(OSError):
            open_one.shutdown(socket.SHUT_RDWR)


def _http(url: str, seconds: float) -> str:
    import http.client  # noqa: PLC0415 - only where it is wanted
    from threading import Timer  # noqa: PLC0415

    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    # With a port of its own: it would take the last part of an IPv6 address for one.
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        connection = connect(parts.hostname or "", port, timeout=seconds)
    except http.client.InvalidURL:  # a host that can be none
        return f"{_place(url)}: InvalidURL"
    # The connection's own time-out is for each portion: what says one byte a second would never be late.
    deadline = Deadline.after(seconds)
    late = Timer(seconds, _hang_up, (connection,))
    late.daemon = True
    late.start()
    try:
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        status = connection.getresponse().status
        if deadline.passed():  # what was cut off may look like an answer
            return f"{_place(url)}: timed out"
    except http.client.HTTPException as error:
        return f"{_place(url)}: {'timed out' if deadline.passed() else type(error).__name__}"
    finally:
        late.cancel()
        connection.close()
    return "" if status in _OK_STATUS else f"{_place(url)} answered {status}"
