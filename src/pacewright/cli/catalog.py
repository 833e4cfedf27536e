"""`pacewright service status --json`: what configuration management asks about all services of a catalog at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pacewright.cli.documents import document
from pacewright.cli.service_json import service_as_dict
from pacewright.cli.streams import json_text
from pacewright.errors import PacewrightError, UsageError
from pacewright.node.paths import is_path
from pacewright.service.catalog import Answer
from pacewright.service.native import Native
from pacewright.service.status import ServiceStatus, State
from pacewright.service.survey import Survey

__all__ = ["show_catalog", "status_code"]

_NOT_RUNNING = 3


def show_catalog(survey: Survey, names: Sequence[str], *, node: str | None, inputs: str | None) -> int:
    """Print an object for each name, and return the worst exit code.

    Args:
        survey: to ask.
        names: the services.
        node: seen from there; None for this node.
        inputs: the file that names config inputs; `-` for standard input.

    Raises:
        PacewrightError: what is wrong with the question; what is wrong with one service stands in its object.
    """
    given = _read(inputs) if inputs is not None else {}
    found = survey.catalog({name: tuple(given.get(name, ())) for name in names}, node=node)
    print(json_text({"node": found.node, "services": [_as_dict(answer) for answer in found.answers]}))
    return max((_code(answer) for answer in found.answers), default=0)


def _as_dict(answer: Answer) -> dict[str, Any]:
    if isinstance(answer.found, PacewrightError):
        return {
            "name": answer.name,
            "provider": "cluster" if answer.ours else "unknown",
            "error": str(answer.found),
            "exit_code": answer.found.exit_code,
        }
    more = {"config": answer.config, "at_boot": answer.at_boot} if answer.ours else {}
    return {**service_as_dict(answer.found), **more}


def _code(answer: Answer) -> int:
    if isinstance(answer.found, PacewrightError):
        return answer.found.exit_code
    return status_code(answer.found)


def status_code(found: ServiceStatus | Native) -> int:
    """The exit code of `systemctl status`: 0 running, 3 not."""
    state = found.state if isinstance(found, Native) else found.here
    return 0 if state is State.RUNNING else _NOT_RUNNING


def _read(path: str) -> dict[str, list[str]]:
    what = f"--inputs {path}"
    try:
        found = json.loads(document(path, what))
    except RecursionError as error:
        raise UsageError(f"{what}: it is nested too deeply.") from error
    except ValueError as error:
        raise UsageError(f"{what}: it is not JSON: {error}.") from error
    if not isinstance(found, dict) or not all(_is_paths(value) for value in found.values()):
        raise UsageError(
            f"--inputs {path}: expected a JSON object of lists of absolute paths.",
            hint='For example: {"web": ["/etc/web/web.conf"]}.',
        )
    return found


def _is_paths(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(path, str) and is_path(path) for path in value)
