"""Where Pacemaker's programs are not installed, tests that would ask them are left out, and say so."""

from __future__ import annotations

import shutil
from typing import NoReturn

import pytest

from pacewright.cluster.tools import crm_mon, crm_simulate


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The model check takes a minute: it begins first, so that no worker is left alone with it in the end."""
    items.sort(key=lambda item: item.path.name != "test_model.py" or item.path.parent.name != "unit")


def left_out(cib: bytes, *, timeout: float = 0.0) -> NoReturn:
    """Skip the test, or the whole file if it asks while it is read."""
    pytest.skip(
        "it asks Pacemaker's programs, which are not installed (package pacemaker-cli-utils)", allow_module_level=True
    )


if shutil.which("crm_mon", path="/usr/sbin:/usr/bin:/sbin:/bin") is None and shutil.which("crm_mon") is None:
    crm_mon.status = crm_simulate.scores = left_out
