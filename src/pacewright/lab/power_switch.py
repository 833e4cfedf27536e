"""The lab's power switch: a daemon on the host that fences nodes when a node's fence agent asks, over a socket.

    python3 -m pacewright.lab.power_switch NAME

One JSON object per line in, one out: {"action": "off", "node": "n2"} -> {"power": "off"}, or {"error": "..."}.
"""

from __future__ import annotations

import contextlib
import json
import os
import socketserver
import sys
from typing import cast

from pacewright.clock import SYSTEM_CLOCK
from pacewright.errors import NodeError, PacewrightError
from pacewright.lab import node as nodes
from pacewright.lab import rootfs
from pacewright.lab.paths import LabPaths
from pacewright.lab.state import LabState, load

__all__ = ["PowerSwitch", "parsed", "serve"]

_LONGEST = 4096
_LOGGED = 200
_PATIENCE = 10.0
"""Seconds that one who has connected may take to say what he wants."""


class PowerSwitch:
    """Carries out what fence agents ask for.

    Args:
        state: the lab.
    """

    def __init__(self, state: LabState) -> None:
        self._state = state
        self._paths = LabPaths(name=state.name)

    def answer(self, request: object) -> dict[str, object]:
        """The answer to one request; whatever is wrong with it becomes an `error` in the answer."""
        if not isinstance(request, dict):
            return {"error": "a request is an object"}
        action, node = request.get("action"), request.get("node")
        if not isinstance(action, str) or not isinstance(node, str | None):
            return {"error": "action and node are strings"}
        if action in {"list", "monitor"}:
            return {"nodes": " ".join(self._state.node_names)}
        if node is None or node not in self._state.node_names:
            return {"error": f"{node}: no such node; there are {', '.join(self._state.node_names)}"}
        try:
            self._switch(action, node)
        except PacewrightError as error:
            return {"error": str(error)}
        return {"power": "on" if nodes.is_on(self._paths, node) else "off"}

    def _switch(self, action: str, node: str) -> None:
        if action not in {"on", "off", "reboot", "status"}:
            raise NodeError(f"{action}: no such action.")
        if action in {"off", "reboot"}:
            nodes.kill(self._paths, node)
        if action in {"on", "reboot"}:
            nodes.boot(self._paths, node, rootfs.folder(self._state))


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    switch: PowerSwitch


class _Handler(socketserver.StreamRequestHandler):
    timeout = _PATIENCE

    def handle(self) -> None:
        """Answer one line."""
        with contextlib.suppress(OSError):  # it says nothing, or does not wait for the answer
            request = parsed(self.rfile.readline(_LONGEST))
            reply = cast("_Server", self.server).switch.answer(request)
            sys.stderr.write(f"{SYSTEM_CLOCK.now():.3f} {_short(request)} -> {_short(reply)}\n")
            sys.stderr.flush()
            self.wfile.write(json.dumps(reply).encode() + b"\n")


def parsed(line: bytes) -> object:
    """What was asked for; None if it is no JSON. A node may send anything."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= _LOGGED else f"{text[:_LOGGED]}..."


def serve(name: str) -> None:
    """Answer for ever."""
    socket = LabPaths(name=name).power / "socket"
    socket.unlink(missing_ok=True)
    os.umask(0o077)
    with _Server(str(socket), _Handler) as server:
        server.switch = PowerSwitch(load(name))
        server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1])
