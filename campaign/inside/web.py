"""The systemd service under test: serves its config, and writes down each of its starts. Runs in the nodes."""

import http.server
import os
import pathlib
import socket
import sys
import time

CONFIG = pathlib.Path("/etc/campaign/web.conf").read_text().strip()
LOG = f"/run/pacewright-lab/campaign/{os.uname().nodename.partition('.')[0]}/web.log"


def note(what: str) -> None:
    """One line, whole, in the service's own log."""
    line = f"{what} {time.time():.6f} {CONFIG} -\n"
    log = os.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, line.encode())
    os.close(log)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the config that this process started with."""

    def do_GET(self) -> None:
        """Any path."""
        body = CONFIG.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Not to the journal."""


if CONFIG.startswith("bad"):
    note("fail")
    sys.exit("web.conf: bad value")
http.server.ThreadingHTTPServer.allow_reuse_address = True
server = http.server.ThreadingHTTPServer(("", 8088), Handler)
note("start")
address = os.environ.get("NOTIFY_SOCKET", "")
if address:
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(
        b"READY=1", "\0" + address[1:] if address[0] == "@" else address
    )
server.serve_forever()
