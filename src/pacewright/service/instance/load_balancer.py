"""The load balancer in front of a service: nothing is sent to an instance while it is stopped. Doing, no deciding.

Either two commands of the site's, or HAProxy by its admin socket (`set server ... state drain|ready` and `show stat`
of HAProxy's management guide, section 9.3), which is a path on this node or an address that answers on every node.
"""

from __future__ import annotations

from pacewright.clock import Clock, Deadline
from pacewright.cluster.cib.values import number
from pacewright.cluster.names import NodeName
from pacewright.errors import OperationFailed, PacewrightError, Refused, ToolOutput
from pacewright.service.instance.site_command import run_for
from pacewright.service.settings import Drain, HAProxy

__all__ = ["Balancer"]

_EACH = 5.0
"""Seconds that HAProxy may take to answer."""
_MOST = 16 << 20
"""Bytes that an answer may have."""
_SAID = 200
"""Characters of what it says that are shown, and not recorded."""
_PAUSE = 0.05
"""Seconds between two looks at the sessions that are left."""


class Balancer:
    """Takes instances out of service and back.

    Args:
        service: its name, for messages.
        drain: how.
        clock: where time comes from.
    """

    def __init__(self, service: str, drain: Drain, clock: Clock) -> None:
        self._service = service
        self._how = drain
        self._clock = clock

    def drain(self, node: NodeName) -> None:
        """Return once nothing new is sent to the instance on a node, and what was under way has ended or had its time.

        Raises:
            Refused: it cannot be drained; nothing was stopped.
        """
        try:
            if self._how.haproxy is not None:
                self._tell(self._how.haproxy, node, "drain")
                self._until_idle(self._how.haproxy, node)
            else:
                self._run(self._how.before, node)
        except (OSError, PacewrightError) as error:
            why, output = _told(error)
            raise Refused(
                f"{self._service}: {node} could not be drained, so it is not restarted: {why}.",
                hint="Look at `drain` in services.yaml; then run the same command again.",
                output=output,
            ) from error

    def restore(self, node: NodeName) -> None:
        """Send the instance on a node its share again.

        Raises:
            OperationFailed: it is up and healthy, and still drained.
        """
        try:
            if self._how.haproxy is not None:
                self._tell(self._how.haproxy, node, "ready")
            else:
                self._run(self._how.after, node)
        except (OSError, PacewrightError) as error:
            why, output = _told(error)
            raise OperationFailed(
                f"{self._service}: the instance on {node} is well, but could not be put back into the "
                f"load balancer: {why}.",
                hint="Look at `drain` in services.yaml; then run the same command again, or `pacewright reconcile`.",
                output=output,
                node=node,
            ) from error

    def _run(self, words: tuple[str, ...], node: NodeName) -> None:
        if words:
            run_for(words, node, self._how.timeout + _EACH)

    def _tell(self, haproxy: HAProxy, node: NodeName, state: str) -> None:
        server = _server(haproxy, node)
        for address in haproxy.sockets:
            if said := _ask(address, f"set server {server} state {state}").strip():
                raise OperationFailed(f"{address}: HAProxy would not do it", output=said[-_SAID:])

    def _until_idle(self, haproxy: HAProxy, node: NodeName) -> None:
        server = _server(haproxy, node)
        end = self._clock.monotonic() + self._how.timeout
        while any(_sessions(address, server) for address in haproxy.sockets) and self._clock.monotonic() < end:
            self._clock.sleep(_PAUSE)


def _server(haproxy: HAProxy, node: NodeName) -> str:
    server = haproxy.server.replace("{node}", node)
    if not server.isprintable() or any(c in " ;\\#" for c in server):  # they end a word or a command there
        raise ToolOutput(f"{server!r} cannot be the name of a server of HAProxy's")
    return server


def _told(error: OSError | PacewrightError) -> tuple[str, str]:
    """What was seen, and what a command printed, which may hold anything."""
    return (error.message.rstrip("."), error.output) if isinstance(error, PacewrightError) else (_reason(error), "")


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _sessions(address: str, server: str) -> int:
    """How many sessions a server has now; 0 for one that HAProxy does not list."""
    import csv  # noqa: PLC0415 - only where it is wanted
    import io  # noqa: PLC0415

    rows = csv.DictReader(io.StringIO(_ask(address, "show stat").removeprefix("# "), newline=""))
    try:
        found = [row.get("scur") or "0" for row in rows if f"{row.get('pxname')}/{row.get('svname')}" == server]
    except csv.Error as error:
        raise ToolOutput(f"{address}: what it answers to `show stat` is no table") from error
    return sum(number(text) for text in found)


def _ask(address: str, question: str) -> str:
    """One command over an admin socket; HAProxy answers and closes."""
    import socket  # noqa: PLC0415 - only where it is wanted

    deadline = Deadline.after(_EACH)
    host, _, port = address.rpartition(":")
    if address.startswith("/"):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    else:
        connection = socket.create_connection((host.strip("[]"), int(port)), timeout=_EACH)
    with connection:
        connection.settimeout(_EACH)
        if connection.family is socket.AF_UNIX:
            connection.connect(address)
        connection.sendall(f"{question}\n".encode())
        answer = bytearray()
        while block := connection.recv(65536):
            answer += block
            if deadline.passed() or len(answer) > _MOST:
                raise ToolOutput(f"{address}: it does not come to an end with its answer")
            connection.settimeout(max(deadline.left(), 0.001))
    return answer.decode(errors="replace")
