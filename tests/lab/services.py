"""Services for the shared lab that count their own starts, so that tests need not believe what Pacewright says."""

from __future__ import annotations

import json
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pacewright.clock import SYSTEM_CLOCK
from pacewright.cluster.names import ResourceId
from pacewright.cluster.snapshot import Instance, Snapshot
from pacewright.errors import ToolError
from pacewright.lab import Lab
from pacewright.process import Completed
from pacewright.testing.lab import snapshot_of

__all__ = ["Counted", "install", "pacewright"]

WEB = """\
import http.server, os, pathlib, sys
config = pathlib.Path("/etc/web/web.conf").read_text().strip()
if "bad" in config:
    sys.exit("web.conf: bad value")
with open("/var/lib/web.starts", "a") as starts:
    starts.write(config + "\\n")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = config.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer.allow_reuse_address = True
server = http.server.ThreadingHTTPServer(("", 8080), Handler)
import socket
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
address = os.environ.get("NOTIFY_SOCKET", "")
if address:
    notify.sendto(b"READY=1", "\\0" + address[1:] if address[0] == "@" else address)
server.serve_forever()
"""
WEB_UNIT = """\
[Unit]
Description=A web service that counts its starts
[Service]
Type=notify
ExecStart=/usr/bin/python3 /usr/local/bin/web.py
"""
ONE_UNIT = """\
[Unit]
Description=A service in one place that counts its starts
[Service]
ExecStartPre=/bin/sh -c 'echo start >>/var/lib/one.starts'
ExecStart=/bin/sleep infinity
"""
COUNTED_AGENT = """\
#!/bin/sh
# An OCF agent without any reload action, which counts its starts.
state=/run/counted-$OCF_RESOURCE_INSTANCE
case $1 in
start) if grep -qs bad /etc/counted.conf; then echo "counted.conf: bad value" >&2; exit 1; fi
  [ -e $state ] || echo start >>/var/lib/counted-${OCF_RESOURCE_INSTANCE%:*}.starts; : >$state ;;
stop) sleep ${OCF_RESKEY_slow_stop:-0}; rm -f $state ;;
monitor) [ -e $state ] || exit 7 ;;
meta-data) cat <<'XML'
<?xml version="1.0"?>
<resource-agent name="counted" version="1.0">
  <version>1.0</version>
  <longdesc lang="en">Counts its starts.</longdesc>
  <shortdesc lang="en">Counts its starts</shortdesc>
  <parameters>
    <parameter name="slow_stop"><longdesc lang="en">Seconds.</longdesc><shortdesc lang="en">Seconds</shortdesc>
      <content type="string"/></parameter>
  </parameters>
  <actions>
    <action name="start" timeout="20s"/><action name="stop" timeout="20s"/>
    <action name="monitor" timeout="20s" interval="10s"/><action name="meta-data" timeout="5s"/>
  </actions>
</resource-agent>
XML
;;
*) exit 3 ;;
esac
"""
RESOURCES = (
    "pcs resource defaults update resource-stickiness=100",
    "pcs resource create web systemd:web op monitor interval=10s clone",
    "pcs resource create one systemd:one op monitor interval=10s",
    "pcs resource create counted ocf:pacewright:counted op monitor interval=10s clone interleave=true",
    "pcs resource create dum ocf:heartbeat:Dummy op stop timeout=5s clone",
    "pcs resource create single ocf:pacewright:counted op monitor interval=10s",
    "pcs resource create first ocf:pacewright:counted --group tier",
    "pcs resource create last ocf:pacewright:counted --group tier",
    "pcs resource create st ocf:pacemaker:Stateful promotable",
)


