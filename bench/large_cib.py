"""A large cluster as a CIB in which Pacemaker has nothing to do: primitives alone, in groups and in clones.

    python -m bench.large_cib [NODES [PRIMITIVES]] >large.xml

As in a real cluster every node has probed every resource, so the status is by far the greatest part. The digests are
those of an agent without parameters, as Pacemaker computes them: with others the scheduler would restart everything.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["NODES", "PRIMITIVES", "large_cib"]

NODES, PRIMITIVES = 32, 1000
"""Of these, seven tenths by themselves, a quarter in groups, the rest in clones on all nodes; some are promotable."""
_MEMBERS = 4
"""Primitives of a group."""
_PROMOTABLE = 6
"""Each so many-th clone is promotable."""

_TRANSITION = "0b0ee4a2-5a5c-4a35-9a5e-5b1c3f1d2e77"
_MOMENT = 1_700_000_000
_AGENT = 'class="ocf" provider="heartbeat" type="Dummy"'
_DIGEST = "f2317cad3d54cec5d7d7aa7d0bf35cf8"
"""Of an operation without parameters (2.1.5 and 3.0.0)."""
_MONITOR_DIGEST = "4811cef7f7f94e3a35a70be7916cb2fd"
"""Of a recurring monitor without parameters and with a time-out of 20 s."""
_EVERY, _EVERY_PROMOTED = 10_000, 11_000
"""Milliseconds from one monitor to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Primitive:
    """A primitive, and the nodes (by number) where it runs; `promoted` is the one where it is promoted."""

    name: str
    nodes: frozenset[int]
    promoted: int | None = None
    promotable: bool = False


