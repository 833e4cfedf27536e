"""`/etc/pacewright/services.yaml`: what a site says about its services. Strict: an unknown key is an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pacewright.cluster import ResourceId
from pacewright.errors import ConfigError
from pacewright.service.health import Health, HealthKind

if TYPE_CHECKING:
    import yaml

__all__ = ["DEFAULT_PATH", "KEYS", "ServiceSettings", "Settings", "load"]

DEFAULT_PATH = Path("/etc/pacewright/services.yaml")
KEYS = ("config", "health", "max_unavailable", "resource", "strategy", "timeout")
"""What may be said about a service; services.schema.json says the same for editors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """What is said about one service.

    Attributes:
        resource: the cluster resource that it is; None to find it by its name.
        timeout: seconds that an operation may take; None for what its resource's own time-outs come to.
        config: its config inputs on every node: files, globs, directories (absolute paths).
        together: restart all instances at once (`strategy: together`) instead of one after another (`rolling`).
        max_unavailable: how many instances may be down at once by our doing; a share of them with `percent`.
        percent: `max_unavailable` is a percentage.
        health: what an instance must pass before the next one is restarted; None for nothing.
    """

    resource: ResourceId | None = None
    timeout: float | None = None
    config: tuple[str, ...] = ()
    together: bool = False
    max_unavailable: int = 1
    percent: bool = False
    health: Health | None = None

    def limit(self, instances: int) -> int:
        """How many of so many instances may be down at once; at least one, or nothing would ever be restarted."""
        return max(1, instances * self.max_unavailable // 100 if self.percent else self.max_unavailable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole file; a service that it does not name has every default."""

    services: Mapping[str, ServiceSettings] = field(default_factory=dict)

    def of(self, name: str) -> ServiceSettings:
        """What is said about a service, under its name with or without `.service`."""
        bare = name.removesuffix(".service")
        said = (self.services.get(key) for key in (name, bare, f"{bare}.service"))
        return next((settings for settings in said if settings is not None), ServiceSettings())


def load(path: Path = DEFAULT_PATH) -> Settings:
    """Read the file; one that is not there says nothing.

    Raises:
        ConfigError: it cannot be read or does not mean anything; says file, line and key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}.") from error
    return _Reader(path).settings(text)


class _Reader:
    """Walks the YAML nodes instead of plain values, because they know their line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def settings(self, text: str) -> Settings:
        import yaml  # noqa: PLC0415 - 20 ms that a site without the file need not pay

        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else text.count("\n", 0, getattr(error, "position", 0)) + 1
            problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is not YAML"
            raise ConfigError(f"{self._path}:{line}: {problem}.") from error
        if root is None:
            return Settings()
        services: dict[str, ServiceSettings] = {}
        for key, _, value in self._mapping(root, "the file"):
            if key != "services":
                raise self._unknown(_, key, "the file", ("services",))
            for name, _, body in self._mapping(value, "services"):
                services[name] = self._service(body, f"services.{name}")
        return Settings(services=services)

    def _service(self, node: yaml.Node, where: str) -> ServiceSettings:
        found: dict[str, Any] = {}
        for key, key_node, value in self._mapping(node, where):
            match key:
                case "resource":
                    found[key] = ResourceId(self._text(value, f"{where}.{key}"))
                case "timeout":
                    found[key] = self._seconds(value, f"{where}.{key}")
                case "config":
                    found[key] = self._paths(value, f"{where}.{key}")
                case "strategy":
                    found["together"] = self._choice(value, f"{where}.{key}", ("rolling", "together")) == "together"
                case "max_unavailable":
                    found |= self._share(value, f"{where}.{key}")
                case "health":
                    found[key] = self._health(value, f"{where}.{key}")
                case _:
                    raise self._unknown(key_node, key, where, KEYS)
        return ServiceSettings(**found)

    def _mapping(self, node: yaml.Node, where: str) -> list[tuple[str, yaml.Node, yaml.Node]]:
        import yaml  # noqa: PLC0415

        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null":
            return []
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, f"{where}: expected keys and values")
        pairs: list[tuple[str, yaml.Node, yaml.Node]] = []
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._error(key, f"{where}: expected a text as key")
            if any(key.value == seen for seen, _, _ in pairs):
                raise self._error(key, f"{where}: the key {key.value!r} stands there twice")
            pairs.append((str(key.value), key, value))
        return pairs

    def _text(self, node: yaml.Node, where: str) -> str:
        import yaml  # noqa: PLC0415

        if not isinstance(node, yaml.ScalarNode) or not node.value:
            raise self._error(node, f"{where}: expected a text")
        return str(node.value)

    def _paths(self, node: yaml.Node, where: str) -> tuple[str, ...]:
        import yaml  # noqa: PLC0415

        if not isinstance(node, yaml.SequenceNode):
            raise self._error(node, f"{where}: expected a list of files, globs or directories")
        paths = [self._text(item, f"{where}[{index}]") for index, item in enumerate(node.value)]
        for index, path in enumerate(paths):
            if not path.startswith("/"):
                raise self._error(node.value[index], f"{where}[{index}]: expected an absolute path, found {path!r}")
        return tuple(paths)

    def _share(self, node: yaml.Node, where: str) -> dict[str, Any]:
        text = self._text(node, where)
        number = text.removesuffix("%")
        if not number.isdigit() or int(number) < 1:
            raise self._error(node, f"{where}: expected a number above 0, or a percentage like 25%, found {text!r}")
        return {"max_unavailable": int(number), "percent": text.endswith("%")}

    def _health(self, node: yaml.Node, where: str) -> Health:
        import yaml  # noqa: PLC0415

        found: dict[str, Any] = {}
        for key, key_node, value in self._mapping(node, where):
            if key in {"timeout", "stable_for"}:
                found[key] = self._seconds(value, f"{where}.{key}")
            elif key in {"http", "tcp", "command"} and "kind" not in found:
                listed = key == "command" and isinstance(value, yaml.SequenceNode)
                words = value.value if listed else [value]
                found |= {
                    "kind": HealthKind(key),
                    "target": tuple(self._text(word, f"{where}.{key}") for word in words),
                }
            else:
                raise self._unknown(key_node, key, where, ("one of http, tcp, command", "timeout", "stable_for"))
        if not found.get("target"):
            raise self._error(node, f"{where}: expected one of http, tcp, command")
        return Health(**found)

    def _choice(self, node: yaml.Node, where: str, choices: tuple[str, ...]) -> str:
        text = self._text(node, where)
        if text not in choices:
            raise self._error(node, f"{where}: expected {' or '.join(choices)}, found {text!r}")
        return text

    def _seconds(self, node: yaml.Node, where: str) -> float:
        text = self._text(node, where)
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < float("inf"):
            raise self._error(node, f"{where}: expected a number of seconds above 0, found {text!r}")
        return seconds

    def _unknown(self, node: yaml.Node, key: str, where: str, known: tuple[str, ...]) -> ConfigError:
        return self._error(node, f"{where}: the key {key!r} is not known (known: {', '.join(known)})")

    def _error(self, node: yaml.Node, problem: str) -> ConfigError:
        return ConfigError(
            f"{self._path}:{node.start_mark.line + 1}: {problem}.",
            hint="docs/services.yaml.md lists every key. Nothing was done.",
        )
