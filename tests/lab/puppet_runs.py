"""A lab with Puppet in it, and services that count their own starts: what test_puppet.py works with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pacewright.lab import Lab
from pacewright.process import PIPE, Completed, Process, run
from pacewright.testing.lab import snapshot_of
from tests.lab.services import COUNTED_AGENT, WEB, WEB_UNIT, Counted

__all__ = ["BESIDE", "PACKAGES", "Runs", "install"]

PACKAGES = (
    "curl",
    "haproxy",
    "needrestart",
    "puppet-agent",
    "puppet-module-puppetlabs-concat",
    "puppet-module-puppetlabs-inifile",
    "puppet-module-puppetlabs-stdlib",
)
BESIDE = {"bookworm": ("crmsh", "puppet-module-voxpupuli-corosync")}
"""Other tools that manage the same resources, by release."""
ROOT = Path(__file__).parents[2]
SPARE = "/usr/local/lib/libspare.so"
PLAIN_UNIT = f"""\
[Unit]
Description=A service that the cluster does not know, which counts its starts
[Service]
Environment=LD_PRELOAD={SPARE}
ExecStartPre=/bin/sh -c 'echo start >>/var/lib/plain.starts'
ExecStart=/usr/bin/python3 -c 'import time; time.sleep(100000)'
[Install]
WantedBy=multi-user.target
"""
RESOURCES = (
    "pcs resource create app ocf:pacewright:counted op monitor interval=10s clone interleave=true",
    "pcs resource create web systemd:web op monitor interval=10s clone interleave=true",
    "pcs resource create st ocf:pacemaker:Stateful promotable",
    "pcs resource create dum ocf:heartbeat:Dummy clone",
    "pcs resource create counted ocf:pacewright:counted clone",
)
SITE = """\
class app($ensure = running) {
  file { '/etc/app.conf': content => "${facts['config']}\\n", tag => 'config' }
  ~> service { 'app': ensure => $ensure, enable => true, tag => 'app-service' }
}
Service <| tag == 'app-service' |> { provider => 'pcs' }
"""
"""A module that knows nothing of a cluster, and the line by which it is taken over."""


@dataclass(frozen=True)
class Runs:
    """Runs of Puppet in a lab."""

    lab: Lab
    counted: Counted

    def apply(self, node: str, manifest: str, *options: str, config: str = "one", path: str = "") -> Completed:
        """One run, with the fact `config`; what it said is in `stdout`."""
        return self._ended(self._begun(node, manifest, options, config, path))

    def on_all(self, manifest: str, *options: str, config: str = "one") -> dict[str, Completed]:
        """A run on every node at the same time."""
        begun = {node: self._begun(node, manifest, options, config, "") for node in self.lab.nodes}
        return {node: self._ended(process) for node, process in begun.items()}

    def starts(self, service: str = "counted-app") -> dict[str, int]:
        """How often a service has started on each node."""
        return dict(self.counted.starts(service))

    def epoch(self) -> int:
        """How often the cluster's configuration has been written."""
        return snapshot_of(self.lab, "n1").version.epoch

    def owed(self) -> set[tuple[str, str]]:
        """Each service and node where the cluster has noted that a restart is due."""
        told = self.lab.run("n1", ["pacewright", "owed"]).checked().stdout.decode()
        return {(line.split()[0], line.split()[1]) for line in told.splitlines()[1:]}

    def would_owe(self, node: str, service: str, path: str) -> list[str]:
        """What a run on a node would find due for a service with that config, without doing it."""
        inputs = json.dumps({service: [path]}).encode()
        argv = ["pacewright", "service", "status", "--json", "--inputs", "-", service]
        (told,) = json.loads(self.lab.run(node, argv, stdin=inputs).checked().stdout)["services"]
        return [f"{debt['node']}: {debt['reason']}" for debt in told["owed"]]

    def _begun(self, node: str, manifest: str, options: Sequence[str], config: str, path: str) -> Process:
        self.lab.write(node, "/root/site.pp", f"{SITE}{manifest}\n")
        words = ["puppet", "apply", "--color=false", "--detailed-exitcodes", *options, "/root/site.pp"]
        env = {"FACTER_config": config}
        if path:
            env["PATH"] = f"{path}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return self.lab.spawn(node, ["sh", "-c", 'exec "$@" 2>&1', "sh", *words], stdout=PIPE, env=env)

    @staticmethod
    def _ended(begun: Process) -> Completed:
        out, _ = begun.communicate(timeout=180)
        return Completed(argv=("puppet", "apply"), code=begun.returncode, stdout=out, stderr=b"")


def said(done: Completed, pattern: str) -> bool:
    """Whether a run has logged something."""
    return re.search(pattern, done.stdout.decode(errors="replace")) is not None


def install(lab: Lab) -> Runs:
    """The module by `puppet module install`, the class on each node, the services and their resources."""
    package = Path(run([str(ROOT / "script/puppet-module")], timeout=30).checked().stdout.decode().strip())
    for node in lab.nodes:
        lab.run(node, ["sh", "-c", f"cat >/root/{package.name}"], stdin=package.read_bytes()).checked()
        lab.run(node, ["mkdir", "-p", "/etc/web", "/usr/lib/ocf/resource.d/pacewright"]).checked()
        lab.run(node, ["sh", "-c", f"cp /lib/*/libz.so.1 {SPARE}"]).checked()
        lab.write(node, "/usr/local/bin/web.py", WEB)
        lab.write(node, "/etc/web/web.conf", "one\n")
        lab.write(node, "/etc/app.conf", "one\n")
        lab.write(node, "/etc/systemd/system/web.service", _web_unit())
        lab.write(node, "/etc/systemd/system/plain.service", PLAIN_UNIT)
        lab.write(node, "/root/broken/pacewright", "#!/bin/sh\necho 'pacewright: it is broken' >&2\nexit 1\n", 0o755)
        lab.write(node, "/usr/lib/ocf/resource.d/pacewright/counted", COUNTED_AGENT, 0o755)
        lab.run(node, ["systemctl", "daemon-reload"]).checked()
        install_it = ["puppet", "module", "install", "--ignore-dependencies", f"/root/{package.name}"]
        lab.run(node, install_it, timeout=60).checked()
    for command in RESOURCES:
        lab.run("n1", command.split(), timeout=60).checked()
    runs = Runs(lab, Counted(lab))
    done = runs.on_all("class { 'pacewright': manage_package => false }")
    assert {one.code for one in done.values()} == {2}, done
    runs.counted.settle()
    return runs


def _web_unit() -> str:
    lines: Mapping[str, str] = {"[Service]\n": f"[Service]\nEnvironment=LD_PRELOAD={SPARE}\n"}
    text = WEB_UNIT
    for before, after in lines.items():
        text = text.replace(before, after)
    return f"{text}[Install]\nWantedBy=multi-user.target\n"
