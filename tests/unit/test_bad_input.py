"""Bad input, from the command line down, each in its own process: one clear line, an exit code, nothing written."""

from __future__ import annotations

import grp
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pacewright.cluster.tools.cibadmin import query
from pacewright.errors import ClusterDown
from pacewright.process import Completed
from pacewright.testing.clusters import cib, clone, primitive
from pacewright.testing.programs import FakeTools

VERBS = ("status", "start", "stop", "restart", "enable", "disable")
CHANGES = VERBS[1:]
NOTHING = "echo '<pacemaker-result><actions/></pacemaker-result>'"
"""A scheduler that would do nothing."""


@pytest.fixture
def tools(tmp_path: Path) -> Iterator[FakeTools]:
    """A healthy cluster of fakes; afterwards nothing must have been written."""
    made = FakeTools.below(tmp_path)
    made.prints("cibadmin", cib(clone("web-clone", primitive("web")), primitive("db"), running={"web": ("n1", "n2")}))
    made.add("crm_simulate", NOTHING)
    made.add("crm_diff", "exit 0")
    made.add("crm_resource", "exit 0")
    made.add("systemctl", "echo LoadState=not-found; echo MainPID=0")
    yield made
    assert [call for call in made.called("cibadmin") if "--query" not in call] == []
    assert made.called("crm_resource") == []
    assert [call for call in made.called("systemctl") if not call.startswith("show")] == []


def one_clear_line(done: Completed, code: int, *words: str) -> None:
    """The documented exit code, a message that starts with our name, and no traceback."""
    told = done.stderr.decode()
    assert done.code == code, told
    assert "Traceback" not in told
    lines = [line for line in told.splitlines() if line and not line.startswith("    ")]
    assert len(lines) == 1, told
    assert lines[0].startswith("pacewright: ")
    for word in words:
        assert word in told
    assert done.stdout == b""


# --- the cluster is not as it should be


@pytest.mark.parametrize("verb", VERBS)
def test_a_cluster_that_is_down_or_still_starting(verb: str, tools: FakeTools) -> None:
    tools.add("cibadmin", "echo 'cibadmin: Could not connect to the CIB: Transport endpoint' >&2; exit 102")
    one_clear_line(tools.pacewright("service", verb, "web"), 6, "not running or still starting", "pcs cluster start")


def test_a_list_of_a_cluster_that_is_down(tools: FakeTools) -> None:
    tools.add("cibadmin", "exit 102")
    one_clear_line(tools.pacewright("service", "list"), 6, "does not answer")


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_a_cluster_without_quorum(verb: str, tools: FakeTools) -> None:
    resources = clone("web-clone", primitive("web"))
    tools.prints("cibadmin", cib(resources, running={"web": ("n1",)}, quorate=False, states={"n2": "offline"}))
    one_clear_line(tools.pacewright("service", verb, "web"), 6, "no quorum", "n2 is offline")


@pytest.mark.parametrize("verb", ["enable", "disable"])
def test_without_quorum_nothing_is_switched_either(verb: str, tools: FakeTools) -> None:
    value = "false" if verb == "enable" else "true"
    resource = primitive("db", meta_values={"is-managed": value})
    tools.prints("cibadmin", cib(resource, quorate=False))
    done = tools.pacewright("service", verb, "db")
    one_clear_line(done, 6, "no quorum")


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_a_node_that_waits_for_its_fencing(verb: str, tools: FakeTools) -> None:
    tools.prints(
        "cibadmin",
        cib(
            primitive("web"),
            running={"web": ("n1",)},
            states={"n3": "unclean"},
            properties={"stonith-enabled": "true"},
        ),
    )
    one_clear_line(
        tools.pacewright("service", verb, "web"), 6, "n3 failed and is not fenced yet", "pcs stonith confirm"
    )


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_maintenance(verb: str, tools: FakeTools) -> None:
    tools.prints("cibadmin", cib(primitive("web"), running={"web": ("n1",)}, properties={"maintenance-mode": "true"}))
    one_clear_line(tools.pacewright("service", verb, "web"), 5, "maintenance mode")


# --- Pacemaker's programs are not as they should be


@pytest.mark.parametrize("verb", VERBS)
def test_cibadmin_is_missing_on_a_member(verb: str, tools: FakeTools) -> None:
    (tools.folder / "cibadmin").unlink()
    one_clear_line(tools.pacewright("service", verb, "web"), 8, "cibadmin: not installed", "pacemaker-cli-utils")


def test_cibadmin_hangs(tools: FakeTools) -> None:
    tools.add("cibadmin", "exec sleep 60")
    one_clear_line(tools.pacewright("service", "status", "web"), 8, "did not answer within", "journalctl")


