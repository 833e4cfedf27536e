"""One cluster for many tests, whole again after every one of them.

PACEWRIGHT_LAB_DISTRO chooses the nodes' release: bookworm (Pacemaker 2.1, the default) or trixie (3.0).
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pacewright import lab as labs
from pacewright.errors import NodeError
from pacewright.lab import Lab
from tests.lab.services import Counted, install

pytest.register_assert_rewrite("tests.lab.neutron_promises")  # so that what fails there says what it saw

PACKAGES = ("curl", "haproxy")
"""What the demo's nodes have too, so that one root file system serves all."""


LONGEST = (
    "test_openstack.py",
    "test_lab.py",
    "test_services.py",
    "test_service.py",
    "test_puppet.py",
    "test_refresh.py",
)
"""Files whose tests take minutes: the longest first, but not the two at once that need most of the processor."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first: of two workers none is left with one of them when the other has nothing to do.

    pytest-xdist keeps that with --no-loadscope-reorder; by itself it begins with the files that have the most tests.
    """
    rank = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(LONGEST)))


@pytest.fixture(scope="session")
def whole_session_lab() -> Iterator[Lab]:
    """The three-node lab that all tests of this session share."""
    if os.geteuid() != 0:
        pytest.exit("the lab tests need root; without: script/test --unit", returncode=9)
    remove_labs_of_dead_sessions()
    distro = os.environ.get("PACEWRIGHT_LAB_DISTRO", "bookworm")
    made = labs.up(f"test-{os.getpid()}", distro=distro, packages=PACKAGES)
    yield made
    made.down()


@pytest.fixture(scope="session")
def counted_services(whole_session_lab: Lab) -> Counted:
    """Services that count their own starts, made once in the shared lab."""
    return install(whole_session_lab)


@pytest.fixture
def lab(whole_session_lab: Lab) -> Iterator[Lab]:
    """The shared lab: three nodes on, quorum, a DC, fencing. The same is true when the test has ended."""
    yield whole_session_lab
    whole_again(whole_session_lab)


def whole_again(lab: Lab) -> None:
    """Undo every fault, and wait until the cluster has recovered; fails if it does not."""
    for node in lab.nodes:
        lab.heal(node)
        lab.thaw(node)
        lab.boot(node)
    lab.wait_quorate(60)


def remove_labs_of_dead_sessions() -> None:
    """A session that was killed could not do it itself."""
    for name in labs.existing():
        owner = re.fullmatch(r"test-(\d+)(-.*)?", name)
        if owner and not Path("/proc", owner[1]).exists():
            with contextlib.suppress(NodeError):  # another worker of this run is at it
                labs.down(name)
