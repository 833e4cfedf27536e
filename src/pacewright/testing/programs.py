"""Programs made by hand, in the place of Pacemaker's and systemd's, that record every call."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from pacewright.frozen import frozen
from pacewright.process import Completed, run

__all__ = ["FakeTools"]


@frozen
class FakeTools:
    """A folder that comes first in PATH.

    Attributes:
        folder: the programs.
        calls: the file to which each of them adds a line with its name and arguments.
    """

    folder: Path
    calls: Path

    @classmethod
    def below(cls, path: Path) -> FakeTools:
        """An empty folder of programs."""
        tools = cls(folder=path / "bin", calls=path / "calls")
        tools.folder.mkdir()
        tools.calls.write_text("", encoding="utf-8")
        return tools

    def add(self, name: str, script: str) -> None:
        """A program, as the body of a shell script."""
        record = f'printf "%s" {shlex.quote(name)} >>{self.calls}\nprintf " %s" "$@" >>{self.calls}\n'
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{record}echo >>{self.calls}\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def prints(self, name: str, output: bytes, *, code: int = 0) -> None:
        """A program that always prints the same."""
        file = self.folder.parent / f"{name}.out"
        file.write_bytes(output)
        self.add(name, f"cat {shlex.quote(str(file))}\nexit {code}")

    def systemd(self, units: Mapping[str, Mapping[str, str]]) -> None:
        """A systemctl that tells these properties of units; of any other that it is there, and off."""
        told = "\n".join(
            f"{shlex.quote(f'{unit}:{name}')}) v={shlex.quote(value)} ;;"
            for unit, values in units.items()
            for name, value in values.items()
        )
        self.add("systemctl", _SYSTEMCTL.replace("TOLD", told))

    def called(self, name: str) -> list[str]:
        """The arguments of each call of a program."""
        lines = self.calls.read_text(encoding="utf-8").splitlines()
        return [line.partition(" ")[2] for line in lines if line.partition(" ")[0] == name]

    def path(self) -> str:
        """A PATH with these programs and a few plain ones, but none of Pacemaker's or systemd's.

        But for crm_mon, if it is installed: it is asked what a CIB means, and touches no cluster.
        """
        plain = self.folder.parent / "plain"
        if not plain.exists():
            plain.mkdir()
            for name in ("cat", "sh", "printf", "echo", "sleep"):
                (plain / name).symlink_to(f"/bin/{name}")
            if found := shutil.which("crm_mon", path="/usr/sbin:/usr/bin:/sbin:/bin"):
                (plain / "crm_mon").symlink_to(found)
        return f"{self.folder}:{plain}"

    def pacewright(
        self, *arguments: str, env: Mapping[str, str] | None = None, stdout: str = "", member: bool = True
    ) -> Completed:
        """Run the command line as a process of its own, with these programs in PATH.

        Args:
            arguments: what follows `pacewright`.
            env: variables added.
            stdout: a shell redirection for it, such as `>&-` (closed).
            member: this machine is meant to be a member of a cluster.
        """
        conf = self.folder.parent / "corosync.conf"
        conf.write_text("nodelist {\n node {\n name: n1\n }\n}\n", encoding="utf-8")
        placed = conf if member else conf.with_suffix(".none")
        argv = [sys.executable, "-c", _LAUNCHER, str(self.folder.parent), str(placed), *arguments]
        if stdout:
            argv = ["/bin/sh", "-c", f"{shlex.join(argv)} {stdout}"]
        ours = {
            "PATH": self.path(),
            "PYTHONWARNINGS": "error",
            "PACEWRIGHT_HISTORY": str(self.folder.parent / "history.jsonl"),
        }
        return run(argv, timeout=60, env={**ours, **(env or {})})


_SYSTEMCTL = """
[ "$1" = show ] || exit 0
while [ "$1" != -- ]; do
    case $1 in
        --value) value=yes ;;
        --property) properties=$2; shift ;;
        --property=*) properties=${1#*=} ;;
    esac
    shift
done
shift
first=yes IFS=,
for unit; do
    [ -n "$first" ] || echo
    first=
    for property in $properties; do
        case $unit:$property in
TOLD
            *:Id | *:Names) v=$unit ;;
            *:LoadState) v=loaded ;;
            *:ActiveState) v=inactive ;;
            *) v= ;;
        esac
        if [ -n "$value" ]; then echo "$v"; else echo "$property=$v"; fi
    done
done
"""
_LAUNCHER = """
import sys
from pathlib import Path
from pacewright import process
from pacewright.cluster.tools import cibadmin
from pacewright.cluster.cib import parse as reading
from pacewright.node import place

folder, conf = sys.argv[1:3]
process._SBIN = folder  # this machine's own Pacemaker must stay out of it
cibadmin._ON_DISK_CIB = folder + "/cib.xml"
for function in (place.is_cluster_node, place.configured_nodes, place.configured_here):
    function.__defaults__ = (Path(conf),)
place._REMOTED = folder + "/pacemaker-remoted"
place._REMOTE_KEYS = (folder + "/authkey",)
place.local_names = lambda: ("n1",)
reading.read.__kwdefaults__["timeout"] = 2.0
from pacewright.cli.main import main
sys.exit(main(sys.argv[3:]))
"""
