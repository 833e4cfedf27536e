"""The one module that starts processes."""

from __future__ import annotations

import errno
import os
import signal
import sys
from pathlib import Path

import pytest

from pacewright import process
from pacewright.clock import SYSTEM_CLOCK, Deadline
from pacewright.errors import NodeError, ToolFailed, ToolHung, ToolMissing, ToolOutput


def python(source: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", source]


def test_a_result_is_a_value_whatever_the_exit_code() -> None:
    done = process.run(python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)"), timeout=20)
    assert (done.code, done.stdout, done.stderr, done.output) == (7, b"out\n", b"err\n", "err")


def test_output_is_stdout_when_nothing_is_on_stderr() -> None:
    assert process.run(python("print('only this')"), timeout=20).output == "only this"


def test_output_that_is_no_text_does_not_break_the_message() -> None:
    done = process.run(python("import sys; sys.stdout.buffer.write(b'\\xff\\xfe'); sys.exit(1)"), timeout=20)
    with pytest.raises(ToolFailed, match="exit code 1"):
        done.checked()


def test_checked_says_which_command_and_what_it_printed() -> None:
    with pytest.raises(ToolFailed) as caught:
        process.run(python("import sys; sys.exit('no such thing')"), timeout=20).checked()
    assert sys.executable in caught.value.message
    assert caught.value.output == "no such thing"


def test_a_program_that_hangs_is_killed_and_its_words_are_kept(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    source = (
        f"import os, sys; open({str(pid)!r}, 'w').write(str(os.getpid()))\n"
        "sys.stderr.write('waiting for the daemon'); sys.stderr.flush(); os.read(0, 1); os.read(os.pipe()[0], 1)"
    )
    with pytest.raises(ToolHung) as caught:
        process.run(python(source), timeout=1)
    assert "no answer within 1 s" in caught.value.message
    assert caught.value.output == "waiting for the daemon"
    assert not Path("/proc", pid.read_text(encoding="utf-8")).exists()


def test_a_time_out_ends_what_the_program_has_started_too(tmp_path: Path) -> None:
    child = tmp_path / "child"
    source = (
        "import os, subprocess, sys\n"
        f"child = subprocess.Popen(['sleep', '60']); open({str(child)!r}, 'w').write(str(child.pid)); child.wait()"
    )
    with pytest.raises(ToolHung):
        process.run(python(source), timeout=3)
    stat = Path("/proc", child.read_text(encoding="utf-8"), "stat")
    deadline = Deadline.after(10)  # it has been sent the signal; on a busy machine it gets it when its turn comes
    while _runs(stat):
        assert not deadline.passed()
        SYSTEM_CLOCK.sleep(0.01)


def _runs(stat: Path) -> bool:
    try:
        return not stat.read_text(encoding="utf-8").rpartition(") ")[2].startswith("Z")
    except OSError:
        return False


def test_what_a_program_leaves_running_is_not_waited_for() -> None:
    source = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid)"
    done = process.run(python(source), timeout=40)
    assert done.code == 0
    os.kill(int(done.stdout), signal.SIGKILL)  # it was left alone


def test_what_prints_without_end_is_stopped() -> None:
    with pytest.raises(ToolOutput, match="printed more than 1,000,000 bytes"):
        process.run(["yes"], timeout=60, most=1_000_000)


def test_of_long_words_the_beginning_and_the_end_are_kept() -> None:
    source = "import sys; [sys.{0}.write(f'line {{n}}\\n') for n in range(100000)]; sys.exit(3)"
    done = process.run(python(source.format("stdout")), timeout=60, most=1000, ends=True)
    assert (done.code, len(done.stdout)) == (3, 2000)
    assert done.stdout.startswith(b"line 0\nline 1\n")
    assert done.stdout.endswith(b"line 99999\n")
    said = process.run(python(source.format("stderr")), timeout=60).stderr
    assert len(said) == 2 * process._WORDS
    assert said.endswith(b"line 99999\n")


def test_much_goes_in_and_out_at_the_same_time() -> None:
    document = os.urandom(1 << 20) * 4
    assert process.run(["cat"], timeout=60, stdin=document).stdout == document
    assert process.run(["true"], timeout=60, stdin=document).code == 0  # it reads none of it


def test_it_works_where_the_kernel_has_no_descriptors_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def old(pid: int) -> int:
        raise OSError(errno.ENOSYS, "not implemented")

    monkeypatch.setattr(os, "pidfd_open", old)
    assert process.run(["cat"], timeout=60, stdin=b"typed").stdout == b"typed"


@pytest.mark.parametrize("word", ["a\0b", "half \ud800"])
@pytest.mark.parametrize("start", ["run", "spawn"])
def test_what_can_be_no_word_of_a_command_is_said_so(start: str, word: str) -> None:
    with pytest.raises(NodeError, match="cannot be started"):
        process.run(["echo", word], timeout=5) if start == "run" else process.spawn(["echo", word])


@pytest.mark.parametrize("start", ["run", "spawn"])
def test_a_missing_program_names_its_package(start: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(process, "_SBIN", str(tmp_path))
    with pytest.raises(ToolMissing) as caught:
        process.run(["cibadmin"], timeout=1) if start == "run" else process.spawn(["cibadmin"])
    assert "cibadmin: not installed" in str(caught.value)
    assert "pacemaker-cli-utils" in str(caught.value)


def test_a_missing_program_of_no_known_package_has_no_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # a folder that we may not read would change the answer
    with pytest.raises(ToolMissing) as caught:
        process.run(["no-such-program-anywhere"], timeout=1)
    assert caught.value.hint == ""


def test_a_program_that_may_not_be_run_is_this_machines_fault(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF nonsense")
    broken.chmod(0o755)
    with pytest.raises(NodeError, match="cannot be started"):
        process.run([str(broken)], timeout=1)


def test_the_environment_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIB_file", "/somewhere/else.xml")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    done = process.run(python("import os, json; print(sorted(os.environ))"), timeout=20, env={"EXTRA": "1"})
    names = set(eval(done.stdout))  # noqa: S307 - printed by the line above
    assert names == {"PATH", "LC_ALL", "CHARSET", "HOME", "EXTRA"}


def test_programs_are_found_in_sbin_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/only/this")
    path = process.run(python("import os; print(os.environ['PATH'])"), timeout=20).output
    assert path.split(":")[0] == "/only/this"
    assert "/usr/sbin" in path.split(":")


def test_an_empty_path_does_not_mean_the_current_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    path = process.run(python("import os; print(os.environ['PATH'])"), timeout=20).output
    assert "" not in path.split(":")


def test_arguments_go_through_no_shell(tmp_path: Path) -> None:
    odd = f"; touch {tmp_path}/made; $(id) `id` \n *"
    done = process.run([*python("import sys; sys.stdout.write(sys.argv[1])"), odd], timeout=20)
    assert done.stdout.decode() == odd
    assert list(tmp_path.iterdir()) == []


def test_standard_input_and_descriptors_are_handed_over() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"through the descriptor")
    os.close(writer)
    source = f"import os, sys; sys.stdout.write(sys.stdin.read() + os.read({reader}, 99).decode())"
    try:
        done = process.run(python(source), timeout=20, stdin=b"typed, ", pass_fds=(reader,))
    finally:
        os.close(reader)
    assert done.stdout == b"typed, through the descriptor"
