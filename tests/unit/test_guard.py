"""The guard: what the cluster runs is the cluster's, also when it is down; everything else is none of our business."""

from __future__ import annotations

from pathlib import Path

import pytest

from pacewright.process import Completed
from pacewright.testing.clusters import cib, clone, primitive
from pacewright.testing.programs import FakeTools

RESOURCES = clone("web-clone", primitive("web", "systemd:apache2")) + primitive("db", "ocf:heartbeat:mysql")
RUNNING = {"web": ("n1", "n2"), "db": ("n2",)}
PATCH = '<diff format="2"><version><source epoch="1"/></version><change operation="create" path="/cib/x"/></diff>'


@pytest.fixture
def tools(tmp_path: Path) -> FakeTools:
    """A cluster that runs apache2 on n1 and n2, and MySQL by an agent of its own."""
    made = FakeTools.below(tmp_path)
    made.prints("cibadmin", cib(RESOURCES, running=RUNNING))
    made.add("crm_simulate", "echo '<pacemaker-result><actions/></pacemaker-result>'")
    made.add("crm_diff", f"echo '{PATCH}'")
    return made


def written(tools: FakeTools) -> int:
    return len([call for call in tools.called("cibadmin") if "--patch" in call])


def allowed(done: Completed) -> bool:
    assert done.code in {0, 101}, done.output
    assert (done.code == 101) == bool(done.stderr), "it says why, if it says no"
    return done.code == 0


@pytest.mark.parametrize("action", ["start", "restart", "try-restart", "force-reload", "reload-or-restart"])
def test_a_restart_of_what_runs_here_is_denied_and_noted(action: str, tools: FakeTools) -> None:
    done = tools.pacewright("guard", "apache2.service", action)
    assert not allowed(done)
    assert b"a restart is owed now" in done.stderr
    assert written(tools) == 1


def test_a_stop_is_denied_and_leaves_no_note(tools: FakeTools) -> None:
    assert not allowed(tools.pacewright("guard", "apache2", "stop"))
    assert written(tools) == 0


@pytest.mark.parametrize("action", ["reload", "status", "rotate"])
def test_what_stops_nothing_is_allowed(action: str, tools: FakeTools) -> None:
    assert allowed(tools.pacewright("guard", "apache2", action))
    assert tools.called("cibadmin") == []


def test_where_the_service_does_not_run_nothing_is_owed(tools: FakeTools) -> None:
    done = tools.pacewright("guard", "db", "restart")
    assert not allowed(done)
    assert b"nothing is owed" in done.stderr
    assert written(tools) == 0


def test_an_alias_guards_a_unit_that_is_run_by_another_agent(tools: FakeTools, tmp_path: Path) -> None:
    config = tmp_path / "services.yaml"
    config.write_text("services: {mariadb: {resource: db}}\n", encoding="utf-8")
    assert not allowed(tools.pacewright("guard", "--config", str(config), "mariadb.service", "restart"))
    assert allowed(tools.pacewright("guard", "mariadb.service", "restart"))


@pytest.mark.parametrize("unit", ["cron", "cron.service", "getty@tty1.service", "no unit at all"])
def test_any_other_unit_is_allowed(unit: str, tools: FakeTools) -> None:
    assert allowed(tools.pacewright("guard", unit, "restart"))
    assert written(tools) == 0


def test_two_resources_that_run_one_unit_are_both_owed(tools: FakeTools) -> None:
    twins = primitive("one", "systemd:apache2") + primitive("two", "systemd:apache2")
    tools.prints("cibadmin", cib(twins, running={"one": ("n1",), "two": ("n1",)}))
    assert not allowed(tools.pacewright("guard", "apache2", "restart"))
    assert written(tools) == 2


def test_while_the_cluster_is_down_its_units_stay_its_own_and_nothing_is_owed(tools: FakeTools, tmp_path: Path) -> None:
    (tmp_path / "cib.xml").write_bytes(cib(RESOURCES))
    tools.add("cibadmin", f'[ -n "$CIB_file" ] && exec cat {tmp_path}/cib.xml; exit 102')
    assert not allowed(tools.pacewright("guard", "apache2", "restart"))
    assert allowed(tools.pacewright("guard", "cron", "restart"))
    assert written(tools) == 0


def test_what_cannot_be_noted_is_said(tools: FakeTools) -> None:
    tools.prints("cibadmin", cib(RESOURCES, running=RUNNING, quorate=False))
    done = tools.pacewright("guard", "apache2", "restart")
    assert not allowed(done)
    assert b"could not be noted" in done.stderr
    assert b"no quorum" in done.stderr


def test_without_a_cluster_everything_is_allowed(tools: FakeTools) -> None:
    (tools.folder / "cibadmin").unlink()
    assert allowed(tools.pacewright("guard", "apache2", "restart", member=False))


def test_a_services_yaml_that_means_nothing_does_not_open_the_door(tools: FakeTools, tmp_path: Path) -> None:
    config = tmp_path / "services.yaml"
    config.write_text("services: [", encoding="utf-8")
    assert tools.pacewright("guard", "--config", str(config), "apache2", "restart").code == 101


def test_a_name_in_a_services_yaml_that_means_nothing_is_denied(tools: FakeTools, tmp_path: Path) -> None:
    config = tmp_path / "services.yaml"
    config.write_text("services: {mariadb: {resource: db, timeout: soon}}\n", encoding="utf-8")
    done = tools.pacewright("guard", "--config", str(config), "mariadb.service", "restart")
    assert not allowed(done)
    assert b"timeout" in done.stderr, "it says what is wrong with the file"
    assert allowed(tools.pacewright("guard", "--config", str(config), "cron", "restart"))


