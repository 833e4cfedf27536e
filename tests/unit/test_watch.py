"""Waiting for changes, with other programs in the places of the child and of cibadmin: no cluster needed."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pacewright.cluster.watch import _cib_events, watch
from pacewright.cluster.watch import events as _watch_events
from pacewright.cluster.watch import poll as _watch_poll
from pacewright.cluster.watch.poll import VersionPoll
from pacewright.cluster.watch.watch import CibWatch
from pacewright.errors import ToolFailed, ToolHung, ToolMissing, UsageError
from pacewright.process import Completed, run, spawn
from pacewright.testing.clock import FakeClock

QUICK = 0.05
LONG = 20.0


def python(source: str) -> tuple[str, ...]:
    """A child that runs this source; `hear` blocks until the test sends it a signal or goes away."""
    tools = "import os, signal, sys, time\nsay = lambda t: os.write(1, t)\nhear = lambda: os.read(0, 1)\n"
    return (sys.executable, "-I", "-S", "-c", tools + source)


READY = python("signal.signal(signal.SIGUSR1, lambda *a: say(b'.'))\nsay(b'ready\\n')\nhear()")
SIGNALS_TWICE = python("say(b'ready\\n')\nsay(b'.' * 5000)\nhear()")
NO_LIBRARY = python("say(b'cannot: no library here\\n')\nsys.exit(3)")
NO_CLUSTER = python("say(b'cannot: nobody answers\\n')\nsys.exit(4)")
SEGFAULT = python("os.kill(os.getpid(), signal.SIGSEGV)")
MUTE = python("hear()")


@pytest.fixture(autouse=True)
def _no_override(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PACEWRIGHT_WATCH", raising=False)


@pytest.fixture
def cib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the cibadmin of this test prints; while it is missing, the cluster is down."""
    tool = tmp_path / "bin" / "cibadmin"
    root = tmp_path / "root.xml"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\n[ -e {root} ] || exit 102\nexec cat {root}\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    root.write_text('<cib epoch="1"/>', encoding="utf-8")
    return root


@pytest.fixture
def gone() -> Callable[[int | None], bool]:
    """Ask whether a process has ended, for up to 5 s."""

    def ask(pid: int | None) -> bool:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            try:
                if Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z":
                    return True  # and nobody has asked for its exit code yet
            except (FileNotFoundError, ProcessLookupError):
                return True
            os.sched_yield()
        return False

    return ask


# -- events


def test_ready_is_told_once_then_it_is_quiet(cib: Path) -> None:
    with CibWatch("events", child=READY) as watching:
        assert watching.mode == "starting"
        assert watching.wait(LONG)
        assert watching.mode == "events"
        assert not watching.wait(QUICK)


def test_a_change_wakes_the_waiter(cib: Path) -> None:
    with CibWatch("events", child=READY) as watching:
        watching.wait(LONG)
        assert watching.child_pid
        os.kill(watching.child_pid, signal.SIGUSR1)
        assert watching.wait(LONG)
        assert not watching.wait(QUICK)


def test_a_change_between_two_waits_is_kept(cib: Path) -> None:
    with CibWatch("events", child=READY) as watching:
        watching.wait(LONG)
        assert not watching.wait(0)
        assert watching.child_pid
        os.kill(watching.child_pid, signal.SIGUSR1)
        assert watching.wait(LONG)


def test_who_catches_up_is_not_told_of_what_was_before(cib: Path) -> None:
    with CibWatch("events", child=READY) as watching:
        watching.wait(LONG)
        assert watching.child_pid
        os.kill(watching.child_pid, signal.SIGUSR1)
        told(watching)
        watching.catch_up()
        assert not watching.wait(QUICK)
        os.kill(watching.child_pid, signal.SIGUSR1)
        assert watching.wait(LONG)


def test_catching_up_while_the_child_starts_makes_it_ready(cib: Path) -> None:
    with CibWatch("events", child=READY) as watching:
        told(watching)
        assert watching.mode == "starting"
        watching.catch_up()
        assert watching.mode == "events"
        assert not watching.wait(QUICK)


def test_a_child_that_was_lost_is_a_change_after_catching_up_too(cib: Path) -> None:
    with CibWatch("auto", child=READY) as watching:
        watching.wait(LONG)
        assert watching.child_pid
        os.kill(watching.child_pid, signal.SIGKILL)
        told(watching)
        watching.catch_up()
        assert watching.mode == "poll"
        assert watching.wait(LONG)


