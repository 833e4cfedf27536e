"""The health check: how it asks, how long it waits, and what it says when an instance is not fit to serve."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator

import pytest

from pacewright.cluster.names import NodeName
from pacewright.errors import OperationFailed
from pacewright.service.instance import health
from pacewright.service.instance.health import health_check
from pacewright.service.settings import Health, HealthKind
from pacewright.testing.clock import FakeClock

N1 = NodeName("127.0.0.1")


class Answer(http.server.BaseHTTPRequestHandler):
    """200 for /ok, 503 for everything else."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/ok?deep=1" else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def asks(kind: HealthKind, *target: str, timeout: float = 2.0, stable_for: float = 0.0) -> FakeClock:
    clock = FakeClock()
    health_check("web", Health(kind=kind, target=target, timeout=timeout, stable_for=stable_for), clock)(N1)
    return clock


def test_http(port: int) -> None:
    assert asks(HealthKind.HTTP, f"http://{{node}}:{port}/ok?deep=1").pauses == 0
    with pytest.raises(
        OperationFailed, match=rf"127.0.0.1 runs, but was not healthy within 2 s: .*:{port} answered 503"
    ):
        asks(HealthKind.HTTP, f"http://{{node}}:{port}")


def test_tcp(port: int, closed_port: int) -> None:
    assert asks(HealthKind.TCP, f"{{node}}:{port}").pauses == 0
    with pytest.raises(OperationFailed, match="refused"):
        asks(HealthKind.TCP, f"{{node}}:{closed_port}")


def test_command() -> None:
    assert asks(HealthKind.COMMAND, "sh", "-c", 'test "$PACEWRIGHT_NODE" = {node}').pauses == 0
    with pytest.raises(OperationFailed, match="sh exited with 3") as failed:
        asks(HealthKind.COMMAND, "sh", "-c", "echo not yet >&2; exit 3")
    assert failed.value.output == "not yet"
    with pytest.raises(OperationFailed, match="not installed"):
        asks(HealthKind.COMMAND, "no-such-command-anywhere")


def test_it_must_stay_healthy_for_as_long_as_it_is_told(port: int) -> None:
    assert asks(HealthKind.TCP, f"{{node}}:{port}", timeout=60, stable_for=3).at == pytest.approx(3.0, abs=0.11)


@pytest.mark.parametrize("target", ["127.0.0.1", "127.0.0.1:web", "[::1]:99999"])
def test_an_address_that_is_none_is_said_and_no_traceback(target: str) -> None:
    with pytest.raises(OperationFailed, match="not healthy within"):
        asks(HealthKind.TCP, target)


def test_the_message_says_that_the_rest_is_untouched(closed_port: int) -> None:
    with pytest.raises(OperationFailed) as failed:
        asks(HealthKind.HTTP, f"http://{{node}}:{closed_port}/")
    assert "what was not restarted yet runs as before" in failed.value.message
    assert "owed stays owed" in failed.value.hint
    assert failed.value.node == N1


@pytest.mark.parametrize("url", ["http://me:hunter2@{node}:PORT/a/b?token=hunter2", "http://me:hunter2@{node}:1/"])
def test_no_message_holds_the_credentials_of_a_url(url: str, port: int) -> None:
    with pytest.raises(OperationFailed) as failed:
        asks(HealthKind.HTTP, url.replace("PORT", str(port)))
    assert "hunter2" not in str(failed.value)
    assert "http://127.0.0.1:" in failed.value.message


def test_no_message_holds_the_words_of_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_EACH", 0.1)
    with pytest.raises(OperationFailed, match=r"sh did not end within 0.1 s") as failed:
        asks(HealthKind.COMMAND, "sh", "-c", "sleep 5 # hunter2", timeout=0.01)
    assert "hunter2" not in str(failed.value)


def test_a_command_that_is_slow_to_answer_has_a_quarter_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_EACH", 0.05)
    assert asks(HealthKind.COMMAND, "sleep", "0.3", timeout=40.0).pauses == 0
    with pytest.raises(OperationFailed, match=r"sleep did not end within 0.1 s"):
        asks(HealthKind.COMMAND, "sleep", "5", timeout=0.4)
