"""`pacewright resource apply`, from the command line down, each in its own process: clear lines, exit codes, JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pacewright.process import Completed
from pacewright.testing.clusters import cib, primitive
from pacewright.testing.programs import FakeTools


def scheduler(*, after: str = "") -> str:
    """A scheduler that does what is in `after` if the port is 81, and else nothing."""
    return f"""
        for word; do case $word in --xml-file=*) file=${{word#*=}} ;; --save-output=*) saved=${{word#*=}} ;; esac; done
        document=$(cat "$file"); printf %s "$document" >"$saved"
        case $document in *'value="81"'*) actions='{after}' ;; esac
        echo "<pacemaker-result><actions>$actions</actions></pacemaker-result>"
    """


NOTHING = scheduler()
RESTART = scheduler(after='<rsc_action action="restart" resource="db" source="n1" dest="n1" reason="x"/>')
META = '<resource-agent><actions><action name="start" timeout="90s"/></actions></resource-agent>'
PORT = {"resources": [{"id": "web", "agent": "ocf:heartbeat:Dummy", "parameters": {"port": 81}}]}
NEW = {"resources": [{"id": "new", "agent": "ocf:heartbeat:Dummy"}]}
SAME = {"resources": [{"id": "web", "agent": "ocf:heartbeat:Dummy", "parameters": {"port": 80}}]}
PATCH = '<diff format="2"><version><source epoch="10"/></version><change path="/cib/configuration"/></diff>'


@pytest.fixture
def tools(tmp_path: Path) -> FakeTools:
    """A healthy cluster of fakes, which takes no patch."""
    made = FakeTools.below(tmp_path)
    answers(made, cib(primitive("web", parameters={"port": "80"}), primitive("db"), running={"web": ("n1",)}))
    made.add("crm_simulate", NOTHING)
    made.add("crm_diff", f"echo '{PATCH}'; exit 1")
    made.add("crm_resource", f"echo '{META}'")
    return made


def answers(tools: FakeTools, document: bytes, patched: str = ":", after: bytes = b"") -> None:
    """A cluster that has that document, and the one `after` a patch."""
    path, later = tools.folder.parent / "cib.out", tools.folder.parent / "later.out"
    path.write_bytes(document)
    later.write_bytes(after or document)
    tools.add("cibadmin", f"case $1 in --patch) {patched}; cat {later} >{path} ;; *) cat {path} ;; esac")


def apply(tools: FakeTools, document: object, *options: str) -> Completed:
    path = tools.folder.parent / "site.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return tools.pacewright("resource", "apply", str(path), *options)


def refused(done: Completed, code: int, *words: str) -> None:
    told = done.stderr.decode()
    assert done.code == code, told
    assert "Traceback" not in told
    assert done.stdout == b""
    for word in words:
        assert word in told


def patches(tools: FakeTools) -> list[str]:
    return [call for call in tools.called("cibadmin") if "--patch" in call]


def test_what_is_so_already_costs_one_question(tools: FakeTools) -> None:
    done = apply(tools, SAME, "--json")
    assert json.loads(done.stdout) | {"message": ""} == {
        "changed": False,
        "message": "",
        "changes": [],
        "actions": [],
        "refused": None,
    }
    assert (len(tools.called("cibadmin")), tools.called("crm_simulate"), tools.called("crm_resource")) == (1, [], [])


def test_a_plan_for_people_and_for_programs(tools: FakeTools) -> None:
    text = apply(tools, PORT, "--plan").stdout.decode()
    assert "web: parameters.port: 80 -> 81\n" in text
    assert text.endswith("Nothing was changed.\n")
    new = apply(tools, NEW, "--plan").stdout.decode()
    assert (
        "new: new primitive: ocf:heartbeat:Dummy\n    operations.start.interval=0s operations.start.timeout=90s" in new
    )
    told = json.loads(apply(tools, PORT, "--plan", "--json").stdout)
    assert told["changes"] == [{"resource": "web", "what": "parameters.port", "from": "80", "to": "81"}]
    assert told["changed"] is True
    assert patches(tools) == []


def test_a_plan_that_would_be_refused_ends_with_5(tools: FakeTools) -> None:
    tools.add("crm_simulate", RESTART)
    done = apply(tools, PORT, "--plan", "--json")
    told = json.loads(done.stdout)
    assert done.code == 5
    assert "restart db on n1" in told["refused"]
    assert [(a["verb"], a["resource"]) for a in told["actions"]] == [("restart", "db")]
    refused(apply(tools, PORT), 5, "the cluster would also restart db on n1", "--allow-collateral accepts it")
    assert patches(tools) == []


def test_the_agent_must_be_on_this_node(tools: FakeTools) -> None:
    tools.add("crm_resource", "exit 105")
    refused(apply(tools, NEW), 2, "resources[0].agent: this node has no agent ocf:heartbeat:Dummy", "Install it")
    assert apply(tools, SAME).code == 0, "only a new resource needs it"


def test_what_the_schema_does_not_allow(tools: FakeTools) -> None:
    bad = "echo 'f:9: element op: validity error : Invalid attribute x' >&2; exit 78"
    tools.add("crm_simulate", bad)
    refused(apply(tools, PORT), 5, "schema does not allow", "Invalid attribute x", "nothing was written")
    tools.add("crm_simulate", NOTHING)
    answers(tools, cib(primitive("web", parameters={"port": "80"})), bad)
    refused(apply(tools, PORT), 5, "schema does not allow", "Invalid attribute x", "nothing was written")


def test_an_older_scheduler_is_not_taken_for_that(tools: FakeTools) -> None:
    tools.add("crm_simulate", "echo 'Unsupported feature set' >&2; exit 78")
    refused(apply(tools, PORT), 8, "older than the cluster's")


@pytest.mark.parametrize("options", [(), ("--plan",), ("--wait",)])
def test_a_cluster_that_is_down(options: tuple[str, ...], tools: FakeTools) -> None:
    tools.add("cibadmin", "exit 102")
    refused(apply(tools, PORT, *options), 6, "not running or still starting")


@pytest.mark.scheduler
def test_a_cluster_without_quorum(tools: FakeTools) -> None:
    answers(tools, cib(primitive("web"), quorate=False))
    refused(apply(tools, PORT), 6, "no quorum, so nothing was written")
    assert patches(tools) == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "it is not JSON"),
        ({"resource": []}, "the key 'resource' is not known"),
        ({"resources": [{"id": "x", "agent": "IPaddr2"}]}, "resources[0].agent: 'IPaddr2' is no agent"),
        ({"constraints": [{"kind": "order", "first": "web", "then": "y"}]}, "constraints[0].then: the resource 'y'"),
    ],
)
def test_a_document_that_is_wrong(document: object, words: str, tools: FakeTools) -> None:
    refused(apply(tools, document), 2, "site.json: ", words)
    refused(apply(tools, document, "--plan"), 2, words)
    assert patches(tools) == []


def test_a_document_that_cannot_be_read(tools: FakeTools) -> None:
    refused(tools.pacewright("resource", "apply", "/no/such/file"), 2, "/no/such/file: it cannot be read: No such file")
    refused(tools.pacewright("resource", "apply", str(tools.folder)), 2, "it cannot be read: Is a directory")


def test_a_document_from_standard_input(tools: FakeTools) -> None:
    path = tools.folder.parent / "site.json"
    path.write_text(json.dumps(SAME), encoding="utf-8")
    done = tools.pacewright("resource", "apply", "-", stdout=f"<{path}")
    assert done.stdout.decode().startswith("standard input: the cluster has everything")


def test_no_secret_gets_out(tools: FakeTools) -> None:
    said = {"resources": [{**PORT["resources"][0], "parameters": {"port": 81, "passwd": "s3cret-1", "y": None}}]}
    for options in ((), ("--plan",), ("--plan", "--json"), ("--json",)):
        done = apply(tools, said, *options)
        assert done.code == 0, done.stderr
        assert "passwd" in done.stdout.decode()
        assert "s3cret-1" not in done.stdout.decode() + done.stderr.decode()
        answers(tools, cib(primitive("web", parameters={"port": "80"})))
    assert "s3cret-1" not in recorded(tools)


def recorded(tools: FakeTools) -> str:
    return (tools.folder.parent / "history.jsonl").read_text(encoding="utf-8")


def test_what_was_written_is_recorded_thing_by_thing(tools: FakeTools) -> None:
    answers(
        tools, cib(primitive("web", parameters={"port": "80"})), after=cib(primitive("web", parameters={"port": "81"}))
    )
    assert json.loads(apply(tools, PORT, "--json").stdout)["changed"] is True
    entries = [json.loads(line) for line in recorded(tools).splitlines()]
    assert [entry["kind"] for entry in entries if entry["kind"] != "seen"] == ["call", "intent", "commit", "end"]
    written = next(entry for entry in entries if entry["kind"] == "commit")
    assert written["edits"] == [
        {"edit": "definition", "resource": "web", "name": "parameters.port", "before": "***", "after": "***"}
    ]
    shown = tools.pacewright("history", "--all").stdout.decode()
    assert "parameters.port of web" in shown


def test_every_field_is_on_its_page(tools: FakeTools) -> None:
    tools.add("crm_simulate", RESTART)
    told = json.loads(apply(tools, PORT, "--plan", "--json", "--allow-collateral").stdout)
    page = (Path(__file__).parents[2] / "docs" / "resource.md").read_text(encoding="utf-8")
    names = set(told) | set(told["changes"][0]) | set(told["actions"][0])
    assert names - set(re.findall(r"`(\w+)`", page)) == set()
