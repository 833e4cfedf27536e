"""The demo's site: a web service as a systemd clone on every node, and haproxy with its address in front, all run
by Pacemaker, made the way an administrator makes them: files on the nodes, then pcs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pacewright.demo import web_server
from pacewright.lab import Lab

__all__ = ["ADDRESS", "PACKAGES", "PORT", "build", "configure", "starts"]

PACKAGES = ("curl", "haproxy")
"""What the nodes need beyond a bare cluster node; the tests' labs have the same, so one root file system serves all."""

ADDRESS = "10.88.0.100"
PORT = 80
"""Where haproxy answers, on whichever node Pacemaker runs it."""

_PROGRAM = "/usr/local/lib/web/web_server.py"

_UNIT = f"""\
[Unit]
Description=A web service that counts its starts

[Service]
Type=notify
ExecStart=/usr/bin/python3 -I {_PROGRAM}
StateDirectory=web
TimeoutStopSec=20
"""

# What a proxy can do about a restarting server: notice within 0.4 s, and ask another one when a connection is
# refused or ends without an answer.
_HAPROXY = """\
global
    maxconn 1000

defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 5s
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response

frontend web
    bind *:{port}
    default_backend web

backend web
    balance roundrobin
    option httpchk GET /
    http-check expect status 200
    default-server check inter 200ms downinter 100ms fall 2 rise 1
{servers}
"""

# It stays where it is, whatever happens to the web service: at stickiness 0 an instance that fails moves it.
_FRONT = ("op", "monitor", "interval=10s", "meta", "resource-stickiness=10", "--group", "front")

# Every node of a lab counts the load of the whole machine as its own. Above 80 % Pacemaker works off one operation
# after another (measured at load 12 on 2 cores: a restart of three instances at once took 13 s instead of 4.5).
_PCS = (
    ("property", "set", "load-threshold=10000%"),
    ("resource", "create", "web", "systemd:web", "op", "monitor", "interval=10s", "clone"),
    ("resource", "create", "address", "ocf:heartbeat:IPaddr2", f"ip={ADDRESS}", "cidr_netmask=24", *_FRONT),
    ("resource", "create", "proxy", "systemd:haproxy", *_FRONT),
)


def build(lab: Lab, say: Callable[[str], None]) -> None:
    """Make the site on a fresh lab; what it needs to come up, the cluster does from then on.

    Raises:
        ToolFailed: pcs or systemd said no.
    """
    say("writing the web service and haproxy's config on every node")
    servers = "\n".join(f"    server {node} {lab.address(node)}:{web_server.PORT}" for node in lab.nodes)
    for node in lab.nodes:
        lab.write(node, _PROGRAM, Path(web_server.__file__).read_text())
        lab.write(node, "/etc/systemd/system/web.service", _UNIT)
        lab.write(node, "/etc/haproxy/haproxy.cfg", _HAPROXY.format(port=PORT, servers=servers))
        lab.run(node, ["systemctl", "daemon-reload"]).checked()
    configure(lab, "1")
    for command in _PCS:
        say(f"pcs {' '.join(command)}")
        lab.run(lab.nodes[0], ["pcs", *command], timeout=60).checked()


def configure(lab: Lab, version: str) -> None:
    """Write the web service's config on every node. The service reads it when it starts."""
    for node in lab.nodes:
        lab.write(node, "/etc/web/web.conf", f"version = {version}\n")


def starts(lab: Lab) -> Mapping[str, int]:
    """How often the web service has started on each node, as it counted itself."""
    return {node: _lines(lab, node) for node in lab.nodes}


def _lines(lab: Lab, node: str) -> int:
    try:
        return len(lab.read(node, str(web_server.STARTS)).splitlines())
    except FileNotFoundError:
        return 0
