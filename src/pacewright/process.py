"""The only module that starts processes: argument lists, no shell, always a time-out."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Generator, Iterator, Mapping, Sequence
from types import TracebackType
from typing import IO, Self

from pacewright.clock import Deadline
from pacewright.errors import NodeError, ToolFailed, ToolHung, ToolMissing, ToolOutput
from pacewright.frozen import frozen

__all__ = ["DEVNULL", "PIPE", "Begun", "Completed", "Process", "attach", "ended", "let_go", "run", "spawn"]

Process = subprocess.Popen[bytes]

PIPE = subprocess.PIPE
DEVNULL = subprocess.DEVNULL

_SBIN = "/usr/sbin:/usr/bin:/sbin:/bin"

_MOST = 128 << 20
"""Bytes that a program may print; the CIB of 32 nodes and 1,000 resources has 20 MB."""
_WORDS = 64 << 10
"""Bytes at the beginning and at the end of standard error that are kept."""
_PIPE_HOLDS = 1 << 20
"""Bytes that can be in a pipe at most when the program that wrote them has ended (pipe(7))."""
_BLOCK = 64 << 10
_LONGEST = 3600.0
"""Seconds for which the kernel is asked to wait at a time."""
_TO_END = 0.25
"""Seconds that a program gets to end by itself when we are interrupted."""


@frozen
class Completed:
    """A program that has ended.

    Attributes:
        argv: what was run.
        code: its exit code; negative when a signal ended it.
        stdout, stderr: everything it printed.
    """

    argv: tuple[str, ...]
    code: int
    stdout: bytes
    stderr: bytes

    @property
    def output(self) -> str:
        """What it said, for a person: stderr if there is any, else stdout."""
        return (self.stderr.strip() or self.stdout.strip()).decode(errors="replace")

    def checked(self) -> Completed:
        """This value, if the program exited with 0.

        Raises:
            ToolFailed: it did not.
        """
        if self.code == 0:
            return self
        raise ToolFailed(f"{' '.join(self.argv)}: exit code {self.code}.", output=self.output[-2000:])


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    inherited = os.environ.get("PATH", "")
    env = {
        "PATH": f"{inherited}:{_SBIN}" if inherited else _SBIN,
        "LC_ALL": "C.UTF-8",  # untranslated
        # For GLib. Pacemaker 3.0 sets no locale before it reads arguments, and then refuses what is not ASCII in them.
        "CHARSET": "UTF-8",
        "HOME": os.environ.get("HOME", "/root"),
    }
    env.update(extra or {})
    return env


def run(
    argv: Sequence[str],
    *,
    timeout: float,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    cwd: str | None = None,
    most: int = _MOST,
    ends: bool = False,
) -> Completed:
    """Run a program to its end and return what it said, whatever its exit code.

    Args:
        argv: the program and its arguments; the program is looked up in PATH, then in the sbin folders.
        timeout: seconds after which it is killed.
        stdin: what it reads on standard input.
        env: variables added to a clean environment (PATH, LC_ALL=C.UTF-8, CHARSET=UTF-8, HOME).
        pass_fds: open file descriptors it inherits under the same numbers.
        cwd: the folder to run it in.
        most: bytes that it may print on standard output.
        ends: where it prints more, keep so much of the beginning and of the end, instead of stopping it.

    Raises:
        ToolMissing: there is no such program.
        ToolHung: it did not end within the time-out.
        ToolOutput: it printed too much.
        NodeError: the kernel would not start it.
    """
    with Begun(argv, timeout=timeout, stdin=stdin, env=env, pass_fds=pass_fds, cwd=cwd) as begun:
        return begun.completed(most=most, ends=ends)


class Begun:
    """A program that was started, and is waited for when its answer is needed; a context manager, which ends it.

    It has a session of its own, so that a time-out ends what it has started as well. What it leaves running when it
    ends, with our pipes still open, is not waited for. The arguments are those of `run`.

    Raises:
        ToolMissing: there is no such program.
        NodeError: the kernel would not start it.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        cwd: str | None = None,
    ) -> None:
        self._argv = tuple(argv)
        self._stdin = stdin
        self._deadline = Deadline.after(timeout)
        self._open = contextlib.ExitStack()
        how = subprocess.PIPE if stdin else subprocess.DEVNULL
        self._process = self._open.enter_context(_started(argv, how, env, pass_fds, cwd))

    def __enter__(self) -> Self:
        """It runs already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, if it has not ended."""
        self._open.__exit__(kind, error, trace)

    def completed(self, *, most: int = _MOST, ends: bool = False) -> Completed:
        """Wait for its end.

        Raises:
            ToolHung: it did not end in time.
            ToolOutput: it printed too much.
        """
        out, err = _Kept(most), _Kept(_WORDS)
        try:
            with contextlib.closing(_exchange(self._process, self._stdin, out, err, self._deadline)) as portions:
                for _ in portions:
                    if out.over and not ends:
                        raise ToolOutput(f"{self._argv[0]}: stopped, because it printed more than {most:,} bytes.")
            code = self._process.wait(self._deadline.left())
        except (TimeoutError, subprocess.TimeoutExpired) as error:
            raise ToolHung(
                f"{' '.join(self._argv)}: no answer within {self._deadline.seconds:g} s, so it was killed.",
                hint="Look at the log of what it talks to.",
                output=err.value().decode(errors="replace")[-2000:],
            ) from error
        return Completed(argv=self._argv, code=code, stdout=out.value(), stderr=err.value())


