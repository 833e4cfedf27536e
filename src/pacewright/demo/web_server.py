"""The demo's web service: reads its config at start, counts its own starts, and ends without dropping a request.

The standard library alone, and copied into the nodes as one file. It answers every request with one JSON object:
the node, the version in its config, and how often the service has started there.
"""

import json
import os
import signal
import socket
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT = 8000
CONFIG = Path("/etc/web/web.conf")
STARTS = Path("/var/lib/web/starts")


class Server(ThreadingHTTPServer):
    """Answers until it is told to stop; then what has arrived is answered, and nothing new is let in."""

    daemon_threads = False  # so that server_close waits for requests under way
    request_queue_size = 128
    pending = True
    page = b""

    def handle_timeout(self) -> None:
        """Nobody waits to be let in any more."""
        self.pending = False

    def handle_error(self, *_: object) -> None:
        """A client that hung up is no news; anything else is."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            traceback.print_exc()

    def finish(self) -> None:
        """Answer those who have connected already, then close."""
        self.timeout = 0.0
        while self.pending:
            self.handle_request()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """Gives everybody the same page."""

    timeout = 5
    wbufsize = -1  # the whole answer at once: a health check hangs up when it has seen the status line

    def do_GET(self) -> None:
        """Answer one request."""
        page = self.server.page  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Not a line for each request."""


def version(text: str) -> str:
    """The value behind `version =`."""
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "version":
            return value.strip()
    sys.exit(f"{CONFIG}: it has no line `version = ...`")


def count_start() -> int:
    """One more line in the file of starts; how many it has now."""
    STARTS.parent.mkdir(parents=True, exist_ok=True)
    with STARTS.open("a") as starts:
        starts.write(f"{os.getpid()}\n")
    return len(STARTS.read_text().splitlines())


def tell_systemd(state: str) -> None:
    """What `systemd-notify` does: see sd_notify(3)."""
    where = os.environ.get("NOTIFY_SOCKET", "")
    if where:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.sendto(state.encode(), where.replace("@", "\0", 1) if where.startswith("@") else where)


def main() -> None:
    """Serve until SIGTERM."""
    answer = {"node": socket.gethostname(), "version": version(CONFIG.read_text()), "starts": count_start()}
    server = Server(("", PORT), Handler)
    server.page = json.dumps(answer).encode()
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    tell_systemd("READY=1")
    server.serve_forever(poll_interval=0.02)
    tell_systemd("STOPPING=1")
    server.finish()


if __name__ == "__main__":
    main()
