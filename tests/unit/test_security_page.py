"""docs/security.md is held against the program, where that is cheap: paths, modes, owners, programs, bounds."""

from __future__ import annotations

import ast
import os
import re
import shutil
from pathlib import Path

import pytest

import pacewright
from pacewright import process
from pacewright.lab import deb, paths
from pacewright.node import fingerprint
from pacewright.record import log
from pacewright.service.settings import DEFAULT_PATH

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
ROWS = re.findall(r"^\| `(/[^`]+)` \| (0\d{3}) \| (\w+:\w+) \|", PAGE, re.MULTILINE)
LAB = {str(paths.CACHE), f"{paths.LABS}/NAME", f"{paths.RUN}/NAME"}
"""Their modes are looked at in tests/lab/test_lab.py."""


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="without dpkg-deb")
def test_what_the_package_brings_is_on_the_page_as_it_is(tmp_path: Path) -> None:
    package = str(deb.build(tmp_path, compression="none"))
    listed = process.run(["dpkg-deb", "--contents", package], timeout=20).checked().stdout.decode()
    brought = {line.split()[5].lstrip(".").rstrip("/"): line.split()[0] for line in listed.splitlines()}
    by_program = {str(log.DEFAULT_PATH)}
    for path, mode, owner in ROWS:
        if path in LAB | by_program:
            continue
        assert _octal(brought[path]) == mode, path
        assert owner == ("root:adm" if "chgrp adm " + path in deb._POSTINST else "root:root")
    named = {path for path, _, _ in ROWS}
    for path, mode in brought.items():
        if mode.startswith("-") and not path.startswith("/usr/share/doc/"):
            assert path in named or str(Path(path).parent).startswith("/usr/lib/python3"), path


def _octal(mode: str) -> str:
    bits = "".join("0" if letter == "-" else "1" for letter in mode[1:10])
    return f"0{int(bits, 2):03o}"


def test_the_history_has_the_mode_that_the_page_says(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        log.Log(tmp_path / "log" / "history.jsonl", warn=pytest.fail).append({"kind": "call"})
    finally:
        os.umask(before)
    modes = {path: mode for path, mode, _ in ROWS}
    assert f"{(tmp_path / 'log' / 'history.jsonl').stat().st_mode & 0o777:04o}" == modes[str(log.DEFAULT_PATH)]
    assert f"{(tmp_path / 'log').stat().st_mode & 0o777:04o}" == modes[str(log.DEFAULT_PATH.parent)]


def test_places_and_bounds() -> None:
    assert {path for path, mode, _ in ROWS if mode == "0700"} == LAB
    assert f"`{DEFAULT_PATH}`" in PAGE
    assert f"`{fingerprint.KEY}`" in PAGE
    said = f"{fingerprint._MOST_BYTES >> 30} GiB, {fingerprint._MOST_PATHS:,} paths or {fingerprint._SECONDS:g} s"
    assert said in PAGE
    assert f"shorter than {fingerprint._LEAST_KEY} characters" in PAGE


def test_every_program_of_the_cluster_that_is_run_is_on_the_page() -> None:
    """Every constant that is the name of such a program: as an argument list begins with it."""
    programs = re.compile(
        r"cibadmin|crm_(simulate|diff|verify|resource|attribute|mon|node|failcount)|crmadmin|attrd_updater|stonith_admin"
        r"|pcs|corosync-\w+|systemctl|journalctl|loginctl|ssh|scp|pidof"
    )
    found = set()
    for room in ("cluster", "node", "service", "record", "resource"):
        for file in (Path(pacewright.__file__).parent / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.List | ast.Tuple) and node.elts and isinstance(node.elts[0], ast.Constant):
                    found.add(str(node.elts[0].value))
    run = {word for word in found if programs.fullmatch(word)}
    assert "cibadmin" in run
    for name in run:
        assert f"`{name}`" in PAGE, name


def test_how_to_report_a_fault_is_linked() -> None:
    assert (ROOT / "SECURITY.md").exists()
    assert "(docs/security.md)" in (ROOT / "README.md").read_text()
    assert "(../SECURITY.md)" in PAGE
