"""The lab itself: a real cluster comes up, breaks the way machines break, and goes without a trace."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pacewright import lab as labs
from pacewright import process
from pacewright.clock import SYSTEM_CLOCK, Deadline
from pacewright.errors import NodeError, PacewrightError, ToolHung, UsageError
from pacewright.lab import Lab, node, removing, rootfs
from pacewright.lab.paths import CACHE, LabPaths
from pacewright.lab.waiting import until

pytestmark = pytest.mark.lab

PACKAGES = ("curl", "haproxy")
PACEWRIGHT = (sys.executable, "-m", "pacewright", "lab")


@pytest.fixture
def name() -> Iterator[str]:
    """A name for a lab of this test's own, which is removed afterwards."""
    chosen = f"test-{os.getpid()}-own"
    yield chosen
    labs.down(chosen)


def out(lab: Lab, at: str, *argv: str) -> str:
    return lab.run(at, argv).checked().stdout.decode().strip()


def traces(name: str) -> list[str]:
    """Whatever this machine still knows of a lab."""
    found = removing.leftovers(LabPaths(name=name))
    for pattern in (f"pacewright-{name}-*", f"*/pacewright-{name}-*"):
        found += [str(path) for path in Path("/run/systemd/nspawn").glob(pattern)]
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            told = (entry / "cmdline").read_bytes() + (entry / "cgroup").read_bytes()
            dead = b") Z " in (entry / "stat").read_bytes()  # init has not got round to it
        except OSError:
            continue
        if dead:
            continue
        if f"/{name}/".encode() in told or f"\0{name}\0".encode() in told:
            found.append(told.decode(errors="replace"))
    return found


# --- a cluster


def test_three_nodes_form_one_encrypted_cluster_with_fencing(lab: Lab) -> None:
    assert lab.nodes == ("n1", "n2", "n3")
    assert [out(lab, at, "hostname") for at in lab.nodes] == list(lab.nodes)
    assert out(lab, "n1", "corosync-cmapctl", "-g", "totem.crypto_cipher").endswith("= aes256")
    assert out(lab, "n1", "corosync-cmapctl", "-g", "totem.transport").endswith("= knet")
    assert out(lab, "n2", "crm_attribute", "--query", "--quiet", "--name", "stonith-enabled") == "true"
    assert out(lab, "n3", "stonith_admin", "--list", "n1").startswith("fencing")
    assert not out(lab, "n1", "systemctl", "--failed", "--no-legend")


def test_pcs_and_ssh_work_between_nodes(lab: Lab) -> None:
    assert out(lab, "n1", "ssh", "n2", "hostname") == "n2"
    assert until(lambda: out(lab, "n1", "pcs", "status", "pcsd").count("Online") == 3, Deadline.after(20))
    out(lab, "n1", "pcs", "resource", "create", "probe", "ocf:heartbeat:Dummy", "--wait=20")
    out(lab, "n1", "pcs", "resource", "delete", "probe")


def test_nodes_reach_each_other_and_nothing_else(lab: Lab) -> None:
    out(lab, "n1", "ping", "-c1", "-W2", lab.address("n3"))
    assert not [line for line in out(lab, "n1", "ip", "route").splitlines() if line.startswith("default")]
    assert lab.run("n1", ["ping", "-c1", "-W1", "9.9.9.9"]).code != 0
    assert b"10.88.0." not in process.run(["ip", "address"], timeout=5).stdout


def test_pacewright_is_installed_as_a_package(lab: Lab) -> None:
    assert out(lab, "n1", "dpkg-query", "-W", "-f", "${Status}", "pacewright") == "install ok installed"
    assert out(lab, "n1", "pacewright", "--version").startswith("pacewright ")


def test_install_brings_the_current_source_to_all_nodes(lab: Lab) -> None:
    module = "/usr/lib/python3/dist-packages/pacewright/errors.py"
    for at in lab.nodes:
        lab.write(at, module, "broken = True\n")
    lab.install()
    for at in lab.nodes:
        assert "class PacewrightError" in lab.read(at, module)
        assert out(lab, at, "pacewright", "--version")


