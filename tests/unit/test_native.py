"""Services that the cluster does not know: systemd on this node, and the output says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pacewright.testing.clusters import cib, primitive
from pacewright.testing.programs import FakeTools

SHOW = """LoadState={load}
ActiveState={active}
SubState={sub}
UnitFileState={enabled}
MainPID=42
"""


def unit(active: str = "active", sub: str = "running", *, load: str = "loaded", enabled: str = "disabled") -> str:
    """A systemctl that shows every unit so, and whose other verbs succeed."""
    shown = SHOW.format(load=load, active=active, sub=sub, enabled=enabled)
    return f"[ \"$1\" = show ] || exit 0\ncat <<'END'\n{shown}END"


@pytest.fixture
def tools(tmp_path: Path) -> FakeTools:
    """A cluster with one resource, `db`, and a systemd that runs everything."""
    made = FakeTools.below(tmp_path)
    made.prints("cibadmin", cib(primitive("db"), primitive("web", "systemd:nginx")))
    made.add("systemctl", unit())
    return made


def verbs(tools: FakeTools) -> list[str]:
    return [call for call in tools.called("systemctl") if not call.startswith("show")]


def test_status_of_a_unit_that_the_cluster_does_not_know(tools: FakeTools) -> None:
    done = tools.pacewright("service", "status", "cron")
    assert done.code == 0
    assert b"cron: running" in done.stdout
    assert b"not known to the cluster" in done.stdout


@pytest.mark.parametrize(
    ("active", "sub", "code", "state"),
    [
        ("inactive", "dead", 3, "stopped"),
        ("failed", "failed", 3, "failed"),
        ("activating", "start", 3, "changing"),
        ("deactivating", "stop", 3, "changing"),
    ],
)
def test_status_has_systemctls_codes(active: str, sub: str, code: int, state: str, tools: FakeTools) -> None:
    tools.add("systemctl", unit(active, sub))
    done = tools.pacewright("service", "status", "cron", "--json")
    (told,) = json.loads(done.stdout)["services"]
    assert (done.code, told["state"], told["provider"]) == (code, state, "systemd")


def test_a_unit_that_nobody_knows(tools: FakeTools) -> None:
    tools.add("systemctl", unit("inactive", "dead", load="not-found"))
    for verb in ("status", "restart", "start", "stop", "enable", "disable"):
        done = tools.pacewright("service", verb, "nosuch")
        assert done.code == 4, verb
        assert b"neither the cluster nor systemd" in done.stderr
    assert verbs(tools) == []


@pytest.mark.parametrize(
    ("verb", "was", "called", "words"),
    [
        ("restart", unit(), "restart -- cron.service", "cron.service on this node was restarted"),
        ("start", unit("inactive", "dead"), "start -- cron.service", "was started"),
        ("stop", unit(), "stop -- cron.service", "was stopped"),
        ("enable", unit(enabled="disabled"), "enable -- cron.service", "was enabled"),
        ("disable", unit(enabled="enabled"), "disable -- cron.service", "was disabled"),
    ],
)
def test_what_is_changed_is_changed_once_and_said(
    verb: str, was: str, called: str, words: str, tools: FakeTools
) -> None:
    tools.add("systemctl", was)
    done = tools.pacewright("service", verb, "cron", "--json")
    told = json.loads(done.stdout)
    assert (done.code, told["changed"]) == (0, True)
    assert "the cluster does not know it, so systemd's" in told["message"]
    assert words in told["message"]
    assert verbs(tools) == [called]


@pytest.mark.parametrize(
    ("verb", "was"),
    [
        ("start", unit()),
        ("stop", unit("inactive", "dead")),
        ("enable", unit(enabled="enabled")),
        ("disable", unit(enabled="disabled")),
    ],
)
def test_what_is_so_already_is_left_alone_and_said(verb: str, was: str, tools: FakeTools) -> None:
    tools.add("systemctl", was)
    done = tools.pacewright("service", verb, "cron", "--json")
    told = json.loads(done.stdout)
    assert (done.code, told["changed"]) == (0, False)
    assert "nothing was changed" in told["message"]
    assert verbs(tools) == []


def test_a_unit_that_does_not_start_is_an_operation_that_failed(tools: FakeTools) -> None:
    tools.add("systemctl", unit("inactive", "dead").replace("exit 0", "{ echo 'Job for cron failed.' >&2; exit 1; }"))
    done = tools.pacewright("service", "start", "cron")
    assert done.code == 1
    assert b"`systemctl start` failed with exit code 1" in done.stderr
    assert b"    Job for cron failed." in done.stderr


def test_a_plan_says_what_systemd_would_be_asked_and_asks_nothing(tools: FakeTools) -> None:
    done = tools.pacewright("service", "restart", "cron", "--plan")
    assert done.code == 0
    assert b"systemctl restart cron.service" in done.stdout
    assert verbs(tools) == []


def test_the_suffix_makes_no_difference(tools: FakeTools) -> None:
    tools.pacewright("service", "restart", "cron.service")
    assert verbs(tools) == ["restart -- cron.service"]


def test_another_sort_of_unit_keeps_its_suffix(tools: FakeTools) -> None:
    tools.pacewright("service", "restart", "cron.timer")
    assert verbs(tools) == ["restart -- cron.timer"]


def test_a_name_with_a_hyphen_in_front_is_no_option(tools: FakeTools) -> None:
    tools.pacewright("service", "restart", "--", "--now")
    assert verbs(tools) == ["restart -- --now.service"]


@pytest.mark.parametrize("name", ["db", "web", "nginx", "nginx.service"])
def test_the_unit_of_a_resource_is_never_operated_behind_the_clusters_back(name: str, tools: FakeTools) -> None:
    tools.add("crm_simulate", "echo '<pacemaker-result><actions/></pacemaker-result>'")
    tools.pacewright("service", "restart", name, "--timeout", "1")
    assert verbs(tools) == []


# --- the cluster is down


def test_off_the_cluster_everything_is_systemds(tools: FakeTools) -> None:
    tools.add("cibadmin", "exit 102")
    done = tools.pacewright("service", "restart", "db", member=False)
    assert done.code == 0
    assert verbs(tools) == ["restart -- db.service"]


def test_on_a_member_that_is_down_what_the_cluster_has_is_not_touched(tools: FakeTools, tmp_path: Path) -> None:
    tools.add("cibadmin", "exit 102")
    (tmp_path / "cib.xml").write_bytes(cib(primitive("db"), primitive("web", "systemd:nginx")))
    for name in ("db", "nginx"):
        assert tools.pacewright("service", "restart", name).code == 6
    assert tools.pacewright("service", "restart", "cron").code == 0
    assert verbs(tools) == ["restart -- cron.service"]


def test_on_a_member_that_never_ran_nothing_is_known_so_nothing_is_touched(tools: FakeTools) -> None:
    tools.add("cibadmin", "exit 102")
    assert tools.pacewright("service", "restart", "cron").code == 6
    assert verbs(tools) == []


def test_without_pacemaker_on_a_machine_of_no_cluster_everything_is_systemds(tools: FakeTools) -> None:
    (tools.folder / "cibadmin").unlink()
    assert tools.pacewright("service", "restart", "cron", member=False).code == 0
    assert tools.pacewright("service", "restart", "cron", member=True).code == 8
    assert verbs(tools) == ["restart -- cron.service"]


UMBRELLA = {
    "umbrella.service": {"ConsistsOf": "nginx.service"},
    "www.service": {"Id": "nginx.service", "Names": "nginx.service www.service"},
}


@pytest.mark.parametrize("verb", ["restart", "stop", "refresh"])
def test_a_unit_that_would_take_one_of_the_clusters_along_is_refused(verb: str, tools: FakeTools) -> None:
    tools.systemd(UMBRELLA)
    for more in ((), ("--plan",)):
        done = tools.pacewright("service", verb, "umbrella", *more)
        assert done.code == 5, done.output
        assert b"nginx.service along with it, which the cluster runs as web" in done.stderr
        assert f"pacewright service {verb} web".encode() in done.stderr
    assert tools.pacewright("service", "status", "umbrella").code == 3
    assert verbs(tools) == []


def test_a_link_to_a_unit_of_the_clusters_is_the_clusters(tools: FakeTools) -> None:
    tools.systemd(UMBRELLA)
    done = tools.pacewright("service", "status", "www", "--json")
    (told,) = json.loads(done.stdout)["services"]
    assert (told["name"], told["provider"], told["resource"]) == ("www", "cluster", "web")


@pytest.mark.parametrize("name", ["www", "umbrella", "nginx"])
def test_on_a_member_that_is_down_a_link_and_an_umbrella_are_not_touched_either(
    name: str, tools: FakeTools, tmp_path: Path
) -> None:
    tools.systemd(UMBRELLA)
    tools.add("cibadmin", "exit 102")
    (tmp_path / "cib.xml").write_bytes(cib(primitive("web", "systemd:nginx")))
    assert tools.pacewright("service", "restart", name).code == 6
    assert verbs(tools) == []


def test_on_a_remote_node_that_is_down_nothing_is_touched(tools: FakeTools, tmp_path: Path) -> None:
    tools.add("cibadmin", "exit 102")
    for name in ("pacemaker-remoted", "authkey"):
        (tmp_path / name).touch()
    for verb in ("restart", "status"):
        done = tools.pacewright("service", verb, "web", member=False)
        assert done.code == 6
        assert b"Pacemaker Remote node" in done.stderr
        assert b"systemctl status pacemaker_remote" in done.stderr
    assert verbs(tools) == []


def test_enable_keeps_the_unit_of_an_alias_off_at_boot_too(tools: FakeTools, tmp_path: Path) -> None:
    config = tmp_path / "services.yaml"
    config.write_text("services: {mariadb: {resource: db}}\n", encoding="utf-8")
    tools.systemd({"mariadb.service": {"UnitFileState": "enabled"}})
    tools.add("crm_simulate", "echo '<pacemaker-result><actions/></pacemaker-result>'")
    status = tools.pacewright("service", "status", "--json", "--config", str(config), "db")
    assert json.loads(status.stdout)["services"][0]["at_boot"] == ["mariadb.service"]
    done = tools.pacewright("service", "enable", "db", "--config", str(config))
    assert done.code == 0, done.output
    assert b"systemd's own mariadb is no longer started at boot" in done.stdout
    assert verbs(tools) == ["disable -- mariadb.service"]
