"""Records CIBs of a running lab in many states, and what that release's own crm_mon says of each, into cibs/.

    pacewright lab up --name gold [--distro trixie]
    .venv/bin/python -m tests.golden.record gold [STATE ...]      (of the repository's top folder)
    pacewright lab down gold

Each state is a function below: it brings the lab into the state, and `record` is called while it lasts. crm_mon reads
the recorded file, not the cluster, so both speak of the same moment. Afterwards the lab is as it was.
`hand-made` needs no lab: it asks this machine's crm_mon about the CIBs in cibs/ whose names begin with `made-`.
"""

from __future__ import annotations

import contextlib
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path

from pacewright.clock import SYSTEM_CLOCK, Deadline
from pacewright.cluster.cib.parse import parse
from pacewright.cluster.edits.change import Change, SetMark, SetRevision
from pacewright.cluster.edits.hold import HoldInstance, HoldResource
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.errors import NodeError, PacewrightError
from pacewright.lab import Lab
from pacewright.process import run
from pacewright.testing.clusters import clone, group, primitive

CIBS = Path(__file__).parent / "cibs"
MON = ("crm_mon", "--one-shot", "--output-as=xml", "--inactive")
FAR = 4_102_444_800.0  # 2100
PAST = 1_000_000_000.0

AGENT = r"""#!/bin/sh
# An OCF agent whose operations take as long, and end, as files in /run/golden say: golden.<operation>.
S=/run/golden-state-$OCF_RESOURCE_INSTANCE
told() { cat "/run/golden/$1" 2>/dev/null || echo 0; }
play() {
  sleep "$(told "$1.sleep")"; code=$(told "$1.code")
  [ "$code" = 0 ] || { echo "ocf-exit-reason:the $1 was told to fail" >&2; exit "$code"; }
}
case $1 in
start) play start; echo started >"$S" ;;
stop) play stop; rm -f "$S" ;;
promote) play promote; echo promoted >"$S" ;;
demote) play demote; echo started >"$S" ;;
migrate_to) play migrate_to; rm -f "$S" ;;
migrate_from) play migrate_from; echo started >"$S" ;;
monitor) [ -e "$S" ] || exit 7; play monitor; grep -q promoted "$S" && exit 8 ;;
meta-data) cat <<END
<?xml version="1.0"?><!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="slow" version="1"><version>1.0</version><longdesc lang="en">x</longdesc>
<shortdesc lang="en">x</shortdesc><parameters/><actions><action name="start" timeout="60"/><action name="stop"
timeout="60"/><action name="monitor" timeout="20" interval="10"/><action name="promote" timeout="60"/>
<action name="demote" timeout="60"/><action name="migrate_to" timeout="60"/><action name="migrate_from" timeout="60"/>
<action name="meta-data" timeout="5"/></actions></resource-agent>
END
;; *) exit 3 ;; esac
exit 0
"""
UNIT = "[Service]\nExecStart=/bin/sleep infinity\n"
INIT = """#!/bin/sh
### BEGIN INIT INFO
# Provides: golden-init
# Required-Start:
# Required-Stop:
# Default-Start:
# Default-Stop:
# Short-Description: golden
### END INIT INFO
case $1 in start) touch /run/golden-init ;; stop) rm -f /run/golden-init ;; restart) ;;
status) [ -e /run/golden-init ] || exit 3 ;; *) exit 1 ;; esac
exit 0
"""

LONG = {"start": "60s", "stop": "60s", "promote": "60s", "demote": "60s", "migrate_to": "60s", "migrate_from": "60s"}
SLOW = "ocf:pacewright:slow"
RESOURCES = (
    clone("web-clone", primitive("web", "systemd:golden", timeouts={"start": "60s", "stop": "60s"})),
    clone("st-clone", primitive("st", "ocf:pacemaker:Stateful"), promotable="true"),
    group("front", primitive("vip"), primitive("lb", "ocf:pacemaker:Dummy")),
    clone("pair-clone", group("pair", primitive("one", SLOW), primitive("two", SLOW))),
    group("app", primitive("app-a", SLOW), primitive("app-b", SLOW)),
    clone(
        "uniq-clone",
        primitive("uniq", "ocf:pacemaker:Dummy"),
        globally_unique="true",
        clone_max="4",
        clone_node_max="2",
    ),
    primitive("init", "lsb:golden-init"),
    primitive("svc", "service:golden-svc"),
    primitive("odd.name_with-all.of-it"),
    primitive("off", meta_values={"target-role": "Stopped"}),
)