def test_of_a_removed_package_nothing_is_in_force(lab: Lab) -> None:
    """What an administrator had switched on, see docs/guard.md; a node's own policy-rc.d has its place again."""
    lab.write("n3", "/etc/pacewright/policy-rc.d", "#!/bin/sh\nexit 104\n", mode=0o755)
    lab.write("n3", "/etc/needrestart/restart.d/keep", "")
    out(lab, "n3", "ln", "-s", "/usr/lib/pacewright/needrestart", "/etc/needrestart/restart.d/web.service")
    place = "/usr/sbin/policy-rc.d"
    out(lab, "n3", "update-alternatives", "--install", place, "policy-rc.d", "/usr/lib/pacewright/policy-rc.d", "50")
    out(lab, "n3", "systemctl", "enable", "--now", "pacewright-reconcile.timer")
    out(lab, "n3", "systemctl", "start", "pacewright-reconcile.service")  # as confined as it is, it does its work
    lab.install()  # an upgrade
    assert out(lab, "n3", "readlink", "-f", place) == "/usr/lib/pacewright/policy-rc.d"
    out(lab, "n3", "dpkg", "--remove", "pacewright")
    assert "exit 104" in lab.read("n3", place)
    assert out(lab, "n3", "ls", "/etc/needrestart/restart.d") == "keep"
    assert lab.run("n3", ["systemctl", "is-active", "pacewright-reconcile.timer"]).code != 0
    assert lab.run("n3", ["test", "-L", "/etc/systemd/system/timers.target.wants/pacewright-reconcile.timer"]).code == 1
    out(lab, "n3", "rm", place)
    lab.install()


# --- programs in nodes


def test_run_gives_code_output_input_and_a_root_login(lab: Lab) -> None:
    done = lab.run(
        "n1", ["sh", "-c", "cat; echo $HOME $EXTRA; echo bad >&2; exit 7"], stdin=b"in\n", env={"EXTRA": "x"}
    )
    assert (done.code, done.stdout, done.stderr) == (7, b"in\n/root x\n", b"bad\n")


def test_run_costs_a_few_milliseconds(lab: Lab) -> None:
    times = []
    for _ in range(20):
        begin = SYSTEM_CLOCK.monotonic()
        lab.run("n1", ["true"])
        times.append(SYSTEM_CLOCK.monotonic() - begin)
    assert min(times) < 0.015  # the machine may be busy at most times


def test_a_program_that_hangs_is_ended_inside_the_node(lab: Lab) -> None:
    with pytest.raises(ToolHung):
        lab.run("n1", ["sleep", "98765"], timeout=0.3)
    assert until(lambda: lab.run("n1", ["pgrep", "-f", "sleep 98765"]).code == 1, Deadline.after(3))


