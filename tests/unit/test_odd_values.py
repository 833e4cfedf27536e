"""Numbers without bounds, nesting, half characters, devices: what a reader takes is what all that follow can use."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from pathlib import Path

import pytest

from pacewright.cli.arguments import seconds
from pacewright.cli.main import main
from pacewright.cli.tables import moment as shown
from pacewright.clock import SYSTEM_CLOCK
from pacewright.cluster.cib.parse import parse
from pacewright.cluster.cib.values import LATEST, duration, moment, number
from pacewright.cluster.commit import _guarded_by_epoch
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.durations import LONGEST
from pacewright.errors import ConfigError, OperationFailed, ToolOutput
from pacewright.node.logs import agent_lines
from pacewright.process import Completed
from pacewright.record.reading import read_log
from pacewright.resource import load as load_document
from pacewright.service.instance.health import _why_not, health_check
from pacewright.service.instance.load_balancer import Balancer
from pacewright.service.ledger.record import Ready, Report
from pacewright.service.ledger.revision import Revision
from pacewright.service.settings import Drain, HAProxy, Health, HealthKind
from pacewright.service.settings_file import load
from pacewright.testing.clusters import cib, clone, primitive
from pacewright.testing.programs import FakeTools

HUGE = ["9" * 14, "9" * 300, "9" * 5000, "1e400", "-1", "inf", "nan", "-inf", "", " ", "x"]


@pytest.mark.parametrize("text", HUGE)
def test_what_is_no_moment_is_none(text: str) -> None:
    assert moment(text) is None
    assert Report.read(f"abc@{text}") is None
    assert Ready.read(f"w@{text}@1") is None
    assert Ready.read(f"w@1@{text}") is None


@pytest.mark.parametrize("text", ["0", "1700000000.125", str(LATEST - 1)])
def test_what_is_a_moment(text: str) -> None:
    assert moment(text) == float(text)
    assert Report.read(f"abc@{text}") == Report(fingerprint="abc", changed=float(text))
    assert shown(float(text)) != "unknown"


def test_other_numbers_are_bounded_too() -> None:
    assert number("9" * 300, 7) == number("x", 7) == 7
    assert duration("9" * 400 + "h", 1.0) == LONGEST
    assert Revision.read("00010101T000000Z-abc").asked is None
    assert [shown(at) for at in (None, -1.0, 1e300, float("nan"), float("inf"))] == ["unknown"] * 5
    with pytest.raises(Exception, match="a time above 0"):
        seconds("1e300")


@pytest.fixture
def tools(tmp_path: Path) -> FakeTools:
    made = FakeTools.below(tmp_path)
    made.add("crm_simulate", "echo '<pacemaker-result><actions/></pacemaker-result>'")
    made.add("systemctl", "echo LoadState=not-found; echo MainPID=0")
    return made


def test_a_cib_with_such_numbers_is_shown_and_is_json(tools: FakeTools) -> None:
    marks = {"n1": {"pacewright-config-web": "abc@nan", "pacewright-owed-web": "99990101T000000Z-x+1e999"}}
    document = cib(clone("web-clone", primitive("web")), running={"web": ("n1", "n2")}, attributes=marks)
    document = document.replace(b'last-rc-change="1700000001"', b'last-rc-change="99999999999999" exec-time="9e9"', 1)
    tools.prints("cibadmin", document.replace(b'last-rc-change="1700000001"', b'last-rc-change="5" exec-time="99999"'))
    for words in (("service", "status", "web"), ("owed", "--json"), ("service", "list", "--json"), ("fact",)):
        done = tools.pacewright(*words)
        assert done.code == 0, done.stderr
        if words != ("service", "status", "web"):
            json.loads(done.stdout, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 5000, "nested too deeply"),
        ("services: {web: {config: ['/etc/a\\0b']}}".replace("'", '"'), "absolute path"),
        ("services: {web: {max_unavailable: ²}}", "above 0"),
        ("services: {web: {max_unavailable: " + "9" * 5000 + "}}", "above 0"),
        ("services: {web: {timeout: 1e300}}", "a time above 0"),
        ("services: {web: {timeout: .nan}}", "a time above 0"),
    ],
)
def test_services_yaml(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "services.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=words):
        load(file)


@pytest.mark.parametrize(
    "text", ['{"web": ["/etc/\\ud800"]}', '{"web": ["/etc/a\\u0000b"]}', "[" * 100_000, '{"web": 5}', "\xff", ""]
)
def test_inputs(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "inputs.json"
    file.write_bytes(text.encode("latin-1"))
    assert main(["service", "status", "web", "--json", "--inputs", str(file)]) == 2
    assert f"--inputs {file}: " in capsys.readouterr().err


def test_a_document_that_has_no_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resource", "apply", "/dev/zero"]) == 2
    assert "larger than" in capsys.readouterr().err


@pytest.mark.parametrize("clone_id", ["a", "b"])
def test_a_resource_that_is_its_own_group_or_clone(clone_id: str) -> None:
    one = {"id": "a", "agent": "systemd:a", "group": "a" if clone_id == "b" else "b", "clone": {"id": clone_id}}
    with pytest.raises(ConfigError, match=r"the id '[ab]' is that of the primitive|the id 'b' is that of the group"):
        load_document(json.dumps({"resources": [one]}).encode(), "x")


def test_a_resource_below_its_own_id_counts_once() -> None:
    nested = "<group id='a'><primitive id='a' class='ocf' type='x'/><primitive id='b' class='ocf' type='x'/></group>"
    crossed = "<group id='c'><primitive id='d'/></group><clone id='d'><primitive id='c'/></clone>"
    snapshot = parse(cib(nested, crossed))
    assert snapshot.primitives(ResourceId("a")) == ("b",)
    assert [resource.id for resource in snapshot.ancestors(ResourceId("b"))] == ["b", "a"]
    assert snapshot.top(ResourceId("c")).id == "c"


def test_crm_diff_that_prints_no_xml() -> None:
    with pytest.raises(ToolOutput, match=r"crm_diff: .*nothing was written"):
        _guarded_by_epoch(b"Segmentation fault")


def test_a_rotated_history_that_is_spoilt(tmp_path: Path) -> None:
    log = tmp_path / "history.jsonl"
    entry = {"time": 1.0, "kind": "end", "call": "c"}
    log.write_text(json.dumps(entry) + "\n", encoding="utf-8")
    packed = gzip.compress(log.read_bytes() * 1000)
    for number_, spoilt in enumerate((packed[:-20], b"\x1f\x8b\x08" + b"x" * 50, packed[:40] + b"\xff" * 40), start=1):
        (tmp_path / f"history.jsonl.{number_}.gz").write_bytes(spoilt)
    found = read_log(log)
    assert found.entries[-1].time == 1.0
    assert len([note for note in found.notes if "not read to its end" in note]) == 3


def test_numbers_that_are_no_json_do_not_get_out_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "history.jsonl"
    log.write_text('{"time": 1.0, "kind": "end", "call": "c", "options": {"x": NaN}}\n', encoding="utf-8")
    assert read_log(log).entries == ()


def test_a_log_that_is_a_device() -> None:
    assert read_log(Path("/dev/zero")).notes == ("/dev/zero: not read to its end: [Errno 22] it is a device",)


# --- servers


def answering(*portions: bytes, pause: float = 0.0) -> str:
    """HOST:PORT of a server that says these to the first who asks, one after another."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with server, server.accept()[0] as connection:
            connection.recv(65536)
            for portion in portions:
                try:
                    connection.sendall(portion)
                except OSError:
                    return
                SYSTEM_CLOCK.sleep(pause)

    threading.Thread(target=serve, daemon=True).start()
    return f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("url", ["http://a\x12b:80/", "http://[::1/", "http://n1:x/", "http://n1:99999/", "http:///"])
