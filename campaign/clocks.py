"""The wall clock of one node: it jumps for Pacemaker and its agents, for callers there, and for the files they see.

The nodes of a lab share the kernel's clock. Pacemaker gets another one from libfaketime, which reads the node's offset
each time; a caller gets it from `inside/skewed.py`. systemd, corosync and what the services write down for the judge
keep the true one; corosync does not use it. Monotonic clocks stay as they are.
"""

from __future__ import annotations

from pathlib import Path

from pacewright.clock import SYSTEM_CLOCK
from pacewright.lab import Lab

__all__ = ["PACKAGE", "forget", "jump", "prepare", "program"]

PACKAGE = "libfaketime"
_INSIDE = Path(__file__).parent / "inside"
_HOME = "/usr/local/lib/campaign"
_FOLDER = "campaign"
_ENVIRONMENT = """\
LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1
FAKETIME_TIMESTAMP_FILE=/run/pacewright-lab/campaign/{node}/clock
FAKETIME_NO_CACHE=1
FAKETIME_DONT_FAKE_MONOTONIC=1
DONT_FAKE_MONOTONIC=1
NO_FAKE_STAT=1
"""
_DROP_IN = f"[Service]\nEnvironmentFile={_HOME}/clock.env\n"


def prepare(lab: Lab) -> None:
    """Give every node's Pacemaker a clock that can jump, and start it anew with that.

    Raises:
        DeadlinePassed: the cluster is not whole again.
    """
    for node in lab.nodes:
        (lab.shared / _FOLDER / node).mkdir(parents=True, exist_ok=True)
        (lab.shared / _FOLDER / node / "jumps").touch()
        _set(lab, node, 0.0)
        lab.write(node, f"{_HOME}/clock.env", _ENVIRONMENT.format(node=node))
        lab.write(node, "/etc/systemd/system/pacemaker.service.d/clock.conf", _DROP_IN)
        lab.write(node, f"{_HOME}/bin/crm_simulate", (_INSIDE / "crm_simulate").read_text(encoding="utf-8"), 0o755)
        lab.run(node, ["systemctl", "daemon-reload"]).checked()
        lab.run(node, ["systemctl", "restart", "pacemaker"], timeout=90).checked()
        lab.wait_quorate(60)


def jump(lab: Lab, node: str, seconds: float) -> None:
    """Let a node's clock be off by so many seconds from now on, whether the node is on or not."""
    with (lab.shared / _FOLDER / node / "jumps").open("a", encoding="utf-8") as jumps:
        jumps.write(f"{SYSTEM_CLOCK.now():.6f} {seconds:.0f}\n")
    _set(lab, node, seconds)


def forget(lab: Lab, node: str) -> None:
    """Let a node's clock never have jumped."""
    (lab.shared / _FOLDER / node / "jumps").write_text("")
    _set(lab, node, 0.0)


def _set(lab: Lab, node: str, seconds: float) -> None:
    clock = lab.shared / _FOLDER / node / "clock"
    fresh = clock.with_suffix(".new")
    fresh.write_text(f"{seconds:+.0f}\n", encoding="utf-8")
    fresh.replace(clock)


def program(lab: Lab, node: str, *, shift: float = 0.0, since: float = 0.0) -> tuple[str, ...]:
    """The command line that is `pacewright` in a node, by its clock.

    Args:
        shift: the caller's own clock is off by so many seconds more, from `since` seconds of its life on.
    """
    if not shift and not (lab.shared / _FOLDER / node / "jumps").read_text(encoding="utf-8"):
        return ("pacewright",)
    jumps = f"/run/pacewright-lab/campaign/{node}/jumps"
    return ("python3", f"{_HOME}/skewed.py", jumps, str(shift), str(since))
