"""`puppet agent` on three nodes, a Puppet server on one of them: what has to travel does, and the rest is the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pacewright import lab as labs
from pacewright.lab import Lab
from pacewright.process import PIPE, Completed, run
from tests.lab.conftest import remove_labs_of_dead_sessions
from tests.lab.puppet_runs import ROOT, SITE, said
from tests.lab.services import COUNTED_AGENT, Counted, snapshot_of

pytestmark = pytest.mark.lab

SERVER = "n1"
CODE = "/etc/puppet/code/environments/production"
SETTINGS = f"""\
[main]
certname = %s
server = {SERVER}
basemodulepath = /etc/puppet/code/modules
[server]
autosign = true
"""
MANIFEST = f"""\
{SITE}
class {{ 'pacewright': manage_package => false }}
class {{ 'app': require => Class['pacewright'] }}
if $facts['pacemaker']['is_leader'] {{
  exec {{ 'once': command => '/bin/sh -c "echo once >>/root/once"' }}
}}
"""


@pytest.fixture(scope="module")
def agents() -> Iterator[Lab]:
    """Three nodes with nothing of ours in their Puppet; the module is on the server alone."""
    remove_labs_of_dead_sessions()
    distro = os.environ.get("PACEWRIGHT_LAB_DISTRO", "bookworm")
    made = labs.up(f"test-{os.getpid()}-server", distro=distro, packages=("puppet-agent", "puppetserver"))
    _install(made)
    yield made
    made.down()


def _install(lab: Lab) -> None:
    package = Path(run([str(ROOT / "script/puppet-module")], timeout=30).checked().stdout.decode().strip())
    for node in lab.nodes:
        lab.write(node, "/etc/puppet/puppet.conf", SETTINGS % node)
        lab.write(node, "/etc/app.conf", "one\n")
        lab.run(node, ["mkdir", "-p", "/usr/lib/ocf/resource.d/pacewright"]).checked()
        lab.write(node, "/usr/lib/ocf/resource.d/pacewright/counted", COUNTED_AGENT, 0o755)
    lab.run(SERVER, ["sh", "-c", f"cat >/root/{package.name}"], stdin=package.read_bytes()).checked()
    lab.run(SERVER, ["mkdir", "-p", f"{CODE}/manifests"]).checked()
    install_it = ["puppet", "module", "install", "--ignore-dependencies", f"/root/{package.name}"]
    lab.run(SERVER, install_it, timeout=60).checked()
    lab.write(SERVER, f"{CODE}/manifests/site.pp", MANIFEST)
    heap = r's/^JAVA_ARGS=.*/JAVA_ARGS="-Xms256m -Xmx768m -XX:TieredStopAtLevel=1"/'
    lab.run(SERVER, ["sed", "-i", heap, "/etc/default/puppetserver"]).checked()
    lab.run(SERVER, ["systemctl", "start", "puppetserver"], timeout=240).checked()
    create = "pcs resource create app ocf:pacewright:counted op monitor interval=10s clone interleave=true"
    lab.run(SERVER, create.split(), timeout=60).checked()
    Counted(lab).settle()


def on_all(lab: Lab, config: str) -> dict[str, Completed]:
    """A run of the agent on every node at the same time, with the fact `config`; what it said is in `stdout`."""
    words = ["puppet", "agent", "--test", "--color=false"]
    env = {"FACTER_config": config, "LC_ALL": "C.UTF-8"}
    begun = {
        node: lab.spawn(node, ["sh", "-c", 'exec "$@" 2>&1', "sh", *words], stdout=PIPE, env=env) for node in lab.nodes
    }
    done = {}
    for node, process in begun.items():
        out, _ = process.communicate(timeout=240)
        done[node] = Completed(argv=tuple(words), code=process.returncode, stdout=out, stderr=b"")
    return done


@pytest.mark.timeout(900)  # the server is a Java program that warms up
def test_types_fact_and_inputs_come_from_the_server_and_each_instance_restarts_once_for_a_change(agents: Lab) -> None:
    first = on_all(agents, "one")
    assert {one.code for one in first.values()} == {2}, "the class has put its files in place"
    counted = Counted(agents)
    before = dict(counted.starts("counted-app"))
    done = on_all(agents, "two")
    assert {one.code for one in done.values()} == {2}
    assert all(said(one, r"Service\[app\]: app: restarted on ") for one in done.values())
    after = dict(counted.starts("counted-app"))
    assert {node: after[node] - before[node] for node in agents.nodes} == dict.fromkeys(agents.nodes, 1)
    epoch = snapshot_of(agents, SERVER).version.epoch
    again = on_all(agents, "two")
    assert snapshot_of(agents, SERVER).version.epoch == epoch, "a run without a change writes nothing"
    assert not any(said(one, r"Service\[app\]") for one in again.values())
    leaders = [node for node in agents.nodes if "once" in _once(agents, node)]
    assert len(leaders) == 1, "once-only work is done on one node"
    assert _once(agents, leaders[0]).split() == ["once"] * 3, "in each run"


def _once(lab: Lab, node: str) -> str:
    return lab.run(node, ["sh", "-c", "cat /root/once 2>/dev/null || true"]).checked().stdout.decode()
