"""From a name to what the cluster runs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacewright.cluster.names import ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import Refused, UsageError
from pacewright.service.lookup import AlsoCalled, Target, check_name, find, known_node, unit_name
from pacewright.service.settings import ServiceSettings, Settings
from pacewright.testing.clusters import clone, cluster, group, primitive

BUNDLE = (
    '<bundle id="cache-bundle"><podman image="x" replicas="2"/>'
    '<network control-port="3121"/><primitive id="cache" class="ocf" provider="heartbeat" type="redis"/></bundle>'
)
EMPTY_BUNDLE = '<bundle id="proxy-bundle"><podman image="x" replicas="2"/></bundle>'


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    """One of everything."""
    return cluster(
        primitive("db", "ocf:heartbeat:mysql"),
        clone("web-clone", primitive("web", "systemd:nginx")),
        clone("api-clone", primitive("api", "systemd:api.service"), promotable="true"),
        group("front", primitive("vip", "ocf:heartbeat:IPaddr2"), primitive("lb", "systemd:haproxy")),
        clone("pair-clone", group("pair", primitive("one"), primitive("two", "lsb:two"))),
        BUNDLE,
        EMPTY_BUNDLE,
        primitive("worker-a", "systemd:worker"),
        primitive("worker-b", "service:worker"),
        primitive("odd.name_with-all"),
        primitive("données", "systemd:backup"),
    )


def found(name: str, snapshot: Snapshot, settings: Settings | None = None) -> Target:
    target = find(name, snapshot, settings or Settings())
    assert target is not None
    return target


def ids(*names: str) -> tuple[ResourceId, ...]:
    return tuple(ResourceId(name) for name in names)


@pytest.mark.parametrize(
    ("name", "resource", "primitives", "many", "outermost"),
    [
        ("db", "db", ("db",), None, "db"),
        ("web", "web", ("web",), "web-clone", "web-clone"),
        ("web-clone", "web-clone", ("web",), "web-clone", "web-clone"),
        ("api", "api", ("api",), "api-clone", "api-clone"),
        ("vip", "vip", ("vip",), None, "vip"),
        ("lb", "lb", ("lb",), None, "lb"),
        ("front", "front", ("vip", "lb"), None, "front"),
        ("pair", "pair", ("one", "two"), "pair-clone", "pair-clone"),
        ("pair-clone", "pair-clone", ("one", "two"), "pair-clone", "pair-clone"),
        ("two", "two", ("two",), "pair-clone", "two"),
        ("cache", "cache", ("cache",), "cache-bundle", "cache-bundle"),
        ("cache-bundle", "cache-bundle", ("cache",), "cache-bundle", "cache-bundle"),
        ("nginx", "web", ("web",), "web-clone", "web-clone"),
        ("nginx.service", "web", ("web",), "web-clone", "web-clone"),
        ("haproxy", "lb", ("lb",), None, "lb"),
        ("api.service", "api", ("api",), "api-clone", "api-clone"),
        ("db.service", "db", ("db",), None, "db"),
        ("odd.name_with-all", "odd.name_with-all", ("odd.name_with-all",), None, "odd.name_with-all"),
    ],
)
def test_a_name_and_what_it_is(
    name: str, resource: str, primitives: tuple[str, ...], many: str | None, outermost: str, snapshot: Snapshot
) -> None:
    assert found(name, snapshot) == Target(
        name=name,
        resource=ResourceId(resource),
        primitives=ids(*primitives),
        many=ResourceId(many) if many else None,
        outermost=ResourceId(outermost),
    )


@pytest.mark.parametrize("name", ["données", "backup"])
def test_an_id_may_have_letters_of_any_script(name: str, snapshot: Snapshot) -> None:
    assert found(name, snapshot).resource == "données"


def names_of(**units: str) -> AlsoCalled:
    """A systemd in which these names are links to those units."""

    def ask(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
        real = {name: units.get(unit_name(name), unit_name(name)) for name in names}
        return {
            name: tuple(f"{each}.service" for each in (unit, *(link for link, to in units.items() if to == unit)))
            for name, unit in real.items()
        }

    return ask


@pytest.mark.parametrize("name", ["www", "www.service"])
def test_a_link_to_a_unit_means_what_the_unit_means(name: str, snapshot: Snapshot) -> None:
    target = find(name, snapshot, Settings(), names_of(www="nginx"))
    assert target is not None
    assert (target.name, target.outermost) == (name, "web-clone")


def test_the_agent_may_have_the_link_and_the_caller_the_unit(snapshot: Snapshot) -> None:
    target = find("www", snapshot, Settings(), names_of(nginx="www"))
    assert target is not None
    assert target.outermost == "web-clone"


def test_a_link_to_the_unit_of_an_alias_means_the_alias(snapshot: Snapshot) -> None:
    settings = Settings(services={"mariadb": ServiceSettings(resource=ResourceId("db"), timeout=7)})
    target = find("mysql", snapshot, settings, names_of(mysql="mariadb"))
    assert target is not None
    assert (target.outermost, target.settings.timeout, target.aliases) == ("db", 7, ("mariadb",))


def test_what_is_said_under_a_link_counts_under_the_id_too(snapshot: Snapshot) -> None:
    settings = Settings(services={"www": ServiceSettings(timeout=7)})
    target = find("web-clone", snapshot, settings, names_of(www="nginx"))
    assert target is not None
    assert target.settings.timeout == 7


def test_systemd_is_not_asked_about_what_the_cluster_knows(snapshot: Snapshot) -> None:
    settings = Settings(services={"front": ServiceSettings(timeout=7)})
    target = find("nginx.service", snapshot, settings, lambda names: pytest.fail(f"asked about {names}"))
    assert target is not None


def test_a_link_to_a_unit_of_several_resources_is_as_ambiguous_as_the_unit(snapshot: Snapshot) -> None:
    with pytest.raises(UsageError, match="worker-a, worker-b"):
        find("job", snapshot, Settings(), names_of(job="worker"))


def test_an_alias_wins_over_the_resource_of_that_name(snapshot: Snapshot) -> None:
    settings = Settings(services={"db": ServiceSettings(resource=ResourceId("web-clone"))})
    assert found("db", snapshot, settings).primitives == ids("web")


@pytest.mark.parametrize("name", ["neutron", "neutron.service"])
def test_an_alias_is_found_with_and_without_the_suffix(name: str, snapshot: Snapshot) -> None:
    settings = Settings(services={"neutron": ServiceSettings(resource=ResourceId("front"))})
    target = found(name, snapshot, settings)
    assert (target.name, target.primitives) == (name, ids("vip", "lb"))


def test_an_alias_written_with_the_suffix_is_found_with_it(snapshot: Snapshot) -> None:
    settings = Settings(services={"neutron.service": ServiceSettings(resource=ResourceId("front"))})
    assert found("neutron.service", snapshot, settings).primitives == ids("vip", "lb")


def test_an_alias_written_with_the_suffix_is_found_without_it(snapshot: Snapshot) -> None:
    settings = Settings(services={"neutron.service": ServiceSettings(resource=ResourceId("front"))})
    assert found("neutron", snapshot, settings).primitives == ids("vip", "lb")


def test_an_entry_without_a_resource_only_sets_the_rest(snapshot: Snapshot) -> None:
    settings = Settings(services={"db": ServiceSettings(timeout=5)})
    assert found("db", snapshot, settings).resource == "db"


def test_several_resources_of_one_unit_are_listed(snapshot: Snapshot) -> None:
    with pytest.raises(UsageError) as caught:
        find("worker", snapshot, Settings())
    assert "worker-a, worker-b" in caught.value.message
    assert "services.yaml" in caught.value.hint


def test_an_alias_decides_between_several(snapshot: Snapshot) -> None:
    settings = Settings(services={"worker": ServiceSettings(resource=ResourceId("worker-b"))})
    assert found("worker", snapshot, settings).resource == "worker-b"


@pytest.mark.parametrize("name", ["redis", "mysql", "Dummy", "sshd", "web-monitor", "fencing", "WEB"])
def test_what_the_cluster_does_not_know(name: str, snapshot: Snapshot) -> None:
    assert find(name, snapshot, Settings()) is None


def test_a_bundle_without_a_primitive_cannot_be_operated(snapshot: Snapshot) -> None:
    with pytest.raises(Refused, match="the bundle proxy-bundle holds no primitive"):
        find("proxy-bundle", snapshot, Settings())


ODD = ["", " ", "a b", "a\nb", "web\n", "a/b", "../etc/passwd", "a;b", "$(id)", "\x9b", "a\0b", "@" * 256, "a%b", "*"]


@pytest.mark.parametrize("name", ODD)
def test_what_can_be_no_name_is_said_before_anybody_is_asked(name: str, snapshot: Snapshot) -> None:
    with pytest.raises(UsageError, match="not a service's name"):
        find(name, snapshot, Settings())


@pytest.mark.parametrize("name", ["a", "getty@tty1", "a:b", "systemd-fsck@dev-disk\\x2d1", "x" * 255, "-", "--", ".."])
def test_whatever_systemd_allows_is_a_name(name: str) -> None:
    assert check_name(name) == name


@given(st.text(max_size=300))
def test_a_name_is_accepted_or_refused_in_one_line(name: str) -> None:
    try:
        accepted = check_name(name)
    except UsageError as error:
        assert "\n" not in str(error)  # noqa: PT017
        assert str(error).isprintable()  # noqa: PT017
    else:
        assert accepted == name
        assert not set(name) & set("/ \n\t$;'\"\x1b\x9b")


def test_unit_name() -> None:
    assert [unit_name(n) for n in ("a", "a.service", "a.service.service")] == ["a", "a", "a.service"]


def test_a_node_that_is_not_there_is_said_with_those_that_are(snapshot: Snapshot) -> None:
    assert [known_node(name, snapshot) for name in ("n2", "N2")] == ["n2", "n2"]
    with pytest.raises(UsageError) as caught:
        known_node("n9", snapshot)
    assert str(caught.value) == "n9: no such node. The cluster has: n1, n2, n3, cache-bundle-0, cache-bundle-1."
