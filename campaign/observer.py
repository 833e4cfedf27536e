"""What an observer sees during a run: each node's CIB, twice a second, and the web service's answers."""

from __future__ import annotations

import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from campaign.lab_access import Site
from pacewright.clock import SYSTEM_CLOCK
from pacewright.errors import PacewrightError
from pacewright.lab import Lab
from pacewright.process import Process, spawn

__all__ = ["Answer", "CibObserver", "Poller", "Sample", "marks", "revisions"]

_PAUSE = 0.5
_REVISION = "pacewright_revision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A node's CIB at a moment; only those are kept that differ from the one before.

    Attributes:
        marks: everything in its configuration that has our name on it.
    """

    at: float
    node: str
    quorate: bool
    dc: str
    epoch: str
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the web service on a node answered; `config` is `-` if it did not."""

    at: float
    node: str
    config: str


def marks(root: ET.Element) -> tuple[str, ...]:
    """Everything in a CIB's configuration that has our name on it, as one line each."""
    configuration = root.find("configuration")
    found = []
    for parent in configuration.iter() if configuration is not None else ():
        for child in parent:
            told = " ".join(f"{name}={value}" for name, value in child.items())
            if "pacewright" in told and "fence_pacewright" not in told:
                found.append(f"{parent.get('uname') or parent.get('id') or parent.tag}: {child.tag} {told}")
    return tuple(found)


def revisions(found: tuple[str, ...], primitive: str, node: str) -> str:
    """The revision that an instance starting on a node would get, read from marks."""
    default = ""
    for mark in found:
        if f"name={_REVISION} " in mark + " ":
            value = mark.rpartition("value=")[2]
            if mark.startswith(f"{primitive}-pacewright-{node}: "):
                return value
            if mark.startswith(f"{primitive}-") and f"{primitive}-pacewright-" not in mark.split(":")[0]:
                default = value
    return default


class CibObserver:
    """Reads every node's CIB in threads of its own, with Pacemaker's own command."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._samples: list[Sample] = []
        self._documents: dict[str, bytes] = {}

    def __enter__(self) -> Self:
        for node in self._site.lab.nodes:
            thread = threading.Thread(target=self._observe, args=(node,), daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    @property
    def samples(self) -> tuple[Sample, ...]:
        """In the order of time."""
        return tuple(sorted(self._samples, key=lambda sample: sample.at))

    @property
    def documents(self) -> Mapping[str, bytes]:
        """The last CIB of each node, as evidence."""
        return self._documents

    def _observe(self, node: str) -> None:
        last: Sample | None = None
        while not self._over.wait(_PAUSE):
            sample = self._look(node)
            if sample is not None and (last is None or _essence(sample) != _essence(last)):
                self._samples.append(sample)
                last = sample

    def _look(self, node: str) -> Sample | None:
        try:
            document = self._site.cib(node, timeout=4)
        except (PacewrightError, OSError):
            return None
        self._documents[node] = document
        root = ET.fromstring(document)  # noqa: S314 - the cluster's own
        return Sample(
            at=SYSTEM_CLOCK.now(),
            node=node,
            quorate=root.get("have-quorum") == "1",
            dc=root.get("dc-uuid", ""),
            epoch=root.get("epoch", ""),
            marks=marks(root),
        )


def _essence(sample: Sample) -> tuple[object, ...]:
    return sample.quorate, sample.dc, sample.epoch, sample.marks


class Poller:
    """The web service asked 5 times a second on each node, from beside the nodes."""

    def __init__(self, lab: Lab, log: Path) -> None:
        program = str(Path(__file__).parent / "inside/poller.py")
        addresses = [f"{node}={lab.address(node)}" for node in lab.nodes]
        self._log = log
        self._process: Process = spawn(lab.outside(["python3", program, str(log), *addresses]))

    def answers(self, since: float) -> Iterator[Answer]:
        """What it has seen since a moment."""
        for line in self._log.read_text(encoding="utf-8").splitlines():
            at, _, rest = line.partition(" ")
            node, _, config = rest.partition(" ")
            if config and float(at) >= since:
                yield Answer(at=float(at), node=node, config=config)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
