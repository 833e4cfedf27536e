"""Calls with nothing owed: what configuration management and a timer cost when there is nothing to do."""

from __future__ import annotations

from bench.bench_lab import AT, INSIDE, settle
from bench.commands import NAMES, Say, Task, Timed, taking_turns
from pacewright.errors import NodeError
from pacewright.lab import Lab
from pacewright.testing.lab import snapshot_of

__all__ = ["nothing_owed", "prepare"]

_CONFIG = "/etc/pacewright-bench/{name}.conf"
_SERVICES = "/etc/pacewright/services.yaml"
_ALONE = ("counted",)
_EVERYTHING = 600.0
"""Seconds in which all services can be restarted, should that be owed."""


def prepare(lab: Lab) -> None:
    """Write every service's config. Before the services start, or else their restarts would be owed."""
    for name in (*_ALONE, *NAMES):
        lab.write(AT, _CONFIG.format(name=name), f"{name}\n")


def nothing_owed(lab: Lab, count: int, times: int, say: Say) -> tuple[Timed, ...]:
    """`refresh` of one and `reconcile --all`, and what pcs and Pacemaker take to tell the cluster's state.

    Args:
        count: how many services have config inputs: 1, of the ground, or 100, where `commands.many` has made them.

    Raises:
        NodeError: one of the calls has changed the configuration, so something was owed.
    """
    names = _ALONE if count == 1 else NAMES[:count]
    inputs = "".join(f"  {name}: {{config: [{_CONFIG.format(name=name)}]}}\n" for name in names)
    lab.write(AT, _SERVICES, f"services:\n{inputs}")
    try:
        lab.run(AT, ["/usr/bin/python3", "-I", f"{INSIDE}/reporting.py", _CONFIG, *names], timeout=60).checked()
        lab.run(AT, ["pacewright", "reconcile", "--all"], timeout=_EVERYTHING).checked()
        settle(lab, dict.fromkeys(names, len(lab.nodes) if count == 1 else 1))
        before = snapshot_of(lab, AT).version
        timed = taking_turns(lab, _tasks(names, times), say)
        after = snapshot_of(lab, AT).version
    finally:
        lab.run(AT, ["rm", "-f", _SERVICES])
    if after.epoch != before.epoch:
        raise NodeError(f"bench: a call with nothing owed has changed the configuration ({before} is now {after}).")
    return timed


def _tasks(names: tuple[str, ...], times: int) -> list[Task]:
    count, name = len(names), names[0]
    few = "1 service" if count == 1 else f"{count} services"
    refresh = ("pacewright", "service", "refresh", name, "--input", _CONFIG.format(name=name))
    lines = {
        "refresh": ("`pacewright service refresh NAME --input PATH`", refresh),
        "reconcile": ("`pacewright reconcile --all`", ("pacewright", "reconcile", "--all")),
        "pcs-status": ("`pcs status`", ("pcs", "status")),
        "crm_mon": ("`crm_mon --output-as=xml`", ("crm_mon", "--one-shot", "--output-as=xml")),
    }
    return [
        Task(key=f"owed-{key}-{count}", label=f"{label}, {few}", lines=(argv,), times=times, timeout=120)
        for key, (label, argv) in lines.items()
    ]