class Recorder:
    """A lab, and where what it shows is written."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.distro = lab.state.distro
        self.fencing = ""

    def sh(self, script: str, *, node: str = "n1", stdin: bytes = b"", check: bool = True) -> str:
        """Run a shell script in a node."""
        done = self.lab.run(node, ["sh", "-c", script], timeout=120, stdin=stdin)
        return (done.checked() if check else done).stdout.decode(errors="replace")

    def record(self, what: str, *, node: str = "n1") -> None:
        """Write the CIB as it is now, and crm_mon's words on it."""
        script = (
            "cibadmin --query >/tmp/golden.xml && "
            f"CIB_file=/tmp/golden.xml {' '.join(MON)} >/tmp/golden.mon; cat /tmp/golden.xml"
        )
        cib = self.sh(script, node=node)
        write(f"{self.distro}-{what}", cib, self.sh("cat /tmp/golden.mon", node=node))

    def settle(self, node: str = "n1", timeout: float = 90) -> None:
        """Wait until the controller has been idle for a moment."""
        calm, deadline = 0, Deadline.after(timeout)
        while calm < 3:
            if deadline.passed():
                raise NodeError("the lab does not settle")
            SYSTEM_CLOCK.sleep(0.4)
            told = self.sh(
                "dc=$(crmadmin --dc_lookup | sed 's/.*: //; s/ .*//'); crmadmin --status $dc", node=node, check=False
            )
            calm = calm + 1 if "S_IDLE" in told else 0

    def until(self, pattern: str, *, node: str = "n1", timeout: float = 60) -> None:
        """Wait until the CIB matches."""
        deadline = Deadline.after(timeout)
        while not re.search(pattern, self.sh("cibadmin --query", node=node, check=False)):
            if deadline.passed():
                raise NodeError(f"the CIB never had {pattern}")
            SYSTEM_CLOCK.sleep(0.1)

    def define(self, *resources: str) -> None:
        """Replace all resources but the fence device, and wait until they run."""
        root = ET.fromstring(self.sh("cibadmin --query --scope resources"))
        fencing = root.find("primitive[@id='fencing']")
        device = ET.tostring(fencing, encoding="unicode") if fencing is not None else self.fencing
        self.fencing = device
        document = f"<resources>{device}{''.join(resources)}</resources>"
        self.sh("cibadmin --replace --scope resources --xml-pipe", stdin=document.encode())
        self.settle()

    def configure(self, change: Change) -> None:
        """Write a change of ours, without asking our own commit."""
        root = change.apply(parse(self.sh("cibadmin --query").encode()))
        configuration = root.find("configuration")
        assert configuration is not None
        self.sh("cibadmin --replace --scope configuration --xml-pipe", stdin=ET.tostring(configuration))

    @contextlib.contextmanager
    def setting(self, on: str, off: str, *, node: str = "n1") -> Iterator[None]:
        """Run something, wait, and undo it afterwards."""
        self.sh(on, node=node)
        try:
            self.settle()
            yield
        finally:
            self.sh(off, node=node)
            self.settle()

    def prepare(self) -> None:
        """Files on the nodes, resources in the cluster."""
        for node in self.lab.nodes:
            self.lab.write(node, "/usr/lib/ocf/resource.d/pacewright/slow", AGENT, 0o755)
            self.lab.write(node, "/etc/systemd/system/golden.service", UNIT)
            self.lab.write(node, "/etc/systemd/system/golden-svc.service", UNIT)
            self.lab.write(node, "/etc/init.d/golden-init", INIT, 0o755)
            self.sh("mkdir -p /run/golden && systemctl daemon-reload", node=node)
        self.define(*RESOURCES)

    def play(self, operation: str, *, seconds: int = 0, code: int = 0, node: str = "n1") -> None:
        """Tell the slow agent how to do an operation on a node."""
        self.sh(
            f"mkdir -p /run/golden; echo {seconds} >/run/golden/{operation}.sleep; "
            f"echo {code} >/run/golden/{operation}.code",
            node=node,
        )


