"""Puppet on the nodes: the site put in place, and what comes of a run."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from pacewright import process
from pacewright.lab import Lab

__all__ = ["ENVIRONMENT", "Run", "change_data", "command", "install"]

ENVIRONMENT = "/etc/puppet/code/environments/production"
_CHANGE = f"{ENVIRONMENT}/data/change.yaml"

_CHANGED = 2
"""Of the exit codes with --detailed-exitcodes: changes, and no failure."""

# Debian installs more than puppet-neutron needs here, and each module's facts are asked for in every run: that of
# rabbitmq alone starts Erlang three times.
_MODULES = ("concat", "inifile", "keystone", "mysql", "neutron", "openstacklib", "oslo", "stdlib", "sysctl", "vswitch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of one run of Puppet.

    Attributes:
        code: 0 nothing to do, 2 changes, 4 failures, 6 both, 1 no catalog; None if it was ended from outside.
        said: the lines it printed.
        seconds: how long it took.
    """

    node: str
    code: int | None
    said: tuple[str, ...]
    seconds: float

    @property
    def well(self) -> bool:
        """Whether nothing in it failed."""
        return self.code in {0, _CHANGED}

    def lines(self, pattern: str) -> list[str]:
        """The lines in which a regular expression is found."""
        return [line for line in self.said if re.search(pattern, line)]

    @property
    def synced(self) -> bool:
        """Whether it brought the database's tables up to date."""
        return bool(self.lines(r"Exec\[neutron-db-sync\]: Triggered 'refresh'"))


def install(lab: Lab, modules: Mapping[str, Path] | None = None) -> None:
    """Put the site, and modules that are not Debian's, on every node.

    Args:
        modules: their folders on this machine, by the name that Puppet knows them by.
    """
    with as_file(files(__package__) / "puppet") as site, tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "tree"
        shutil.copytree(site, tree)
        (tree / "modules").mkdir()
        for name, folder in (modules or {}).items():
            shutil.copytree(folder, tree / "modules" / name)
        for name in _MODULES:
            (tree / "modules" / name).symlink_to(f"/usr/share/puppet/modules/{name}")
        tree.chmod(0o755)
        archive = process.run(["tar", "--create", "--owner=0", "--group=0", "--directory", str(tree), "."], timeout=30)
        for node in lab.nodes:
            lab.run(node, ["rm", "--recursive", "--force", ENVIRONMENT]).checked()
            lab.run(node, ["mkdir", "--parents", ENVIRONMENT]).checked()
            lab.run(node, ["tar", "--extract", "--directory", ENVIRONMENT], stdin=archive.checked().stdout).checked()


def change_data(lab: Lab, text: str, nodes: Sequence[str] | None = None) -> None:
    """What is changed in the data while the site runs; it stands before what all nodes have in common."""
    for node in nodes or lab.nodes:
        lab.write(node, _CHANGE, text)


def command(*options: str, manifest: str = "site.pp") -> list[str]:
    """One run of Puppet."""
    fixed = ["--color=false", "--detailed-exitcodes", "--log_level=notice"]
    return ["puppet", "apply", *fixed, *options, f"{ENVIRONMENT}/manifests/{manifest}"]
