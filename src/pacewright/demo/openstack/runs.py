"""Puppet on the nodes: the site put in place, and its catalog applied on one node or on several at the same time."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from pacewright import process
from pacewright.clock import SYSTEM_CLOCK, Clock
from pacewright.lab import Lab

__all__ = ["Run", "apply", "apply_everywhere", "change_data", "install"]

_ENVIRONMENT = "/etc/puppet/code/environments/production"
_CHANGE = f"{_ENVIRONMENT}/data/change.yaml"
_RUN_SECONDS = 400.0

# Debian installs more than puppet-neutron needs here, and each module's facts are asked for in every run: that of
# rabbitmq alone starts Erlang three times.
_MODULES = ("concat", "inifile", "keystone", "mysql", "neutron", "openstacklib", "oslo", "stdlib", "sysctl", "vswitch")

_CHANGED, _FAILED = 2, 4
"""Bits of the exit code with --detailed-exitcodes; 1 is a run that did not come to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of one run of Puppet.

    Attributes:
        code: 0 nothing to do, 2 changes, 4 failures, 6 both, 1 no catalog; negative if a signal ended it.
        said: the lines it printed.
        began, ended: seconds since the epoch.
    """

    node: str
    code: int
    said: tuple[str, ...]
    began: float
    ended: float

    @property
    def failed(self) -> bool:
        """Whether something in it failed."""
        return self.code not in {0, _CHANGED}

    def lines(self, pattern: str) -> list[str]:
        """The lines that match a regular expression."""
        return [line for line in self.said if re.search(pattern, line)]

    @property
    def changed(self) -> list[str]:
        """What Puppet says that it changed or refreshed."""
        return [line for line in self.lines(r"^Notice: /Stage") if not re.search(r"/returns: ", line)]


def install(lab: Lab, modules: Mapping[str, Path] | None = None) -> None:
    """Put the site, and modules that are not Debian's, on every node.

    Args:
        modules: their folders on this machine, by the name that Puppet knows them by.
    """
    with as_file(files(__package__) / "puppet") as site, tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "tree"
        shutil.copytree(site, tree)
        for name, folder in (modules or {}).items():
            shutil.copytree(folder, tree / "modules" / name)
        for path in (tree, *tree.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        for name in _MODULES:
            (tree / "modules").mkdir(exist_ok=True)
            (tree / "modules" / name).symlink_to(f"/usr/share/puppet/modules/{name}")
        archive = process.run(["tar", "--create", "--owner=0", "--group=0", "--directory", str(tree), "."], timeout=30)
        for node in lab.nodes:
            lab.run(node, ["mkdir", "--parents", _ENVIRONMENT]).checked()
            lab.run(node, ["tar", "--extract", "--directory", _ENVIRONMENT], stdin=archive.checked().stdout).checked()


def change_data(lab: Lab, text: str, nodes: Sequence[str] | None = None) -> None:
    """What is changed in the data while the site runs; it stands before what all nodes have in common."""
    for node in nodes or lab.nodes:
        lab.write(node, _CHANGE, text)


def apply(
    lab: Lab,
    node: str,
    *options: str,
    manifest: str = "site.pp",
    timeout: float = _RUN_SECONDS,
    clock: Clock = SYSTEM_CLOCK,
) -> Run:
    """One run on one node, to its end."""
    command = [
        "puppet",
        "apply",
        "--color=false",
        "--detailed-exitcodes",
        *options,
        f"{_ENVIRONMENT}/manifests/{manifest}",
    ]
    began = clock.now()
    done = lab.run(node, command, timeout=timeout, env={"LC_ALL": "C.UTF-8"})
    said = (done.stdout + done.stderr).decode(errors="replace").splitlines()
    return Run(node=node, code=done.code, said=tuple(said), began=began, ended=clock.now())


def apply_everywhere(
    lab: Lab, *options: str, nodes: Sequence[str] | None = None, manifest: str = "site.pp"
) -> tuple[Run, ...]:
    """A run on every node, all begun at the same time; returns when all have ended."""

    def one(node: str) -> Run:
        return apply(lab, node, *options, manifest=manifest)

    with ThreadPoolExecutor() as pool:
        return tuple(pool.map(one, nodes or lab.nodes))
