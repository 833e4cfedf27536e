"""What systemd tells of units: their other names, and what goes with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pacewright.node import units
from pacewright.testing.programs import FakeTools


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTools:
    """A link www to web; postgresql an umbrella, which takes a unit along that takes another one along."""
    made = FakeTools.below(tmp_path)
    web = {"Id": "web.service", "Names": "web.service www.service"}
    made.systemd(
        {
            "web.service": web,
            "www.service": web | {"LoadState": "loaded", "UnitFileState": "enabled"},
            "postgresql.service": {"ConsistsOf": "postgresql@15-main.service postgresql@15-spare.service"},
            "postgresql@15-main.service": {"BoundBy": "replicator.service"},
            "replicator.service": {"RequiredBy": "postgresql.service"},
        }
    )
    monkeypatch.setenv("PATH", made.path())
    return made


def test_a_link_has_the_names_of_its_unit(tools: FakeTools) -> None:
    assert units.also_called(["www", "cron.service"]) == {
        "www": ("web.service", "www.service"),
        "cron.service": ("cron.service",),
    }
    assert len(tools.called("systemctl")) == 1


def test_what_goes_with_a_unit_to_the_end(tools: FakeTools) -> None:
    assert set(units.taken_along(["postgresql"])) == {
        "postgresql.service",
        "postgresql@15-main.service",
        "postgresql@15-spare.service",
        "replicator.service",
    }
    assert set(units.taken_along(["www"])) == {"www.service", "web.service"}
    assert units.taken_along(["cron"]) == ("cron.service",)


@pytest.mark.parametrize("script", ["exit 1", "echo", "kill -9 $$"])
def test_a_systemd_that_does_not_tell_adds_nothing(script: str, tools: FakeTools) -> None:
    tools.add("systemctl", script)
    assert units.also_called(["www", "web"]) == {}
    assert units.taken_along(["www", "web"]) == ("www.service", "web.service")


def test_a_template_is_not_asked_about(tools: FakeTools) -> None:
    assert units.also_called(["openvpn@"]) == {}
    assert units.taken_along(["openvpn@"]) == ("openvpn@.service",)
    assert tools.called("systemctl") == []


def test_what_starts_at_boot_is_switched_off_by_its_own_name(tools: FakeTools) -> None:
    assert units.disable_at_boot("www")
    assert tools.called("systemctl")[-1] == "disable -- web.service"


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("web", "web.service"),
        ("php8.2-fpm", "php8.2-fpm.service"),
        ("openvpn@site.a", "openvpn@site.a.service"),
        ("web.service", "web.service"),
        ("a.socket", "a.socket"),
        ("b.slice", "b.slice"),
    ],
)
def test_a_dot_in_a_name_is_no_suffix(name: str, full: str) -> None:
    assert units.full_name(name) == full
