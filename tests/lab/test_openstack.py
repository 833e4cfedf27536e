"""The mail's scenario on the real things: Puppet, an unmodified puppet-neutron, RabbitMQ, MariaDB, Neutron, haproxy.

What happened is counted by systemd's journals, Pacemaker's log, RabbitMQ's connections and a client of the API.
What is marked `openstack` is left to a run of its own (`script/test --openstack`): `test_puppet.py` has the same with
small services.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from pacewright import lab as labs
from pacewright.demo.openstack import PACKAGES, Episode, Stage, build, newer_packages
from pacewright.demo.openstack.instance_starts import SERVICES
from tests.lab.conftest import remove_labs_of_dead_sessions, whole_again
from tests.lab.neutron_promises import (
    EACH_ONCE,
    NONE,
    Deployment,
    deploy,
    deployed_together,
    did_nothing,
    restarts,
    rolled_out,
)
from tests.lab.neutron_site import NeutronSite

pytestmark = pytest.mark.timeout(1200)

API, RPC = SERVICES


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    remove_labs_of_dead_sessions()
    lab = labs.up(f"test-{os.getpid()}-openstack", packages=PACKAGES)
    try:
        build(lab, lambda _: None)
        yield deploy(Stage(lab, say=print))
    finally:
        lab.down()


@pytest.fixture
def site(deployment: Deployment) -> Iterator[NeutronSite]:
    """Neutron runs on three nodes. So it does when the test has ended, and nothing is left behind."""
    yield deployment.site
    deployment.site.mend()
    whole_again(deployment.site.lab)
    deployment.site.audit()


@pytest.mark.lab
def test_deploy_on_three_nodes_at_the_same_time(deployment: Deployment, site: NeutronSite) -> None:
    deployed_together(deployment)
    with site.stage.client():
        before = site.stage.before()
        site.stage.linger(3)
        count = site.stage.since(before, ()).count
    assert count.served >= 3, "a network is made, read back and deleted"
    assert count.failed == 0


@pytest.mark.openstack
def test_deploy_on_one_node_after_another(site: NeutronSite) -> None:
    site.empty()
    site.write(replace(site.data, together=False, later=True))
    first, second, third = (site.apply(node) for node in site.lab.nodes)
    assert [run.code for episode in (first, second, third) for run in episode.runs] == [2, 2, 2]
    assert restarts(first) == restarts(second) == {API: NONE, RPC: NONE}
    assert restarts(third) == {API: EACH_ONCE, RPC: EACH_ONCE}
    assert sum(run.synced for episode in (first, second, third) for run in episode.runs) == 1
    with site.stage.client():
        pass  # every node has answered
    site.write(replace(site.data, later=False))


@pytest.mark.lab
def test_a_change_of_rabbitmqs_parameters_is_rolled_out_under_load(site: NeutronSite) -> None:
    rolled_out(site)


@pytest.mark.lab
def test_a_run_without_a_change_does_nothing(deployment: Deployment) -> None:
    did_nothing(deployment)


FAILS = """\
exec { '/bin/false': }
Anchor['neutron::config::end'] -> Exec['/bin/false'] -> Anchor['neutron::service::begin']
"""
LEFT_OUT = "Service<| tag == 'neutron-service' |> { noop => true }\n"


def the_next_run_pays(site: NeutronSite, lost: Episode) -> None:
    """Puppet itself finds nothing to do any more, but what earlier runs have left undone is done, once."""
    assert restarts(lost) == {API: NONE, RPC: NONE}
    site.mend()
    paid = site.apply()
    assert [run.lines("Neutron_config") for run in paid.runs] == [[], [], []]
    assert restarts(paid) == {API: EACH_ONCE, RPC: EACH_ONCE}
    assert [len(run.lines("changed 'owed' to 'running'")) for run in paid.runs] == [2, 2, 2]
    site.wait_for_the_account()


@pytest.mark.openstack
def test_lost_by_a_restart_that_fails_by_a_dependency_and_by_a_run_that_is_killed(site: NeutronSite) -> None:
    site.turn(together=True)
    site.break_verb("n1", "refresh")
    site.add_to_manifest("n2", FAILS)
    lost = site.lose(options={}, end_at={"n3": "heartbeat_timeout_threshold"})
    assert [run.code for run in lost.runs] == [6, 6, None]
    the_next_run_pays(site, lost)


@pytest.mark.openstack
def test_lost_by_tags_by_noop_and_by_a_status_that_fails(site: NeutronSite) -> None:
    site.turn(together=True)
    site.add_to_manifest("n2", LEFT_OUT)
    site.break_verb("n3", "status")
    lost = site.lose(options={"n1": ["--tags", "neutron_config"]}, end_at={})
    assert [run.code for run in lost.runs] == [2, 2, 6]
    the_next_run_pays(site, lost)


@pytest.mark.openstack
def test_lost_by_an_instance_that_does_not_run_and_by_a_start_in_the_same_run(site: NeutronSite) -> None:
    site.turn(together=True)
    site.lab.run("n3", ["pcs", "node", "standby", "n3", "--wait=60"], timeout=90).checked()
    site.lab.run("n1", ["pacewright", "service", "stop", RPC], timeout=120).checked()
    before = site.stage.before()
    lost = site.apply()
    assert [run.code for run in lost.runs] == [2, 2, 2]
    assert restarts(lost) == {API: [1, 1, 0], RPC: [1, 1, 0]}
    site.lab.run("n3", ["pcs", "node", "unstandby", "n3"], timeout=90).checked()
    site.wait_up("n3")
    after = site.apply()
    assert restarts(site.stage.since(before, after.runs)) == {API: EACH_ONCE, RPC: EACH_ONCE}
    assert restarts(after) == {API: NONE, RPC: NONE}, "it had started with the new config"
    site.wait_for_the_account()


@pytest.mark.openstack
def test_a_node_that_is_down_during_the_change_is_brought_up_to_date_by_its_own_run(site: NeutronSite) -> None:
    site.lab.run("n1", ["pcs", "property", "set", "stonith-action=off"], timeout=60).checked()
    try:
        site.lab.kill("n3")
        site.wait_off("n3")
        site.write(replace(site.data.turned(), together=False), ["n1", "n2"])
        change = site.apply("n1", "n2")
        assert [run.code for run in change.runs] == [2, 2]
        assert restarts(change) == {API: [1, 1, 0], RPC: [1, 1, 0]}
    finally:
        site.lab.boot("n3")
        site.lab.wait_quorate(90)
        site.lab.run("n1", ["pcs", "property", "set", "stonith-action="], timeout=60).checked()
    site.wait_up("n3")
    site.write(site.data, ["n3"])
    own = site.apply("n3")
    assert [run.code for run in own.runs] == [2]
    assert restarts(own) == {API: [0, 0, 1], RPC: [0, 0, 1]}
    site.wait_for_the_account()


@pytest.mark.openstack
def test_an_upgrade_is_ordered_by_the_catalog_alone(site: NeutronSite) -> None:
    site.write(replace(site.data, version=newer_packages.VERSION))
    episode = site.apply()
    assert [run.code for run in episode.runs] == [2, 2, 2]
    assert newer_packages.installed(site.lab) == {node: {newer_packages.VERSION} for node in site.lab.nodes}
    assert restarts(episode) == {API: EACH_ONCE, RPC: EACH_ONCE}
    begun, ended = newer_packages.installing(site.lab)
    ran = [life for life in episode.lives if life.began < ended and life.ended > begun]
    assert ran == [], "nothing runs while packages are upgraded, whatever their scripts do"
    assert all(newer_packages.denied(site.lab, node) for node in site.lab.nodes), "the scripts did try"
    assert sum(run.synced for run in episode.runs) == 1
    again = site.apply("n1")
    assert [run.code for run in again.runs] == [0]
    with site.stage.client():
        pass  # every node has answered