def write(what: str, cib: str, mon: str) -> None:
    """Write a CIB and the part of crm_mon's answer that is about nodes and instances."""
    answer = ET.fromstring(mon)
    if answer.find("nodes") is None:
        raise NodeError(f"{what}: crm_mon has no answer: {mon[:500]}")
    for child in list(answer):
        if child.tag not in {"summary", "nodes", "resources", "failures"}:
            answer.remove(child)
    summary = answer.find("summary")
    assert summary is not None
    for child in list(summary):
        if child.tag in {"last_update", "last_change"}:
            summary.remove(child)
    CIBS.mkdir(exist_ok=True)
    (CIBS / f"{what}.xml").write_text(cib, encoding="utf-8")
    (CIBS / f"{what}.crm_mon.xml").write_text(ET.tostring(answer, encoding="unicode") + "\n", encoding="utf-8")
    print(f"recorded {what}", flush=True)  # noqa: T201 - a program for people


# --- the states


def idle(at: Recorder) -> None:
    at.record("idle")


def sticky(at: Recorder) -> None:
    with at.setting(
        "crm_attribute -t rsc_defaults -n resource-stickiness -v 100",
        "crm_attribute -t rsc_defaults -n resource-stickiness -D",
    ):
        at.record("sticky")


def standby(at: Recorder) -> None:
    with at.setting("crm_standby -N n2 -v on", "crm_standby -N n2 -D"):
        at.record("standby")
    with at.setting("crm_attribute -N n2 -n standby -v on -l reboot", "crm_attribute -N n2 -n standby -D -l reboot"):
        at.record("standby-until-reboot")


def maintenance(at: Recorder) -> None:
    with at.setting("crm_attribute -N n3 -n maintenance -v true", "crm_attribute -N n3 -n maintenance -D"):
        at.record("node-maintenance")
    with at.setting("crm_attribute -n maintenance-mode -v true", "crm_attribute -n maintenance-mode -D"):
        at.record("maintenance-mode")
    with at.setting(
        "crm_resource --meta -r web-clone -p maintenance -v true", "crm_resource --meta -r web-clone -d maintenance"
    ):
        at.record("resource-maintenance")


def unmanaged(at: Recorder) -> None:
    with at.setting(
        "crm_resource --meta -r front -p is-managed -v false; crm_resource --meta -r web -p is-managed -v false",
        "crm_resource --meta -r front -d is-managed; crm_resource --meta -r web -d is-managed",
    ):
        at.record("unmanaged")


def disabled(at: Recorder) -> None:
    with at.setting(
        "crm_resource --meta -r web-clone -p target-role -v Stopped;"
        "crm_resource --meta -r lb -p target-role -v Stopped;"
        "crm_resource --meta -r st-clone -p target-role -v Unpromoted",
        "for r in web-clone lb st-clone; do crm_resource --meta -r $r -d target-role; done",
    ):
        at.record("disabled")


def attributes(at: Recorder) -> None:
    with at.setting(
        "crm_attribute -N n1 -n color -v red; crm_attribute -N n1 -n color -v blue -l reboot;"
        "crm_attribute -N n2 -n 'odd name' -v 'a b'; crm_attribute -N n3 -z -n memory -v 512",
        "crm_attribute -N n1 -n color -D; crm_attribute -N n1 -n color -D -l reboot;"
        "crm_attribute -N n2 -n 'odd name' -D; crm_attribute -N n3 -z -n memory -D",
    ):
        at.record("attributes")


def ours(at: Recorder) -> None:
    before = at.sh("cibadmin --query --scope configuration")
    edits = (
        SetRevision(resource=ResourceId("web"), default="r1", nodes={NodeName("n2"): "r2", NodeName("n3"): "r3"}),
        SetRevision(resource=ResourceId("vip"), default="r1", nodes={}),
        HoldInstance(resource=ResourceId("pair-clone"), node=NodeName("n2"), until=FAR),
        HoldResource(resource=ResourceId("init"), until=FAR),
        HoldResource(resource=ResourceId("svc"), until=PAST),
        SetMark(node=NodeName("n1"), name="pacewright-owed-web", value="r9"),
    )
    at.configure(Change(edits=edits, reason="golden"))
    at.settle()
    at.record("revisions-and-holds")
    at.sh("cibadmin --replace --scope configuration --xml-pipe", stdin=before.encode())
    at.settle()


