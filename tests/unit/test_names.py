"""Which services may owe something: those of services.yaml under whatever name, and all others."""

from __future__ import annotations

from pacewright.cluster.names import ResourceId
from pacewright.service.names import every_service
from pacewright.service.settings import ServiceSettings, Settings
from pacewright.testing.clusters import clone, cluster, group, primitive

SNAPSHOT = cluster(
    group("front", primitive("address"), primitive("proxy")),
    clone("web-clone", primitive("web", "systemd:apache2")),
    primitive("db"),
)


def names(**services: ServiceSettings) -> list[tuple[str, str]]:
    found = every_service(SNAPSHOT, Settings(services=services))
    return [(target.name, target.outermost) for target in found]


def test_without_services_yaml_it_is_every_primitive() -> None:
    assert names() == [("address", "address"), ("proxy", "proxy"), ("web", "web-clone"), ("db", "db")]


def test_a_group_with_config_counts_as_one_under_its_alias_and_a_unit_under_its_name() -> None:
    entry = ServiceSettings(resource=ResourceId("front"), config=("/etc/haproxy",))
    assert names(balancer=entry, apache2=ServiceSettings(config=("/etc/apache2",))) == [
        ("balancer", "front"),
        ("apache2", "web-clone"),
        ("db", "db"),
    ]


def test_of_two_names_for_one_service_the_one_with_config_counts() -> None:
    httpd = ServiceSettings(resource=ResourceId("web"))
    assert ("site", "web-clone") in names(httpd=httpd, site=ServiceSettings(resource=ResourceId("web"), config=("/a",)))


def test_a_name_that_means_nothing_is_passed_over() -> None:
    assert len(names(gone=ServiceSettings(resource=ResourceId("gone")), other=ServiceSettings(config=("/a",)))) == 4
