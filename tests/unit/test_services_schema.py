"""The JSON Schema for services.yaml that editors use says the same as the reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from pacewright.errors import ConfigError
from pacewright.service import settings_file as config
from pacewright.service.settings import Settings

SCHEMA = json.loads((Path(config.__file__).parent / "services.schema.json").read_text(encoding="utf-8"))

GOOD: list[dict[str, Any]] = [
    {},
    {"services": {}},
    {"services": {"web": {}}},
    {"services": {"neutron-server": {"resource": "neutron-clone", "timeout": 0.5}}},
    {"services": {"web@1": {"config": ["/etc/web", "/etc/web/*.conf"], "strategy": "together"}}},
]
GOOD += [
    {"services": {"web": {"max_unavailable": 2, "health": {"tcp": "{node}:80", "stable_for": 1}}}},
    {"services": {"web": {"max_unavailable": "25%", "health": {"command": ["/bin/true", "{node}"]}}}},
]
GOOD += [
    {"services": {"web": {"order": [], "on_failure": "continue", "gate": True}}},
    {"services": {"web": {"drain": {"haproxy": {"sockets": "/run/h.sock", "server": "web/{node}"}, "timeout": 5}}}},
    {"services": {"web": {"drain": {"haproxy": {"sockets": ["lb1:9999", "/x"], "server": "web/{node}"}}}}},
    {"services": {"web": {"drain": {"before": ["/bin/out", "{node}"], "after": "/bin/in"}}}},
    {"services": {"web": {"barrier": {"timeout": 0, "on_timeout": "later", "window": 60}}}},
]
GOOD += [{"services": {"web": {"timeout": text}}} for text in ("60s", "2min", "1 hour", "1500ms", "0.5", "10us")]
GOOD += [
    {"services": {"web": {"barrier": {"window": "2h"}, "drain": {"before": "x", "timeout": "9s"}}}},
    {"services": {"données": {"health": {"tcp": "a:1", "timeout": "1m", "stable_for": "3sec"}}}},
]
BAD: list[Any] = [
    *({"services": {"web": {"timeout": text}}} for text in ("0s", "5 parsecs", "s", "-1s", "1:30", "1e3")),
    {"services": {"web": {"order": "dc_last"}}},
    {"services": {"web": {"order": ["dc_first"]}}},
    {"services": {"web": {"on_failure": "ignore"}}},
    {"services": {"web": {"gate": "perhaps"}}},
    {"services": {"web": {"drain": {"after": "/bin/in"}}}},
    {"services": {"web": {"drain": {"before": "x", "haproxy": {"sockets": "/x", "server": "web/{node}"}}}}},
    {"services": {"web": {"drain": {"haproxy": {"sockets": "lb1", "server": "web/{node}"}}}}},
    {"services": {"web": {"drain": {"haproxy": {"sockets": "/x"}}}}},
    {"services": {"web": {"barrier": {"on_timeout": "hope"}}}},
    {"services": {"web": {"barrier": {"timeout": -1}}}},
    {"service": {}},
    {"services": {"web": {"resurce": "x"}}},
    {"services": {"web": {"resource": ""}}},
    {"services": {"web": {"timeout": 0}}},
    {"services": {"web": {"timeout": "soon"}}},
    {"services": {"web": {"config": "/etc/web"}}},
    {"services": {"web": {"config": ["etc/web"]}}},
    {"services": {"web": {"strategy": "slow"}}},
    {"services": {"web": {"max_unavailable": 0}}},
    {"services": {"web": {"max_unavailable": "some"}}},
    {"services": {"web": {"health": {}}}},
    {"services": {"web": {"health": {"http": "http://x/", "tcp": "x:1"}}}},
    {"services": ["web"]},
    ["services"],
]


def read(tmp_path: Path, document: object) -> Settings:
    path = tmp_path / "services.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return config.load(path)


def test_the_schema_is_a_schema_and_has_the_readers_keys() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["$defs"]["service"]["properties"]) == set(config.KEYS)
    assert all("description" in said or "enum" in said for said in SCHEMA["$defs"]["service"]["properties"].values())


@pytest.mark.parametrize("document", GOOD, ids=str)
def test_both_take_what_is_right(tmp_path: Path, document: dict[str, Any]) -> None:
    jsonschema.validate(document, SCHEMA)
    read(tmp_path, document)


@pytest.mark.parametrize("document", BAD, ids=str)
def test_both_refuse_what_is_wrong(tmp_path: Path, document: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)
    with pytest.raises(ConfigError):
        read(tmp_path, document)