def constraints(at: Recorder) -> None:
    text = (
        '<constraints><rsc_location id="l1" rsc="web-clone" node="n1" score="-INFINITY"/>'
        '<rsc_order id="o1" first="front" then="web-clone" kind="Optional"/>'
        '<rsc_colocation id="c1" rsc="init" with-rsc="front" score="INFINITY"/>'
        '<rsc_order id="o2"><resource_set id="o2s"><resource_ref id="init"/><resource_ref id="svc"/></resource_set>'
        "</rsc_order></constraints>"
    )
    at.sh("cibadmin --replace --scope constraints --xml-pipe", stdin=text.encode())
    at.settle()
    at.record("constraints")
    at.sh("cibadmin --replace --scope constraints --xml-text '<constraints/>'")
    at.settle()


def failures(at: Recorder) -> None:
    at.play("start", code=1, node="n2")
    at.define(clone("slow-clone", primitive("slow", SLOW, timeouts=LONG)))
    at.record("start-failed")
    at.play("start", node="n2")
    at.sh("crm_resource --cleanup")
    at.settle()
    at.sh("rm -f /run/golden-state-*", node="n1")
    at.until(r"slow_last_failure_0")
    at.settle()
    at.record("monitor-failed-and-recovered")
    at.sh("crm_resource --cleanup")
    at.define(
        primitive("slow", SLOW, timeouts=LONG).replace(
            'name="monitor" interval="10s"', 'name="monitor" on-fail="block" interval="2s"'
        )
    )
    for node in at.lab.nodes:
        at.sh("rm -f /run/golden-state-*", node=node)
    at.until(r"slow_last_failure_0")
    at.settle()
    at.record("monitor-failed-and-blocked")
    at.sh("crm_resource --cleanup")
    with at.setting("crm_attribute -n stonith-enabled -v false", "crm_attribute -n stonith-enabled -v true"):
        at.define(primitive("slow", SLOW, timeouts=LONG))
        for node in at.lab.nodes:
            at.play("stop", code=1, node=node)
        at.sh("crm_resource --meta -r slow -p target-role -v Stopped")
        at.settle()
        at.record("stop-failed-and-blocked")
        for node in at.lab.nodes:
            at.play("stop", node=node)
        at.sh("crm_resource --cleanup")
        at.settle()
    at.define(*RESOURCES)


def pending(at: Recorder) -> None:
    at.sh("crm_attribute -N n2 -n master-slow -D -l reboot", check=False)
    for node in at.lab.nodes:
        at.play("start", seconds=4, node=node)
    slow = clone("slow-clone", primitive("slow", SLOW, timeouts=LONG), promotable="true")
    root = f"<resources>{at.fencing}{slow}</resources>"
    at.sh("cibadmin --replace --scope resources --xml-pipe", stdin=root.encode())
    at.until(r'operation="start"[^>]*op-status="-1"')
    at.record("starting")
    for node in at.lab.nodes:
        at.play("promote", seconds=4, node=node)
        at.play("demote", seconds=4, node=node)
        at.play("stop", seconds=4, node=node)
    at.settle()
    at.sh("crm_attribute -N n2 -n master-slow -v 10 -l reboot")
    at.until(r'operation="promote"[^>]*op-status="-1"')
    at.record("promoting")
    at.settle()
    at.record("promoted")
    at.sh("crm_resource --meta -r slow-clone -p target-role -v Unpromoted")
    at.until(r'operation="demote"[^>]*op-status="-1"')
    at.record("demoting")
    at.settle()
    at.sh("crm_resource --meta -r slow-clone -p target-role -v Stopped")
    at.until(r'operation="stop"[^>]*op-status="-1"')
    at.record("stopping")
    at.settle()
    for node in at.lab.nodes:
        for operation in ("start", "stop", "promote", "demote"):
            at.play(operation, node=node)
        at.play("migrate_to", seconds=4, node=node)
        at.play("migrate_from", seconds=4, node=node)
    at.define(primitive("slow", SLOW, meta_values={"allow-migrate": "true"}, timeouts=LONG))
    runs = re.search(r"on: (n\d)", at.sh("crm_resource -W -r slow"))
    assert runs
    other = "n1" if runs[1] != "n1" else "n2"
    at.sh(f"crm_resource --move -r slow -N {other}")
    at.until(r'operation="migrate_to"[^>]*op-status="-1"')
    at.record("migrating-away")
    at.until(r'operation="migrate_from"[^>]*op-status="-1"')
    at.record("migrating-here")
    at.settle()
    at.record("migrated")
    at.sh("crm_resource --clear -r slow")
    at.define(*RESOURCES)