def large_cib(nodes: int = NODES, primitives: int = PRIMITIVES) -> str:
    """The document.

    Args:
        nodes: how many nodes.
        primitives: how many primitives in all, at least 10.
    """
    clones = max(primitives * 6 // 100, 1)
    groups = primitives * 24 // 100 // _MEMBERS
    alone = primitives - clones - groups * _MEMBERS
    found = tuple(_primitives(alone, groups, clones, nodes))
    head = (
        '<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="4711" num_updates="42" admin_epoch="0" '
        'have-quorum="1" dc-uuid="1">'
    )
    named = "".join(f'<node id="{node}" uname="node{node:02}"/>' for node in range(1, nodes + 1))
    properties = '<nvpair id="fencing" name="stonith-enabled" value="false"/>'
    sticky = '<nvpair id="sticky" name="resource-stickiness" value="1000"/>'
    return (
        f"{head}<configuration><crm_config><cluster_property_set id='properties'>{properties}</cluster_property_set>"
        f"</crm_config><nodes>{named}</nodes><resources>{''.join(_definitions(alone, groups, clones))}</resources>"
        f"<constraints>{''.join(_constraints(alone))}</constraints>"
        f"<rsc_defaults><meta_attributes id='defaults'>{sticky}</meta_attributes></rsc_defaults></configuration>"
        f"<status>{''.join(_state(node, found) for node in range(1, nodes + 1))}</status></cib>\n"
    )


def _primitives(alone: int, groups: int, clones: int, nodes: int) -> Iterator[_Primitive]:
    for number in range(alone):
        yield _Primitive(name=f"alone{number:03}", nodes=frozenset({number % nodes + 1}))
    for group in range(groups):
        for member in range(_MEMBERS):
            yield _Primitive(name=f"group{group:02}-member{member}", nodes=frozenset({group % nodes + 1}))
    everywhere = frozenset(range(1, nodes + 1))
    for clone in range(clones):
        promotable = clone % _PROMOTABLE == 0
        promoted = clone % nodes + 1 if promotable else None
        yield _Primitive(name=f"cloned{clone:02}", nodes=everywhere, promoted=promoted, promotable=promotable)


def _definitions(alone: int, groups: int, clones: int) -> Iterator[str]:
    for number in range(alone):
        yield _definition(f"alone{number:03}")
    for group in range(groups):
        members = "".join(_definition(f"group{group:02}-member{member}") for member in range(_MEMBERS))
        yield f'<group id="group{group:02}">{members}</group>'
    for clone in range(clones):
        name, promotable = f"cloned{clone:02}", clone % _PROMOTABLE == 0
        pair = f'<nvpair id="{name}-promotable" name="promotable" value="{str(promotable).lower()}"/>'
        meta = f'<meta_attributes id="{name}-clone-meta">{pair}</meta_attributes>'
        yield f'<clone id="{name}-clone">{meta}{_definition(name, promotable=promotable)}</clone>'


def _definition(name: str, *, promotable: bool = False) -> str:
    monitors = f'<op id="{name}-monitor" name="monitor" interval="{_EVERY}ms" timeout="20s"/>'
    if promotable:
        every = f'interval="{_EVERY_PROMOTED}ms" timeout="20s" role="Master"'
        monitors += f'<op id="{name}-monitor-promoted" name="monitor" {every}/>'
    return f'<primitive id="{name}" {_AGENT}><operations>{monitors}</operations></primitive>'


def _constraints(alone: int) -> Iterator[str]:
    for number in range(0, alone - 1, 10):
        first, then = f"alone{number:03}", f"alone{number + 1:03}"
        yield f'<rsc_order id="order{number:03}" first="{first}" then="{then}" kind="Optional"/>'


def _state(node: int, primitives: tuple[_Primitive, ...]) -> str:
    histories = "".join(_history(primitive, node) for primitive in primitives)
    scores = "".join(_score(primitive, node) for primitive in primitives if primitive.promotable)
    return (
        f'<node_state id="{node}" uname="node{node:02}" in_ccm="true" crmd="online" join="member" expected="member" '
        f'crm-debug-origin="do_update_resource"><lrm id="{node}"><lrm_resources>{histories}</lrm_resources></lrm>'
        f'<transient_attributes id="{node}"><instance_attributes id="status-{node}">{scores}</instance_attributes>'
        "</transient_attributes></node_state>"
    )


def _score(primitive: _Primitive, node: int) -> str:
    name = f"master-{primitive.name}"
    return f'<nvpair id="status-{node}-{name}" name="{name}" value="{10 if node == primitive.promoted else 5}"/>'


def _history(primitive: _Primitive, node: int) -> str:
    name = primitive.name
    if node not in primitive.nodes:
        operations = _operation(name, node, "monitor", 7)
    elif primitive.promoted == node:
        operations = _operation(name, node, "promote", 0) + _operation(name, node, "monitor", 8, every=_EVERY_PROMOTED)
    else:
        operations = _operation(name, node, "start", 0) + _operation(name, node, "monitor", 0, every=_EVERY)
    return f'<lrm_resource id="{name}" {_AGENT}>{operations}</lrm_resource>'


def _operation(name: str, node: int, task: str, code: int, *, every: int = 0) -> str:
    identity = f"{name}_{task}_{every}" if every else f"{name}_last_0"
    key = f"{node}:{17 + every}:{code}:{_TRANSITION}"
    return (
        f'<lrm_rsc_op id="{identity}" operation_key="{name}_{task}_{every}" operation="{task}" '
        f'crm-debug-origin="do_update_resource" crm_feature_set="3.16.1" transition-key="{key}" '
        f'transition-magic="0:{code};{key}" exit-reason="" on_node="node{node:02}" call-id="{100 + every}" '
        f'rc-code="{code}" op-status="0" interval="{every}" last-rc-change="{_MOMENT}" exec-time="12" '
        f'queue-time="0" op-digest="{_MONITOR_DIGEST if every else _DIGEST}"/>'
    )


if __name__ == "__main__":
    sys.stdout.write(large_cib(*map(int, sys.argv[1:])))
