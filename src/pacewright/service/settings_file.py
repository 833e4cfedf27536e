"""`/etc/pacewright/services.yaml`: what a site says about its services. Strict: an unknown key is an error."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pacewright import durations
from pacewright.cluster.names import ResourceId
from pacewright.errors import ConfigError
from pacewright.node.paths import is_path
from pacewright.service.settings import (
    DEFAULT_PATH,
    Barrier,
    Drain,
    HAProxy,
    Health,
    HealthKind,
    Last,
    OnTimeout,
    ServiceSettings,
    Settings,
)

if TYPE_CHECKING:
    import yaml

__all__ = ["KEYS", "load"]

KEYS = (
    "barrier",
    "config",
    "drain",
    "gate",
    "health",
    "max_unavailable",
    "on_failure",
    "order",
    "resource",
    "strategy",
    "timeout",
)
"""What may be said about a service; services.schema.json says the same for editors."""


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
        except RecursionError as error:
            raise ConfigError(f"{self._path}: it is nested too deeply.") from error
        except (yaml.YAMLError, ValueError) as error:
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
        return Settings(services=services, path=self._path)

    def _service(self, node: yaml.Node, where: str) -> ServiceSettings:
        found: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, key_node, value in self._mapping(node, where):
            if key not in KEYS:
                raise self._unknown(key_node, key, where, KEYS)
            setting = self._setting(key, value, f"{where}.{key}")
            found |= setting
            lines |= dict.fromkeys(setting, key_node.start_mark.line + 1)
        return ServiceSettings(**found, lines=lines)

    def _setting(self, key: str, value: yaml.Node, where: str) -> dict[str, Any]:
        """One key of a service, as fields of ServiceSettings."""
        match key:
            case "resource":
                return {key: ResourceId(self._text(value, where))}
            case "max_unavailable":
                return self._share(value, where)
            case "strategy":
                return {"together": self._choice(value, where, ("rolling", "together")) == "together"}
            case "on_failure":
                return {"keeps_going": self._choice(value, where, ("stop", "continue")) == "continue"}
            case "gate":
                return {key: self._choice(value, where, ("true", "false")) == "true"}
        readers: dict[str, Callable[[yaml.Node, str], Any]] = {
            "barrier": self._barrier,
            "config": self._paths,
            "drain": self._drain,
            "health": self._health,
            "order": self._order,
            "timeout": self._seconds,
        }
        return {key: readers[key](value, where)}

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
            if not is_path(path):
                raise self._error(node.value[index], f"{where}[{index}]: expected an absolute path, found {path!r}")
        return tuple(paths)

    def _share(self, node: yaml.Node, where: str) -> dict[str, Any]:
        text = self._text(node, where)
        number = text.removesuffix("%")
        if not re.fullmatch(r"0*[1-9][0-9]{0,8}", number):
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

    def _words(self, node: yaml.Node, where: str) -> tuple[str, ...]:
        """A command: one word, or a list of words."""
        import yaml  # noqa: PLC0415

        words = node.value if isinstance(node, yaml.SequenceNode) else [node]
        return tuple(self._text(word, where) for word in words)

    def _order(self, node: yaml.Node, where: str) -> tuple[Last, ...]:
        import yaml  # noqa: PLC0415

        if not isinstance(node, yaml.SequenceNode):
            raise self._error(node, f"{where}: expected a list of {', '.join(last.value for last in Last)}")
        rules = tuple(last.value for last in Last)
        return tuple(Last(self._choice(item, f"{where}[{index}]", rules)) for index, item in enumerate(node.value))

    def _drain(self, node: yaml.Node, where: str) -> Drain:
        found: dict[str, Any] = {}
        for key, key_node, value in self._mapping(node, where):
            if key in {"before", "after"}:
                found[key] = self._words(value, f"{where}.{key}")
            elif key == "haproxy":
                found[key] = self._haproxy(value, f"{where}.{key}")
            elif key == "timeout":
                found[key] = self._seconds(value, f"{where}.{key}")
            else:
                raise self._unknown(key_node, key, where, ("before and after, or haproxy", "timeout"))
        if ("haproxy" in found) == ("before" in found):
            raise self._error(node, f"{where}: expected either before (and after) or haproxy")
        return Drain(**found)

    def _haproxy(self, node: yaml.Node, where: str) -> HAProxy:
        found = {key: (key_node, value) for key, key_node, value in self._mapping(node, where)}
        for key, (key_node, _) in found.items():
            if key not in {"sockets", "server"}:
                raise self._unknown(key_node, key, where, ("sockets", "server"))
        if set(found) != {"sockets", "server"}:
            raise self._error(node, f"{where}: expected sockets and server")
        sockets = self._words(found["sockets"][1], f"{where}.sockets")
        for address in sockets:
            if not (address.startswith("/") or address.rpartition(":")[2].isdigit()):
                text = f"{where}.sockets: expected a path or HOST:PORT, found {address!r}"
                raise self._error(found["sockets"][1], text)
        server = self._text(found["server"][1], f"{where}.server")
        if server.count("/") != 1 or "{node}" not in server:
            raise self._error(found["server"][1], f"{where}.server: expected BACKEND/SERVER with {{node}} in it")
        return HAProxy(sockets=sockets, server=server)

    def _barrier(self, node: yaml.Node, where: str) -> Barrier:
        found: dict[str, Any] = {}
        for key, key_node, value in self._mapping(node, where):
            match key:
                case "timeout":
                    found[key] = self._seconds(value, f"{where}.{key}", or_none=True)
                case "window":
                    found[key] = self._seconds(value, f"{where}.{key}")
                case "on_timeout":
                    choices = tuple(one.value for one in OnTimeout)
                    found[key] = OnTimeout(self._choice(value, f"{where}.{key}", choices))
                case _:
                    raise self._unknown(key_node, key, where, ("timeout", "on_timeout", "window"))
        return Barrier(**found)

    def _choice(self, node: yaml.Node, where: str, choices: tuple[str, ...]) -> str:
        text = self._text(node, where)
        if text not in choices:
            raise self._error(node, f"{where}: expected {' or '.join(choices)}, found {text!r}")
        return text

    def _seconds(self, node: yaml.Node, where: str, *, or_none: bool = False) -> float:
        text = self._text(node, where)
        try:
            seconds = durations.seconds(text)
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds <= durations.LONGEST or (seconds == 0 and not or_none):
            raise self._error(node, f"{where}: expected a time above 0, such as 90, 60s or 2min, found {text!r}")
        return seconds

    def _unknown(self, node: yaml.Node, key: str, where: str, known: tuple[str, ...]) -> ConfigError:
        return self._error(node, f"{where}: the key {key!r} is not known (known: {', '.join(known)})")

    def _error(self, node: yaml.Node, problem: str) -> ConfigError:
        return ConfigError(
            f"{self._path}:{node.start_mark.line + 1}: {problem}.",
            hint="docs/services.yaml.md lists every key. Nothing was done.",
        )
