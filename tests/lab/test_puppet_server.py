"""The mail's scenario with `puppet agent` on three nodes and a Puppet server on one of them, which alone has the site.

What has to travel does (types, providers, the fact, the config inputs), and the rest is as in test_openstack.py.
It takes seven minutes of both cores, most of them the server's, so it is not in `script/test` but in
`script/test --openstack`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pacewright import lab as labs
from pacewright.demo.openstack import PACKAGES, Stage, cluster_services, puppet_on_nodes
from pacewright.lab import Lab
from tests.lab.conftest import remove_labs_of_dead_sessions, whole_again
from tests.lab.neutron_promises import Deployment, deploy, deployed_together, did_nothing, rolled_out

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(900)]  # the server is a Java program that warms up

SERVER = "n1"
SETTINGS = f"""\
[main]
certname = %s
server = {SERVER}
[server]
autosign = true
"""
MODULES = "/usr/share/puppet/modules"
HEAP = r's/^JAVA_ARGS=.*/JAVA_ARGS="-Xms256m -Xmx768m -XX:TieredStopAtLevel=1"/'


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    """The site is on the server alone, and the other nodes have not even puppet-neutron."""
    remove_labs_of_dead_sessions()
    lab = labs.up(f"test-{os.getpid()}-server", packages=PACKAGES)
    try:
        _begin(lab)
        cluster_services.build(lab, lambda _: None)
        way = puppet_on_nodes.agent(SERVER)
        puppet_on_nodes.install(lab, way.homes)
        lab.run(SERVER, ["systemctl", "start", "puppetserver"], timeout=240).checked()  # it is there
        yield deploy(Stage(lab, say=print, way=way))
    finally:
        lab.down()


def _begin(lab: Lab) -> None:
    for node in lab.nodes:
        lab.write(node, "/etc/puppet/puppet.conf", SETTINGS % node)
        if node != SERVER:
            lab.run(node, ["rm", "--recursive", MODULES]).checked()
    lab.run(SERVER, ["sed", "--in-place", HEAP, "/etc/default/puppetserver"]).checked()
    lab.run(SERVER, ["systemctl", "start", "--no-block", "puppetserver"]).checked()


def test_deploy_by_three_agents_at_the_same_time(deployment: Deployment) -> None:
    deployed_together(deployment)


def test_a_change_of_the_servers_data_is_rolled_out_under_load(deployment: Deployment) -> None:
    rolled_out(deployment.site)
    whole_again(deployment.site.lab)
    deployment.site.audit()


def test_agents_without_a_change_do_nothing(deployment: Deployment) -> None:
    did_nothing(deployment)


def test_what_the_nodes_have_of_the_modules_has_come_from_the_server(deployment: Deployment) -> None:
    lab = deployment.site.lab
    for node in set(lab.nodes) - {SERVER}:
        find = ["find", "/etc/puppet", "/usr/share/puppet", "/var", "-path", "*service/pcs.rb"]
        found = lab.run(node, find).checked().stdout.decode().split()
        assert found == ["/var/cache/puppet/lib/puppet/provider/service/pcs.rb"]
