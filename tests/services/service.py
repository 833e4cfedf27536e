"""What differs between the services: one module here for each. The scenario is the same for all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from pacewright.lab import Lab
from tests.services.page import Page

__all__ = ["ADDRESS", "INSIDE", "Service"]

ADDRESS = "10.88.0.100"
"""Where clients find a service, if an address of the cluster follows it."""
INSIDE = Path(__file__).parent / "inside"
"""What runs in the nodes: the client, and what it needs to know of each service."""


class Service(ABC):
    """A service from Debian's packages. Its page, docs/services/NAME.md, has its files and its resources.

    Attributes:
        name: as in services.yaml; also of its page.
        packages: Debian's, beyond those of every node.
        primitive: the resource whose instances are counted.
        top: the outermost resource, which `pcs resource restart` is given.
        process: the name of an instance's main process, as /proc/PID/comm has it.
        store: what tells the client of it, `inside/STORE_store.py`; empty for the service's own name.
        parent: the name of that process's parent: init's, for what daemonizes and for a unit of systemd.
        front: where clients go.
        everywhere: an instance on every node; else one that is in one place.
        promoted: so many instances are promoted; 0 if it has no roles.
        max_unavailable: so many instances may be down at once.
        processes: main processes that one restart of the promoted instance may bring about: some agents restart the
            server for a demote.
        pause: seconds for which an instance that runs may not answer without being down: some agents pause clients.
        rate: requests a second.
        nodes: how many the lab has.
        start_seconds: how long the whole service may take to come up.
        patience: seconds that one call of `pacewright` or pcs may take.
        wiped: commands that put in again by hand what is gone when all instances have been stopped at once, less what
            clients had written; none for a service that keeps what it has.
    """

    name: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]
    primitive: ClassVar[str]
    top: ClassVar[str]
    process: ClassVar[str]
    parent: ClassVar[str] = "systemd"
    store: ClassVar[str] = ""
    front: ClassVar[str] = ADDRESS
    everywhere: ClassVar[bool] = True
    promoted: ClassVar[int] = 0
    max_unavailable: ClassVar[int] = 1
    processes: ClassVar[int] = 1
    pause: ClassVar[float] = 0.5
    rate: ClassVar[float] = 20.0
    nodes: ClassVar[int] = 3
    start_seconds: ClassVar[float] = 120.0
    patience: ClassVar[float] = 300.0
    wiped: ClassVar[tuple[tuple[str, ...], ...]] = ()

    @property
    def page(self) -> Page:
        """What its page says."""
        return Page.read(self.name)

    def places(self, lab: Lab) -> tuple[str, ...]:
        """The nodes that run an instance."""
        return lab.nodes

    def prepare(self, lab: Lab) -> None:
        """Everything on the nodes before there are resources: here the files of the page, the same on each."""
        for node in lab.nodes:
            for path, text in self.page.files.items():
                lab.write(node, path, text)

    def create(self, lab: Lab) -> None:
        """Its resources, by the commands of the page."""
        for command in self.page.commands:
            lab.run(lab.nodes[0], command, timeout=120).checked()

    def furnish(self, lab: Lab) -> None:
        """Put in what is put in by hand (`wiped`), once all are there: that is not so yet when pcs says so."""
        if self.wiped:
            wait = ["crm_resource", "--wait", "--timeout", f"{self.start_seconds:.0f}s"]
            lab.run(lab.nodes[0], wait, timeout=self.start_seconds + 10).checked()
        for command in self.wiped:
            lab.run(lab.nodes[0], command, timeout=60).checked()

    @abstractmethod
    def configure(self, lab: Lab, node: str, version: str) -> None:
        """Write its config on a node. A running instance tells the version that it was started with (`state`).

        Args:
            version: a number of four digits.
        """

    @abstractmethod
    def spoil(self, lab: Lab, node: str) -> None:
        """Write a config on a node with which no instance starts."""