def told(watching: CibWatch) -> None:
    """Return when something of the child's is in the pipe, without taking it."""
    assert watching._child is not None
    assert watching._child._poll.poll(LONG * 1000)


def test_a_burst_is_told_once(cib: Path) -> None:
    with CibWatch("events", child=SIGNALS_TWICE) as watching:
        assert watching.wait(LONG)
        watching.wait(QUICK)  # the rest of the burst, if the first look was between the two writes
        assert not watching.wait(QUICK)


def test_what_nobody_tells_is_found_by_the_second_look(cib: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_SECOND_LOOK", 0.03)
    with CibWatch("auto", child=READY) as watching:
        watching.wait(LONG)
        watching.wait(LONG)  # the first look has nothing to compare with
        assert not watching.wait(0.2)
        cib.write_text('<cib epoch="2"/>', encoding="utf-8")
        assert watching.wait(LONG)
        assert watching.mode == "events"


# -- falling back


@pytest.mark.parametrize(
    ("child", "reason"),
    [
        (NO_LIBRARY, "no library here"),
        (NO_CLUSTER, "nobody answers"),
        (SEGFAULT, "killed by signal 11"),
        (("/no/such/python",), "not installed"),
    ],
)
def test_it_polls_when_there_are_no_events(cib: Path, child: tuple[str, ...], reason: str) -> None:
    with CibWatch("auto", child=child) as watching:
        assert watching.wait(LONG), "what happened before is unknown, so it is told"
        assert watching.mode == "poll"
        assert reason in watching.reason
        assert not watching.wait(QUICK)
        cib.write_text('<cib epoch="2"/>', encoding="utf-8")
        assert watching.wait(LONG)


def test_a_killed_child_is_a_change_and_changes_are_still_seen(cib: Path) -> None:
    with CibWatch("auto", child=READY) as watching:
        watching.wait(LONG)
        assert watching.child_pid
        os.kill(watching.child_pid, signal.SIGKILL)
        assert watching.wait(LONG)
        assert watching.mode == "poll"
        assert watching.reason == "killed by signal 9"
        cib.write_text('<cib epoch="2"/>', encoding="utf-8")
        assert watching.wait(LONG)
        assert watching.wait(LONG), "a new child is ready"
        assert watching.mode == "events"
        assert watching.reason == ""


def test_a_child_that_is_never_ready_is_given_up(
    cib: Path, monkeypatch: pytest.MonkeyPatch, gone: Callable[[int | None], bool]
) -> None:
    monkeypatch.setattr(watch, "_START_LIMIT", 0.05)
    with CibWatch("auto", child=MUTE) as watching:
        pid = watching.child_pid
        assert watching.wait(LONG)
        assert watching.mode == "poll"
        assert gone(pid)


def starts(tmp_path: Path, child: tuple[str, ...]) -> tuple[Path, tuple[str, ...]]:
    """A child that also counts how often it was started, and the file with the count."""
    count = tmp_path / "starts"
    count.touch()
    return count, ("/bin/sh", "-c", f'echo >> {count}; exec "$@"', "sh", *child)


def test_a_child_that_crashes_is_started_three_times(cib: Path, tmp_path: Path) -> None:
    count, child = starts(tmp_path, SEGFAULT)
    clock = FakeClock()
    with CibWatch("auto", clock=clock, child=child) as watching:
        for _ in range(5):
            watching.wait(4)
    assert count.read_text(encoding="utf-8").count("\n") == 3


def test_a_missing_library_is_not_tried_again(cib: Path, tmp_path: Path) -> None:
    count, child = starts(tmp_path, NO_LIBRARY)
    with CibWatch("auto", clock=FakeClock(), child=child) as watching:
        for _ in range(5):
            watching.wait(4)
    assert count.read_text(encoding="utf-8").count("\n") == 1


def test_a_cluster_that_is_down_is_tried_again_only_once_it_answers(cib: Path, tmp_path: Path) -> None:
    count, child = starts(tmp_path, NO_CLUSTER)
    cib.unlink()
    with CibWatch("auto", clock=FakeClock(), child=child) as watching:
        for _ in range(5):
            watching.wait(4)
        assert count.read_text(encoding="utf-8").count("\n") == 1
        cib.write_text('<cib epoch="9"/>', encoding="utf-8")
        for _ in range(5):
            watching.wait(4)
    assert count.read_text(encoding="utf-8").count("\n") > 3


def test_mode_events_refuses_what_it_cannot_do(cib: Path) -> None:
    with CibWatch("events", child=NO_LIBRARY) as watching, pytest.raises(ToolFailed, match="no library here"):
        watching.wait(LONG)


# -- polling


def test_poll_tells_every_difference_once(cib: Path) -> None:
    with CibWatch("poll", child=SEGFAULT) as watching:
        assert watching.child_pid is None
        assert watching.wait(LONG)
        assert not watching.wait(QUICK)
        cib.write_text('<cib epoch="2"/>', encoding="utf-8")
        assert watching.wait(LONG)
        assert not watching.wait(0.2)


def test_poll_tells_that_the_cluster_went_down_and_came_back(cib: Path) -> None:
    with CibWatch("poll") as watching:
        watching.wait(LONG)
        cib.unlink()
        assert watching.wait(LONG)
        assert not watching.wait(0.2)
        cib.write_text('<cib epoch="1"/>', encoding="utf-8")
        assert watching.wait(LONG)


def test_poll_needs_cibadmin(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(argv: tuple[str, ...], *, timeout: float) -> Completed:
        raise ToolMissing("cibadmin: not installed on this machine.")

    monkeypatch.setattr(_watch_poll, "run", missing)
    with CibWatch("poll") as watching, pytest.raises(ToolMissing):
        watching.wait(1)


@pytest.mark.parametrize(("took", "interval"), [(0.001, 0.06), (0.03, 0.3), (0.5, 1.0)])
def test_the_interval_follows_the_cost(monkeypatch: pytest.MonkeyPatch, took: float, interval: float) -> None:
    clock = FakeClock()
    asked: list[float] = []

    def costly(argv: tuple[str, ...], *, timeout: float) -> Completed:
        clock.at += took
        asked.append(took)
        worked[0] += took
        return Completed(argv=argv, code=0, stdout=b"<cib/>", stderr=b"")

    worked = [0.0]
    monkeypatch.setattr(_watch_poll, "run", costly)
    monkeypatch.setattr(_watch_poll, "_worked", lambda: worked[0])
    with CibWatch("poll", clock=clock) as watching:
        assert watching.wait(60)
        begun = clock.at
        asked.clear()
        assert not watching.wait(60)
        assert sum(asked) / (clock.at - begun) <= 0.1 or interval == 1.0
        assert watching._poll.interval == pytest.approx(interval)


def test_a_hung_cibadmin_counts_as_down(monkeypatch: pytest.MonkeyPatch) -> None:
    patience = []

    def hung(argv: tuple[str, ...], *, timeout: float) -> Completed:
        patience.append(timeout)
        raise ToolHung("cibadmin: no answer")

    monkeypatch.setattr(_watch_poll, "run", hung)
    poll = VersionPoll(FakeClock())
    assert poll.changed(left=0.2)
    assert not poll.changed(left=60)
    assert not poll.answered
    assert patience == [1.0, 10.0]


# -- how it is used


def test_the_operator_can_choose(monkeypatch: pytest.MonkeyPatch, cib: Path) -> None:
    monkeypatch.setenv("PACEWRIGHT_WATCH", "poll")
    with CibWatch(child=READY) as watching:
        assert watching.mode == "poll"
        assert watching.reason == "asked for"
    with CibWatch("events", child=READY) as watching:
        assert watching.mode == "starting"


def test_an_unknown_choice_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACEWRIGHT_WATCH", "guess")
    with pytest.raises(UsageError, match=r"PACEWRIGHT_WATCH=guess.*auto, events, poll"):
        CibWatch()


def test_waiting_before_start_is_a_mistake() -> None:
    with pytest.raises(RuntimeError):
        CibWatch("poll").wait(0)


def test_close_ends_the_child_and_start_begins_again(cib: Path, gone: Callable[[int | None], bool]) -> None:
    watching = CibWatch("events", child=READY)
    for _ in range(2):
        watching.start()
        pid = watching.child_pid
        assert watching.wait(LONG)
        watching.close()
        assert pid
        assert gone(pid)


# -- the child program


CHILD = Path(_cib_events.__file__)


def test_both_ends_know_the_same_exit_codes() -> None:
    assert _watch_events._UNUSABLE == _cib_events.UNUSABLE
    assert _watch_events._UNREACHABLE == _cib_events.UNREACHABLE
    assert Path(_watch_events._PROGRAM) == CHILD


def test_the_kernel_ends_the_child_with_its_parent(gone: Callable[[int | None], bool]) -> None:
    child = f"""
import sys; sys.path.insert(0, {str(CHILD.parent)!r})
import _cib_events, time
_cib_events.tie_to_parent(int(sys.argv[1]))
_cib_events.say(b"ready\\n")
time.sleep(60)
"""
    parent = f"""
import sys
from pacewright.cluster.watch.watch import CibWatch
watch = CibWatch("events", child=(sys.executable, "-I", "-S", "-c", {child!r}))
watch.start()
watch.wait(10)
print(watch.mode, watch.child_pid, flush=True)
sys.stdin.read()
"""
    with spawn(
        [sys.executable, "-c", parent], env={"PYTHONPATH": str(CHILD.parents[3])}, stdin=-1, stdout=-1
    ) as process:
        assert process.stdout
        mode, pid = process.stdout.readline().split()
        assert mode == b"events"
        process.kill()
        process.wait()
        assert gone(int(pid))


def test_a_child_without_its_parent_ends_at_once() -> None:
    done = run([sys.executable, "-I", "-S", str(CHILD), "1"], timeout=LONG)
    assert (done.code, done.stdout) == (0, b"")


def fake_library(state: tuple[int, int, int]) -> ctypes.CDLL:
    """Something that hands out a connection whose functions lie outside of any library."""
    function = ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 0)
    table = (ctypes.c_void_p * 12)(*[ctypes.cast(function, ctypes.c_void_p).value] * 12)
    connection = (ctypes.c_uint64 * 12)(*[0] * 12)
    ctypes.memmove(connection, (ctypes.c_int * 3)(*state), 12)
    connection[7] = ctypes.addressof(table)
    new = ctypes.CFUNCTYPE(ctypes.c_void_p)(lambda: ctypes.addressof(connection))

    class Library:
        cib_native_new = new
        keep = (function, table, connection)

    return Library()  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("state", "why"), [((0, 0, 0), "no new connection"), ((2, 2, 1), "slot 0 of the function table")]
)
def test_the_child_calls_nothing_through_a_table_that_looks_wrong(state: tuple[int, int, int], why: str) -> None:
    with pytest.raises(_cib_events.Trouble, match=why):
        _cib_events.Connection(fake_library(state), _cib_events.LIBRARIES["libcib.so.27"])


