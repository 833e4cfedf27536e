"""The ground of the bench: its lab, the agent and the unit that are restarted, the resources."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from pacewright import lab as labs
from pacewright.clock import SYSTEM_CLOCK, Deadline
from pacewright.cluster.names import ResourceId
from pacewright.errors import DeadlinePassed, NodeError, ToolError
from pacewright.lab import Lab
from pacewright.testing.lab import snapshot_of

__all__ = ["AT", "INSIDE", "KINDS", "create_many", "ground", "settle"]

NAME = "bench"
AT = "n1"
"""The node on which everything is run."""
INSIDE = "/root/pacewright-bench"
"""Where the programs of bench/inside are in that node."""
PACKAGES = ("curl", "haproxy", "puppet-agent")
"""What the tests' nodes have too, and Puppet."""
KINDS = {
    "unit": 'class="systemd" type="pacewright-bench"',
    "counted": 'class="ocf" provider="pacewright" type="counted"',
    "reloading": 'class="ocf" provider="heartbeat" type="Dummy"',
}
"""The primitives that are restarted, each in a clone `<id>-clone`: by systemd, by an OCF agent without any reload
action, and by one that the scheduler would only reload."""

_AGENT = """\
#!/bin/sh
# Starts and stops at once, cannot reload, and counts its starts.
state=/run/pacewright-bench-${OCF_RESOURCE_INSTANCE%%:*}
case $1 in
    start) [ -e "$state.up" ] || { echo >>"$state.starts"; : >"$state.up"; } ;;
    stop) rm -f "$state.up" ;;
    monitor) [ -e "$state.up" ] || exit 7 ;;
    validate-all) ;;
    meta-data) cat <<'END'
<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="counted" version="1.0">
  <version>1.0</version>
  <longdesc lang="en">Starts and stops at once, cannot reload, and counts its starts.</longdesc>
  <shortdesc lang="en">Counts its starts</shortdesc>
  <parameters/>
  <actions>
    <action name="start" timeout="20s"/>
    <action name="stop" timeout="20s"/>
    <action name="monitor" timeout="20s" interval="10s" depth="0"/>
    <action name="validate-all" timeout="20s"/>
    <action name="meta-data" timeout="5s"/>
  </actions>
</resource-agent>
END
    ;;
    *) exit 3 ;;
esac
"""
_UNIT = """\
[Unit]
Description=Does nothing, for the bench

[Service]
ExecStart=/bin/sleep infinity
"""
# Every node of a lab counts the load of the whole machine as its own; above 80% Pacemaker would work off one operation
# after another, and a restart of three systemd instances at once took 16 s instead of 4.5 (measured).
_PROPERTIES = """\
<crm_config><cluster_property_set id="cib-bootstrap-options">
  <nvpair id="cib-bootstrap-options-load-threshold" name="load-threshold" value="10000%"/>
</cluster_property_set></crm_config>"""
_DEFAULTS = """\
<rsc_defaults><meta_attributes id="bench-defaults">
  <nvpair id="bench-stickiness" name="resource-stickiness" value="1000"/>
</meta_attributes></rsc_defaults>"""


@contextlib.contextmanager
def ground(distro: str) -> Iterator[Lab]:
    """The bench's own lab, with its resources running; removed in the end.

    Raises:
        NodeError: another bench is running on this machine.
    """
    with _only_bench():
        labs.down(NAME)  # what a bench that was killed has left
        lab = labs.up(NAME, distro=distro, packages=PACKAGES, progress=lambda line: print(f"  lab: {line}", flush=True))
        try:
            _furnish(lab)
            yield lab
        finally:
            lab.down()


@contextlib.contextmanager
def _only_bench() -> Iterator[None]:
    folder = os.open(Path(__file__).parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise NodeError("Another bench is running on this machine.", hint="Wait until it has ended.") from error
    finally:
        os.close(folder)


def _furnish(lab: Lab) -> None:
    for program in (Path(__file__).parent / "inside").glob("*.py"):
        lab.write(AT, f"{INSIDE}/{program.name}", program.read_text(encoding="utf-8"))
    for node in lab.nodes:
        lab.write(node, "/usr/lib/ocf/resource.d/pacewright/counted", _AGENT, 0o755)
        lab.write(node, "/etc/systemd/system/pacewright-bench.service", _UNIT)
        lab.run(node, ["systemctl", "daemon-reload"]).checked()
    _modify(lab, "crm_config", _PROPERTIES)
    _modify(lab, "rsc_defaults", _DEFAULTS)
    clones = (f'<clone id="{name}-clone">{_primitive(name, agent)}</clone>' for name, agent in KINDS.items())
    _modify(lab, "resources", f"<resources>{''.join(clones)}</resources>")
    settle(lab, {name: len(lab.nodes) for name in KINDS})


def create_many(lab: Lab, names: tuple[str, ...], *, every: str = "30s", seconds: float = 90) -> None:
    """So many more primitives, and wait until they run.

    Args:
        every: how often each is monitored.
        seconds: for how long that is waited for.
    """
    found = "".join(_primitive(name, KINDS["counted"], every) for name in names)
    _modify(lab, "resources", f"<resources>{found}</resources>")
    settle(lab, dict.fromkeys(names, 1), seconds=seconds)


def _primitive(name: str, agent: str, every: str = "30s") -> str:
    monitor = f'<op id="{name}-monitor" name="monitor" interval="{every}" timeout="20s"/>'
    return f'<primitive id="{name}" {agent}><operations>{monitor}</operations></primitive>'


def _modify(lab: Lab, scope: str, document: str) -> None:
    argv = ["cibadmin", "--modify", "--allow-create", "--scope", scope, "--xml-pipe"]
    lab.run(AT, argv, stdin=document.encode()).checked()


def settle(lab: Lab, wanted: dict[str, int], *, seconds: float = 90) -> None:
    """Return when these primitives run in so many places and nothing has changed for a while.

    Raises:
        DeadlinePassed: not in time; says what was seen.
    """
    deadline = Deadline.after(seconds)
    version = None
    while True:
        try:
            now = snapshot_of(lab, AT)
        except ToolError as error:  # the CIB manager has much to do just now
            if deadline.passed():
                raise
            print(f"  {error.message}", flush=True)
            SYSTEM_CLOCK.sleep(1.0)
            continue
        seen = {name: sum(i.settled for i in now.instances_of(ResourceId(name))) for name in wanted}
        if seen == wanted and now.version == version:
            return
        if deadline.passed():
            raise DeadlinePassed(f"The bench's resources do not settle within {seconds:g} s: {seen}.")
        version = now.version
        SYSTEM_CLOCK.sleep(0.25)
