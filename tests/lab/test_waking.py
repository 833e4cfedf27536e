"""Waiting for changes on the real cluster. Each test is a small program that runs on a node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pacewright.lab import Lab

pytestmark = pytest.mark.lab


TOOLS = """
import json, os, re, signal, statistics, subprocess, sys, time
from pathlib import Path
from pacewright.cluster.watch.watch import CibWatch

def change(value):
    'Start a change of the cluster; returns at once. A node attribute of ours, transient and private to the tests.'
    return subprocess.Popen(["attrd_updater", "-n", "pacewright-test-watch", "-U", str(value), "-d", "0"])

def calm(watch):
    'Take what is pending, until nothing has happened for a while.'
    end = time.monotonic() + 30
    while watch.wait(0.7) and time.monotonic() < end: pass

def until(true, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true(): return True
        time.sleep(0.01)
    return False

def gone(pid):
    try: return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError: return True

def sees_a_change(watch, value, within=5.0):
    'Seconds from the start of the command that makes the change to the wake-up.'
    begun = time.monotonic()
    with change(value):
        assert watch.wait(within), "no wake-up"
        return time.monotonic() - begun

def ticks(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

def say(**facts): print(json.dumps(facts))
"""


def on(lab: Lab, node: str, program: str, *, timeout: float = 60) -> dict[str, Any]:
    """What the program says when it runs on that node, beside the tools above."""
    done = lab.run(node, ["python3", "-c", TOOLS + program], timeout=timeout)
    assert done.code == 0, done.output
    facts: dict[str, Any] = json.loads(done.stdout.decode().splitlines()[-1])
    return facts


@pytest.fixture(autouse=True)
def _attribute_removed(lab: Lab) -> Iterator[None]:
    yield
    lab.run("n1", ["attrd_updater", "-n", "pacewright-test-watch", "-D"], timeout=20)


@pytest.mark.trixie
def test_events_wake_within_100_ms_and_cost_nothing(lab: Lab) -> None:
    said = on(
        lab,
        "n1",
        """
with CibWatch("events") as watch:
    begun = time.monotonic()
    assert watch.wait(10)
    ready = time.monotonic() - begun
    calm(watch)
    times = []
    for value in range(15):
        times.append(sees_a_change(watch, value))
        calm(watch)
    child, before = watch.child_pid, ticks(watch.child_pid)
    watch.wait(3); watch.wait(3)
    say(ready=ready, median=statistics.median(times), mode=watch.mode, cost=ticks(child) - before)
""",
    )
    assert said["mode"] == "events"
    assert said["ready"] < 1
    assert said["median"] < 0.1, "the time that attrd_updater takes is in it"
    assert said["cost"] < 0.1


def test_a_change_on_another_node_wakes(lab: Lab) -> None:
    """n1 says that it waits by a file; only then n2 makes the change."""
    with ThreadPoolExecutor() as pool:
        waiter = pool.submit(
            on,
            lab,
            "n1",
            """
with CibWatch("events") as watch:
    watch.wait(10)
    calm(watch)
    Path("/run/pacewright-test-waits").touch()
    say(woken=watch.wait(4.5))
""",
        )
        wait_and_remove = "while ! rm /run/pacewright-test-waits 2>/dev/null; do sleep 0.1; done"
        lab.run("n1", ["sh", "-c", wait_and_remove], timeout=60)
        lab.run("n2", ["attrd_updater", "-n", "pacewright-test-watch", "-U", "n2", "-d", "0"], timeout=20)
        assert waiter.result() == {"woken": True}


def test_a_change_before_the_first_wait_counts(lab: Lab) -> None:
    said = on(
        lab,
        "n1",
        """
results = []
for delay in (0, 0.005, 0.01, 0.02, 0.05, 0.3):
    with CibWatch("auto") as watch:
        time.sleep(delay)
        change(f"early-{delay}").wait()
        results.append(watch.wait(5))
say(results=results)
""",
    )
    assert said["results"] == [True] * 6


@pytest.mark.trixie
def test_a_change_that_nobody_is_told_of_is_found(lab: Lab) -> None:
    """The flag has the CIB manager skip the notification; without the second look this would wait for ever."""
    said = on(
        lab,
        "n1",
        """
quietly = ["crm_attribute", "--inhibit-policy-engine", "-t", "crm_config", "-n", "pacewright-test-watch"]
with CibWatch("events") as watch:
    watch.wait(10)
    while watch.wait(4.5): pass  # past the first look, which has nothing to compare with
    begun = time.monotonic()
    subprocess.run([*quietly, "-v", "1"], check=True)
    woken = watch.wait(4.5)
    took = time.monotonic() - begun
subprocess.run([*quietly, "-D"], check=True)
say(woken=woken, took=took)
""",
    )
    assert said["woken"] is True
    assert said["took"] < 4


def test_poll_sees_changes_and_costs_less_than_a_tenth(lab: Lab) -> None:
    said = on(
        lab,
        "n1",
        """
import resource
def used():
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)
with CibWatch("poll") as watch:
    watch.wait(10)
    calm(watch)
    times = []
    for value in range(5):
        times.append(sees_a_change(watch, f"poll-{value}"))
        calm(watch)
    before, begun = used(), time.monotonic()
    while time.monotonic() - begun < 5: watch.wait(1)
    say(mode=watch.mode, slowest=max(times), share=(used() - before) / (time.monotonic() - begun))
""",
    )
    assert said["mode"] == "poll"
    assert said["slowest"] < 1.5
    assert said["share"] < 0.1


@pytest.mark.trixie
def test_a_killed_child_is_replaced_and_leaves_nothing(lab: Lab) -> None:
    said = on(
        lab,
        "n1",
        """
with CibWatch("auto") as watch:
    watch.wait(10)
    calm(watch)
    child = watch.child_pid
    os.kill(child, signal.SIGKILL)
    told = watch.wait(5)
    mode, reason = watch.mode, watch.reason
    polled = sees_a_change(watch, "killed")
    back = until(lambda: watch.wait(0.2) and watch.mode == "events", 15)
    calm(watch)
    again = sees_a_change(watch, "back")
files = lambda: [name for name in os.listdir("/dev/shm") if re.search(f"-{child}-", name)]
until(lambda: not files())
say(told=told, mode=mode, reason=reason, back=back, left=files())
""",
    )
    assert said == {"told": True, "mode": "poll", "reason": "killed by signal 9", "back": True, "left": []}


@pytest.mark.parametrize("how", ["killed", "let go"])
def test_no_child_outlives_its_parent(lab: Lab, how: str) -> None:
    """Killed: the kernel tells the child. Let go: nobody but the end of its standard input does."""
    parent = """
import sys, time
from pacewright.cluster.watch.watch import CibWatch
watch = CibWatch("events"); watch.start(); watch.wait(10)
print(watch.child_pid, flush=True)
sys.stdin.readline()
watch._child._process.stdin.close()
time.sleep(60)
"""
    said = on(
        lab,
        "n1",
        f"""
parent = subprocess.Popen([sys.executable, "-c", {parent!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child = int(parent.stdout.readline())
alive = not gone(child)
if {how!r} == "killed": parent.kill()
else: parent.stdin.write(b"\\n"); parent.stdin.flush()
ended = until(lambda: gone(child))
parent.kill(); parent.wait()
say(alive=alive, ended=ended)
""",
    )
    assert said == {"alive": True, "ended": True}


def test_a_restart_of_pacemaker_is_seen_and_survived(lab: Lab) -> None:
    said = on(
        lab,
        "n1",
        """
with CibWatch("auto") as watch:
    watch.wait(10)
    calm(watch)
    subprocess.run(["systemctl", "stop", "pacemaker"], check=True)
    down = until(lambda: watch.wait(1) and watch.mode == "poll", 20)
    calm(watch)
    quiet = not watch.wait(2)
    subprocess.run(["systemctl", "start", "pacemaker"], check=True)
    up = until(lambda: watch.wait(1) and watch.mode == "events", 60)
    reason = watch.reason
    steady = until(lambda: not watch.wait(2), 60)
    seen = until(lambda: subprocess.run(["attrd_updater", "-n", "pacewright-test-watch", "-U", "up"]).returncode == 0)
    say(down=down, quiet=quiet, up=up, steady=steady, woken=watch.wait(5), mode=watch.mode, reason=reason)
""",
        timeout=200,
    )
    assert said == {
        "down": True,
        "quiet": True,
        "up": True,
        "steady": True,
        "woken": True,
        "mode": "events",
        "reason": "",
    }
