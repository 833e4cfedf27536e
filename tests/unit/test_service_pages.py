"""The pages about services are what `script/services` sets up; here they are read by the real readers."""

from __future__ import annotations

from pathlib import Path

import pytest

from pacewright.service import settings_file as config
from tests.services.known import SERVICES
from tests.services.page import PAGES, Page

SETTINGS = "/etc/pacewright/services.yaml"


def test_every_service_has_a_page_which_the_index_names() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} - {"README"} == set(SERVICES)
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    assert [name for name in SERVICES if f"({name}.md)" not in index] == []


@pytest.mark.parametrize("name", SERVICES)
def test_the_settings_on_a_page_are_read(name: str, tmp_path: Path) -> None:
    file = tmp_path / "services.yaml"
    file.write_text(Page.read(name).files[SETTINGS], encoding="utf-8")
    assert name in config.load(file).services


@pytest.mark.parametrize("name", SERVICES)
def test_a_page_makes_the_resources_that_are_counted(name: str) -> None:
    commands = Page.read(name).commands
    made = {command[3] for command in commands if command[:3] == ("pcs", "resource", "create")}
    assert SERVICES[name].primitive in made


def test_how_a_page_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.services.page.PAGES", tmp_path)
    blocks = "    # /etc/it.conf\n    a\n\n    b\n\n    pcs resource create it x\n    pcs constraint y\n"
    (tmp_path / "it.md").write_text(f"# It\n\nWords.\n\n{blocks}\nWords.\n")
    page = Page.read("it")
    assert page.files == {"/etc/it.conf": "# /etc/it.conf\na\n\nb\n"}
    assert page.commands == (("pcs", "resource", "create", "it", "x"), ("pcs", "constraint", "y"))
