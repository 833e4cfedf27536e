"""The hooks for package scripts and needrestart: once a name may be the cluster's, only a clear yes lets it pass."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

import pacewright
from pacewright.process import Completed, run
from pacewright.testing.clusters import cib, clone, primitive
from pacewright.testing.programs import FakeTools

GUARDS = Path(pacewright.__file__).parent / "guards"
CIB = cib(clone("web-clone", primitive("web", "systemd:apache2")), primitive("fpm", "systemd:php8.2-fpm.service"))
SYSTEMD = {
    "www.service": {"Id": "apache2.service", "Names": "apache2.service www.service"},
    "umbrella.service": {"ConsistsOf": "apache2.service"},
}


@dataclass(frozen=True)
class Hooks:
    """A node with the hooks in it."""

    folder: Path
    tools: FakeTools

    def guard_ends(self, code: int) -> None:
        self.tools.add("pacewright", f"exit {code}")

    def policy(self, *words: str) -> Completed:
        """What invoke-rc.d or deb-systemd-invoke calls."""
        return self._run("policy-rc.d.sh", *words)

    def needrestart(self, unit: str, *words: str) -> Completed:
        """What needrestart calls by the name of a unit."""
        return self._run("needrestart.sh", *words, called=unit)

    def _run(self, name: str, *words: str, called: str = "") -> Completed:
        text = (GUARDS / name).read_text(encoding="utf-8")
        for path in ("/var/lib/pacemaker/cib/cib.xml", "/etc/pacewright", "/etc/needrestart/restart.d"):
            text = text.replace(path, str(self.folder / path.rpartition("/")[2]))
        script = self.folder / (called or name)
        script.write_text(text.replace("PATH=$PATH:", "PATH=$PATH:/usr/bin:/bin; : "), encoding="utf-8")
        script.chmod(0o755)
        return run([str(script), *words], timeout=30, env={"PATH": str(self.tools.folder)})


@pytest.fixture
def hooks(tmp_path: Path) -> Hooks:
    """The cluster runs apache2 and php8.2-fpm; services.yaml has an alias, mariadb."""
    tools = FakeTools.below(tmp_path)
    tools.systemd(SYSTEMD)
    tools.add("update-alternatives", "exit 2")
    tools.add("pidof", "exit 1")
    (tmp_path / "cib.xml").write_bytes(CIB)
    (tmp_path / "pacewright").mkdir()
    (tmp_path / "pacewright/services.yaml").write_text("services: {mariadb: {resource: db}}\n", encoding="utf-8")
    (tmp_path / "restart.d").mkdir()
    return Hooks(tmp_path, tools)


OURS = ["apache2.service", "apache2", "php8.2-fpm.service", "web", "mariadb.service", "www.service", "umbrella.service"]


@pytest.mark.parametrize("unit", OURS)
@pytest.mark.parametrize("code", [1, 2, 8, 101, 127, 137])
def test_a_name_that_may_be_the_clusters_passes_by_nothing_but_a_yes(code: int, unit: str, hooks: Hooks) -> None:
    hooks.guard_ends(code)
    done = hooks.policy(unit, "restart")
    assert done.code == 101
    assert (b"ended with" in done.stderr) == (code != 101), "if the guard does not say why, the hook does"
    hooks.guard_ends(0)
    assert hooks.policy(unit, "restart").code == 0


@pytest.mark.parametrize("unit", ["corosync.service", "pacemaker.service", "pacemaker_remote.service"])
def test_the_cluster_itself_is_asked_about(unit: str, hooks: Hooks) -> None:
    hooks.guard_ends(101)
    assert hooks.policy(unit, "restart").code == 101


def test_without_the_program_a_match_is_denied(hooks: Hooks) -> None:
    assert hooks.policy("apache2.service", "restart").code == 101
    assert hooks.policy("cron.service", "restart").code == 0


@pytest.mark.parametrize("unit", ["cron.service", "apache.service", "php8", "ache2", "db2"])
def test_any_other_name_passes_and_nobody_is_asked(unit: str, hooks: Hooks) -> None:
    hooks.guard_ends(101)
    assert hooks.policy(unit, "restart").code == 0
    assert hooks.tools.called("pacewright") == []


def test_about_what_is_not_the_clusters_the_next_one_decides(hooks: Hooks) -> None:
    own = hooks.folder / "pacewright/policy-rc.d"
    own.write_text("#!/bin/sh\nexit 104\n", encoding="utf-8")
    own.chmod(0o755)
    hooks.guard_ends(0)
    assert hooks.policy("cron.service", "restart").code == 104
    assert hooks.policy("apache2.service", "reload").code == 104
    hooks.guard_ends(2)
    assert hooks.policy("apache2.service", "restart").code == 101


def test_on_a_remote_node_which_has_no_cib_the_guard_is_asked_about_everything(hooks: Hooks) -> None:
    (hooks.folder / "cib.xml").unlink()
    hooks.guard_ends(1)
    assert hooks.policy("cron.service", "restart").code == 0
    hooks.tools.add("pidof", "exit 0")
    assert hooks.policy("cron.service", "restart").code == 101


def test_needrestart_restarts_by_nothing_but_a_yes(hooks: Hooks) -> None:
    for code in (0, 1, 101, 127):
        hooks.guard_ends(code)
        assert hooks.needrestart("apache2.service").code == 0
        restarted = [call for call in hooks.tools.called("systemctl") if call.startswith("restart")]
        assert restarted == ["restart -- apache2.service"], "once, by the first"


def test_links_are_made_for_units_and_nowhere_else(hooks: Hooks) -> None:
    names = ("web.service", "php8.2-fpm.service", "* y.service", "../out.service", "/tmp/x.service", "-f.service")
    hooks.tools.add("pacewright", "".join(f"echo '{name}'\n" for name in names))
    assert hooks.needrestart("needrestart", "--links").code == 0
    made = sorted(os.listdir(hooks.folder / "restart.d"))  # noqa: PTH208
    assert made == ["* y.service", "-f.service", "php8.2-fpm.service", "web.service"]
    assert not (hooks.folder / "out.service").exists()
