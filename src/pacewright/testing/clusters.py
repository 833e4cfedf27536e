"""Clusters made by hand: a CIB from a few words, for tests that need no cluster.

    cluster(clone("web-clone", primitive("web")), running={"web": ("n1", "n2")})

is a three-node cluster with `web` started on two of its nodes. `histories` says more exactly what happened where.
"""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import quoteattr

from pacewright.cluster.cib.document import xml_id
from pacewright.cluster.cib.parse import parse
from pacewright.cluster.edits.change import Change
from pacewright.cluster.forecast import Action, Forecast
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.frozen import frozen

__all__ = [
    "NODES",
    "Op",
    "action",
    "after",
    "cib",
    "clone",
    "cluster",
    "forecast",
    "group",
    "meta",
    "pairs",
    "primitive",
    "revision_on",
    "run",
]

NODES = {"1": "n1", "2": "n2", "3": "n3"}


@frozen
class Op:
    """One line of an instance's history (`lrm_rsc_op`).

    Attributes:
        run: makes the transition key; two operations with the same number are one transition.
        pending: still under way.
        failure: it is the `_last_failure_0` entry.
    """

    task: str
    rc: int = 0
    expected: int = 0
    run: int = 1
    call: int = 0
    interval: int = 0
    digest: str = "d0"
    at: int = 1_700_000_000
    reason: str = ""
    pending: bool = False
    failure: bool = False
    status: int | None = None


def run(number: int = 1, *, digest: str = "d0", promoted: bool = False) -> tuple[Op, ...]:
    """An instance that was started (and promoted) in that transition."""
    started = Op(task="start", run=number, call=10 * number, digest=digest, at=1_700_000_000 + number)
    up = Op(task="promote", run=number, call=10 * number + 1, digest=digest, at=1_700_000_000 + number)
    return (up,) if promoted else (started,)


ALWAYS = '<rule id="r" score="1"><expression id="e" attribute="#uname" operation="defined"/></rule>'
"""A rule that holds on every node."""


def pairs(tag: str, set_id: str, values: Mapping[str, str], *, rule: str = "", score: str = "") -> str:
    """A set of name-value pairs."""
    inner = "".join(
        f"<nvpair id={quoteattr(xml_id(f'{set_id}-{name}'))} name={quoteattr(name)} value={quoteattr(value)}/>"
        for name, value in values.items()
    )
    scored = f" score={quoteattr(score)}" if score else ""
    return f"<{tag} id={quoteattr(set_id)}{scored}>{rule}{inner}</{tag}>"


def meta(owner: str, values: Mapping[str, str]) -> str:
    """Meta attributes as pcs writes them; nothing for none."""
    return pairs("meta_attributes", f"{owner}-meta_attributes", values) if values else ""


def revision_on(owner: str, node: str, revision: str) -> str:
    """Our revision for one node, as the design writes it."""
    stem = f"{owner}-pacewright-{node}"
    rule = (
        f'<rule id="{stem}-rule" score="1">'
        f'<expression id="{stem}-expression" attribute="#uname" operation="eq" value="{node}"/></rule>'
    )
    return pairs("instance_attributes", stem, {"pacewright_revision": revision}, rule=rule, score="1")


def primitive(
    name: str,
    agent: str = "ocf:heartbeat:Dummy",
    *,
    meta_values: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
    sets: str = "",
    timeouts: Mapping[str, str] | None = None,
) -> str:
    """A primitive as pcs writes it; `sets` stands behind its plain attributes."""
    standard, _, rest = agent.partition(":")
    provider, _, kind = rest.rpartition(":")
    by = f" provider={quoteattr(provider)}" if provider else ""
    times = {"monitor": "20s", **(timeouts or {})}
    operations = "".join(
        f"<op id={quoteattr(f'{name}-{task}')} name={quoteattr(task)} "
        f'interval="{"10s" if task == "monitor" else "0s"}" timeout={quoteattr(time)}/>'
        for task, time in times.items()
    )
    plain = pairs("instance_attributes", f"{name}-instance_attributes", parameters) if parameters else ""
    return (
        f"<primitive id={quoteattr(name)} class={quoteattr(standard)}{by} type={quoteattr(kind)}>"
        f"{plain}{sets}{meta(name, meta_values or {})}<operations>{operations}</operations></primitive>"
    )