GARBAGE = {
    "nothing": b"",
    "words": b"Segmentation fault (core dumped)\n",
    "html": b"<!DOCTYPE html><html><body><p>Proxy error<br></body></html>",
    "html-that-is-xml": b"<html><body/></html>",
    "truncated": cib(primitive("web"))[:400],
    "binary": bytes(range(256)),
    "another-document": b"<pacemaker-result><status code='0'/></pacemaker-result>",
    "an-empty-cib": b"<cib/>",
    "no-utf-8": b"<cib><configuration><nodes><node uname='\xff\xfe'/></nodes></configuration></cib>",
}


@pytest.mark.parametrize("what", GARBAGE)
@pytest.mark.parametrize("verb", ["status", "restart"])
def test_cibadmin_prints_something_else(verb: str, what: str, tools: FakeTools) -> None:
    tools.prints("cibadmin", GARBAGE[what])
    one_clear_line(tools.pacewright("service", verb, "web"), 8, "cibadmin: what it printed is no CIB")


def test_cibadmin_says_that_we_may_not(tools: FakeTools) -> None:
    tools.add("cibadmin", "echo 'cibadmin: Permission denied' >&2; exit 4")
    one_clear_line(tools.pacewright("service", "restart", "web"), 9, "no right", "root", "haclient")


def test_cibadmin_ends_in_a_way_that_nobody_promised(tools: FakeTools) -> None:
    tools.add("cibadmin", "echo 'the disk is on fire' >&2; exit 42")
    one_clear_line(tools.pacewright("service", "restart", "web"), 8, "exit code 42", "    the disk is on fire")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'no xml'", "something that is not XML"),
        ("echo '<pacemaker-result><actions>'", "something that is not XML"),
        ("exit 1", "exit code 1"),
        ("echo 'feature set 9.9.9 is newer' >&2; exit 78", "older than the cluster's"),
        ("kill -ABRT $$", "older than the cluster's"),
    ],
)
def test_the_scheduler_answers_something_else(script: str, words: str, tools: FakeTools) -> None:
    tools.add("crm_simulate", script)
    one_clear_line(tools.pacewright("service", "restart", "web"), 8, "crm_simulate", words)


def test_the_scheduler_is_missing(tools: FakeTools) -> None:
    (tools.folder / "crm_simulate").unlink()
    one_clear_line(tools.pacewright("service", "restart", "web"), 8, "crm_simulate: not installed")


def test_systemctl_is_missing(tools: FakeTools) -> None:
    (tools.folder / "systemctl").unlink()
    one_clear_line(tools.pacewright("service", "restart", "cron"), 8, "systemctl: not installed")


# --- odd names


ODD = [
    "",
    " ",
    "a b",
    "web\n",
    "web\nok",
    "../../etc/passwd",
    "web;reboot",
    "$(reboot)",
    "\x9b2J",
    "x:" * 150,
    "a/b",
    "*",
]


@pytest.mark.parametrize("name", ODD)
def test_what_can_be_no_name(name: str, tools: FakeTools) -> None:
    for verb in ("status", "restart"):
        one_clear_line(tools.pacewright("service", verb, "--", name), 2, "not a service's name")
    assert set(tools.called("cibadmin")) <= {"--query"}, "it was asked at most"


@pytest.mark.parametrize("name", ["--", "-x", "--plan", "..", "x" * 255])
def test_odd_names_that_are_names(name: str, tools: FakeTools) -> None:
    one_clear_line(tools.pacewright("service", "restart", "--", name), 4, "neither the cluster nor systemd")


def test_a_node_that_is_not_there(tools: FakeTools) -> None:
    done = tools.pacewright("service", "restart", "web", "--node", "n9")
    one_clear_line(done, 2, "n9: no such node", "n1, n2, n3")


def test_a_node_where_a_node_has_no_meaning(tools: FakeTools) -> None:
    one_clear_line(
        tools.pacewright("service", "enable", "web", "--node", "n1"), 2, "--node", "work on a single instance"
    )


def test_a_unit_of_several_resources(tools: FakeTools) -> None:
    tools.prints("cibadmin", cib(primitive("a", "systemd:web"), primitive("b", "systemd:web")))
    one_clear_line(tools.pacewright("service", "restart", "web"), 2, "several resources", "a, b")


def test_what_runs_nowhere(tools: FakeTools) -> None:
    one_clear_line(tools.pacewright("service", "restart", "db"), 5, "runs nowhere", "pacewright service start")


# --- services.yaml


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("services: [", "services.yaml:1:"),
        ("services:\n  web: {resurce: x}\n", "services.yaml:2: services.web: the key 'resurce'"),
        ("services:\n  web: {timeout: soon}\n", "services.yaml:2: services.web.timeout"),
    ],
)
@pytest.mark.parametrize("verb", ["status", "restart"])
def test_a_services_yaml_that_is_wrong(verb: str, text: str, words: str, tools: FakeTools, tmp_path: Path) -> None:
    config = tmp_path / "services.yaml"
    config.write_text(text, encoding="utf-8")
    one_clear_line(tools.pacewright("service", verb, "web", "--config", str(config)), 2, words)
    assert set(tools.called("cibadmin")) <= {"--query"}, "it was asked at most"