def real_child(libraries: Path) -> tuple[str, ...]:
    """The real child, with a folder of libraries that come before the system's."""
    return ("env", f"LD_LIBRARY_PATH={libraries}", sys.executable, "-I", "-S", "-E", str(CHILD))


def test_a_library_that_is_none(cib: Path, tmp_path: Path) -> None:
    for name in _cib_events.LIBRARIES:
        (tmp_path / name).write_text("no library" * 100, encoding="utf-8")
    with CibWatch("auto", child=real_child(tmp_path)) as watching:
        assert watching.wait(LONG)
        assert watching.mode == "poll"
        assert "invalid ELF header" in watching.reason


FAKE_LIBCIB = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
typedef void (*event_fn)(const char *, void *);
typedef void (*loss_fn)(void *);
static event_fn on_event; static loss_fn on_loss; static void *table[16]; static char *cib;
static int signon(void *c, const char *name, int type) {
    if (NOBODY) return -107;
    *(int *)c = WRONG_STATE ? 7 : type;
    return 0;
}
static int add(void *c, const char *event, event_fn f) { on_event = f; *(void **)(cib + 40) = c; return 0; }
static char last[80], *document = "<cib epoch=\\"7\\"/>";
static int query(void *c, const char *section, void **found, int options) {
    *found = options & 32 ? "root" : document;
    return REFUSED ? -13 : 0;
}
void free_xml(void *node) {}
void *xmlBufferCreate(void) { return last; }
int xmlNodeDump(char *buffer, void *doc, char *node, int level, int format) { return sprintf(buffer, "<%s>", node); }
void *xmlBufferContent(char *buffer) { return buffer; }
int xmlBufferLength(char *buffer) { return strlen(buffer); }
void xmlBufferFree(char *buffer) {}
static int (*hear)(int, int, void *);
static int dnotify(void *c, loss_fn f) { on_loss = f; return 0; }
void *cib_native_new(void) {
    if (CRASH == 1) *(volatile int *)0 = 1;
    cib = calloc(1, 128);
    ((int *)cib)[0] = 2; ((int *)cib)[1] = 2; ((int *)cib)[2] = 1;
    table[0] = signon; table[ADD] = add; table[DNOTIFY] = dnotify; table[QUERY] = query;
    *(void **)(cib + CMDS) = table;
    return cib;
}
void crm_xml_init(void) {}
unsigned g_unix_fd_add(int fd, int condition, void *f, void *data) { hear = f; return 1; }
void *g_main_loop_new(void *context, int running) { return table; }
void g_main_loop_run(void *loop) {
    on_event("cib_diff_notify", 0);
    if (CRASH == 2) *(volatile int *)0 = 1;
    if (LOSE) on_loss(cib);
    while (1) hear(0, 1, 0);
}
"""
SERIES = {
    "libcib.so.27": {"CMDS": 56, "ADD": 5, "DNOTIFY": 7, "QUERY": 11},
    "libcib.so.54": {"CMDS": 48, "ADD": 3, "DNOTIFY": 5, "QUERY": 8},
}


@pytest.fixture(params=SERIES)
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., tuple[str, ...]]:
    """Build a libcib that behaves badly, and return the child that finds it."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler here")

    def build_it(**faults: int) -> tuple[str, ...]:
        settings = {
            "NOBODY": 0,
            "WRONG_STATE": 0,
            "CRASH": 0,
            "LOSE": 0,
            "REFUSED": 0,
            **SERIES[request.param],
            **faults,
        }
        options = [f"-D{name}={value}" for name, value in settings.items()]
        for other in SERIES:
            (tmp_path / other).write_text("no library" * 100, encoding="utf-8")
        target = tmp_path / request.param
        target.unlink()
        argv = [compiler, "-shared", "-fPIC", "-w", "-x", "c", *options, "-o", str(target), "-"]
        run(argv, timeout=60, stdin=FAKE_LIBCIB.encode()).checked()
        return real_child(tmp_path)

    return build_it


