"""The status half of a simulated CIB: nodes, and what was done to each instance, as `lrm_rsc_op` entries."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from xml.sax.saxutils import quoteattr

__all__ = ["NODES", "History", "NodeState", "Op", "Status"]

NODES = {"n1": "1", "n2": "2", "n3": "3"}

_PRESENCE = {
    "online": 'in_ccm="true" crmd="online" join="member" expected="member"',
    "pending": 'in_ccm="true" crmd="online" join="pending" expected="member"',
    "lost": 'in_ccm="false" crmd="offline" join="member" expected="member"',
    "offline": 'in_ccm="false" crmd="offline" join="down" expected="down"',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """An operation, under way or done.

    Attributes:
        code: what the agent answered; None while it is under way.
        expected: the answer that is no failure (7 for a probe).
        digest: of the definition that it was done with.
        reloads: its agent would reload for a new definition.
        at: when it ended (or began, while it is under way), in seconds since the epoch by its node's clock.
        took: seconds that it took.
    """

    task: str
    code: int | None = None
    expected: int = 0
    interval: int = 0
    key: str = ""
    call: int = -1
    digest: str = ""
    reloads: bool = False
    at: float = 0.0
    took: float = 0.0

    @property
    def failed(self) -> bool:
        """It ended otherwise than it should; a probe that finds something running has not failed."""
        if self.code is None or (self.task == "monitor" and not self.interval and self.code in {0, 7, 8}):
            return False
        return self.code != self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is on record of an instance: the last operation, and the last failure."""

    last: Op | None = None
    failure: Op | None = None

    @property
    def ops(self) -> list[Op]:
        """In the order in which they count: what is under way comes last."""
        found = [op for op in (self.failure, self.last) if op is not None]
        return sorted(found, key=lambda op: (op.code is None, op.call))

    def begun(self, op: Op) -> History:
        """With an operation under way, which takes the place of the last one."""
        return replace(self, last=op)

    def ended(self, op: Op) -> History:
        """With its result."""
        if not op.failed:
            return replace(self, last=op)
        return History(last=self.last if op.interval else op, failure=op)


@dataclass(slots=True, kw_only=True)
class NodeState:
    """A node as the status section has it.

    Attributes:
        presence: `online`, `pending` (its controller has not joined), `lost` (not fenced yet) or `offline`.
        transient: its transient attributes: fail counts, promotion scores.
        histories: by resource.
    """

    presence: str = "online"
    transient: dict[str, str] = field(default_factory=dict)
    histories: dict[str, History] = field(default_factory=dict)

    def copy(self) -> NodeState:
        """One that can be changed."""
        return NodeState(presence=self.presence, transient=dict(self.transient), histories=dict(self.histories))


@dataclass(slots=True, kw_only=True)
class Status:
    """The whole of it, with what stands on the CIB's root."""

    nodes: dict[str, NodeState]
    quorate: bool = True
    dc: str | None = "n1"

    def copy(self) -> Status:
        """One that can be changed."""
        nodes = {name: node.copy() for name, node in self.nodes.items()}
        return Status(nodes=nodes, quorate=self.quorate, dc=self.dc)

    def history(self, resource: str, node: str) -> History:
        """What is on record of a resource on a node; an empty one if nothing is."""
        return self.nodes[node].histories.get(resource) or History()

    def document(self, configuration: str, agents: dict[str, str], *, epoch: int, updates: int) -> bytes:
        """The CIB.

        Args:
            configuration: its `<configuration>`.
            agents: the attributes `class`, `provider` and `type` of each primitive.
            epoch, updates: its version.
        """
        states = "".join(_node(name, node, agents) for name, node in self.nodes.items())
        dc = f' dc-uuid="{NODES[self.dc]}"' if self.dc is not None else ""
        return (
            '<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" admin_epoch="0" '
            f'epoch="{epoch}" num_updates="{updates}" have-quorum="{int(self.quorate)}"{dc}>'
            f"{configuration}<status>{states}</status></cib>"
        ).encode()


def _node(name: str, node: NodeState, agents: dict[str, str]) -> str:
    number = NODES[name]
    values = "".join(
        f"<nvpair id={quoteattr(f'status-{number}-{key}')} name={quoteattr(key)} value={quoteattr(value)}/>"
        for key, value in node.transient.items()
    )
    lines = "".join(
        f"<lrm_resource id={quoteattr(resource)} {agent}>{_lines(resource, history, name, agent)}</lrm_resource>"
        for resource, history in node.histories.items()
        for agent in (agents[resource],)
    )
    return (
        f'<node_state id="{number}" uname="{name}" {_PRESENCE[node.presence]}>'
        f'<transient_attributes id="{number}"><instance_attributes id="status-{number}">{values}'
        f'</instance_attributes></transient_attributes><lrm id="{number}"><lrm_resources>{lines}</lrm_resources></lrm>'
        "</node_state>"
    )


def _lines(resource: str, history: History, node: str, agent: str) -> str:
    lines = ""
    for kind, op in (("last_0", history.last), ("last_failure_0", history.failure)):
        if op is not None:
            lines += _line(resource, kind, op, node, agent)
    return lines


def _line(resource: str, kind: str, op: Op, node: str, agent: str) -> str:
    # Of what is done once by an OCF agent it is the beginning; of what systemd does, or a monitor notices, the end.
    changed = op.at - op.took if 'class="ocf"' in agent and op.interval == 0 else op.at
    code, status = (193, -1) if op.code is None else (op.code, 0)
    reload = f' op-force-restart=" state " op-restart-digest="{_NOTHING}"' if op.reloads else ""
    reason = "the config is wrong" if op.failed else ""
    return (
        f'<lrm_rsc_op id="{resource}_{kind}" operation_key="{resource}_{op.task}_{op.interval}" '
        f'operation="{op.task}" crm_feature_set="3.16.1" transition-key="{op.key}" '
        f'transition-magic="{status}:{code};{op.key}" exit-reason="{reason}" on_node="{node}" call-id="{op.call}" '
        f'rc-code="{code}" op-status="{status}" interval="{op.interval}" last-rc-change="{int(changed)}" '
        f'exec-time="{op.took * 1000:.0f}" op-digest="{op.digest}"{reload}/>'
    )


_NOTHING = "f2317cad3d54cec5d7d7aa7d0bf35cf8"
"""Digest of no parameters: none of those that would make an agent restart is set."""