def group(name: str, *members: str, meta_values: Mapping[str, str] | None = None) -> str:
    """A group of primitives."""
    return f"<group id={quoteattr(name)}>{''.join(members)}{meta(name, meta_values or {})}</group>"


def clone(name: str, child: str, **meta_values: str) -> str:
    """A clone; underscores in meta attributes' names stand for hyphens."""
    values = {key.replace("_", "-"): value for key, value in meta_values.items()}
    return f"<clone id={quoteattr(name)}>{child}{meta(name, values)}</clone>"


_JOINED = 'in_ccm="true" crmd="online" join="member" expected="member"'
_STATES = {
    "online": _JOINED,
    "offline": 'in_ccm="false" crmd="offline" join="down" expected="down"',
    "pending": 'in_ccm="true" crmd="online" join="down" expected="down"',
    "unclean": 'in_ccm="false" crmd="offline" join="member" expected="member"',
}


def cib(
    *resources: str,
    running: Mapping[str, Sequence[str]] | None = None,
    histories: Mapping[tuple[str, str], Iterable[Op]] | None = None,
    nodes: Mapping[str, str] = NODES,
    states: Mapping[str, str] | None = None,
    attributes: Mapping[str, Mapping[str, str]] | None = None,
    transient: Mapping[str, Mapping[str, str]] | None = None,
    constraints: str = "",
    properties: Mapping[str, str] | None = None,
    defaults: Mapping[str, str] | None = None,
    quorate: bool = True,
    dc: str = "1",
    epoch: int = 10,
) -> bytes:
    """A CIB.

    Args:
        resources: what `primitive`, `group` and `clone` give.
        running: where each primitive is started, in a first run.
        histories: by primitive and node, what happened there instead.
        nodes: names by id.
        states: `online` (the default), `offline`, `pending`, `unclean`, or `unseen`, by node's name.
        attributes, transient: by node's name; attributes called `pacewright-...` become marks.
        dc: the id of the DC.
    """
    told: dict[tuple[str, str], Iterable[Op]] = {
        (name, node): run() for name, places in (running or {}).items() for node in places
    }
    told.update(histories or {})
    known = {"stonith-enabled": "false", "cluster-name": "hand-made", **(properties or {})}
    marks = {
        f"{name}@{node}": value
        for node, values in (attributes or {}).items()
        for name, value in values.items()
        if name.startswith("pacewright-")
    }
    attributes = {
        node: {name: value for name, value in values.items() if not name.startswith("pacewright-")}
        for node, values in (attributes or {}).items()
    }
    configured = "".join(
        f"<node id={quoteattr(i)} uname={quoteattr(name)}>"
        + (pairs("instance_attributes", f"nodes-{i}", (attributes or {})[name]) if name in (attributes or {}) else "")
        + "</node>"
        for i, name in nodes.items()
    )
    noted = pairs("meta_attributes", "pacewright-marks", marks)
    noted = (
        f"<template id='pacewright' class='ocf' provider='pacewright' type='marks'>{noted}</template>" if marks else ""
    )
    configuration = (
        f"<crm_config>{pairs('cluster_property_set', 'cib-bootstrap-options', known)}"
        f"</crm_config><nodes>{configured}</nodes><resources>{''.join(resources)}{noted}</resources>"
        f"<constraints>{constraints}</constraints>"
    )
    if defaults:
        configuration += f"<rsc_defaults>{pairs('meta_attributes', 'rsc_defaults-meta', defaults)}</rsc_defaults>"
    agents = _agents(configuration)
    status = ""
    for i, name in nodes.items():
        state = (states or {}).get(name, "online")
        if state == "unseen":
            continue
        lines = "".join(
            _history(resource, agents[resource], ops, node=name)
            for (resource, node), ops in told.items()
            if node == name
        )
        volatile = pairs("instance_attributes", f"status-{i}", (transient or {}).get(name, {}))
        status += (
            f"<node_state id={quoteattr(i)} uname={quoteattr(name)} {_STATES[state]}>"
            f'<transient_attributes id="{i}">{volatile}</transient_attributes>'
            f'<lrm id="{i}"><lrm_resources>{lines}</lrm_resources></lrm></node_state>'
        )
    return (
        '<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" admin_epoch="0" '
        f'epoch="{epoch}" num_updates="1" have-quorum="{int(quorate)}" dc-uuid="{dc}">'
        f"<configuration>{configuration}</configuration><status>{status}</status></cib>"
    ).encode()


