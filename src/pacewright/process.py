"""The only module that starts processes: argument lists, no shell, always a time-out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pacewright.errors import NodeError, ToolFailed, ToolHung, ToolMissing

__all__ = ["DEVNULL", "PIPE", "Completed", "Process", "attach", "run", "spawn"]

Process = subprocess.Popen[bytes]

PIPE = subprocess.PIPE
DEVNULL = subprocess.DEVNULL

_SBIN = "/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
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
        "LC_ALL": "C",
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
) -> Completed:
    """Run a program to its end and return what it said, whatever its exit code.

    Args:
        argv: the program and its arguments; the program is looked up in PATH, then in the sbin folders.
        timeout: seconds after which it is killed.
        stdin: what it reads on standard input.
        env: variables added to a clean environment (PATH, LC_ALL=C, HOME).
        pass_fds: open file descriptors it inherits under the same numbers.
        cwd: the folder to run it in.

    Raises:
        ToolMissing: there is no such program.
        ToolHung: it did not end within the time-out.
        NodeError: the kernel would not start it.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the one door to other programs
            list(argv),
            input=stdin,
            capture_output=True,
            timeout=timeout,
            env=_environment(env),
            pass_fds=tuple(pass_fds),
            cwd=cwd,
            check=False,
        )
    except FileNotFoundError as error:
        raise ToolMissing(f"{argv[0]}: not installed on this machine.", hint=_package_hint(argv[0])) from error
    except subprocess.TimeoutExpired as error:
        said = (error.stderr or b"").decode(errors="replace")
        raise ToolHung(
            f"{' '.join(argv)}: no answer within {timeout:g} s, so it was killed.",
            hint="Look at the log of what it talks to.",
            output=said[-2000:],
        ) from error
    except OSError as error:
        raise NodeError(f"{argv[0]}: cannot be started: {error.strerror}.") from error
    return Completed(argv=tuple(argv), code=done.returncode, stdout=done.stdout, stderr=done.stderr)


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