@pytest.mark.parametrize("said", ["{resource: gone}", "{resource: db, timeout: 1}, db: {timeout: 2}"])
def test_an_alias_that_leads_nowhere_or_contradicts_another_name_is_denied(
    said: str, tools: FakeTools, tmp_path: Path
) -> None:
    config = tmp_path / "services.yaml"
    config.write_text(f"services: {{mariadb: {said}}}\n", encoding="utf-8")
    assert not allowed(tools.pacewright("guard", "--config", str(config), "mariadb.service", "restart"))
    assert written(tools) == 0


SYSTEMD = {
    "www.service": {"Id": "apache2.service", "Names": "apache2.service www.service"},
    "umbrella.service": {"ConsistsOf": "apache2.service other.service"},
    "corosync.service": {"RequiredBy": "pacemaker.service"},
    "dlm.service": {"BoundBy": "corosync.service"},
}


@pytest.mark.parametrize("unit", ["www", "umbrella.service"])
def test_another_name_of_the_unit_and_what_takes_it_along_are_the_clusters_too(unit: str, tools: FakeTools) -> None:
    tools.systemd(SYSTEMD)
    done = tools.pacewright("guard", unit, "restart")
    assert not allowed(done)
    assert b"the cluster runs " in done.stderr
    assert b"a restart is owed now" in done.stderr
    assert written(tools) == 1
    assert allowed(tools.pacewright("guard", "other", "restart"))


@pytest.mark.parametrize("unit", ["corosync.service", "pacemaker", "dlm"])
@pytest.mark.parametrize("action", ["restart", "start"])
def test_the_cluster_itself_is_upgraded_on_purpose(unit: str, action: str, tools: FakeTools) -> None:
    tools.systemd(SYSTEMD)
    done = tools.pacewright("guard", unit, action)
    assert not allowed(done)
    assert b"all that the cluster runs here goes with" in done.stderr
    assert b"pcs cluster stop" in done.stderr
    assert written(tools) == 0


def test_the_cluster_itself_may_be_stopped_where_it_does_not_run_and_started_where_there_is_none(
    tools: FakeTools, tmp_path: Path
) -> None:
    running = {unit: {"ActiveState": "active"} for unit in ("corosync.service", "pacemaker.service")}
    tools.add("cibadmin", "exit 102")
    tools.systemd({})
    assert allowed(tools.pacewright("guard", "pacemaker", "start")), "it is being installed"
    (tmp_path / "cib.xml").write_bytes(cib(RESOURCES))
    assert allowed(tools.pacewright("guard", "pacemaker", "stop"))
    assert not allowed(tools.pacewright("guard", "pacemaker", "restart")), "stopped by somebody, who will start it"
    tools.systemd(running)
    assert not allowed(tools.pacewright("guard", "corosync", "stop"))


def test_on_a_remote_node_that_is_stopped_what_services_yaml_calls_the_clusters_stays_so(
    tools: FakeTools, tmp_path: Path
) -> None:
    tools.add("cibadmin", "exit 102")
    (tools.folder.parent / "pacemaker-remoted").touch()
    (tools.folder.parent / "authkey").touch()
    config = tmp_path / "services.yaml"
    config.write_text("services: {mariadb: {resource: db}, cron: {}}\n", encoding="utf-8")
    done = tools.pacewright("guard", "--config", str(config), "mariadb", "restart", member=False)
    assert not allowed(done)
    assert b"does not answer" in done.stderr
    assert allowed(tools.pacewright("guard", "--config", str(config), "cron", "restart", member=False))


def test_the_units_that_are_guarded(tools: FakeTools, tmp_path: Path) -> None:
    done = tools.pacewright("guard", "--units")
    assert (done.code, done.stdout) == (0, b"apache2.service\n")
    config = tmp_path / "services.yaml"
    config.write_text("services: {mariadb: {resource: db}, mysql: {resource: db}}\n", encoding="utf-8")
    tools.systemd({f"{unit}.service": {"LoadState": "not-found"} for unit in ("mysql", "sbd", "pacemaker_remote")})
    done = tools.pacewright("guard", "--units", "--config", str(config))
    assert done.stdout.split() == [b"apache2.service", b"corosync.service", b"mariadb.service", b"pacemaker.service"]


def test_units_with_dots_and_instances_have_their_suffix_and_what_is_no_unit_is_left_out(tools: FakeTools) -> None:
    types = ("php8.2-fpm", "openvpn@site.a", "b.socket", "../cron.hourly/x", "* y", "-", "a'b")
    agents = [primitive(f"r{number}", f"systemd:{kind}") for number, kind in enumerate(types)]
    tools.prints("cibadmin", cib(*agents))
    units = tools.pacewright("guard", "--units").stdout.decode().splitlines()
    assert units == ["-.service", "b.socket", "openvpn@site.a.service", "php8.2-fpm.service"]
    for unit in units:
        assert not allowed(tools.pacewright("guard", "--", unit, "restart"))


@pytest.mark.parametrize("words", [(), ("apache2",)])
def test_a_request_without_an_action_is_wrong(words: tuple[str, ...], tools: FakeTools) -> None:
    assert tools.pacewright("guard", *words).code == 2
