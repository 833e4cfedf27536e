"""Apache, as a client sees it: a number is a file that is put there (WebDAV)."""

import http.client
import re

TIMEOUT = 5.0


class Store:
    """A connection."""

    def __init__(self, address: str) -> None:
        self.server = http.client.HTTPConnection(address, timeout=TIMEOUT)

    def _ask(self, method: str, name: str, body: str | None = None) -> tuple[int, str]:
        self.server.request(method, f"/numbers/{name}", body)
        response = self.server.getresponse()
        return response.status, response.read().decode()

    def write(self, number: int) -> None:
        """It is acknowledged when Apache says that the file was made, or is there."""
        status, _ = self._ask("PUT", str(number), str(number))
        if status not in {201, 204}:
            raise OSError(status)

    def read(self, number: int) -> bool:
        """Whether it is there."""
        status, text = self._ask("GET", str(number))
        if status not in {200, 404}:
            raise OSError(status)
        return text == str(number)

    def stored(self) -> list[int]:
        """All that is there."""
        return [int(number) for number in re.findall(r'href="(\d+)"', self._ask("GET", "")[1])]

    def close(self) -> None:
        """End it."""
        self.server.close()


def state(address: str) -> tuple[str, str]:
    """Of the config of the instance there what the tests change: what it says of a page that is not there."""
    server = http.client.HTTPConnection(address, timeout=TIMEOUT)
    server.request("GET", "/version")
    version = server.getresponse().read().decode()
    server.close()
    return "started", version
