"""Draining: what HAProxy is told over its admin socket, how long it is waited for, and commands instead."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pacewright.clock import SYSTEM_CLOCK
from pacewright.cluster.names import NodeName
from pacewright.errors import OperationFailed, Refused
from pacewright.service.instance.load_balancer import Balancer
from pacewright.service.settings import Drain, HAProxy

N2 = NodeName("n2")


class FakeHAProxy(socketserver.ThreadingUnixStreamServer):
    """Answers as HAProxy does; `sessions` are those of web/n2, one less at each look."""

    daemon_threads = True
    sessions = 0
    refuses = ""

    def __init__(self, path: str) -> None:
        self.asked: list[str] = []
        super().__init__(path, Answering)


class Answering(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, FakeHAProxy)
        asked = self.rfile.readline().decode().strip()
        server.asked.append(asked)
        if asked == "show stat":
            rows = f"web,n1,0,0,7\nweb,n2,0,0,{server.sessions}\nweb,BACKEND,0,0,9\n"
            self.wfile.write(f"# pxname,svname,qcur,qmax,scur,\n{rows}\n".encode())
            server.sessions = max(0, server.sessions - 1)
        else:
            self.wfile.write(f"{server.refuses}\n".encode())


@pytest.fixture
def haproxy(tmp_path: Path) -> Iterator[tuple[FakeHAProxy, str]]:
    path = str(tmp_path / "s")
    with FakeHAProxy(path) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server, path
        server.shutdown()


def balancer(path: str, timeout: float = 5.0) -> Balancer:
    return Balancer("web", Drain(haproxy=HAProxy(sockets=(path,), server="web/{node}"), timeout=timeout), SYSTEM_CLOCK)


def test_a_server_is_drained_and_waited_for_until_its_last_session_has_ended(
    haproxy: tuple[FakeHAProxy, str],
) -> None:
    server, path = haproxy
    server.sessions = 2
    balancer(path).drain(N2)
    assert server.asked == ["set server web/n2 state drain", "show stat", "show stat", "show stat"]
    balancer(path).restore(N2)
    assert server.asked[-1] == "set server web/n2 state ready"


def test_a_session_that_never_ends_is_not_waited_for_longer_than_was_said(haproxy: tuple[FakeHAProxy, str]) -> None:
    server, path = haproxy
    server.sessions = 10**9
    balancer(path, timeout=0.2).drain(N2)
    assert server.asked[0] == "set server web/n2 state drain"


def test_a_server_that_haproxy_does_not_know_is_not_stopped(haproxy: tuple[FakeHAProxy, str]) -> None:
    server, path = haproxy
    server.refuses = "No such server."
    with pytest.raises(Refused, match=r"(?s)n2 could not be drained, so it is not restarted: .*No such server"):
        balancer(path).drain(N2)
    with pytest.raises(OperationFailed, match="could not be put back into the load balancer"):
        balancer(path).restore(N2)


def test_a_socket_that_is_not_there_is_told() -> None:
    with pytest.raises(Refused, match="No such file"):
        balancer("/nowhere/at/all").drain(N2)


def test_commands_get_the_node_as_a_word_and_in_their_environment(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = ("/bin/sh", "-c", f'echo "$1 $PACEWRIGHT_NODE" >>{out}', "sh", "{node}")
    both = Balancer("web", Drain(before=script, after=script), SYSTEM_CLOCK)
    both.drain(N2)
    both.restore(N2)
    assert out.read_text(encoding="utf-8") == "n2 n2\nn2 n2\n"


def test_a_command_that_fails_keeps_the_instance_up() -> None:
    with pytest.raises(Refused, match="could not be drained"):
        Balancer("web", Drain(before=("/bin/false",)), SYSTEM_CLOCK).drain(N2)


def test_no_message_holds_a_commands_arguments_or_what_it_printed() -> None:
    words = ("/bin/sh", "-c", "echo hunter2-said; exit 3 # hunter2")
    both = Balancer("web", Drain(before=words, after=words), SYSTEM_CLOCK)
    with pytest.raises(Refused, match=r"not restarted: /bin/sh exited with 3\.") as drained:
        both.drain(N2)
    with pytest.raises(OperationFailed, match=r"back into the load balancer: /bin/sh exited with 3\.") as restored:
        both.restore(N2)
    for failed in (drained, restored):
        assert "hunter2" not in failed.value.message
        assert failed.value.output == "hunter2-said"
