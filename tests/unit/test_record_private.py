"""Secrets: planted wherever something comes from outside, and found nowhere in the record."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacewright.clock import SystemClock
from pacewright.cluster.edits.change import Change, SetMark, SetMeta
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.errors import OperationFailed, Refused
from pacewright.record.call_log import Call
from pacewright.record.log import Log
from pacewright.record.redaction import _PLAIN, _TIME, covered, plain, secret_parameters
from pacewright.service.instance import load_balancer as balancer_module
from pacewright.service.instance.load_balancer import Balancer
from pacewright.service.settings import Drain, HAProxy
from pacewright.service.settings_file import load
from pacewright.testing.clusters import Op, action, cluster, forecast, primitive
from tests.unit.test_record import Hands

SECRET = "hunter2-Zx9"

PLANTED = [
    f"cannot connect to mysql://root:{SECRET}@db:3306/nova",
    f"cannot connect to amqp://guest:a/b@{SECRET}@n1:5672//",
    f"rabbit://guest:guest@n1:5672,other:{SECRET}@n2:5672/ is down",
    f"transport guest:{SECRET}@n1 is down",
    f"https://n1/health?token={SECRET}&x=1 answered 500",
    f"https://n1/health?{SECRET} answered 500",
    f"password={SECRET}",
    f"admin_password = {SECRET}",
    f'admin_password = "{SECRET} with blanks"',
    f"--password {SECRET} was not accepted",
    f"--password={SECRET} was not accepted",
    f"check --auth-token '{SECRET} x' failed",
    f"curl -u admin:{SECRET} failed",
    f"curl --user admin:{SECRET} failed",
    f"Access denied: password: {SECRET}",
    f"the password is {SECRET}",
    f"using password '{SECRET}'",
    f"Authorization: Bearer {SECRET}aaaa",
    f"Authorization: Basic {SECRET}aaaa",
    f"sent Bearer {SECRET}aaaa to it",
    f'{{"api_key": "{SECRET}"}}',
    f"{{'token': '{SECRET}'}}",
    f"AWS_SECRET_ACCESS_KEY={SECRET}",
    f"secret_key={SECRET};",
    f"auth_key={SECRET}",
    f"snmp community={SECRET}",
    f"PGPASSWORD={SECRET} psql",
    f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----",
    f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET}",
    f"mysql -p{SECRET} failed",
    f"password {SECRET} is wrong",
    f"token: {SECRET}",
    f"curl -uadmin:{SECRET} http://n1",
    f"GRANT ALL TO 'nova' IDENTIFIED BY '{SECRET}'",
    f"<nvpair name='x'><password>{SECRET}</password></nvpair>",
    f"eyJhbGciOiJIUzI1NiJ9.{SECRET}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk expired",
    f"{SECRET}",
    f"it is\t{SECRET}\nfor root",
]


@pytest.mark.parametrize("text", PLANTED)
def test_of_what_an_agent_says_only_plain_words_are_kept(text: str) -> None:
    found = plain(text)
    assert SECRET not in found
    assert "***" in found
    assert not set(found.replace("***", "").lower().split()) - {word.lower() for word in text.split()}


@pytest.mark.parametrize(
    "text",
    [
        "failed",
        "Resource agent did not complete within 20s",
        "timed out",
        "process exited with error",
        "Connection refused (timeout 2000ms).",
    ],
)
def test_plain_words_are_kept(text: str) -> None:
    assert plain(text) == text


def test_a_row_of_other_words_is_one_cover() -> None:
    assert plain("Access denied for user 'root'@'db' using password hunter2, try again") == "*** for user *** again"


def test_it_takes_no_time_whatever_is_said() -> None:
    clock = SystemClock()
    for text in ("a" * 10**6, "password=" * 10**5, "-" * 10**6, "x://" * 10**5, "'\"" * 10**5, "a:b@" * 10**5):
        begun = clock.monotonic()
        plain(text)
        covered(text, ["secret"], {"start failed (rc 1): x": "start failed (rc 1): ***"})
        assert clock.monotonic() - begun < 2


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=4, max_size=40))
def test_no_word_that_is_not_plain_is_kept(word: str) -> None:
    found = plain(f"failed {word} failed")
    bare = word.strip("()[]'\",.:;!").lower()
    assert found == "failed *** failed" or bare in _PLAIN or re.fullmatch(_TIME, bare, re.ASCII)


def test_whatever_holds_texts_is_searched() -> None:
    planted = {"a": [f"password={SECRET}", {"b": (f"x{SECRET}",)}], "n": 5, "t": True, "none": None}
    assert covered(planted, [SECRET]) == {"a": ["password=***", {"b": ["x***"]}], "n": 5, "t": True, "none": None}


def test_what_is_known_to_be_private_is_covered_anywhere() -> None:
    assert covered(f"x{SECRET}y", [SECRET]) == "x***y"


@pytest.mark.parametrize("text", PLANTED)
def test_a_failure_is_recorded_without_its_secret_whoever_tells_of_it(text: str, tmp_path: Path) -> None:
    """In an error, a decision and a note, and also once the cluster has forgotten the failure."""
    path = tmp_path / "history.jsonl"
    web = ResourceId("web")
    broken = (Op(task="start", rc=1, reason=text, run=2, call=20, failure=True),)
    snapshot = cluster(primitive("web"), histories={("web", "n1"): broken})
    failure = snapshot.instances[web][0].failure
    assert SECRET in str(failure)
    call = Call(Log(path, warn=pytest.fail), Hands(), verb="restart", service="web")

    def goes_wrong() -> None:
        call.about(snapshot, web, (web,))
        call.decided("clean", f"web on n1 had failed ({failure}); trying it again")
        call.saw(cluster(primitive("web"), running={"web": ("n1",)}))
        raise OperationFailed(f"web: web did not come up on n1: {failure}. n2 not touched.")

    with pytest.raises(OperationFailed), call:
        goes_wrong()
    written = path.read_text(encoding="utf-8")
    assert SECRET not in written
    assert "web did not come up on n1: start failed (rc 1): " in written
    assert ". n2 not touched." in written


def test_what_a_balancer_or_a_server_says_is_output(tmp_path: Path) -> None:
    """What is not the message of an error is not recorded."""
    balancer = Balancer("web", Drain(haproxy=HAProxy(sockets=("127.0.0.1:1",), server="web/{node}")), SystemClock())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(balancer_module, "_ask", lambda address, question: SECRET)
        with pytest.raises(Refused) as caught:
            balancer.drain(NodeName("n1"))
    assert SECRET not in caught.value.message
    assert SECRET in caught.value.output


def test_parameters_that_are_called_like_a_secret_are_known() -> None:
    snapshot = cluster(
        primitive("db", parameters={"replication_passwd": SECRET, "port": "3306", "test_user": "nobody"}),
        primitive("fence", "stonith:fence_ipmilan", parameters={"password": "other-secret", "ip": "10.0.0.1"}),
        primitive("short", parameters={"pin": "1"}),
    )
    assert set(secret_parameters(snapshot)) == {SECRET, "other-secret"}


def test_a_commands_words_are_known(tmp_path: Path) -> None:
    file = tmp_path / "services.yaml"
    file.write_text(
        f"services: {{web: {{health: {{command: [check, '-h', '{{node}}:{SECRET}']}}}}}}\n", encoding="utf-8"
    )
    said = load(file).entry("web")
    assert {f"n1:{SECRET}", f"n2:{SECRET}"} <= set(said.private(cluster(primitive("web")).nodes))
    assert "check" not in set(said.private(cluster(primitive("web")).nodes))


def test_planted_in_every_place_at_once_it_is_nowhere_in_the_log(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    web = ResourceId("web")
    snapshot = cluster(primitive("web", parameters={"admin_passwd": SECRET}, meta_values={"x": f"{SECRET}1"}))
    change = Change(
        edits=(
            SetMeta(resource=web, name="x", value=f"{SECRET}2"),
            SetMark(node=next(iter(snapshot.nodes)), name="foreign", value=SECRET),
        ),
        reason=f"restart web with {SECRET}",
    )
    options = {"inputs": (f"/etc/{SECRET}",), "node": SECRET, "something_new": "a-secret-that-nobody-knows-of"}
    call = Call(Log(path, warn=print), Hands(), verb="restart", service="web", options=options)
    call.about(snapshot, web, (web,), private=("--check-word",))  # the call itself has been told before

    def goes_wrong() -> None:
        call.saw(snapshot)
        call.decided("wait", f"{SECRET} to go away, and --check-word")
        call.foresaw(forecast(action("restart", "web", "n1", reason=f"because of {SECRET}")))
        call.intends(change, based_on=snapshot)
        call.committed()
        call.refused()
        raise OperationFailed(f"web: start failed: {SECRET} --check-word", hint=SECRET, output=SECRET)

    with pytest.raises(OperationFailed), call:
        goes_wrong()
    text = path.read_text(encoding="utf-8")
    assert re.findall(r'"kind":"(\w+)"', text) == ["call", "seen", "decision", "intent", "commit", "conflict", "end"]
    for planted in (SECRET, "--check-word", "a-secret-that-nobody-knows-of"):
        assert planted not in text


def test_a_name_that_everybody_knows_is_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    fence = primitive("fence", "stonith:fence_x", parameters={"plug_key": "n2", "auth": "web"})
    snapshot = cluster(primitive("web"), fence)
    call = Call(Log(path, warn=print), Hands(), verb="restart", service="web")
    call.about(snapshot, ResourceId("web"), (ResourceId("web"),), private=("n1",))
    with call:
        call.ended(changed=True, message="web: restarted on n1, n2.")
    assert "restarted on n1, n2." in path.read_text(encoding="utf-8")


def test_the_command_lines_of_the_processes_around_are_not_kept(tmp_path: Path) -> None:
    """Only names of programs are: a command line may hold a password."""
    path = tmp_path / "history.jsonl"
    with Call(Log(path, warn=print), Hands(), verb="restart", service="web") as call:
        call.ended(changed=False, message="")
    own = Path("/proc/self/cmdline").read_bytes().split(b"\0")
    assert len(own) > 2
    assert not any(word.decode() in path.read_text(encoding="utf-8") for word in own if len(word) > 12)