def test_the_child_tells_what_the_library_tells(cib: Path, build: Callable[..., tuple[str, ...]]) -> None:
    with CibWatch("events", child=build()) as watching:
        assert watching.wait(LONG)
        assert watching.mode == "events"
        watching.wait(QUICK)
        assert not watching.wait(QUICK)


def test_the_child_answers_what_the_cib_is(cib: Path, build: Callable[..., tuple[str, ...]]) -> None:
    with CibWatch("events", child=build()) as watching:
        assert watching.document() is None, "not before it is ready"
        assert watching.wait(LONG)
        assert watching.document() == b'<<cib epoch="7"/>>'
        assert watching.root() == b"<root>"
    assert watching.root() is None


def test_what_the_child_cannot_answer_is_for_cibadmin(cib: Path, build: Callable[..., tuple[str, ...]]) -> None:
    with CibWatch("events", child=build(REFUSED=1)) as watching:
        assert watching.wait(LONG)
        assert watching.document() is None
        assert watching.root() is None, "and it can be asked again"
        assert watching.mode == "events"


GARBLED = python("say(b'ready\\n')\nhear()\nos.write(int(sys.argv[2]), b'many\\n')\nhear()")
CUT_OFF = python(
    "say(b'ready\\n')\nhear()\nos.write(int(sys.argv[2]), b'99\\n<cib')\nos.close(int(sys.argv[2]))\nhear()"
)
SILENT = python("say(b'ready\\n')\nhear()\nhear()")
DIES = python("say(b'ready\\n')\nhear()")