def test_an_alias_to_what_is_not_there(tools: FakeTools, tmp_path: Path) -> None:
    config = tmp_path / "services.yaml"
    config.write_text("services:\n  api: {resource: apii}\n", encoding="utf-8")
    done = tools.pacewright("service", "restart", "api", "--config", str(config))
    one_clear_line(done, 5, "services.yaml says it is the resource 'apii'")


# --- the command line


@pytest.mark.parametrize(
    "arguments",
    [
        ("service",),
        ("service", "explode", "web"),
        ("service", "restart"),
        ("service", "restart", "web", "db"),
        ("service", "restart", "web", "--tiemout", "3"),
        ("service", "restart", "web", "--timeout", "soon"),
        ("service", "restart", "web", "--timeout", "0"),
        ("service", "restart", "web", "--timeout", "-1"),
        ("service", "restart", "web", "--timeout", "inf"),
        ("service", "restart", "web", "--timeout", "nan"),
        ("service", "status"),
        ("service", "stop", "web", "--all-at-once"),
        ("nosuch",),
        (),
    ],
)
def test_usage_errors(arguments: tuple[str, ...], tools: FakeTools) -> None:
    done = tools.pacewright(*arguments)
    assert done.code == 2
    assert b"Traceback" not in done.stderr
    assert b"usage: pacewright" in done.stderr + done.stdout
    assert tools.called("cibadmin") == []


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("service", "--help"), ("service", "stop", "-h")])
def test_help_is_no_error(arguments: tuple[str, ...], tools: FakeTools) -> None:
    done = tools.pacewright(*arguments)
    assert done.code == 0
    assert done.stdout.startswith((b"usage: ", b"pacewright "))
    assert done.stderr == b""


# --- standard output has gone


@pytest.mark.parametrize("arguments", [("service", "list"), ("service", "status", "web"), ("fact",), ("--help",)])
@pytest.mark.parametrize("stdout", [">&-", ">/dev/full"])
def test_output_that_nobody_can_take(arguments: tuple[str, ...], stdout: str, tools: FakeTools) -> None:
    done = tools.pacewright(*arguments, stdout=stdout)
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    if stdout == ">/dev/full":
        one_clear_line(done, 9, "the output cannot be written: No space left on device")


def test_a_reader_that_has_had_enough(tools: FakeTools) -> None:
    resources = [primitive(f"service-{number}-{'x' * 100}") for number in range(2000)]
    tools.prints("cibadmin", cib(*resources))
    done = tools.pacewright("service", "list", stdout="| read line")
    assert done.stderr == b""


# --- the fact answers whatever happens


@pytest.mark.parametrize("what", ["down", "missing", "hangs", *GARBAGE])
def test_the_fact_is_json_and_0_whatever_happens(what: str, tools: FakeTools) -> None:
    match what:
        case "down":
            tools.add("cibadmin", "exit 102")
        case "missing":
            (tools.folder / "cibadmin").unlink()
        case "hangs":
            tools.add("cibadmin", "exec sleep 60")
        case _:
            tools.prints("cibadmin", GARBAGE[what])
    done = tools.pacewright("fact")
    assert (done.code, done.stderr) == (0, b"")
    told = json.loads(done.stdout)
    assert told["running"] in ({False} if what in {"down", "missing"} else {None})
    assert told["is_leader"] is (what in {"down", "missing"})
    assert "error" in told


def test_a_wrong_services_yaml_does_not_silence_the_fact(tools: FakeTools, tmp_path: Path) -> None:
    config = tmp_path / "services.yaml"
    config.write_text("services: [\n", encoding="utf-8")
    told = json.loads(tools.pacewright("fact", "--config", str(config)).stdout)
    assert told["running"] is True
    assert "services.yaml:" in told["error"]
    assert set(told["services"]) == {"web", "db"}


def test_these_tests_do_not_touch_this_machine(tools: FakeTools) -> None:
    done = tools.pacewright("service", "status", "web")
    assert done.code == 0
    assert os.path.commonpath([tools.path().split(":")[0], str(tools.folder)]) == str(tools.folder)


def test_who_is_not_let_in_is_told_who_is(tools: FakeTools, monkeypatch: pytest.MonkeyPatch) -> None:
    tools.add("cibadmin", "exit 102")
    monkeypatch.setenv("PATH", str(tools.folder), prepend=os.pathsep)
    monkeypatch.setattr(os, "getgroups", lambda: [1000])
    monkeypatch.setattr(os, "getegid", lambda: 1000)
    for user, told in ((0, False), (1000, True)):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        monkeypatch.setattr(grp, "getgrnam", lambda _: grp.struct_group(("haclient", "x", 189, [])))
        with pytest.raises(ClusterDown) as caught:
            query()
        assert ("members of the group haclient" in caught.value.hint) == told
