"""services.yaml: what it means, and one line with file, line and key for whatever is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pacewright.cluster.names import ResourceId
from pacewright.errors import ConfigError, Refused
from pacewright.service.lookup import find
from pacewright.service.settings import DEFAULT_PATH, Drain, HAProxy, Health, HealthKind, ServiceSettings, Settings
from pacewright.service.settings_file import KEYS, load
from pacewright.testing.clusters import clone, cluster, primitive

DOCUMENT = Path(__file__).parents[2] / "docs" / "services.yaml.md"


def read(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "services.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_what_stands_there_is_what_it_says(tmp_path: Path) -> None:
    settings = read(tmp_path, "services:\n  web:\n    resource: web-clone\n    timeout: 12.5\n  db: {timeout: 300}\n")
    assert settings.entry("web") == ServiceSettings(resource=ResourceId("web-clone"), timeout=12.5)
    assert settings.entry("db") == ServiceSettings(timeout=300.0)
    assert settings.entry("other") == ServiceSettings()


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert load(tmp_path / "none.yaml") == Settings()


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "services:\n", "services: {}\n", "services: ~\n"])
def test_an_empty_file_says_nothing(text: str, tmp_path: Path) -> None:
    assert read(tmp_path, text).services == {}


def test_a_service_with_nothing_behind_it_has_every_default(tmp_path: Path) -> None:
    assert read(tmp_path, "services:\n  web:\n  db: {timeout: 3}\n").entry("web") == ServiceSettings()


def test_a_name_is_found_with_and_without_its_suffix(tmp_path: Path) -> None:
    settings = read(tmp_path, "services:\n  web: {timeout: 3}\n  db.service: {timeout: 4}\n")
    assert [settings.entry(n).timeout for n in ("web", "web.service", "db", "db.service")] == [3, 3, 4, 4]


def test_the_exact_name_wins(tmp_path: Path) -> None:
    settings = read(tmp_path, "services:\n  web: {timeout: 3}\n  web.service: {timeout: 4}\n")
    assert [settings.entry(n).timeout for n in ("web", "web.service")] == [3, 4]


def test_a_time_is_written_as_pacemaker_takes_it_wherever_there_is_one(tmp_path: Path) -> None:
    said = read(
        tmp_path,
        """\
services:
  web:
    timeout: 2min
    health: {tcp: a:1, timeout: 60s, stable_for: 1500ms}
    drain: {before: x, timeout: 1h}
    barrier: {timeout: 0s, window: 2 hours}