def cluster(
    *resources: str,
    running: Mapping[str, Sequence[str]] | None = None,
    histories: Mapping[tuple[str, str], Iterable[Op]] | None = None,
    nodes: Mapping[str, str] = NODES,
    states: Mapping[str, str] | None = None,
    attributes: Mapping[str, Mapping[str, str]] | None = None,
    transient: Mapping[str, Mapping[str, str]] | None = None,
    constraints: str = "",
    properties: Mapping[str, str] | None = None,
    defaults: Mapping[str, str] | None = None,
    quorate: bool = True,
    dc: str = "1",
    epoch: int = 10,
) -> Snapshot:
    """The Snapshot of what `cib` gives."""
    return parse(
        cib(
            *resources,
            running=running,
            histories=histories,
            nodes=nodes,
            states=states,
            attributes=attributes,
            transient=transient,
            constraints=constraints,
            properties=properties,
            defaults=defaults,
            quorate=quorate,
            dc=dc,
            epoch=epoch,
        )
    )


def after(
    snapshot: Snapshot,
    change: Change | None = None,
    histories: Mapping[tuple[str, str], Iterable[Op]] | None = None,
) -> Snapshot:
    """The same cluster later: a change was written, and instances (by primitive and node) did something."""
    root = copy.deepcopy(snapshot.root if change is None else change.apply(snapshot))
    agents = _agents(ET.tostring(root, encoding="unicode"))
    for (resource, node), ops in (histories or {}).items():
        found = root.find(f"status/node_state[@uname='{node}']/lrm/lrm_resources")
        if found is None:
            raise LookupError(f"{node} has no state")
        for old in found.findall(f"lrm_resource[@id='{resource}']"):
            found.remove(old)
        found.append(ET.fromstring(_history(resource, agents[resource], ops, node=node)))  # noqa: S314 - our own
    return parse(ET.tostring(root))


def forecast(*actions: Action) -> Forecast:
    """What a scheduler would do."""
    return Forecast(actions=actions)


def action(
    verb: str, resource: str, node: str | None = None, *, to: str | None = None, reason: str = "", blocked: bool = False
) -> Action:
    """One thing of it."""
    return Action(
        verb=verb,
        resource=ResourceId(resource),
        instance=resource,
        node=NodeName(node) if node else None,
        to=NodeName(to) if to else None,
        reason=reason,
        blocked=blocked,
    )


def _agents(configuration: str) -> dict[str, dict[str, str]]:
    root = ET.fromstring(f"<x>{configuration}</x>")  # noqa: S314 - our own
    return {
        element.get("id", ""): {key: element.get(key, "") for key in ("type", "class", "provider") if element.get(key)}
        for element in root.iter("primitive")
    }


def _history(resource: str, agent: Mapping[str, str], ops: Iterable[Op], *, node: str) -> str:
    described = " ".join(f"{key}={quoteattr(value)}" for key, value in agent.items())
    lines = "".join(_line(resource, op, node) for op in ops)
    return f"<lrm_resource id={quoteattr(resource)} {described}>{lines}</lrm_resource>"


def _line(resource: str, op: Op, node: str) -> str:
    key = f"5:{op.run}:{op.expected}:{resource}-{node}"
    kind = "last_failure_0" if op.failure else (f"{op.task}_{op.interval}" if op.interval else "last_0")
    rc, status = (193, -1) if op.pending else (op.rc, 0)
    status = op.status if op.status is not None else status
    values = {
        "id": f"{resource}_{kind}",
        "operation_key": f"{resource}_{op.task}_{op.interval}",
        "operation": op.task,
        "crm_feature_set": "3.16.1",
        "transition-key": key,
        "transition-magic": f"{status}:{rc};{key}",
        "exit-reason": op.reason,
        "on_node": node,
        "call-id": "-1" if op.pending else str(op.call),
        "rc-code": str(rc),
        "op-status": str(status),
        "interval": str(op.interval),
        "last-rc-change": str(op.at),
        "op-digest": op.digest,
    }
    return "<lrm_rsc_op " + " ".join(f"{name}={quoteattr(value)}" for name, value in values.items()) + "/>"
