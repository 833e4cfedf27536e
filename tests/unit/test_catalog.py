"""`service status --json`: each name has its answer, whatever is wrong with another one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pacewright.node.fingerprint import fingerprint
from pacewright.testing.clusters import cib, clone, primitive
from pacewright.testing.programs import FakeTools

WEB = clone("web-clone", primitive("web", "systemd:web"))
SHOW = """\
shift 4
first=yes
for unit; do
    [ -n "$first" ] || echo
    first=
    case $unit in
        nosuch.service) echo LoadState=not-found ;;
        web.service) printf 'LoadState=loaded\\nActiveState=active\\nUnitFileState=enabled\\n' ;;
        *) printf 'LoadState=loaded\\nActiveState=inactive\\nUnitFileState=disabled\\n' ;;
    esac
done
"""


@pytest.fixture
def tools(tmp_path: Path) -> FakeTools:
    """A cluster with web on all nodes, and a systemd that starts it at boot, too."""
    made = FakeTools.below(tmp_path)
    made.prints("cibadmin", cib(WEB + primitive("db"), running={"web": ("n1", "n2", "n3"), "db": ("n1",)}))
    made.add("systemctl", SHOW)
    return made


def asked(tools: FakeTools, *names: str, code: int, inputs: object = None, more: tuple[str, ...] = ()) -> Any:
    given = tools.folder.parent / "inputs.json"
    given.write_text(json.dumps(inputs if inputs is not None else {}), encoding="utf-8")
    done = tools.pacewright("service", "status", "--json", "--inputs", str(given), *more, *names)
    assert done.code == code, done.output
    told = json.loads(done.stdout)
    assert [service["name"] for service in told["services"]] == list(names)
    return told


def test_one_read_of_the_cluster_and_two_questions_to_systemd_answer_for_all(tools: FakeTools) -> None:
    told = asked(tools, "web", "db", "cron", "nosuch", code=4)
    assert told["node"] == "n1"
    assert [service["provider"] for service in told["services"]] == ["cluster", "cluster", "systemd", "unknown"]
    assert [service.get("here") for service in told["services"]] == ["running", "running", "stopped", None]
    assert "neither the cluster nor systemd" in told["services"][3]["error"]
    assert len(tools.called("cibadmin")) == 1
    assert [call.split()[2] for call in tools.called("systemctl")] == [
        "Id,Names",  # what of it may be a link to a unit of the cluster's
        "LoadState,ActiveState,SubState,UnitFileState,MainPID",
    ]


def test_a_unit_that_systemd_starts_at_boot_beside_the_cluster_is_told(tools: FakeTools) -> None:
    web, db = asked(tools, "web", "db", code=0)["services"]
    assert (web["at_boot"], db["at_boot"]) == (["web.service"], [])


def test_a_config_that_was_changed_and_not_reported_is_owed_here(tools: FakeTools, tmp_path: Path) -> None:
    config = tmp_path / "web.conf"
    config.write_text("new\n", encoding="utf-8")
    (web,) = asked(tools, "web", code=0, inputs={"web": [str(config)]})["services"]
    assert web["config"] == [str(config)]
    assert [(debt["node"], debt["reason"]) for debt in web["owed"]] == [
        ("n1", "its config has changed and was not reported")
    ]
    assert web["owed"][0]["since"] == pytest.approx(os.stat(config).st_ctime)  # noqa: PTH116
    assert asked(tools, "web", code=0)["services"][0]["owed"] == []


def test_what_was_reported_is_not_owed(tools: FakeTools, tmp_path: Path) -> None:
    config = tmp_path / "web.conf"
    config.write_text("new\n", encoding="utf-8")
    print_of_it = fingerprint([str(config)]).fingerprint
    marks = {"n1": {"pacewright-config-web": f"{print_of_it}@1"}}
    started = clone("web-clone", primitive("web", "systemd:web", parameters={"pacewright_revision": print_of_it}))
    tools.prints("cibadmin", cib(started, running={"web": ("n1",)}, attributes=marks))
    assert asked(tools, "web", code=0, inputs={"web": [str(config)]})["services"][0]["owed"] == []


def test_what_services_yaml_names_counts_more(tools: FakeTools, tmp_path: Path) -> None:
    services = tmp_path / "services.yaml"
    services.write_text("services: {web: {config: [/etc/site]}}\n", encoding="utf-8")
    told = asked(tools, "web", "db", code=0, inputs={"web": ["/a"], "db": ["/b"]}, more=("--config", str(services)))
    assert [service["config"] for service in told["services"]] == [["/etc/site"], ["/b"]]


def test_while_the_cluster_is_down_only_its_own_services_have_no_answer(tools: FakeTools, tmp_path: Path) -> None:
    (tmp_path / "cib.xml").write_bytes(cib(WEB))
    tools.add("cibadmin", f'[ -n "$CIB_file" ] && exec cat {tmp_path}/cib.xml; exit 102')
    web, cron = asked(tools, "web", "cron", code=6)["services"]
    assert (web["provider"], web["exit_code"]) == ("cluster", 6)
    assert "not running or still starting" in web["error"]
    assert cron["provider"] == "systemd"


def test_an_alias_that_leads_nowhere_spoils_only_its_own_answer(tools: FakeTools, tmp_path: Path) -> None:
    services = tmp_path / "services.yaml"
    services.write_text("services: {front: {resource: gone}}\n", encoding="utf-8")
    front, web = asked(tools, "front", "web", code=5, more=("--config", str(services)))["services"]
    assert "which the cluster does not have" in front["error"]
    assert web["here"] == "running"


def test_a_name_that_nothing_can_have_is_unknown(tools: FakeTools) -> None:
    assert asked(tools, "no unit", code=4)["services"][0]["provider"] == "unknown"


@pytest.mark.parametrize("text", ["{", "[]", '{"web": "/a"}', '{"web": ["relative"]}', '{"web": [1]}'])
def test_inputs_that_mean_nothing(text: str, tools: FakeTools, tmp_path: Path) -> None:
    given = tmp_path / "inputs"
    given.write_text(text, encoding="utf-8")
    done = tools.pacewright("service", "status", "--json", "--inputs", str(given), "web")
    assert (done.code, done.stdout) == (2, b"")
    assert b"--inputs" in done.stderr


def test_inputs_are_for_programs(tools: FakeTools) -> None:
    done = tools.pacewright("service", "status", "--inputs", "-", "web")
    assert done.code == 2
    assert b"only with --json" in done.stderr


def test_a_call_in_which_everything_fails_is_an_error(tools: FakeTools) -> None:
    tools.add("systemctl", "exit 1")
    done = tools.pacewright("service", "status", "--json", "cron")
    assert (done.code, done.stdout) == (8, b"")