def orphan(at: Recorder) -> None:
    with at.setting("crm_attribute -n stop-orphan-resources -v false", "crm_attribute -n stop-orphan-resources -D"):
        at.define(*RESOURCES[1:])
        at.record("orphans")
        at.define(*RESOURCES)


def absent(at: Recorder) -> None:
    at.sh("systemctl stop pacemaker", node="n3")
    at.settle()
    at.record("pacemaker-stopped")
    at.sh("systemctl stop corosync", node="n3")
    at.until(r'uname="n3"[^>]*in_ccm="(false|0)"')
    at.settle()
    at.record("offline")
    at.sh("systemctl start corosync pacemaker", node="n3")
    at.lab.wait_quorate(90)
    at.settle()


def fenced(at: Recorder) -> None:
    at.sh("crm_attribute -n stonith-action -v off")  # else it is back before one can look
    at.sh("cibadmin --delete --xml-text '<primitive id=\"fencing\"/>'")
    at.settle()
    at.lab.kill("n3")
    at.until(r'uname="n3"[^>]*in_ccm="(false|0)"')
    SYSTEM_CLOCK.sleep(2)
    at.record("unclean")
    at.define(*RESOURCES)
    at.until(r'uname="n3"[^>]*expected="down"')
    at.settle()
    at.record("fenced")
    at.sh("crm_attribute -n stonith-action -D")
    at.lab.boot("n3")
    at.lab.wait_quorate(90)
    at.sh("mkdir -p /run/golden", node="n3")
    at.settle()


def no_fencing(at: Recorder) -> None:
    with at.setting("crm_attribute -n stonith-enabled -v false", "crm_attribute -n stonith-enabled -v true"):
        at.lab.cut("n1")
        at.until(r'have-quorum="0"')
        SYSTEM_CLOCK.sleep(3)
        at.record("no-quorum")
        at.settle(node="n2")
        at.record("without-fencing-one-node-lost", node="n2")
        at.lab.heal("n1")
        at.lab.wait_quorate(90)
        at.settle()


STATES: dict[str, Callable[[Recorder], None]] = {
    state.__name__.replace("_", "-"): state
    for state in (
        idle,
        sticky,
        standby,
        maintenance,
        unmanaged,
        disabled,
        attributes,
        ours,
        constraints,
        failures,
        pending,
        orphan,
        absent,
        fenced,
        no_fencing,
    )
}


def hand_made() -> None:
    """Ask this machine's crm_mon about the CIBs that people wrote."""
    for path in sorted(CIBS.glob("made-*.xml")):
        if path.name.endswith(".crm_mon.xml"):
            continue
        told = run(MON, timeout=30, env={"CIB_file": str(path)})
        write(path.stem, path.read_text(encoding="utf-8"), told.stdout.decode())


def main(arguments: list[str]) -> int:
    """Record what is asked for."""
    if arguments[:1] == ["hand-made"]:
        hand_made()
        return 0
    if not arguments or any(name not in STATES for name in arguments[1:]):
        print(f"{__doc__}\nStates: {', '.join(STATES)}", file=sys.stderr)  # noqa: T201
        return 2
    at = Recorder(Lab.open(arguments[0]))
    at.lab.wait_quorate(60)
    at.prepare()
    failed = []
    for name in arguments[1:] or STATES:
        try:
            STATES[name](at)
        except (PacewrightError, AssertionError) as error:
            failed.append(name)
            print(f"{name}: {error}", file=sys.stderr, flush=True)  # noqa: T201
    at.define()
    print(f"not recorded: {', '.join(failed)}" if failed else "all recorded")  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
