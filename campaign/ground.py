"""What the campaign's cluster runs: nine services of different kinds, each of which counts its own starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from campaign import clocks
from pacewright.clock import SYSTEM_CLOCK
from pacewright.lab import Lab

__all__ = ["BARRIER", "BEGINNING", "CONFIG", "LOGS", "NODES", "SERVICES", "Service", "furnish"]

NODES = ("n1", "n2", "n3")
CONFIG = "/etc/campaign"
LOGS = "campaign"
"""Below the folder that all nodes share, so that a full disk or a power cut takes nothing from what is judged."""
BEGINNING = "/usr/local/lib/campaign/web.py"
"""A file in each node that is as old as the campaign."""
BARRIER = 60.0
"""Seconds that a call waits for the other nodes, beside its own time-out."""
_BALANCER = "/usr/local/lib/campaign/balancer"
_INSIDE = Path(__file__).parent / "inside"
_AGENTS = "/usr/lib/ocf/resource.d/campaign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service under test.

    Attributes:
        primitives: what it consists of, in order.
        clone: it runs on every node.
        reloading: its agent would only reload, so it is restarted by holds, and its revision never changes.
        drained: a load balancer is told before an instance is stopped, and when it is healthy again.
        warm: seconds after its start until an instance is healthy.
        gate: it runs only where its config was reported; a run with it begins with it shut out everywhere.
        together: all its instances restart in one step, once every node has reported.
        after: the service that it is ordered after, and so restarts along with.
    """

    primitives: tuple[str, ...]
    clone: bool = False
    reloading: bool = False
    drained: bool = False
    warm: float = 0.0
    gate: bool = False
    together: bool = False
    after: str = ""


SERVICES = {
    "web": Service(primitives=("web",), clone=True),
    "api": Service(primitives=("api",), clone=True),
    "cache": Service(primitives=("cache",), clone=True, reloading=True),
    "db": Service(primitives=("db",)),
    "worker": Service(primitives=("worker",), after="db"),
    "pool": Service(primitives=("pool",), clone=True, drained=True, warm=1.0),
    "gated": Service(primitives=("gated",), clone=True, gate=True),
    "swarm": Service(primitives=("swarm",), clone=True, together=True),
    "tier": Service(primitives=("tier-front", "tier-back")),
}

_UNIT = """\
[Unit]
Description=The web service of the campaign
[Service]
Type=notify
ExecStart=/usr/bin/python3 /usr/local/lib/campaign/web.py
ExecStopPost=/bin/sh -c 'echo "stop $(date +%%s.%%N) - -" >>/run/pacewright-lab/campaign/$(uname -n)/web.log'
"""
# All nodes count the whole machine's load as theirs; Pacemaker would work off one operation after another.
_PROPERTIES = """\
<crm_config><cluster_property_set id="cib-bootstrap-options">
  <nvpair id="cib-bootstrap-options-load-threshold" name="load-threshold" value="10000%"/>
</cluster_property_set></crm_config>"""
_DEFAULTS = """\
<rsc_defaults><meta_attributes id="campaign-defaults">
  <nvpair id="campaign-stickiness" name="resource-stickiness" value="100"/>
</meta_attributes></rsc_defaults>"""
_CONSTRAINTS = """\
<constraints><rsc_order id="worker-after-db" first="db" then="worker" kind="Mandatory"/></constraints>"""


def furnish(lab: Lab, *, with_inputs: bool) -> None:
    """Put the services into every node, and their resources into the cluster.

    Args:
        with_inputs: the installed program knows `config:` in services.yaml.
    """
    clocks.prepare(lab)
    for node in lab.nodes:
        lab.run(node, ["mkdir", "-p", CONFIG, _AGENTS]).checked()
        for name in ("web.py", "skewed.py"):
            lab.write(node, f"/usr/local/lib/campaign/{name}", (_INSIDE / name).read_text(encoding="utf-8"))
        agent = (_INSIDE / "counted").read_text(encoding="utf-8")
        lab.write(node, _BALANCER, (_INSIDE / "balancer").read_text(encoding="utf-8"), 0o755)
        for name in ("counted", "counted-reloading"):
            lab.write(node, f"{_AGENTS}/{name}", agent, 0o755)
        for name in SERVICES:
            lab.write(node, f"{CONFIG}/{name}.conf", "first\n")
        if with_inputs:
            lab.write(node, "/etc/pacewright/services.yaml", _services_yaml())
        lab.write(node, "/etc/systemd/system/web.service", _UNIT)
        lab.run(node, ["systemctl", "daemon-reload"]).checked()
    # Pacemaker tells whole seconds, and what began in the second in which its config was written counts as older.
    SYSTEM_CLOCK.sleep(1.1)
    for scope, document in (
        ("crm_config", _PROPERTIES),
        ("rsc_defaults", _DEFAULTS),
        ("resources", f"<resources>{_resources()}</resources>"),
        ("constraints", _CONSTRAINTS),
    ):
        argv = ["cibadmin", "--modify", "--allow-create", "--scope", scope, "--xml-pipe"]
        lab.run(lab.nodes[0], argv, stdin=document.encode()).checked()


def _services_yaml() -> str:
    return "services:\n" + "".join(_settings(name, service) for name, service in SERVICES.items())


def _settings(name: str, service: Service) -> str:
    text = f"  {name}:\n    config: [{CONFIG}/{name}.conf]\n"
    if service.drained:
        text += f"""    health: {{command: [{_BALANCER}, well, {name}, "{{node}}"], timeout: 20}}
    drain:
      before: [{_BALANCER}, out, {name}, "{{node}}"]
      after: [{_BALANCER}, in, {name}, "{{node}}"]
"""
    if service.gate:
        text += "    gate: true\n"
    if service.together:
        text += f"    strategy: together\n    barrier: {{timeout: {BARRIER:g}}}\n"
    return text


def _resources() -> str:
    return "".join(_service(name, service) for name, service in SERVICES.items())


def _service(name: str, service: Service) -> str:
    inner = "".join(_primitive(primitive, name, service) for primitive in service.primitives)
    if service.clone:
        return f'<clone id="{name}-clone">{inner}</clone>'
    return inner if len(service.primitives) == 1 else f'<group id="{name}">{inner}</group>'


def _primitive(primitive: str, name: str, service: Service) -> str:
    seconds = 60 if name == "web" else 20
    operations = "".join(
        f'<op id="{primitive}-{operation}" name="{operation}" interval="{interval}" timeout="{seconds}s"/>'
        for operation, interval in (("start", "0s"), ("stop", "0s"), ("monitor", "10s"))
    )
    if name == "web":
        return f'<primitive id="web" class="systemd" type="web"><operations>{operations}</operations></primitive>'
    agent = "counted-reloading" if service.reloading else "counted"
    return (
        f'<primitive id="{primitive}" class="ocf" provider="campaign" type="{agent}">'
        f'<instance_attributes id="{primitive}-parameters">'
        f'<nvpair id="{primitive}-service" name="service" value="{name}"/></instance_attributes>'
        f"<operations>{operations}</operations></primitive>"
    )
