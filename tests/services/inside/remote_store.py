"""Several proxies, as a client sees them that knows all: a number is a file that is put behind them."""

import http.client
import random
import re

PORT = 8080
TIMEOUT = 5.0


class Store:
    """A connection to one of the proxies, whichever takes it first."""

    def __init__(self, addresses: str) -> None:
        every = addresses.split(",")
        for address in random.sample(every, len(every)):
            self.server = http.client.HTTPConnection(address, PORT, timeout=TIMEOUT)
            try:
                self.server.connect()
            except OSError:
                continue
            return
        raise ConnectionRefusedError(addresses)

    def _ask(self, method: str, name: str, body: str | None = None) -> tuple[int, str]:
        self.server.request(method, f"/{name}", body)
        response = self.server.getresponse()
        return response.status, response.read().decode()

    def write(self, number: int) -> None:
        """It is acknowledged when the file is there."""
        status, _ = self._ask("PUT", str(number), str(number))
        if status != 201:
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
    """Of the config of the instance there what the tests change: what it answers itself."""
    server = http.client.HTTPConnection(address, PORT, timeout=TIMEOUT)
    server.request("GET", "/version")
    version = server.getresponse().read().decode()
    server.close()
    return "started", version
