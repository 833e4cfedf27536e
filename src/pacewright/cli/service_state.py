"""`pacewright service list` and `status`: how services are, for people and for programs."""

from __future__ import annotations

import argparse
from pathlib import Path

from pacewright.cli.catalog import show_catalog, status_code
from pacewright.cli.service_json import service_as_dict
from pacewright.cli.streams import json_text
from pacewright.cli.tables import moment, table
from pacewright.errors import UsageError
from pacewright.service.native import Native
from pacewright.service.status import ServiceStatus
from pacewright.service.survey import Survey

__all__ = ["run"]


def run(args: argparse.Namespace) -> int:
    """Carry it out; returns the exit code."""
    survey = Survey(Path(args.config))
    if args.verb == "list":
        return _show(survey.statuses(), as_json=args.json, listing=True)
    if args.json:
        return show_catalog(survey, args.names, node=args.node, inputs=args.inputs)
    if args.inputs is not None:
        raise UsageError("--inputs: only with --json.")
    return _show(survey.statuses(args.names, node=args.node), as_json=args.json, listing=False)


def _show(found: list[ServiceStatus | Native], *, as_json: bool, listing: bool) -> int:
    if as_json:
        print(json_text({"services": [service_as_dict(status) for status in found]}))
    elif listing:
        print(table(("SERVICE", "STATE", "WHERE", "RESOURCE", "AGENT"), [_row(status) for status in found]))
    else:
        print("\n\n".join(_paragraph(status) for status in found))
    if listing:
        return 0
    return max((status_code(status) for status in found), default=0)


def _row(status: ServiceStatus | Native) -> tuple[str, ...]:
    if isinstance(status, Native):
        return status.name, status.state.value, "this node", "-", f"systemd:{status.unit.name}"
    where = " ".join(i.node if i.settled else f"{i.node}({i.state})" for i in status.instances)
    return status.target.name, _state(status), where or "-", status.target.outermost, status.agent


def _state(status: ServiceStatus) -> str:
    words = [status.state.value]
    if not status.enabled:
        words.append("disabled")
    if not status.managed:
        words.append("unmanaged")
    return ", ".join(words)


def _paragraph(status: ServiceStatus | Native) -> str:
    if isinstance(status, Native):
        return (
            f"{status.name}: {status.state.value}\n"
            f"  not known to the cluster; systemd's {status.unit.name} on this node is {status.unit.state}"
        )
    lines = [f"{status.target.name}: {_state(status)}", f"  resource {status.target.outermost} ({status.agent})"]
    if status.hindrance:
        lines.append(f"  the cluster does not act on it now: {status.hindrance}")
    rows = []
    for instance in status.instances:
        since = moment(instance.run.since) if instance.run is not None else "-"
        failure = str(instance.failure) if instance.failure is not None else ""
        failure += " (the cluster ignores it: on-fail=ignore)" if failure and instance.ignored else ""
        rows.append((instance.node, instance.resource, instance.state, since, failure))
    if rows:
        body = table(("NODE", "INSTANCE", "STATE", "SINCE", "LAST FAILURE"), rows)
        lines += [f"  {line}" for line in body.splitlines()]
    lines += [f"  restart owed on {debt.node} since {moment(debt.since)}: {debt.reason}" for debt in status.owed]
    return "\n".join(lines)
