"""A large cluster as a CIB: 32 nodes, 1,000 primitives (alone, in groups, in clones), and what each node did with each.

    python -m bench.largecib >large.xml

As in a real cluster every node has probed every resource, so the status is by far the greatest part.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["large_cib"]

NODES = 32
ALONE, GROUPS, MEMBERS, CLONES, PROMOTABLE = 700, 60, 4, 60, 10
"""Primitives by themselves, groups of so many members, clones on all nodes; of these, promotable ones."""

_TRANSITION = "0b0ee4a2-5a5c-4a35-9a5e-5b1c3f1d2e77"
_MOMENT = 1_700_000_000
_AGENT = 'class="ocf" provider="heartbeat" type="Dummy"'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Primitive:
    """A primitive, and the nodes (by number) where it runs; `promoted` is the one where it is promoted."""

    name: str
    nodes: frozenset[int]
    promoted: int | None = None


def large_cib() -> str:
    """The document."""
    primitives = tuple(_primitives())
    head = (
        '<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="4711" num_updates="42" admin_epoch="0" '
        'have-quorum="1" dc-uuid="1">'
    )
    nodes = "".join(f'<node id="{node}" uname="node{node:02}"/>' for node in range(1, NODES + 1))
    properties = '<nvpair id="fencing" name="stonith-enabled" value="false"/>'
    return (
        f"{head}<configuration><crm_config><cluster_property_set id='properties'>{properties}</cluster_property_set>"
        f"</crm_config><nodes>{nodes}</nodes><resources>{''.join(_definitions())}</resources>"
        f"<constraints>{''.join(_constraints())}</constraints></configuration>"
        f"<status>{''.join(_state(node, primitives) for node in range(1, NODES + 1))}</status></cib>\n"
    )


def _home(number: int) -> frozenset[int]:
    return frozenset({number % NODES + 1})


def _primitives() -> Iterator[_Primitive]:
    for number in range(ALONE):
        yield _Primitive(name=f"alone{number:03}", nodes=_home(number))
    for group in range(GROUPS):
        for member in range(MEMBERS):
            yield _Primitive(name=f"group{group:02}-member{member}", nodes=_home(group))
    everywhere = frozenset(range(1, NODES + 1))
    for clone in range(CLONES):
        promoted = clone % NODES + 1 if clone < PROMOTABLE else None
        yield _Primitive(name=f"cloned{clone:02}", nodes=everywhere, promoted=promoted)


def _definitions() -> Iterator[str]:
    for number in range(ALONE):
        yield _definition(f"alone{number:03}")
    for group in range(GROUPS):
        members = "".join(_definition(f"group{group:02}-member{member}") for member in range(MEMBERS))
        yield f'<group id="group{group:02}">{members}</group>'
    for clone in range(CLONES):
        name = f"cloned{clone:02}"
        pair = f'<nvpair id="{name}-promotable" name="promotable" value="{"true" if clone < PROMOTABLE else "false"}"/>'
        meta = f'<meta_attributes id="{name}-clone-meta">{pair}</meta_attributes>'
        yield f'<clone id="{name}-clone">{meta}{_definition(name)}</clone>'


def _definition(name: str) -> str:
    pair = f'<nvpair id="{name}-state" name="state" value="/run/{name}"/>'
    monitor = f'<op id="{name}-monitor-10s" name="monitor" interval="10s" timeout="20s"/>'
    return (
        f'<primitive id="{name}" {_AGENT}><instance_attributes id="{name}-attributes">{pair}</instance_attributes>'
        f"<operations>{monitor}</operations></primitive>"
    )


def _constraints() -> Iterator[str]:
    for number in range(0, ALONE - 1, 10):
        first, then = f"alone{number:03}", f"alone{number + 1:03}"
        yield f'<rsc_order id="order{number:03}" first="{first}" then="{then}" kind="Optional"/>'


def _state(node: int, primitives: tuple[_Primitive, ...]) -> str:
    histories = "".join(_history(primitive, node) for primitive in primitives)
    return (
        f'<node_state id="{node}" uname="node{node:02}" in_ccm="true" crmd="online" join="member" expected="member" '
        f'crm-debug-origin="do_update_resource"><lrm id="{node}"><lrm_resources>{histories}</lrm_resources></lrm>'
        "</node_state>"
    )


def _history(primitive: _Primitive, node: int) -> str:
    name = primitive.name
    if node not in primitive.nodes:
        operations = _operation(name, node, "monitor", 7)
    elif primitive.promoted == node:
        operations = _operation(name, node, "promote", 0) + _operation(name, node, "monitor", 8, interval=11000)
    else:
        operations = _operation(name, node, "start", 0) + _operation(name, node, "monitor", 0, interval=10000)
    return f'<lrm_resource id="{name}" {_AGENT}>{operations}</lrm_resource>'


def _operation(name: str, node: int, task: str, code: int, *, interval: int = 0) -> str:
    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    identity = f"{name}_{task}_{interval}" if interval else f"{name}_last_0"
    key = f"{node}:{17 + interval}:{code}:{_TRANSITION}"
    return (
        f'<lrm_rsc_op id="{identity}" operation_key="{name}_{task}_{interval}" operation="{task}" '
        f'crm-debug-origin="do_update_resource" crm_feature_set="3.16.1" transition-key="{key}" '
        f'transition-magic="0:{code};{key}" exit-reason="" on_node="node{node:02}" call-id="{100 + interval}" '
        f'rc-code="{code}" op-status="0" interval="{interval}" last-rc-change="{_MOMENT}" exec-time="12" '
        f'queue-time="0" op-digest="{digest}"/>'
    )


if __name__ == "__main__":
    sys.stdout.write(large_cib())
