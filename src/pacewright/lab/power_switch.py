"""The lab's power switch: a daemon on the host that fences nodes when a node's fence agent asks, over a socket.

    python3 -m pacewright.lab.power_switch NAME

One JSON object per line in, one out: {"action": "off", "node": "n2"} -> {"power": "off"}, or {"error": "..."}.
"""

from __future__ import annotations

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

__all__ = ["PowerSwitch", "serve"]


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
        if action in {"list", "monitor"}:
            return {"nodes": " ".join(self._state.node_names)}
        if node not in self._state.node_names:
            return {"error": f"{node}: no such node; there are {', '.join(self._state.node_names)}"}
        try:
            self._switch(str(action), str(node))
        except PacewrightError as error:
            return {"error": str(error)}
        return {"power": "on" if nodes.is_on(self._paths, str(node)) else "off"}

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
    def handle(self) -> None:
        """Answer one line."""
        try:
            request = json.loads(self.rfile.readline(4096))
        except ValueError:
            request = None
        reply = cast("_Server", self.server).switch.answer(request)
        sys.stderr.write(f"{SYSTEM_CLOCK.now():.3f} {json.dumps(request)} -> {json.dumps(reply)}\n")
        sys.stderr.flush()
        self.wfile.write(json.dumps(reply).encode() + b"\n")


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
