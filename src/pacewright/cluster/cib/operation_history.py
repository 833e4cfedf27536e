"""What an instance is doing, read from the history of its operations on a node (`lrm_resource`).

The rules are those of Pacemaker's own `unpack_rsc_op` (lib/pengine/unpack.c, 2.1.5 and 3.0.0), as far as they
matter for one instance; the golden tests hold our answer against `crm_mon` for every recorded cluster.

In a history, `<id>_last_0` is the last operation that was not recurring, also while it runs (op-status -1);
`<id>_last_failure_0` the last failure; `<id>_monitor_<ms>` each recurring monitor.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

from pacewright.cluster.cib.ambiguity import is_quiet
from pacewright.cluster.cib.values import moment, number
from pacewright.cluster.names import NodeName, ResourceId, Role
from pacewright.cluster.snapshot import Failure, Instance, Run
from pacewright.frozen import frozen, replace

__all__ = ["read_instance"]

_PENDING = "-1"  # op-status, as the next two
_DONE = "0"
_NO_AGENT = ("3", "7")  # not supported, not installed
_UNKNOWN_EXIT = 193
_RUNNING = 0
_NOT_RUNNING = 7
_RUNNING_PROMOTED = 8
_DEGRADED = {190: _RUNNING, 191: _RUNNING_PROMOTED}  # they inform people, and count as what they stand for
_NO_EFFECT = {"notify", "meta-data", "validate-all", "reload", "reload-agent", "cancel", "delete"}
_BEGINS_A_RUN = {"start", "promote", "demote", "migrate_from", "monitor"}


@frozen
class _State:
    role: Role = Role.STOPPED
    operation: str | None = None
    operation_key: str = ""
    run: Run | None = None
    failed: bool = False
    failure: Failure | None = None
    agent: str = ""


def read_instance(history: ET.Element, resource: ResourceId, node: NodeName, *, promotable: bool) -> Instance | None:
    """The instance that a history tells of; None if it is plainly stopped and never failed."""
    operations = list(history)
    if is_quiet(history):
        return None
    running = Role.UNPROMOTED if promotable else Role.STARTED
    state = _State(agent=history.get("class", ""))
    for operation in sorted(operations, key=_order):
        state = _after(state, operation, running)
    if not state.role.active and state.operation is None and not state.failed and state.failure is None:
        return None
    return Instance(
        resource=resource,
        name=history.get("id", resource),
        node=node,
        role=state.role,
        operation=state.operation,
        operation_key=state.operation_key,
        run=state.run if state.role.active else None,
        failed=state.failed,
        failure=state.failure,
    )


def _order(operation: ET.Element) -> tuple[bool, int]:
    # What is under way comes last; it has no call id yet (-1).
    return operation.get("op-status") == _PENDING, number(operation.get("call-id"), -1)


def _after(state: _State, operation: ET.Element, running: Role) -> _State:
    task = operation.get("operation", "")
    if task in _NO_EFFECT:
        return state
    if operation.get("op-status") == _PENDING:
        key = operation.get("transition-key", "")
        role = _before(task, state.role, running)
        return state if task == "monitor" else replace(state, role=role, operation=task, operation_key=key)
    code = number(operation.get("rc-code"), _UNKNOWN_EXIT)
    code = _DEGRADED.get(code, code)
    if not _succeeded(operation, task, code):
        return _after_failure(state, operation, task, code, running)
    if task == "monitor":
        return _after_monitor(state, operation, code, running)
    match task:
        case "stop":
            return replace(state, role=Role.STOPPED, run=None, failed=False)
        case "migrate_to":
            # It has left for another node; until its stop is recorded here, it is there that counts.
            return replace(state, role=Role.STOPPED, run=None)
        case "promote":
            role = Role.PROMOTED
        case "start" | "demote" | "migrate_from":
            role = running
        case _:
            return state
    return replace(state, role=role, run=_run(operation, task, state.agent), failed=False)


def _before(task: str, role: Role, running: Role) -> Role:
    """What an instance is while that is being done to it; the entry of what is under way has replaced the last one."""
    if task == "demote":
        return Role.PROMOTED
    begun = task in {"promote", "stop", "migrate_to"} and not role.active
    return running if begun else role


def _after_monitor(state: _State, operation: ET.Element, code: int, running: Role) -> _State:
    if number(operation.get("interval")) > 0 and state.role.active:
        return state
    if code not in {_RUNNING, _RUNNING_PROMOTED}:
        return replace(state, role=Role.STOPPED, run=None)
    role = Role.PROMOTED if code == _RUNNING_PROMOTED else running
    return replace(state, role=role, run=state.run or _run(operation, "monitor", state.agent), failed=False)


def _after_failure(state: _State, operation: ET.Element, task: str, code: int, running: Role) -> _State:
    failure = Failure(
        operation=task,
        code=code,
        reason=operation.get("exit-reason", ""),
        at=_time(operation.get("last-rc-change")),
        key=operation.get("transition-key", ""),
    )
    # A failed start or monitor leaves something that the cluster must stop, so Pacemaker counts it as active.
    # A failed monitor that found it plainly not running is active too, until the stop of its recovery.
    role = running if state.role is Role.STOPPED and task != "stop" else state.role
    return replace(state, role=role, run=state.run or _run(operation, task, state.agent), failed=True, failure=failure)


def _succeeded(operation: ET.Element, task: str, code: int) -> bool:
    status = operation.get("op-status")
    if task == "monitor" and number(operation.get("interval")) == 0:
        # A probe asks; every answer but an error is fine, and so is an agent that is not installed there.
        return status in _NO_AGENT or (status == _DONE and code in {_RUNNING, _RUNNING_PROMOTED, _NOT_RUNNING})
    if status != _DONE:
        return False
    if task == "stop" and code == _NOT_RUNNING:
        return True
    return code == _expected_code(operation)


def _expected_code(operation: ET.Element) -> int:
    # transition-key is ACTION:TRANSITION:EXPECTED-CODE:UUID
    parts = operation.get("transition-key", "").split(":")
    return number(parts[2]) if len(parts) > 2 else 0


def _run(operation: ET.Element, task: str, agent: str) -> Run:
    return Run(
        key=operation.get("transition-key", ""),
        digest=operation.get("op-digest", ""),
        operation=task,
        since=_began(operation, agent) if task in _BEGINS_A_RUN else None,
    )


def _began(operation: ET.Element, agent: str) -> float | None:
    # last-rc-change is when an OCF agent was asked for it. systemd is asked again until it has done it, and a recurring
    # monitor notices late: there it is the end, and exec-time is how long it took, in ms. (Pacemaker's execd_commands.c
    # and pcmk_sched_actions.c, 2.1.5 and 3.0.0; a start of 56 s by an OCF agent, measured on 2.1.5.)
    told = _time(operation.get("last-rc-change"))
    if told is None or (agent == "ocf" and number(operation.get("interval")) == 0):
        return told
    return moment(told - number(operation.get("exec-time")) / 1000)


def _time(value: str | None) -> float | None:
    # Pacemaker writes 0 (or leaves it out) when it does not know.
    return moment(seconds) if (seconds := number(value)) > 0 else None