def test_spawned_programs_take_signals_and_die_with_sigkill(lab: Lab) -> None:
    script = "trap 'exit 42' USR1; echo ready; while :; do sleep 0.05; done"
    with lab.spawn("n2", ["sh", "-c", script], stdout=process.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        lab.signal(running, signal.SIGUSR1)
        assert running.wait(5) == 42
    with lab.spawn("n2", ["sleep", "98766"]) as running:
        assert until(lambda: lab.run("n2", ["pgrep", "-f", "sleep 98766"]).code == 0, Deadline.after(3))
        running.kill()
    assert until(lambda: lab.run("n2", ["pgrep", "-f", "sleep 98766"]).code == 1, Deadline.after(3))


def test_files_in_nodes(lab: Lab) -> None:
    lab.write("n1", "/etc/pacewright/probe/file", "text\n", mode=0o640)
    assert lab.read("n1", "/etc/pacewright/probe/file") == "text\n"
    assert out(lab, "n1", "stat", "-c", "%a %U", "/etc/pacewright/probe/file") == "640 root"
    assert lab.run("n2", ["test", "-e", "/etc/pacewright/probe"]).code == 1
    with pytest.raises(FileNotFoundError):
        lab.read("n1", "/etc/pacewright/absent")


def test_links_in_a_node_lead_to_its_own_files(lab: Lab) -> None:
    """Debian's /var/run is such a link already."""
    lab.write("n1", f"/var/run/{lab.name}/inside", "of the node")
    assert lab.read("n1", f"/run/{lab.name}/inside") == "of the node"
    assert not Path("/run", lab.name).exists(), "this machine's own"
    out(lab, "n1", "ln", "--symbolic", "/etc/hostname", f"/run/{lab.name}/link")
    assert lab.read("n1", f"/run/{lab.name}/link") == "n1\n"


def test_a_node_cannot_fill_this_machines_run_and_others_cannot_look_into_it(lab: Lab) -> None:
    lab.run("n1", ["sh", "-c", "head -c 200M /dev/zero >/run/pacewright-lab/big"])
    assert (lab.shared / "big").stat().st_size <= 64 << 20
    (lab.shared / "big").unlink()
    for folder in (CACHE, lab.paths.home, lab.paths.run):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_program_of_this_machine_runs_beside_the_nodes(lab: Lab) -> None:
    line = lab.outside(["bash", "-c", f"exec 3<>/dev/tcp/{lab.address('n2')}/22 && head -c 4 <&3"])
    assert process.run(line, timeout=5).stdout == b"SSH-"


# --- faults


def after_being_fenced(lab: Lab, victim: str, fault: Callable[[str], None]) -> None:
    """Do something to a node and wait until the cluster has switched it off and on."""
    before = node.init_pid(lab.paths, victim)
    fault(victim)

    def booted_again() -> bool:
        return node.init_pid(lab.paths, victim) not in {before, None}

    assert until(booted_again, Deadline.after(40)), "not fenced"
    asked = f'"reboot", "node": "{victim}"'
    assert until(lambda: asked in lab.paths.power_log.read_text(), Deadline.after(5)), "not by its peers"


def test_a_node_without_power_is_fenced_and_comes_back(lab: Lab) -> None:
    after_being_fenced(lab, "n3", lab.kill)
    lab.wait_quorate(60)


def test_a_node_without_network_is_fenced_and_comes_back_once_it_is_healed(lab: Lab) -> None:
    after_being_fenced(lab, "n2", lab.cut)
    assert lab.run("n1", ["ping", "-c1", "-W1", lab.address("n2")]).code != 0
    with pytest.raises(PacewrightError, match=r"not online|no DC|no quorum|does not answer"):
        lab.wait_quorate(1)
    lab.heal("n2")
    lab.wait_quorate(60)


def test_a_frozen_node_is_fenced(lab: Lab) -> None:
    after_being_fenced(lab, "n1", lab.freeze)
    lab.wait_quorate(60)


def test_a_node_that_stood_still_for_a_moment_is_not_fenced(lab: Lab) -> None:
    before = node.init_pid(lab.paths, "n1")
    lab.freeze("n1")
    with pytest.raises(NodeError, match="is frozen"):
        lab.run("n1", ["true"])
    lab.thaw("n1")
    lab.wait_quorate(20)
    assert node.init_pid(lab.paths, "n1") == before


def test_reboot_and_poweroff_from_inside(lab: Lab) -> None:
    before = node.init_pid(lab.paths, "n2")
    lab.run("n2", ["systemctl", "--no-block", "reboot"])
    assert until(lambda: node.init_pid(lab.paths, "n2") not in {before, None}, Deadline.after(30))
    lab.wait_quorate(60)
    lab.run("n2", ["systemctl", "--no-block", "poweroff"])
    assert until(lambda: not lab.is_on("n2"), Deadline.after(30))
    with pytest.raises(NodeError, match="n2: has no power"):
        lab.run("n2", ["true"])
    lab.boot("n2")
    lab.wait_quorate(60)


def test_all_nodes_lose_power_and_come_back(lab: Lab) -> None:
    module = "/usr/lib/python3/dist-packages/pacewright/errors.py"
    lab.write("n1", module, "broken = True\n")
    for at in lab.nodes:
        lab.kill(at)
    lab.install()  # without power, too
    assert not any(lab.is_on(at) for at in lab.nodes)
    for at in lab.nodes:
        lab.boot(at)
        lab.boot(at)  # on already: nothing happens
    assert "class PacewrightError" in lab.read("n1", module)
    lab.wait_quorate(60)


def test_what_was_written_before_a_power_cut_is_there_after_it(lab: Lab) -> None:
    lab.write("n3", "/root/kept", "kept\n")
    after_being_fenced(lab, "n3", lab.kill)
    assert lab.read("n3", "/root/kept") == "kept\n"


# --- the command line


def command(*arguments: str) -> process.Completed:
    return process.run([*PACEWRIGHT, *arguments], timeout=120)


def test_commands(lab: Lab) -> None:
    option = f"--name={lab.name}"
    assert command("exec", option, "n2", "--", "sh", "-c", "hostname; exit 5").code == 5
    rows = {row["name"]: row for row in json.loads(command("list", "--json").checked().stdout)}
    assert rows[lab.name]["nodes"] == {"n1": "on", "n2": "on", "n3": "on"}
    assert rows[lab.name]["state"] == "up"
    assert b"pacemaker" in command("logs", option, "n1", "--unit", "pacemaker").checked().stdout
    command("freeze", option, "n1").checked()
    assert lab.is_frozen("n1")
    command("thaw", option, "n1").checked()
    assert not lab.is_frozen("n1")


def test_wrong_names_are_answered_with_the_right_ones(lab: Lab) -> None:
    unknown = command("exec", f"--name={lab.name}", "n9", "--", "true")
    assert unknown.code == 2
    assert unknown.output.endswith("It has n1, n2, n3.")
    absent = command("kill", "--name=no-such-lab", "n1")
    assert absent.code == 2
    assert lab.name in absent.output
    again = command("up", f"--name={lab.name}")
    assert again.code == 2
    assert f"pacewright lab down --name {lab.name}" in again.output
    assert lab.run("n1", ["true"]).code == 0


def test_a_package_that_debian_does_not_have(name: str) -> None:
    wrong = command("up", f"--name={name}", "--with", "no-such-package-at-all")
    assert wrong.code == 2
    assert "Unable to locate package no-such-package-at-all" in wrong.output
    assert not traces(name)


# --- several labs, and their end


def test_two_labs_side_by_side_do_not_know_of_each_other(lab: Lab, name: str) -> None:
    begin = SYSTEM_CLOCK.monotonic()
    other = labs.up(name, nodes=2, packages=PACKAGES, fencing=False)
    assert SYSTEM_CLOCK.monotonic() - begin < 30
    assert out(other, "n1", "crm_attribute", "--query", "--quiet", "--name", "stonith-enabled") == "false"
    assert other.address("n1") == lab.address("n1")
    assert out(other, "n1", "cat", "/etc/machine-id") != out(lab, "n1", "cat", "/etc/machine-id")
    other.kill("n1")
    other.kill("n2")
    lab.wait_quorate(5)
    with pytest.raises(UsageError, match="exists already"):
        labs.up(name)
    other.down()
    assert not traces(name)
    assert lab.run("n1", ["true"]).code == 0


def test_a_full_disk_stays_full_until_it_is_given_room(name: str) -> None:
    lab = labs.up(name, nodes=1, packages=PACKAGES, disk=128)
    write = ["sh", "-c", "head -c 100k /dev/zero >/var/lib/pacemaker/cib/more"]
    lab.fill("n1")
    assert b"No space left" in lab.run("n1", write).stderr
    lab.kill("n1")
    lab.boot("n1")
    assert until(lambda: b"No space left" in lab.run("n1", write).stderr, Deadline.after(10), every=0.1)
    (lab.shared / "told").write_text("kept outside")
    assert lab.read("n1", "/run/pacewright-lab/told") == "kept outside"
    lab.give_room("n1")
    lab.run("n1", write).checked()
    lab.down()
    assert traces(name) == []


def test_a_disk_without_limit_cannot_be_filled(lab: Lab) -> None:
    with pytest.raises(UsageError):
        lab.fill("n1")
    lab.give_room("n1")


def test_trixie_with_pacemaker_3(name: str) -> None:
    other = labs.up(name, distro="trixie", packages=PACKAGES)
    assert out(other, "n1", "pacemakerd", "--version").startswith("Pacemaker 3.0")
    assert out(other, "n2", "pacewright", "--version")
    after_being_fenced(other, "n1", other.kill)
    other.wait_quorate(60)


def test_of_two_that_bring_up_the_same_lab_one_is_refused(name: str) -> None:
    line = [*PACEWRIGHT, "up", f"--name={name}", "--nodes=1", "--with=curl,haproxy"]
    pair = [process.spawn(line, stderr=process.PIPE) for _ in range(2)]
    said = [running.communicate(timeout=60)[1].decode() for running in pair]
    assert sorted(running.returncode for running in pair) == [0, 2]
    assert any("exists already" in text for text in said)
    assert Lab.open(name).run("n1", ["true"]).code == 0


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1, 0.3, 0.9])
def test_down_leaves_nothing_of_an_up_that_was_killed(name: str, share: float) -> None:
    """Killed after this share of the seconds that an `up` takes, give or take."""
    line = [*PACEWRIGHT, "up", f"--name={name}", "--with=curl,haproxy"]
    with process.spawn(line, new_session=True) as running:
        until(lambda: running.poll() is not None, Deadline.after(6 * share + random.random() * 0.3))  # noqa: S311
        running.kill()
    command("down", f"--name={name}").checked()
    assert not traces(name)
    assert command("down", f"--name={name}").checked().stdout.startswith(b"There is no lab")