@contextlib.contextmanager
def _started(
    argv: Sequence[str], stdin: int, env: Mapping[str, str] | None, pass_fds: Sequence[int], cwd: str | None
) -> Iterator[Process]:
    """A program with pipes to us. If we do not see it end, it is killed, with all that it has started."""
    try:
        process = subprocess.Popen(  # noqa: S603 - the one door to other programs
            list(argv),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(env),
            pass_fds=tuple(pass_fds),
            cwd=cwd,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise ToolMissing(f"{argv[0]}: not installed on this machine.", hint=_package_hint(argv[0])) from error
    except OSError as error:
        raise NodeError(f"{argv[0]}: cannot be started: {error.strerror}.") from error
    except ValueError as error:  # a NUL byte in a word, or half a character
        raise NodeError(f"{argv[0]!r}: cannot be started: {error}.") from error
    try:
        yield process
    except KeyboardInterrupt:
        _end(process, signal.SIGTERM, _TO_END)
        raise
    finally:
        if process.returncode is None:
            _end(process, signal.SIGKILL, 1.0)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _end(process: Process, sign: signal.Signals, seconds: float) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError, subprocess.TimeoutExpired):
        os.killpg(process.pid, sign)
        process.wait(seconds)


def _exchange(process: Process, typed: bytes, out: _Kept, err: _Kept, deadline: Deadline) -> Generator[None]:
    """Hand over what it reads and keep what it prints, until it has ended; comes back after each portion.

    Raises:
        TimeoutError: the deadline has passed.
    """
    pipes: list[_Kept | _Typed] = [out.of(process.stdout), err.of(process.stderr)]
    if process.stdin is not None:
        pipes.append(_Typed(process.stdin, typed))
    with selectors.DefaultSelector() as ready, _end_of(process.pid) as end:
        for pipe in pipes:
            os.set_blocking(pipe.fd, False)
            ready.register(pipe.fd, pipe.event, pipe)
        if end is not None:
            ready.register(end, selectors.EVENT_READ)
        while ready.get_map():
            if deadline.passed():
                raise TimeoutError
            events = [key for key, _ in ready.select(min(deadline.left(), _LONGEST))]
            if any(key.fd == end for key in events):
                break
            for key in events:
                if not key.data.go_on(_BLOCK):
                    ready.unregister(key.fd)
            yield
        for kept in (out, err):
            kept.go_on(_PIPE_HOLDS)
        yield


@contextlib.contextmanager
def _end_of(pid: int) -> Iterator[int | None]:
    """A descriptor that can be read once a process has ended; None where the kernel has none (before Linux 5.3)."""
    try:
        end = os.pidfd_open(pid)
    except OSError:
        yield None
        return
    try:
        yield end
    finally:
        os.close(end)


