"""One lab for each service, shared by the tests of it; and the figures, shown in the end.

PACEWRIGHT_LAB_DISTRO chooses the nodes' release, PACEWRIGHT_SERVICES the services: names with a space between.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pacewright import lab as labs
from tests.lab.conftest import remove_labs_of_dead_sessions
from tests.services.known import SERVICES
from tests.services.scenario import Scenario, stage

CHOSEN = os.environ.get("PACEWRIGHT_SERVICES", "").split() or list(SERVICES)


@pytest.fixture(scope="module", params=CHOSEN)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenario]:
    """A service on a lab of its own."""
    if os.geteuid() != 0:
        pytest.exit("tests of services need root; without: script/test --unit", returncode=9)
    service = SERVICES[request.param]
    remove_labs_of_dead_sessions()
    distro = os.environ.get("PACEWRIGHT_LAB_DISTRO", "bookworm")
    name = f"test-{os.getpid()}-{service.name}"[:20]  # as long as a lab's name may be
    lab = labs.up(name, nodes=service.nodes, distro=distro, packages=service.packages)
    try:
        with stage(lab, service, tmp_path_factory.mktemp(service.name)) as made:
            yield made
    finally:
        lab.down()


@pytest.fixture
def scenario(running: Scenario) -> Iterator[Scenario]:
    """Every instance runs with a good config. So it does when the test has ended."""
    running.watch.settle()
    yield running
    running.watch.settle()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was measured: a line for each way to restart a service."""
    passed = terminalreporter.getreports("passed")
    measured = [row for report in passed for name, row in report.user_properties if name == "figures"]
    if measured:
        terminalreporter.section("restarts of services under requests")
    for row in measured:
        terminalreporter.write_line(", ".join(f"{name}: {value}" for name, value in dict(row).items()))