def test_down_leaves_nothing_of_a_root_file_system_that_was_being_built(name: str) -> None:
    building = (CACHE / rootfs.key("bookworm", ("hello",))).with_suffix(".building")
    shutil.rmtree(building.with_suffix(""), ignore_errors=True)
    line = [*PACEWRIGHT, "up", f"--name={name}", "--with=hello"]
    before = set(Path("/tmp").glob("mmdebstrap.*"))
    with process.spawn(line, new_session=True) as running:
        assert until((building / "root/var").exists, Deadline.after(20))
        running.kill()
    command("down", f"--name={name}").checked()
    assert not traces(name)
    assert not building.exists()
    assert set(Path("/tmp").glob("mmdebstrap.*")) <= before
    assert process.run(["pgrep", "--runstates=D,R,S", "-f", "mmdebstrap.*hello"], timeout=5).code == 1


def test_an_up_that_is_interrupted_clears_away_itself(name: str) -> None:
    with process.spawn([*PACEWRIGHT, "up", f"--name={name}", "--with=curl,haproxy"]) as running:
        built = Deadline.after(240)  # on a fresh machine another test may be building the root file system just now
        assert until(lambda: name in labs.existing() and node.is_on(LabPaths(name=name), "n1"), built)
        with pytest.raises(UsageError, match="exists already"):
            labs.up(name)
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 130
    assert not traces(name)
