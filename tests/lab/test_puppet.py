"""Puppet and the cluster together, on a real cluster: what restarts is counted by the services themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pacewright import lab as labs
from pacewright.lab import Lab
from pacewright.process import run
from tests.lab.conftest import remove_labs_of_dead_sessions, whole_again
from tests.lab.puppet_runs import BESIDE, PACKAGES, SPARE, Runs, install, said

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]  # the first of them makes the lab

NOBODY = {"n1": 0, "n2": 0, "n3": 0}
EVERYBODY = {"n1": 1, "n2": 1, "n3": 1}
APP = "include app"
WEB = """
file { '/etc/web/web.conf': content => "${facts['config']}\\n" }
~> service { 'web': ensure => running, enable => true }
Service <| title == 'web' |> { provider => 'pcs' }
"""


@pytest.fixture(scope="module")
def puppet_lab() -> Iterator[Lab]:
    """A lab of its own, with Puppet in its root file system."""
    remove_labs_of_dead_sessions()
    distro = os.environ.get("PACEWRIGHT_LAB_DISTRO", "bookworm")
    packages = (*PACKAGES, *BESIDE.get(distro, ()))
    made = labs.up(f"test-{os.getpid()}-puppet", distro=distro, packages=packages)
    yield made
    made.down()


@pytest.fixture(scope="module")
def made(puppet_lab: Lab) -> Runs:
    return install(puppet_lab)


@pytest.fixture
def runs(made: Runs) -> Iterator[Runs]:
    """Everything is up and reported; the same is true when the test has ended."""
    yield made
    whole_again(made.lab)
    made.counted.audit()


def grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {node: after[node] - before[node] for node in before}


# -- deploy, change, no change ----------------------------------------------------------------------------------------


@pytest.mark.trixie
def test_a_module_that_knows_nothing_of_a_cluster_starts_its_service_once_the_config_is_on_all_nodes(
    runs: Runs,
) -> None:
    runs.lab.run("n1", ["pacewright", "service", "stop", "web"], timeout=60).checked()
    before = runs.starts("web")
    done = runs.on_all(WEB, config="deployed")
    assert {one.code for one in done.values()} == {2}
    assert all(said(one, r"Service\[web\]/ensure: ensure changed 'stopped' to 'running'") for one in done.values())
    assert grown(before, runs.starts("web")) == EVERYBODY
    assert {runs.counted.served(node) for node in runs.lab.nodes} == {"deployed"}
    assert sum(said(one, r"web: started on n1, n2, n3\. \(committed from this node\)") for one in done.values()) == 1


@pytest.mark.trixie
def test_a_change_restarts_each_instance_once_and_no_change_writes_nothing(runs: Runs) -> None:
    before = runs.starts()
    done = runs.on_all(APP, config="changed")
    assert {one.code for one in done.values()} == {2}
    assert grown(before, runs.starts()) == EVERYBODY
    assert all(said(one, r"Service\[app\]: app: restarted on ") for one in done.values())
    epoch = runs.epoch()
    again = runs.on_all(APP, config="changed")
    assert {one.code for one in again.values()} == {0}, "a third run changes nothing"
    assert runs.epoch() == epoch, "and writes nothing"
    assert grown(before, runs.starts()) == EVERYBODY


def test_a_config_that_does_not_start_fails_the_run_and_a_good_one_starts_it_without_waiting_for_others(
    runs: Runs,
) -> None:
    done = runs.on_all(WEB, config="good")
    before = runs.starts("web")
    spoilt = runs.apply("n1", WEB, config="bad")
    assert spoilt.code == 6
    assert said(spoilt, r"Service\[web\]: Failed to call refresh: web: .*did not come up on n1")
    mended = runs.apply("n1", WEB, config="mended")
    assert mended.code == 2
    assert said(mended, r"Service\[web\]/ensure: ensure changed '(failed|stopped)' to 'running'")
    assert {one.code for one in done.values()} <= {0, 2}
    assert grown(before, runs.starts("web")) == {**NOBODY, "n1": 1}
    assert runs.counted.served("n1") == "mended"


# -- what Puppet loses ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Loss:
    """A way by which Puppet changes the config and does not refresh the service.

    Attributes:
        manifest: what is added to the site.
        options: of the run.
        path: a folder that comes first in PATH.
        code: how the run ends.
        maintenance: the cluster must not act meanwhile.
    """

    manifest: str = ""
    options: tuple[str, ...] = ()
    path: str = ""
    code: int = 2
    maintenance: bool = False


BETWEEN = "exec {{ '{}': require => File['/etc/app.conf'], before => Service['app'] }}"
LOSSES = {
    "the refresh fails": Loss(maintenance=True, code=6),
    "something between fails": Loss(manifest=BETWEEN.format("/bin/false"), code=6),
    "the run is killed between": Loss(manifest=BETWEEN.format('/bin/sh -c "kill -KILL $PPID"'), code=-9),
    "tags leave the service out": Loss(options=("--tags", "config")),
    "skipped tags leave it out": Loss(options=("--skip_tags", "app-service")),
    "the service is noop": Loss(manifest="Service <| title == 'app' |> { noop => true }"),
    "its status cannot be told": Loss(path="/root/broken", code=6),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
def test_what_one_run_loses_the_next_one_pays_once_and_says_so(loss: Loss, runs: Runs) -> None:
    before = runs.starts()
    config = f"lost {before['n1']}"
    if loss.maintenance:
        runs.lab.run("n1", ["pcs", "property", "set", "maintenance-mode=true"]).checked()
    lost = runs.apply("n1", f"{APP}\n{loss.manifest}", *loss.options, config=config, path=loss.path)
    if loss.maintenance:
        runs.lab.run("n1", ["pcs", "property", "set", "maintenance-mode=false"]).checked()
    assert lost.code == loss.code, lost.stdout
    assert said(lost, r"File\[/etc/app\.conf\]/content: content changed")
    assert grown(before, runs.starts()) == NOBODY
    pays = runs.apply("n1", APP, config=config)
    assert pays.code == 2
    assert said(pays, r"Service\[app\]/ensure: ensure changed 'owed' to 'running'")
    assert grown(before, runs.starts()) == {**NOBODY, "n1": 1}
    assert runs.owed() == set()
    assert not runs.would_owe("n1", "app", "/etc/app.conf"), "the run after that has nothing left to pay"


def test_a_refresh_of_what_does_not_run_and_one_that_a_start_has_overtaken_are_one_start(runs: Runs) -> None:
    before = runs.starts()
    runs.lab.run("n1", ["pacewright", "service", "stop", "app"], timeout=60).checked()
    unmanaged = "Service <| title == 'app' |> { ensure => undef }"
    skipped = runs.apply("n1", f"{APP}\n{unmanaged}", config="while it is down")
    assert skipped.code == 2
    assert grown(before, runs.starts()) == NOBODY
    started = runs.on_all(APP, config="overtaken")
    assert {one.code for one in started.values()} == {2}
    assert grown(before, runs.starts()) == EVERYBODY
    assert runs.apply("n1", APP, config="overtaken").code == 0
    assert grown(before, runs.starts()) == EVERYBODY


def test_noop_shows_what_is_owed_and_what_has_changed_and_writes_nothing(runs: Runs) -> None:
    runs.lab.write("n2", "/etc/app.conf", "by hand\n")
    before, epoch = runs.starts(), runs.epoch()
    shown = runs.apply("n2", APP, "--noop", config="not yet")
    assert said(shown, r"Service\[app\]/ensure: current_value 'owed', should be 'running' \(noop\)")
    assert said(shown, r"File\[/etc/app\.conf\]/content: current_value .* \(noop\)")
    assert (runs.epoch(), runs.starts()) == (epoch, before)
    assert runs.lab.read("n2", "/etc/app.conf") == "by hand\n"
    assert runs.apply("n2", APP, config="by hand").code == 2
    assert grown(before, runs.starts()) == {**NOBODY, "n2": 1}


def test_a_refresh_for_something_that_is_no_config_restarts_the_instance_of_this_node(runs: Runs) -> None:
    runs.apply("n3", APP, config="key")
    before = runs.starts()
    done = runs.apply("n3", f"{APP}\nexec {{ '/bin/true': }} ~> Service['app']", config="key")
    assert done.code == 2
    assert grown(before, runs.starts()) == {**NOBODY, "n3": 1}


# -- what the cluster does not know, and what is broken ---------------------------------------------------------------


def test_a_service_that_the_cluster_does_not_know_is_systemds(runs: Runs) -> None:
    site = "service { 'plain': ensure => %s, enable => %s, provider => pcs }"
    before, epoch = runs.starts("plain"), runs.epoch()
    assert runs.apply("n1", site % ("running", "true")).code == 2
    assert runs.lab.run("n1", ["systemctl", "is-active", "plain"]).code == 0
    assert runs.lab.run("n1", ["systemctl", "is-enabled", "plain"]).code == 0
    refreshed = runs.apply("n1", f"exec {{ '/bin/true': }} ~> {site % ('running', 'true')}")
    assert said(refreshed, r"Service\[plain\]: Triggered 'refresh'")
    assert grown(before, runs.starts("plain")) == {**NOBODY, "n1": 2}
    assert runs.apply("n1", site % ("stopped", "false")).code == 2
    assert runs.lab.run("n1", ["systemctl", "is-enabled", "plain"]).code != 0
    assert runs.epoch() == epoch


@pytest.mark.parametrize("how", ["the program is broken", "the cluster is down"])
def test_what_is_broken_fails_the_services_of_the_cluster_and_nothing_else(how: str, runs: Runs) -> None:
    before = runs.starts()
    rest = "service { 'plain': ensure => running }\nnotify { 'the rest': }"
    if how == "the cluster is down":
        runs.lab.run("n3", ["pcs", "cluster", "stop", "--force"], timeout=90).checked()
        done = runs.apply("n3", f"{APP}\n{rest.replace('running', 'running, provider => pcs')}")
        assert said(
            done, r"Service\[app\]: Could not evaluate: .*Pacemaker|Service\[app\]: Could not evaluate: .*cluster"
        )
        runs.lab.run("n3", ["pcs", "cluster", "start"], timeout=90).checked()
        runs.lab.wait_quorate(60)
    else:
        done = runs.apply("n3", f"{APP}\n{rest}", path="/root/broken")
        assert said(done, r"Service\[app\]: Could not evaluate: it is broken")
    assert done.code in {4, 6}
    assert said(done, r"Notify\[the rest\]/message")
    assert runs.lab.run("n3", ["systemctl", "stop", "plain"]).code == 0
    if how == "the program is broken":
        assert runs.starts() == before


def test_systemd_does_not_start_at_boot_what_the_cluster_starts(runs: Runs) -> None:
    site = "service { 'web': enable => %s, provider => pcs }"
    for value, other in (("true", "false"), ("false", "true")):
        runs.lab.run("n1", ["systemctl", "enable", "web"]).checked()
        done = runs.apply("n1", site % value)
        assert said(done, rf"Service\[web\]/enable: enable changed 'at_boot' to '?{value}'?")
        assert runs.lab.run("n1", ["systemctl", "is-enabled", "web"]).code != 0
        assert runs.apply("n1", site % other).code == 0


def test_one_node_leads(runs: Runs) -> None:
    done = runs.on_all("notify { \"leads: ${facts['pacemaker']['is_leader']}, ${facts['pacemaker']['dc']}\": }")
    assert sum(said(one, r"leads: true, n\d") for one in done.values()) == 1
    assert sum(said(one, r"leads: false, n\d") for one in done.values()) == 2


# -- beside puppet-corosync -------------------------------------------------------------------------------------------


CS_PRIMITIVE = """
cs_primitive {{ 'app':
  primitive_class => 'ocf', provided_by => 'pacewright', primitive_type => 'counted', provider => {provider},
  operations => [
    {{ 'monitor' => {{ 'interval' => '10s' }} }},
    {{ 'start' => {{ 'interval' => '0s', 'timeout' => '20s' }} }},
    {{ 'stop' => {{ 'interval' => '0s', 'timeout' => '20s' }} }},
  ],
}}
"""


@pytest.mark.parametrize("provider", ["pcs", "crm"])
def test_puppet_corosync_sees_nothing_of_ours_after_a_roll_and_takes_nothing_away(provider: str, runs: Runs) -> None:
    runs.lab.run("n1", ["pacewright", "service", "restart", "app"], timeout=120).checked()
    before, epoch = runs.starts(), runs.epoch()
    done = runs.apply("n1", CS_PRIMITIVE.format(provider=provider))
    assert done.code == 0, done.stdout
    assert runs.epoch() == epoch
    assert grown(before, runs.starts()) == NOBODY


# -- guards -----------------------------------------------------------------------------------------------------------


POSTINST = "#!/bin/sh\nset -e\ndeb-systemd-invoke restart {units} >/dev/null\n"


def package(folder: Path, version: str, units: str) -> bytes:
    """A package whose script restarts units, as those of Debian do."""
    tree = folder / version
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        f"Package: pw-app\nVersion: {version}\nArchitecture: all\nMaintainer: x <x@localhost>\nDescription: x\n"
    )
    (tree / "DEBIAN/postinst").write_text(POSTINST.format(units=units))
    (tree / "DEBIAN/postinst").chmod(0o755)
    (tree / "usr/share/pw-app").mkdir(parents=True)
    (tree / "usr/share/pw-app/version").write_text(version)
    built = folder / f"pw-app_{version}.deb"
    run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(tree), str(built)], timeout=30).checked()
    return built.read_bytes()


def put(lab: Lab, node: str, path: str, content: bytes) -> None:
    lab.run(node, ["sh", "-c", f"cat >{path}"], stdin=content).checked()


def test_a_package_restarts_its_own_units_and_what_it_wanted_of_the_clusters_becomes_owed(
    runs: Runs, tmp_path: Path
) -> None:
    runs.lab.run("n2", ["systemctl", "start", "plain"]).checked()
    for version, units in (("1", "web.service plain.service"), ("2", "plain.service web.service")):
        before, plain = runs.starts("web"), runs.starts("plain")
        put(runs.lab, "n2", "/root/pw-app.deb", package(tmp_path, version, units))
        runs.lab.run("n2", ["dpkg", "--install", "/root/pw-app.deb"], timeout=60).checked()
        assert grown(before, runs.starts("web")) == NOBODY
        assert grown(plain, runs.starts("plain")) == {**NOBODY, "n2": 1}
        assert runs.owed() == {("web", "n2")}
        pays = runs.apply("n2", "service { 'web': ensure => running, provider => pcs }")
        assert said(pays, r"Service\[web\]/ensure: ensure changed 'owed' to 'running'")
        assert grown(before, runs.starts("web")) == {**NOBODY, "n2": 1}
        assert runs.owed() == set()
    runs.lab.run("n2", ["systemctl", "stop", "plain"]).checked()


def test_needrestart_restarts_what_is_systemds_and_the_rest_becomes_owed(runs: Runs) -> None:
    runs.lab.run("n1", ["systemctl", "start", "plain"]).checked()
    web, plain = runs.starts("web"), runs.starts("plain")
    runs.lab.run("n1", ["sh", "-c", f"cp {SPARE} {SPARE}.new && mv {SPARE}.new {SPARE}"]).checked()
    runs.lab.run("n1", ["needrestart", "-r", "a", "-l", "-m", "a"], timeout=60).checked()
    assert grown(web, runs.starts("web")) == NOBODY
    assert grown(plain, runs.starts("plain")) == {**NOBODY, "n1": 1}
    assert runs.owed() == {("web", "n1")}
    runs.lab.run("n3", ["pacewright", "reconcile", "web"], timeout=60).checked()
    assert grown(web, runs.starts("web")) == {**NOBODY, "n1": 1}
    runs.lab.run("n1", ["systemctl", "stop", "plain"]).checked()


# -- resources and upgrades -------------------------------------------------------------------------------------------


def one_commit(runs: Runs) -> int:
    """By how much a single commit raises the epoch; Pacemaker 2.1.5 adds a step to ours."""
    before = runs.epoch()
    runs.lab.run("n1", ["pacewright", "service", "disable", "dum"]).checked()
    step = runs.epoch() - before
    runs.lab.run("n1", ["pacewright", "service", "enable", "dum"]).checked()
    return step


def test_resources_come_in_one_commit_and_their_service_starts_when_all_nodes_have_its_config(runs: Runs) -> None:
    site = """
    pacewright_resource { 'fresh':
      agent => 'ocf:pacewright:counted', clone => true,
      constraints => [{ 'kind' => 'order', 'first' => 'app-clone', 'then' => 'fresh-clone' }],
    }
    pacewright_resource { 'single': agent => 'ocf:heartbeat:Dummy' }
    file { '/etc/fresh.conf': content => 'x' }
    ~> service { 'fresh': ensure => running, enable => true, provider => pcs }
    """
    single, epoch = one_commit(runs), runs.epoch()
    only = runs.apply("n1", f"{site}\nService <| |> {{ noop => true }}")
    assert said(only, r"Pacewright_resource\[fresh\]/ensure: created")
    assert said(only, r"Pacewright_resource\[single\]/ensure: created")
    assert runs.epoch() == epoch + single, "for both and their constraint"
    assert runs.starts("counted-fresh") == NOBODY
    done = runs.on_all(site)
    assert {one.code for one in done.values()} == {2}
    assert runs.starts("counted-fresh") == EVERYBODY
    assert runs.apply("n3", site).code == 0
    gone = "pacewright_resource { ['fresh', 'single']: ensure => absent }"
    assert runs.apply("n2", gone).code == 2
    left = [str(name) for name in runs.counted.snapshot().resources]
    assert not {"fresh", "fresh-clone", "single"} & set(left)


def test_an_upgrade_stops_the_service_once_and_starts_it_when_every_node_is_upgraded(
    runs: Runs, tmp_path: Path
) -> None:
    for node in runs.lab.nodes:
        put(runs.lab, node, "/root/pw-app-3.deb", package(tmp_path / node, "3", "plain.service"))
    site = """
    pacewright_stopped { 'app': services => ['app'], packages => ['pw-app'], before => Package['pw-app'] }
    package { 'pw-app': ensure => latest, provider => dpkg, source => '/root/pw-app-3.deb' } ~> Service['app']
    include app
    """
    runs.on_all(APP, config="upgrade")
    before = runs.starts()
    done = runs.on_all(site, config="upgrade")
    assert {one.code for one in done.values()} == {2}, done
    stopped = r"Pacewright_stopped\[app\]/ensure: (stopped app|nothing to stop) for pw-app \(wave "
    assert all(said(one, stopped) for one in done.values())
    assert any(said(one, "ensure: stopped app for") for one in done.values())
    assert all(said(one, r"Service\[app\]/ensure: ensure changed 'stopped' to 'running'") for one in done.values())
    assert grown(before, runs.starts()) == EVERYBODY
    versions = {runs.lab.read(node, "/usr/share/pw-app/version") for node in runs.lab.nodes}
    assert versions == {"3"}
    assert runs.apply("n2", site, config="upgrade").code == 0
    assert grown(before, runs.starts()) == EVERYBODY
    assert runs.owed() == set()
