"""Start a program that outlives us, inside given control groups. Run as a file by `sys.executable`, not imported.

    python3 launch.py LOG CGROUP[:CGROUP...] AGAIN PROGRAM [ARGUMENT...]

It has to be a process of its own because a program must be in its control group before its first instruction:
systemd-nspawn looks where it is. The launcher stays as the program's parent and starts it once more whenever it ends
with the exit code AGAIN: with --keep-unit, systemd-nspawn ends with 133 when the machine in it reboots
(systemd-nspawn(1)). The first process exits with 0 once all is set up.
"""

import os
import sys
from pathlib import Path


def main() -> None:
    """Detach, enter the control groups, keep the program running."""
    log, groups, again, *argv = sys.argv[1:]
    ready, told = os.pipe()
    if os.fork():
        os.close(told)
        os._exit(1 if os.read(ready, 1) else 0)
    os.close(ready)
    try:
        os.setsid()
        for group in groups.split(":"):
            Path(group, "cgroup.procs").write_text(str(os.getpid()))
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
    except OSError as error:
        os.write(told, b"1")
        sys.exit(f"{argv[0]}: {error}")
    os.close(told)
    while os.waitstatus_to_exitcode(os.waitpid(start(argv), 0)[1]) == int(again):
        pass


def start(argv: list[str]) -> int:
    """The process id of the program, started."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - the end of a chain that pacewright.process started
    except OSError as error:
        sys.stderr.write(f"{argv[0]}: {error}\n")
        sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    main()
