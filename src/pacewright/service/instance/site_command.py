"""A command of the site's, run for the instance on a node: is it healthy, take it out of service, give it back."""

from __future__ import annotations

from pacewright.cluster.names import NodeName
from pacewright.errors import OperationFailed, ToolHung
from pacewright.process import run

__all__ = ["run_for"]

_OUTPUT = 200
"""Characters of what it printed last that are shown."""
_MOST = 64 << 10
"""Bytes at the beginning and at the end of what it prints that are kept."""


def run_for(words: tuple[str, ...], node: NodeName, timeout: float) -> None:
    """Run it to its end; `{node}` stands for the node's name, which is in PACEWRIGHT_NODE as well.

    The error names the program and no more: its arguments may be credentials. What it printed is the error's output,
    for whoever stands there, and gets into no record.

    Raises:
        OperationFailed: it did not end well, or not within so many seconds.
        ToolMissing, NodeError: it cannot be run.
    """
    argv = [word.replace("{node}", node) for word in words]
    try:
        done = run(argv, timeout=timeout, env={"PACEWRIGHT_NODE": node}, most=_MOST, ends=True)
    except ToolHung as error:
        raise OperationFailed(f"{argv[0]} did not end within {timeout:g} s", output=error.output[-_OUTPUT:]) from None
    if done.code != 0:
        raise OperationFailed(f"{argv[0]} exited with {done.code}", output=done.output[-_OUTPUT:])
