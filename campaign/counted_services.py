"""What the campaign's cluster runs: eleven services of different kinds, each of which counts its own starts."""

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
        promoted: so many of its instances are promoted, which takes them seconds.
        template: its agent and operations stand in a template.
    """

    primitives: tuple[str, ...]
    clone: bool = False
    reloading: bool = False
    drained: bool = False
    warm: float = 0.0
    gate: bool = False
    together: bool = False
    after: str = ""
    promoted: int = 0
    template: bool = False


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
    "staged": Service(primitives=("staged",), clone=True, promoted=2),
    "shaped": Service(primitives=("shaped",), clone=True, template=True),
}

_ALIAS = "www"
"""Another name of the unit of `web`: a link."""
_LONG_NAME = "n3", "n3.campaign.example"
"""A node, and its host name; the cluster knows it by the short one."""
_ILL = "n2", "api"
"""The recurring monitor of that service fails there always, which its definition says is to be ignored."""

_UNIT = """\
[Unit]
Description=The web service of the campaign
[Service]
Type=notify
ExecStart=/usr/bin/python3 /usr/local/lib/campaign/web.py
ExecStopPost=/bin/sh -c 'echo "stop $(date +%%s.%%N) - -" >>/run/pacewright-lab/campaign/$(hostname -s)/web.log'
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
<constraints>
<rsc_order id="worker-after-db" first="db" then="worker" kind="Mandatory"/>
{bans}
</constraints>"""
_OVER = """\
<rsc_location id="over-{service}" rsc="{service}-clone">
  <rule id="over-{service}-rule" score="-INFINITY" boolean-op="and">
    <expression id="over-{service}-node" attribute="#uname" operation="eq" value="{node}"/>
    <date_expression id="over-{service}-end" operation="lt" end="2026-01-01 00:00:00Z"/>
  </rule>
</rsc_location>"""
"""A ban that is over, as `crm_resource --ban --lifetime` leaves it."""
_OVER_FOR = {"swarm": "n1", "gated": "n2", "web": "n3"}


def furnish(lab: Lab, *, with_inputs: bool) -> None:
    """Put the services into every node, and their resources into the cluster.

    Args:
        with_inputs: the installed program knows `config:` in services.yaml.
    """
    _name(lab)
    clocks.prepare(lab)
    for node in lab.nodes:
        lab.run(node, ["mkdir", "-p", CONFIG, _AGENTS]).checked()
        for name in ("web.py", "skewed.py"):
            lab.write(node, f"/usr/local/lib/campaign/{name}", (_INSIDE / name).read_text(encoding="utf-8"))
        agent = (_INSIDE / "counted").read_text(encoding="utf-8")
        lab.write(node, _BALANCER, (_INSIDE / "balancer").read_text(encoding="utf-8"), 0o755)
        for name in ("counted", "counted-reloading", "counted-staged"):
            lab.write(node, f"{_AGENTS}/{name}", agent, 0o755)
        for name in SERVICES:
            lab.write(node, f"{CONFIG}/{name}.conf", "first\n")
        if with_inputs:
            lab.write(node, "/etc/pacewright/services.yaml", _services_yaml())
        lab.write(node, "/etc/systemd/system/web.service", _UNIT)
        lab.run(node, ["ln", "-sf", "web.service", f"/etc/systemd/system/{_ALIAS}.service"]).checked()
        lab.run(node, ["systemctl", "daemon-reload"]).checked()
    # Pacemaker tells whole seconds, and what began in the second in which its config was written counts as older.
    SYSTEM_CLOCK.sleep(1.1)
    for scope, document in (
        ("crm_config", _PROPERTIES),
        ("rsc_defaults", _DEFAULTS),
        ("resources", f"<resources>{_resources()}</resources>"),
        ("constraints", _CONSTRAINTS.format(bans="".join(map(_over, _OVER_FOR)))),
    ):
        argv = ["cibadmin", "--modify", "--allow-create", "--scope", scope, "--xml-pipe"]
        lab.run(lab.nodes[0], argv, stdin=document.encode()).checked()


def _name(lab: Lab) -> None:
    """Give a node a host name with a domain, now and after each boot; and let a monitor fail for ever."""
    node, name = _LONG_NAME
    lab.write(node, "/etc/hostname", f"{name}\n")
    lab.run(node, ["hostname", name]).checked()
    (lab.shared / LOGS / _ILL[0]).mkdir(parents=True, exist_ok=True)
    (lab.shared / LOGS / _ILL[0] / f"{_ILL[1]}.ill").touch()


def _over(service: str) -> str:
    return _OVER.format(service=service, node=_OVER_FOR[service])


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
    shapes = (_shape(name, service) for name, service in SERVICES.items() if service.template)
    return "".join([*shapes, *(_service(name, service) for name, service in SERVICES.items())])


def _service(name: str, service: Service) -> str:
    inner = "".join(_primitive(primitive, name, service) for primitive in service.primitives)
    if service.clone:
        return f'<clone id="{name}-clone">{_roles(name, service)}{inner}</clone>'
    return inner if len(service.primitives) == 1 else f'<group id="{name}">{inner}</group>'


def _roles(name: str, service: Service) -> str:
    """How many are promoted; with notifications, which cost a transition of a promotable most."""
    said = {"promotable": "true", "promoted-max": str(service.promoted), "notify": "true"} if service.promoted else {}
    pairs = "".join(f'<nvpair id="{name}-{key}" name="{key}" value="{value}"/>' for key, value in said.items())
    return f'<meta_attributes id="{name}-meta">{pairs}</meta_attributes>' if pairs else ""


def _shape(name: str, service: Service) -> str:
    return f'<template id="{name}-shape" {_agent(name, service)}>{_operations(name, service)}</template>'


def _agent(name: str, service: Service) -> str:
    if name == "web":
        return 'class="systemd" type="web"'
    kind = "-reloading" if service.reloading else "-staged" if service.promoted else ""
    return f'class="ocf" provider="campaign" type="counted{kind}"'


def _operations(primitive: str, service: Service) -> str:
    seconds = 60 if primitive == "web" else 20
    wanted = [("start", "0s", ""), ("stop", "0s", "")]
    if service.promoted:
        wanted += [("promote", "0s", ""), ("demote", "0s", ""), ("monitor", "11s", ' role="Promoted"')]
    wanted += [("monitor", "10s", ' on-fail="ignore"' if primitive == _ILL[1] else "")]
    return f"<operations>{''.join(_operation(primitive, *one, seconds) for one in wanted)}</operations>"


def _operation(primitive: str, name: str, interval: str, more: str, seconds: int) -> str:
    head = f'<op id="{primitive}-{name}-{interval}" name="{name}" interval="{interval}"'
    return f'{head} timeout="{seconds}s"{more}/>'


def _primitive(primitive: str, name: str, service: Service) -> str:
    agent, operations = _agent(name, service), _operations(primitive, service)
    if service.template:
        agent, operations = f'template="{name}-shape"', ""
    if name == "web":
        return f'<primitive id="web" {agent}>{operations}</primitive>'
    return (
        f'<primitive id="{primitive}" {agent}>'
        f'<instance_attributes id="{primitive}-parameters">'
        f'<nvpair id="{primitive}-service" name="service" value="{name}"/></instance_attributes>'
        f"{operations}</primitive>"
    )