@pytest.mark.parametrize("child", [GARBLED, CUT_OFF, SILENT, DIES])
def test_a_child_that_answers_badly_is_asked_no_more(
    cib: Path, child: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_watch_events, "_ASKED", 0.3)
    with CibWatch("auto", child=child) as watching:
        assert watching.wait(LONG)
        assert watching.document() is None
        assert watching.root() is None
        assert watching.wait(LONG), "its end is a change"
        assert watching.mode == "poll"


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        ({"CRASH": 1}, "killed by signal 11"),
        ({"CRASH": 2}, "killed by signal 11"),
        ({"NOBODY": 1}, "no connection to the CIB manager (error 107)"),
        ({"WRONG_STATE": 1}, "signed on, but the connection does not say so"),
        ({"LOSE": 1}, "the connection to the CIB manager ended"),
        ({"ADD": 9}, "slot"),
        ({"QUERY": 9}, "slot"),
    ],
)
def test_no_library_brings_the_waiter_down(
    cib: Path, build: Callable[..., tuple[str, ...]], faults: dict[str, int], reason: str
) -> None:
    with CibWatch("auto", child=build(**faults)) as watching:
        assert watching.wait(LONG)
        while watching.mode != "poll":
            assert watching.wait(LONG)
        assert reason in watching.reason
        watching.wait(QUICK)
        cib.write_text('<cib epoch="2"/>', encoding="utf-8")
        assert watching.wait(LONG)