def test_a_url_that_can_be_none_is_said_so(url: str) -> None:
    assert _why_not(Health(kind=HealthKind.HTTP, target=(url,)), NodeName("n1"), 1.0)[0]


@pytest.mark.parametrize("line", [b"5", b"[1]", b"null", b"[" * 100_000, b'{"MESSAGE": {}}', b"\xff"])
def test_a_line_of_a_journal_that_is_no_entry(line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    told = line + b'\n{"MESSAGE": "it broke", "SYSLOG_IDENTIFIER": "Dummy(db)"}\n'
    monkeypatch.setattr("pacewright.node.logs.run", lambda *a, **k: Completed(argv=(), code=0, stdout=told, stderr=b""))
    assert agent_lines("Dummy", "db", None) == "it broke"


def test_a_server_that_drips_is_late() -> None:
    where = answering(b"HTTP/1.0 200 OK\r\n", *[b"X-Slow: 1\r\n"] * 60, b"\r\n", pause=0.2)
    begun = SYSTEM_CLOCK.monotonic()
    with pytest.raises(OperationFailed, match=r"was not healthy within 1 s"):
        health_check("web", Health(kind=HealthKind.HTTP, target=(f"http://{where}/",), timeout=1.0), SYSTEM_CLOCK)(
            NodeName("n1")
        )
    assert SYSTEM_CLOCK.monotonic() - begun < 8


@pytest.mark.parametrize(
    ("url", "asked"),
    [("http://[::1]/", ("::1", 80)), ("http://[fd00::2]:81/", ("fd00::2", 81)), ("http://n1", ("n1", 80))],
)
def test_an_ipv6_address_without_a_port(url: str, asked: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []

    def connect(address: object, *args: object, **kwargs: object) -> None:
        tried.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("socket.create_connection", connect)
    assert "refused" in _why_not(Health(kind=HealthKind.HTTP, target=(url,)), NodeName("n1"), 1.0)[0]
    assert tried == [asked]


@pytest.mark.parametrize("table", [b"# pxname,svname,scur\nweb,n1,x\n", b'# pxname\n"\x00', b"\xff" * 100, b""])
def test_what_haproxy_answers_may_be_anything(table: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "pacewright.service.instance.load_balancer._ask",
        lambda address, question: "" if "set" in question else table.decode("latin-1"),
    )
    how = Drain(haproxy=HAProxy(sockets=("127.0.0.1:1",), server="web/{node}"), timeout=0.1)
    Balancer("web", how, SYSTEM_CLOCK).drain(NodeName("n1"))


@pytest.mark.parametrize("node", ["n1; shutdown sessions server web/n2", "n1\nset x", "n 1", "n1\\"])
def test_a_name_that_would_be_a_command_of_haproxys_is_not_sent(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "pacewright.service.instance.load_balancer._ask", lambda address, question: pytest.fail(question)
    )
    how = Drain(haproxy=HAProxy(sockets=("127.0.0.1:1",), server="web/{node}"))
    with pytest.raises(Exception, match="cannot be the name of a server"):
        Balancer("web", how, SYSTEM_CLOCK).drain(NodeName(node))


def test_bounds_of_the_command_line() -> None:
    assert main(["service", "restart", "web", "--timeout", "1e300"]) == 2
    assert main(["service", "refresh", "web", "--since", "1e18"]) == 2
    assert main(["service", "refresh", "web", "--input", "/etc/\ud800"]) == 2
