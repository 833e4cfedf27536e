"""Start a program that outlives us, inside given control groups. Run as a file by `sys.executable`, not imported.

    python3 launch.py LOG CGROUP[:CGROUP...] PROGRAM [ARGUMENT...]

It has to be a process of its own because a program must be in its control group before its first instruction:
systemd-nspawn looks where it is. Exits with 0 once the program has started.
"""

import os
import sys
from pathlib import Path


def main() -> None:
    """Detach, enter the control groups, become the program."""
    log, groups, *argv = sys.argv[1:]
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
        os.execvp(argv[0], argv)  # noqa: S606 - the end of a chain that pacewright.process started
    except OSError as error:
        Path(log).open("a").write(f"{argv[0]}: {error}\n")  # noqa: SIM115
        os.write(told, b"1")
        os._exit(1)


if __name__ == "__main__":
    main()