""",
    ).entry("web")
    assert said.health is not None
    assert said.drain is not None
    assert (said.timeout, said.health.timeout, said.health.stable_for) == (120.0, 60.0, 1.5)
    assert (said.drain.timeout, said.barrier.timeout, said.barrier.window) == (3600.0, 0.0, 7200.0)


WRONG = [
    ("services:\n  web: {resource: [a, b\n", 3, "expected ',' or ']'"),
    ("services:\n\tweb: {}\n", 2, "cannot start any token"),
    (
        "services:\n  web:\n    resurce: a\n",
        3,
        "services.web: the key 'resurce' is not known (known: barrier, config, drain, gate, health,",
    ),
    ("services:\n  web:\n    config: /etc/web\n", 3, "services.web.config: expected a list of files"),
    ("services:\n  web:\n    config:\n      - /etc/web\n      - web.conf\n", 5, "services.web.config[1]: expected"),
    ("services:\n  web:\n    strategy: slow\n", 3, "services.web.strategy: expected rolling or together"),
    ("services:\n  web:\n    max_unavailable: 0\n", 3, "services.web.max_unavailable: expected a number above 0"),
    ("services:\n  web:\n    health:\n      timeout: 3\n", 4, "services.web.health: expected one of http, tcp"),
    ("services:\n  web:\n    health: {tcp: a, http: b}\n", 3, "services.web.health: the key 'http' is not known"),
    ("service:\n  web: {}\n", 1, "the file: the key 'service' is not known (known: services)"),
    ("services:\n  web:\n    resource: a\n    timeout: 1\n    resource: b\n", 5, "services.web: the key 'resource'"),
    ("services:\n  web: {}\n  db: {}\n  web: {}\n", 4, "services: the key 'web' stands there twice"),
    ("services:\n  web: {}\nservices:\n  web: {}\n", 3, "the file: the key 'services' stands there twice"),
    ("- web\n", 1, "the file: expected keys and values"),
    ("just words\n", 1, "the file: expected keys and values"),
    ("services: [web]\n", 1, "services: expected keys and values"),
    ("services:\n  web: web-clone\n", 2, "services.web: expected keys and values"),
    ("services:\n  web:\n    resource: [a]\n", 3, "services.web.resource: expected a text"),
    ("services:\n  web:\n    resource:\n", 3, "services.web.resource: expected a text"),
    ("services:\n  web:\n    resource: ''\n", 3, "services.web.resource: expected a text"),
    (
        "services:\n  web:\n    timeout: soon\n",
        3,
        "web.timeout: expected a time above 0, such as 90, 60s or 2min, found 'soon'",
    ),
    ("services:\n  web:\n    timeout: 0\n", 3, "services.web.timeout"),
    ("services:\n  web:\n    timeout: -3\n", 3, "services.web.timeout"),
    ("services:\n  web:\n    timeout: .inf\n", 3, "services.web.timeout"),
    ("services:\n  web:\n    timeout: 5 parsecs\n", 3, "services.web.timeout"),
    ("services:\n  web:\n    barrier: {timeout: -1s}\n", 3, "services.web.barrier.timeout"),
    ("services:\n  web:\n    timeout: inf\n", 3, "services.web.timeout"),
    ("services:\n  web:\n    timeout: nan\n", 3, "services.web.timeout"),
    ("services:\n  web:\n    timeout: {a: 1}\n", 3, "services.web.timeout: expected a text"),
    ("services:\n  ? [web]\n  : {}\n", 2, "services: expected a text as key"),
    ("services:\n  ? {a: b}\n  : {}\n", 2, "services: expected a text as key"),
    ("a: 1\n--- \nb: 2\n", 2, "but found another document"),
    ("services: *web\n", 1, "undefined alias"),
    ("services:\n  web: {resource: \x07}\n", 2, "special characters are not allowed"),
]


@pytest.mark.parametrize(("text", "line", "problem"), WRONG, ids=[repr(text) for text, _, _ in WRONG])
def test_what_is_wrong_is_said_with_file_line_and_key(text: str, line: int, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert caught.value.message.startswith(f"{tmp_path}/services.yaml:{line}: ")
    assert problem in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["a: &x [*x, *x]\n", "services: &s {web: *s}\n"])
def test_a_file_that_contains_itself_does_not_go_on_for_ever(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read(tmp_path, text)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "services.yaml"
    path.write_bytes(b"services:\n  \xff\xfe: {}\n")
    with pytest.raises(ConfigError, match=r"services\.yaml: cannot be read"):
        load(path)


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Forbidden(type(tmp_path)):  # type: ignore[misc]
        def read_text(self, **_: object) -> str:
            raise PermissionError(13, "Permission denied")

    with pytest.raises(ConfigError, match="Permission denied"):
        load(Forbidden(tmp_path / "services.yaml"))


def test_an_alias_to_a_resource_that_is_not_there_names_both(tmp_path: Path) -> None:
    settings = read(tmp_path, "services:\n  web:\n    resource: wbe-clone\n")
    with pytest.raises(Refused) as caught:
        find("web", cluster(clone("web-clone", primitive("web"))), settings)
    assert "web: services.yaml says it is the resource 'wbe-clone'" in caught.value.message
    assert "the alias" in caught.value.hint


def test_the_document_for_people_names_every_key() -> None:
    documented = set(re.findall(r"(?m)^\| `services\.NAME\.(\w+)`", DOCUMENT.read_text(encoding="utf-8")))
    assert documented == set(KEYS)


def test_the_documents_example_is_read(tmp_path: Path) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    example = text[text.index("    services:\n") : text.index("\n## Keys")]
    settings = read(tmp_path, re.sub(r"(?m)^ {4}", "", example))
    assert settings.entry("neutron-server") == ServiceSettings(
        resource=ResourceId("neutron-api-clone"),
        timeout=300.0,
        config=("/etc/neutron/neutron.conf", "/etc/neutron/plugins/ml2/*.ini", "/etc/neutron/conf.d"),
        health=Health(kind=HealthKind.HTTP, target=("http://{node}:9696/",), timeout=60, stable_for=3),
        drain=Drain(haproxy=HAProxy(sockets=("/run/haproxy/admin.sock",), server="neutron/{node}")),
    )
    assert str(DEFAULT_PATH) in text