class _Typed:
    """What a program reads from a pipe."""

    event = selectors.EVENT_WRITE

    def __init__(self, pipe: IO[bytes], text: bytes) -> None:
        self._pipe = pipe
        self._left = memoryview(text)
        self.fd = pipe.fileno()

    def go_on(self, most: int) -> bool:
        """Hand over some bytes; False once nothing is left, or the program reads no more."""
        try:
            self._left = self._left[os.write(self.fd, self._left[:most]) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            self._left = self._left[:0]
        if not self._left:
            self._pipe.close()
        return bool(self._left)


class _Kept:
    """What a program prints into a pipe: at most so many bytes of its beginning, and of its end."""

    event = selectors.EVENT_READ
    fd = -1

    def __init__(self, most: int) -> None:
        self._most = most
        self._head, self._tail = bytearray(), bytearray()

    def of(self, pipe: IO[bytes] | None) -> Self:
        """It is read from there."""
        assert pipe is not None  # noqa: S101 - for mypy: we asked for a pipe
        self.fd = pipe.fileno()
        return self

    @property
    def over(self) -> bool:
        """It was more than fits into the beginning."""
        return bool(self._tail)

    def go_on(self, most: int) -> bool:
        """Take what is there, and stop after so many bytes; False at its end."""
        got = 0
        while got < most:
            try:
                block = os.read(self.fd, _BLOCK)
            except BlockingIOError:
                return True
            if not block:
                return False
            got += len(block)
            self._add(block)
        return True

    def _add(self, block: bytes) -> None:
        room = self._most - len(self._head)
        self._head += block[:room]
        self._tail += block[room:]
        if len(self._tail) > 2 * self._most:
            del self._tail[: -self._most]

    def value(self) -> bytes:
        """It."""
        return bytes(self._head + self._tail[-self._most :] if self._tail else self._head)


def spawn(
    argv: Sequence[str],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.DEVNULL,
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    new_session: bool = False,
) -> Process:
    """Start a program that runs beside us; the caller ends it and reaps it.

    Args:
        stdin, stdout, stderr: a file descriptor, or PIPE, or DEVNULL.
        new_session: detach it from our terminal and process group.

    Raises:
        ToolMissing: there is no such program.
        NodeError: the kernel would not start it, or there can be no such words.
    """
    try:
        return subprocess.Popen(  # noqa: S603 - the one door to other programs
            list(argv),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=_environment(env),
            pass_fds=tuple(pass_fds),
            start_new_session=new_session,
        )
    except FileNotFoundError as error:
        raise ToolMissing(f"{argv[0]}: not installed on this machine.", hint=_package_hint(argv[0])) from error
    except OSError as error:
        raise NodeError(f"{argv[0]}: cannot be started: {error.strerror}.") from error
    except ValueError as error:
        raise NodeError(f"{argv[0]!r}: cannot be started: {error}.") from error


def ended(process: Process, *, within: float) -> bool:
    """Wait so many seconds at most for a program to end; True once it has."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(within)
    return process.returncode is not None


_LET_GO: list[int] = []


def let_go(process: Process) -> None:
    """Wait for a program no more, which ends by itself. What has ended by the next time is reaped then."""
    for pid in list(_LET_GO):
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                continue
        _LET_GO.remove(pid)
    if process.poll() is None:
        _LET_GO.append(process.pid)
        process.returncode = 0  # for Popen it is over


def attach(argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> int:
    """Run a program on our own terminal, for as long as the person there likes, and return its exit code.

    Raises:
        ToolMissing: there is no such program.
    """
    with spawn(argv, env=env, stdin=0, stdout=1, stderr=2) as running:
        while True:
            try:
                code = running.wait()
            except KeyboardInterrupt:  # the terminal sent it to the program as well, which decides
                continue
            return code if code >= 0 else 128 - code


_PACKAGES = {
    "pacemaker-cli-utils": ("cibadmin", "crm_simulate", "crm_diff", "crm_resource", "crm_mon"),
    "mmdebstrap": ("mmdebstrap",),
    "systemd-container": ("systemd-nspawn",),
    "iproute2": ("ip",),
}


def _package_hint(program: str) -> str:
    for package, programs in _PACKAGES.items():
        if program in programs:
            return f"Install the package {package}."
    return ""
