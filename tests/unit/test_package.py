"""The Debian package: modes whatever the umask, and nothing of it in force once it is removed."""

from __future__ import annotations

import configparser
import os
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import pacewright
from pacewright import process
from pacewright.lab import deb

ROOT = Path(__file__).parents[2]
SOURCE = Path(pacewright.__file__).parent

needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="without dpkg-deb")


@pytest.fixture
def private_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@needs_dpkg
def test_whoever_builds_it_everybody_can_read_it(
    tmp_path: Path, private_umask: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = tmp_path / "src" / "pacewright"  # as git makes it under that umask
    shutil.copytree(SOURCE, checkout, ignore=shutil.ignore_patterns("__pycache__"), copy_function=shutil.copyfile)
    monkeypatch.setattr(pacewright, "__file__", str(checkout / "__init__.py"))
    package = deb.build(tmp_path, compression="none")
    listed = process.run(["dpkg-deb", "--contents", str(package)], timeout=20).checked().stdout.decode()
    modes: dict[str, str] = {}
    for line in listed.splitlines():
        mode, owner, *_, name = line.split()
        assert owner == "root/root"
        modes[name.lstrip(".")] = mode
    special = {
        "/usr/bin/pacewright": "-rwxr-xr-x",
        "/usr/lib/pacewright/policy-rc.d": "-rwxr-xr-x",
        "/usr/lib/pacewright/needrestart": "-rwxr-xr-x",
        "/var/log/pacewright/": "drwxr-x---",
    }
    for name, mode in modes.items():
        usual = "drwxr-xr-x" if name.endswith("/") else "-rw-r--r--"
        assert mode == special.get(name, usual), name
    assert set(special) <= set(modes)


def removed(tmp_path: Path, how: str) -> list[str]:
    """Run `prerm` on a root file system of its own; returns what it called."""
    called = tmp_path / "called"
    called.touch()
    programs = tmp_path / "bin"
    programs.mkdir(exist_ok=True)
    for name in ("update-alternatives", "systemctl", "py3clean"):
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$@" >>{called}\n')
        (programs / name).chmod(0o755)
    script = deb._PRERM.replace("/etc/", f"{tmp_path}/etc/").replace("/usr/sbin/", f"{tmp_path}/usr/sbin/")
    env = {"PATH": f"{programs}:/usr/bin:/bin"}
    process.run(["/bin/sh", "-c", script, "prerm", how], timeout=20, env=env).checked()
    return [line for line in called.read_text().splitlines() if not line.startswith("py3clean")]


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    links = tmp_path / "etc/needrestart/restart.d"
    links.mkdir(parents=True)
    (links / "web.service").symlink_to("/usr/lib/pacewright/needrestart")
    (links / "own.service").symlink_to("/usr/local/bin/own")
    (links / "dbus.service").write_text("#!/bin/sh\n")
    (tmp_path / "usr/sbin").mkdir(parents=True)
    (tmp_path / "etc/pacewright").mkdir()
    (tmp_path / "etc/pacewright/policy-rc.d").write_text("of the node")
    return tmp_path / "etc"


def test_once_it_is_removed_nothing_of_it_is_in_force(tmp_path: Path, etc: Path) -> None:
    assert removed(tmp_path, "remove") == [
        "systemctl disable --now pacewright-reconcile.timer",
        "update-alternatives --remove policy-rc.d /usr/lib/pacewright/policy-rc.d",
    ]
    assert sorted(path.name for path in (etc / "needrestart/restart.d").iterdir()) == ["dbus.service", "own.service"]
    assert (tmp_path / "usr/sbin/policy-rc.d").read_text() == "of the node"
    assert not (etc / "pacewright/policy-rc.d").exists()


def test_another_alternative_keeps_its_place(tmp_path: Path, etc: Path) -> None:
    (tmp_path / "usr/sbin/policy-rc.d").write_text("of another package")
    removed(tmp_path, "remove")
    assert (tmp_path / "usr/sbin/policy-rc.d").read_text() == "of another package"
    assert (etc / "pacewright/policy-rc.d").exists()


def test_where_nothing_was_switched_on_it_goes_as_well(tmp_path: Path) -> None:
    assert len(removed(tmp_path, "remove")) == 2


@pytest.mark.parametrize("how", ["upgrade", "deconfigure", "failed-upgrade"])
def test_an_upgrade_leaves_what_was_switched_on(tmp_path: Path, etc: Path, how: str) -> None:
    assert removed(tmp_path, how) == []
    assert (etc / "needrestart/restart.d/web.service").is_symlink()


def test_the_timers_service_ends_and_is_confined() -> None:
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(SOURCE / "systemd/pacewright-reconcile.service")
    service = unit["Service"]
    assert service["TimeoutStartSec"].endswith("h")
    for option in ("ProtectKernelModules", "ProtectKernelTunables", "ProtectControlGroups", "RestrictSUIDSGID"):
        assert service[option] == "yes"
    # A check's socket in /tmp, a config that a drain writes and another user's program are the site's.
    assert not {"PrivateTmp", "NoNewPrivileges", "PrivateDevices", "RestrictNamespaces"} & set(service)


def test_what_builds_it_and_tests_it_is_pinned() -> None:
    said = tomllib.loads((ROOT / "pyproject.toml").read_text())
    dev = [word for word in said["project"]["optional-dependencies"]["dev"] if not word.startswith("rich")]
    for word in (*said["build-system"]["requires"], *dev):
        assert "==" in word, word


def test_as_root_no_file_has_a_name_that_anybody_could_have_taken() -> None:
    for script in (ROOT / "script").iterdir():
        assert ">/tmp/" not in script.read_text(), script.name


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="no checkout")
def test_no_package_lies_in_the_source() -> None:
    git = ["git", "-C", str(ROOT)]
    assert not process.run([*git, "ls-files", "*.deb"], timeout=20).checked().stdout
    assert process.run([*git, "check-ignore", "--no-index", "any_1_all.deb"], timeout=20).code == 0
