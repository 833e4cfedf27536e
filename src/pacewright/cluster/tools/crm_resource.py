"""Failures that are to be forgotten, and what agents say of themselves: `crm_resource`."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from pacewright.cluster.tools.answers import TIMEOUT, raise_unless_written, write, xml
from pacewright.process import run

__all__ = ["cleanup", "metadata"]

_NO_SUCH_AGENT = 105


def metadata(agent: str, *, timeout: float = TIMEOUT) -> ET.Element | None:
    """What an agent on this node says about itself; None if there is no such agent."""
    done = run(["crm_resource", "--show-metadata", agent], timeout=timeout)
    if done.code == _NO_SUCH_AGENT:
        return None
    return xml(done.checked())


def cleanup(resource: str, node: str | None, *, timeout: float = TIMEOUT) -> None:
    """Forget a resource's failures (on one node), so that the cluster tries it again.

    Raises:
        OutcomeUnknown: they may be forgotten or not.
    """
    argv = ["crm_resource", "--cleanup", "--resource", resource]
    if node is not None:
        argv += ["--node", node]
    raise_unless_written(write(argv, timeout=timeout))
