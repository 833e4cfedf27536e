"""Puppet on the nodes: the site put in place, and what comes of a run."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import pacewright
from pacewright import process
from pacewright.errors import NodeError
from pacewright.lab import Lab

__all__ = ["ENVIRONMENT", "MANIFESTS", "Run", "Way", "agent", "apply", "install"]

ENVIRONMENT = "/etc/puppet/code/environments/production"
MANIFESTS = f"{ENVIRONMENT}/manifests"

_CHANGED = 2
"""Of the exit codes with --detailed-exitcodes: changes, and no failure."""

_ALWAYS = ("--color=false", "--detailed-exitcodes", "--log_level=notice")

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How Puppet on the nodes comes to its catalog.

    Attributes:
        homes: the nodes that have the site (manifests, data, modules), each for itself or one for all.
        words: what a run is, without the options that all runs have.
    """

    homes: tuple[str, ...]
    words: tuple[str, ...]

    def command(self, *options: str) -> list[str]:
        """One run of Puppet, with all manifests of the site."""
        return ["puppet", *self.words, *_ALWAYS, *options]


def apply(lab: Lab) -> Way:
    """Each node makes its own from what is on it."""
    return Way(homes=lab.nodes, words=("apply", MANIFESTS))


def agent(server: str) -> Way:
    """The Puppet server on that node makes it, and sends with it whatever the run needs of the modules."""
    once = ("--onetime", "--no-daemonize", "--no-usecacheonfailure", "--logdest=console")
    return Way(homes=(server,), words=("agent", *once))


def install(lab: Lab, homes: Iterable[str]) -> None:
    """Put the site, and Pacewright's module, on nodes.

    Raises:
        NodeError: this source of Pacewright has no module beside it.
    """
    module = Path(pacewright.__file__).parents[2] / "integrations/puppet"
    if not module.is_dir():
        raise NodeError(f"{module}: not there.", hint="Neutron's demo and tests run from a checkout of the source.")
    with as_file(files(__package__) / "puppet") as site, tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "tree"
        shutil.copytree(site, tree)
        shutil.copytree(module, tree / "modules/pacewright")
        for name in _MODULES:
            (tree / "modules" / name).symlink_to(f"/usr/share/puppet/modules/{name}")
        tree.chmod(0o755)
        archive = process.run(["tar", "--create", "--owner=0", "--group=0", "--directory", str(tree), "."], timeout=30)
        for node in homes:
            lab.run(node, ["rm", "--recursive", "--force", ENVIRONMENT]).checked()
            lab.run(node, ["mkdir", "--parents", ENVIRONMENT]).checked()
            lab.run(node, ["tar", "--extract", "--directory", ENVIRONMENT], stdin=archive.checked().stdout).checked()
