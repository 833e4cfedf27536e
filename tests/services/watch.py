"""What is looked at while a service is under test: its client, processes and instances, and Pacemaker's logs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from pacewright.clock import SYSTEM_CLOCK, Deadline
from pacewright.lab import Lab
from pacewright.process import Process
from tests.services.episode import Episode
from tests.services.lives import Lives
from tests.services.operations import operations
from tests.services.seen import Seen
from tests.services.service import INSIDE, Service

__all__ = ["Watch"]

_PLACE = "/usr/local/lib/services"
_LOOK_EVERY = 0.1


class Watch:
    """A context manager: requests come while it is entered.

    Args:
        lab: with the service in it.
        folder: where the client's lines are kept.
    """

    def __init__(self, lab: Lab, service: Service, folder: Path) -> None:
        self._lab = lab
        self._service = service
        self._node = lab.nodes[0]
        self._file = folder / f"{service.name}.lines"
        self._read = 0
        self._client: Process | None = None
        self._seen = Seen()
        self._store = f"{service.store or service.name}_store"
        for name in ("client.py", f"{self._store}.py"):
            lab.write(self._node, f"{_PLACE}/{name}", (INSIDE / name).read_text(encoding="utf-8"))

    def __enter__(self) -> Self:
        """Let the requests begin."""
        places = [f"{node}={self._lab.address(node)}" for node in self._service.places(self._lab)]
        with self._file.open("wb") as output:
            argv = self._argv(str(self._service.rate), *places)
            self._client = self._lab.spawn(self._node, argv, stdout=output.fileno(), stderr=2)
        self._lives = Lives(self._lab, self._service.process, self._service.parent)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them."""
        self._lives.close()
        if self._client is not None:
            self._client.kill()
            self._client.wait()

    def _argv(self, *words: str) -> tuple[str, ...]:
        return ("python3", f"{_PLACE}/client.py", self._store, self._service.front, *words)

    # --- what there is to see

    @property
    def seen(self) -> Seen:
        """What the client has seen so far."""
        assert self._client is None or self._client.poll() is None, "the client has ended"
        with self._file.open("rb") as file:
            file.seek(self._read)
            whole, _, _ = file.read().rpartition(b"\n")
        if whole:
            self._read += len(whole) + 1
            self._seen.take(whole.split(b"\n"))
        return self._seen

    def stored(self) -> set[int]:
        """Every number that is there now."""
        return set(json.loads(self._lab.run(self._node, self._argv("--stored"), timeout=60).checked().stdout))

    def since(self, began: float) -> Episode:
        """What has happened since a moment."""
        ended = SYSTEM_CLOCK.now()
        seen = self.seen
        return Episode(
            began=began,
            ended=ended,
            pause=self._service.pause,
            lives=self._lives.all(),
            looks=tuple(seen.looks),
            requests=tuple(seen.between(began, ended)),
            operations=operations(self._lab, self._service.primitive, since=began),
        )

    # --- waiting

    def wait(self, seconds: float, so: Callable[[], bool], what: str) -> None:
        """Return when something is so; a failed test if that takes too long."""
        deadline = Deadline.after(seconds)
        while not so():
            assert not deadline.passed(), f"not within {seconds:g} s: {what}; {self._how_it_is()}"
            SYSTEM_CLOCK.sleep(_LOOK_EVERY)

    def linger(self, seconds: float) -> None:
        """Let the requests go on for a while."""
        SYSTEM_CLOCK.sleep(seconds)

    def settle(self) -> None:
        """Return when every instance answers in its role, requests are served, and the cluster has nothing to do."""
        argv = ["crm_resource", "--wait", "--timeout", f"{self._service.start_seconds:.0f}s"]
        self._lab.run(self._node, argv, timeout=self._service.start_seconds + 10)
        self.wait(self._service.start_seconds, self._well, "every instance answers, and requests are served")

    def _well(self) -> bool:
        last = self.seen.requests[-6:]
        roles = [look.role for look in self.seen.now().values() if look.role]
        wanted = len(self._service.places(self._lab)) if self._service.everywhere else 1
        return (
            len(roles) == wanted
            and roles.count("promoted") == self._service.promoted
            and len(last) == 6
            and not any(request.error for request in last)
            and last[-1].ended > SYSTEM_CLOCK.now() - 3
        )

    def _how_it_is(self) -> str:
        instances = {look.node: look.role or "no answer" for look in self.seen.now().values()}
        errors = [request.error for request in self.seen.requests[-6:] if request.error]
        status = self._lab.run(self._node, ["crm_mon", "-1"], timeout=20).stdout.decode()
        return f"instances: {instances}; last errors: {errors}\n{status}"