@dataclass(frozen=True)
class Counted:
    """The shared lab, with the counted services in it."""

    lab: Lab

    def starts(self, service: str) -> Mapping[str, int]:
        """How often a service has started on each node since it was created, as it counted itself."""
        return {node: self._lines(node, f"/var/lib/{service}.starts") for node in self.lab.nodes}

    def _lines(self, node: str, path: str) -> int:
        return int(self.lab.run(node, ["sh", "-c", f"cat {path} 2>/dev/null | wc -l"]).checked().stdout)

    def configure(self, text: str, nodes: Sequence[str] | None = None) -> None:
        """Write the web service's config."""
        for node in nodes or self.lab.nodes:
            self.lab.write(node, "/etc/web/web.conf", text + "\n")

    def served(self, node: str) -> str:
        """The config that a node's web service runs with."""
        done = self.lab.run(node, ["curl", "-s", "-m", "2", "http://localhost:8080/"])
        return done.stdout.decode()

    def snapshot(self, node: str = "n1") -> Snapshot:
        """The cluster, read from outside the program under test."""
        return snapshot_of(self.lab, node)

    def instances(self, resource: str) -> tuple[Instance, ...]:
        """The instances of a primitive, as the CIB has them."""
        return self.snapshot().instances.get(ResourceId(resource), ())

    def settle(self, seconds: float = 60.0) -> Snapshot:
        """Wait until every instance is up and nothing is under way, then for a second more of that."""
        deadline, calm = time.monotonic() + seconds, 0
        while calm < 4:
            try:
                now = self.snapshot()
            except ToolError:  # that node is just booting
                calm = 0
                SYSTEM_CLOCK.sleep(0.5)
                assert time.monotonic() < deadline, "no cluster on n1"
                continue
            busy = [i for found in now.instances.values() for i in found if not i.settled]
            missing = [
                r.id
                for r in now.resources.values()
                if r.agent is not None
                and len([i for i in now.instances.get(r.id, ()) if i.settled]) < self._expected(now, r.id)
            ]
            calm = 0 if busy or missing or (calm == 3 and self._coming()) else calm + 1
            assert time.monotonic() < deadline, f"not settled: {busy} {missing}"
            SYSTEM_CLOCK.sleep(0.25)
        return now

    def _coming(self) -> list[str]:
        """What the scheduler is about to do: the controller can take seconds before it begins (3.0, many changes)."""
        told = self.lab.run("n1", ["crm_simulate", "--live-check", "--output-as=xml"]).checked().stdout
        actions = ET.fromstring(told).iterfind("actions/rsc_action")
        return [
            f"{a.get('action')} {a.get('resource')}" for a in actions if not (a.get("action") or "").startswith("leave")
        ]

    @staticmethod
    def _expected(now: Snapshot, resource: ResourceId) -> int:
        if now.meta(resource, "target-role") == "Stopped":
            return 0
        return 1 if now.clone_of(resource) is None else sum(node.may_run for node in now.nodes.values())

    def audit(self) -> None:
        """Nothing of ours is left behind, and everything is up."""
        self.settle()
        cib = self.lab.run("n1", ["cibadmin", "--query"]).checked().stdout.decode()
        for leftover in ("pacewright-hold", "pacewright-owed", "pacewright_role_before"):
            assert leftover not in cib
        assert 'name="target-role"' not in cib
        for resource in ("web", "counted", "dum"):
            assert len(self.instances(resource)) == len(self.lab.nodes)


def pacewright(lab: Lab, node: str, *words: str, timeout: float = 120.0) -> Completed:
    """Run pacewright on a node."""
    return lab.run(node, ["pacewright", *words], timeout=timeout)


def as_json(done: Completed) -> Any:
    """What a command with --json said."""
    return json.loads(done.stdout)


def install(lab: Lab) -> Counted:
    """Put the services into every node, and their resources into the cluster."""
    for node in lab.nodes:
        lab.run(node, ["mkdir", "-p", "/etc/web", "/usr/lib/ocf/resource.d/pacewright"]).checked()
        lab.write(node, "/usr/local/bin/web.py", WEB)
        lab.write(node, "/etc/web/web.conf", "one\n")
        lab.write(node, "/etc/systemd/system/web.service", WEB_UNIT)
        lab.write(node, "/etc/systemd/system/one.service", ONE_UNIT)
        lab.write(node, "/usr/lib/ocf/resource.d/pacewright/counted", COUNTED_AGENT, 0o755)
        lab.run(node, ["systemctl", "daemon-reload"]).checked()
    for command in RESOURCES:
        lab.run("n1", command.split(), timeout=60).checked()
    counted = Counted(lab)
    counted.settle()
    return counted
