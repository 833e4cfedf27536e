"""The clusters that the model is run on: one service each, of every sort that restarts in a way of its own."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from pacewright.testing.clusters import clone, pairs, primitive
from tests.model.record import NODES

__all__ = ["AGENTS", "CLONES", "KINDS", "NODE_NAMES", "configuration"]

NODE_NAMES = tuple(NODES)

_TIMES = {"start": "20s", "stop": "20s"}
_ROLES = {"promotable": "true", "promoted_max": str(len(NODE_NAMES))}
_PLACES = "".join(
    f'<rsc_location id="l-{name}" rsc="{{}}" node="{name}" score="{score}"/>'
    for name, score in zip(NODE_NAMES, (30, 20, 10), strict=True)
)

KINDS = {
    "web": clone("web-clone", primitive("web", "systemd:web", timeouts=_TIMES)),
    "dum": clone("dum-clone", primitive("dum", "ocf:pacemaker:Dummy", timeouts=_TIMES)),
    "db": primitive("db", "ocf:heartbeat:Dummy", timeouts=_TIMES),
    "lb": primitive("lb", "ocf:pacemaker:Dummy", timeouts=_TIMES),
    "rank": clone("rank-clone", primitive("rank", "ocf:heartbeat:Dummy", timeouts=_TIMES), **_ROLES),
}
"""A clone that restarts for a new definition, one that would reload; the same two sorts in one place; and a promotable
all of whose instances are promoted."""

CLONES = {"web": "web-clone", "dum": "dum-clone", "rank": "rank-clone"}

AGENTS = {
    "web": 'class="systemd" type="web"',
    "dum": 'class="ocf" provider="pacemaker" type="Dummy"',
    "db": 'class="ocf" provider="heartbeat" type="Dummy"',
    "lb": 'class="ocf" provider="pacemaker" type="Dummy"',
    "rank": 'class="ocf" provider="heartbeat" type="Dummy"',
}


def configuration(kind: str, *, sticky: bool = True) -> ET.Element:
    """The configuration of a cluster with that service."""
    nodes = "".join(f'<node id="{number}" uname="{name}"/>' for name, number in NODES.items())
    known = {"stonith-enabled": "true", "cluster-name": "model"}
    places = _PLACES.replace("{}", kind) if kind in {"db", "lb"} else ""
    defaults = pairs("meta_attributes", "rsc_defaults-meta", {"resource-stickiness": "100" if sticky else "0"})
    return ET.fromstring(
        f"<configuration><crm_config>{pairs('cluster_property_set', 'cib-bootstrap-options', known)}</crm_config>"
        f"<nodes>{nodes}</nodes><resources>{KINDS[kind]}</resources><constraints>{places}</constraints>"
        f"<rsc_defaults>{defaults}</rsc_defaults></configuration>"
    )
