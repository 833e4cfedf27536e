"""Standard streams: closed, full, gone or of another encoding, none of them ends or changes what is being done."""

from __future__ import annotations

import io
import json
import shlex
import sys
from pathlib import Path

import pytest

from pacewright.cli import streams
from pacewright.cli.streams import Door, clean, json_text
from pacewright.process import run
from pacewright.testing.clusters import cib, clone, primitive
from pacewright.testing.programs import FakeTools

OPERATION = """
import sys, types
from pathlib import Path
from pacewright.cli import main, streams

def operate(args):
    say = streams.progress(quiet=False)
    for number in range(300):
        say(f"restarting web on n{number}")
        if number == 150:
            streams.warn("this call is not recorded")
    print("web: restarted on n1, n2, n3.")
    Path(sys.argv[1]).write_text("done")
    return int(sys.argv[2])

sys.modules["pacewright.cli.guard"] = types.SimpleNamespace(configure=lambda parser: None, run=operate)
sys.exit(main.main(["guard"]))
"""
"""An operation that says a lot, and notes that it has come to its end."""


@pytest.mark.parametrize(
    ("streams", "code"),
    [
        ("2>&1 | head -n 1 >/dev/null", 0),
        ("2>/dev/full", 1),
        ("2>&-", 0),
        ("<&- >&- 2>&-", 3),
        ("| true", 1),
    ],
)
def test_no_stream_ends_an_operation_or_changes_its_code(streams: str, code: int, tmp_path: Path) -> None:
    command = shlex.join([sys.executable, "-c", OPERATION, str(tmp_path / "done"), str(code)])
    redirected, bar, reader = streams.partition("|")
    (tmp_path / "script").write_text(
        f"{{ {command} {redirected}; echo $? >{tmp_path}/code; }}{bar}{reader}\n", encoding="utf-8"
    )
    said = run(["/bin/sh", str(tmp_path / "script")], timeout=60)
    assert (tmp_path / "done").read_text(encoding="utf-8") == "done"
    assert int((tmp_path / "code").read_text(encoding="utf-8")) == code
    for sign in (b"Traceback", b"Exception ignored", b"BrokenPipe"):
        assert sign not in said.stdout + said.stderr


def test_output_that_does_not_fit_is_told_with_the_code_of_what_was_done(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", OPERATION, str(tmp_path / "done")]
    for code, seen in ((0, 9), (1, 1)):
        said = run(["/bin/sh", "-c", f"{shlex.join([*argv, str(code)])} >/dev/full"], timeout=60)
        assert said.code == seen
        assert b"No space left on device. The command itself ended with %d." % code in said.stderr


@pytest.fixture
def tools(tmp_path: Path) -> FakeTools:
    made = FakeTools.below(tmp_path)
    made.prints("cibadmin", cib(clone("web-clone", primitive("web")), running={"web": ("n1", "n2")}))
    made.add("crm_simulate", "cat >/dev/null; echo '<pacemaker-result><actions/></pacemaker-result>'")
    made.add("systemctl", "echo LoadState=not-found; echo MainPID=0")
    return made


def test_without_standard_input_the_copy_of_the_cib_is_not_in_its_place(tools: FakeTools) -> None:
    """The fake scheduler reads its standard input: what it got there would be the CIB, and it would not end."""
    tools.add("crm_simulate", "read line && exit 99; echo '<pacemaker-result><actions/></pacemaker-result>'")
    done = tools.pacewright("service", "restart", "web", "--plan", stdout="<&-")
    assert "exit code 99" not in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    plain = tools.pacewright("service", "restart", "web", "--plan")
    assert (done.code, done.stdout, done.stderr) == (plain.code, plain.stdout, plain.stderr)


def test_inputs_from_a_standard_input_that_is_closed(tools: FakeTools) -> None:
    done = tools.pacewright("service", "status", "web", "--json", "--inputs", "-", stdout="<&-")
    assert done.code == 2
    assert b"pacewright: --inputs -: " in done.stderr
    document = tools.pacewright("resource", "apply", "-", stdout="<&-")
    assert document.code == 2
    assert b"Traceback" not in document.stderr


def test_errors_do_not_get_beside_json_when_their_stream_is_closed(tools: FakeTools) -> None:
    done = tools.pacewright("service", "restart", "gone", "--json", stdout="2>&-")
    assert (done.code, done.stdout, done.stderr) == (4, b"", b"")


def test_a_stream_of_another_encoding_shows_what_it_can(tools: FakeTools) -> None:
    done = tools.pacewright("service", "restart", "--", "wéb→", env={"PYTHONIOENCODING": "latin-1"})
    assert done.code == 2
    assert "wéb\\u2192".encode("latin-1") in done.stderr
    assert b"Traceback" not in done.stderr
    ascii_only = tools.pacewright("service", "list", env={"PYTHONIOENCODING": "ascii"})
    assert ascii_only.code == 0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext", "plain\n\ttext"),
        ("ünïcode → ok", "ünïcode → ok"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("a\rb\x08c\x7f\x00", "a\\rb\\x08c\\x7f\\x00"),
        ("\u009b31m", "\\x9b31m"),
        ("abc\u202edef\u200b", "abc\\u202edef\\u200b"),
        ("half \ud800", "half \\ud800"),
    ],
)
def test_what_a_terminal_would_obey_is_written_out(text: str, shown: str) -> None:
    assert clean(text) == shown
    kept = io.BytesIO()
    door = Door(io.TextIOWrapper(kept, encoding="utf-8"))
    print(text, file=door)
    door.flush()
    assert kept.getvalue() == f"{shown}\n".encode()


def test_texts_in_json_are_clean_too() -> None:
    """Puppet reads them and puts them into its log."""
    said = {
        "message": "start failed: \x1b[2J",
        "notes": ("a\nb", "\u202e"),
        "since": float("nan"),
        "n": 5,
        "none": None,
    }
    assert json.loads(json_text(said)) == {
        "message": "start failed: \\x1b[2J",
        "notes": ["a\nb", "\\u202e"],
        "since": None,
        "n": 5,
        "none": None,
    }


@pytest.mark.parametrize("module", sorted(path.stem for path in Path(streams.__file__).parent.glob("*.py")))
def test_json_is_printed_through_that_door_alone(module: str) -> None:
    text = Path(streams.__file__).with_name(f"{module}.py").read_text(encoding="utf-8")
    assert module == "streams" or "json.dump" not in text


def test_escapes_of_an_agent_do_not_reach_the_terminal(tools: FakeTools) -> None:
    broken = cib(primitive("web"), running={"web": ("n1",)}).replace(b'uname="n2"', b'uname="n2&#x9b;31m"')
    tools.prints("cibadmin", broken)
    for verb in (("service", "restart", "web", "--node", "n9"), ("service", "list")):
        done = tools.pacewright(*verb)
        assert "\u009b".encode() not in done.stdout + done.stderr
