"""What the proxies stand before: it keeps every file that is put there, and lists them."""

import http.server
import os
from pathlib import Path

FOLDER = Path("/srv/numbers")
FOLDER.mkdir(parents=True, exist_ok=True)
os.chdir(FOLDER)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Takes PUT, too."""

    def do_PUT(self) -> None:
        """Keep it."""
        text = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        (FOLDER / Path(self.path).name).write_bytes(text)
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
