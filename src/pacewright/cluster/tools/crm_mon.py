"""What Pacemaker makes of a CIB: `crm_mon`."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from pacewright.cluster.tools.answers import OK, TIMEOUT, in_memory, xml
from pacewright.errors import ToolFailed
from pacewright.process import Completed, run

__all__ = ["STATUS", "status", "status_told"]

STATUS = ("crm_mon", "--output-as=xml", "--inactive", "--include=none,summary,nodes,resources,bans")
"""Asks for the status of the CIB in the file that CIB_file names."""
_ASK_VERIFY = "`cibadmin --query | crm_verify --xml-pipe --verbose` says what is wrong with the CIB."


def status(cib: bytes, *, timeout: float = TIMEOUT) -> ET.Element:
    """What Pacemaker makes of a CIB: its nodes and resources, in crm_mon's XML (9 ms). Touches no cluster.

    Raises:
        ToolFailed: Pacemaker cannot read this CIB; its own words say why.
    """
    with in_memory(cib) as fd:
        return status_told(run(STATUS, timeout=timeout, pass_fds=(fd,), env={"CIB_file": f"/proc/self/fd/{fd}"}))


def status_told(done: Completed) -> ET.Element:
    """The status in the answer to `STATUS`.

    Raises:
        ToolFailed: as `status`.
    """
    answer = xml(done) if done.code == OK else None
    if answer is None or answer.find("nodes") is None:  # 2.1.5 exits with 0 when it cannot read the CIB, too
        said = "\n".join(answer.itertext()).strip() if answer is not None else done.output
        raise ToolFailed(
            "crm_mon: this node's Pacemaker cannot read the cluster's state.",
            hint=f"Is it older than the cluster's (`crm_mon --version` here and on the DC)? {_ASK_VERIFY}",
            output=said[-500:],
        )
    return answer
