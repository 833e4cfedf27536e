"""Secrets: planted wherever one could be, and found nowhere in the record."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacewright.cluster import Change, ResourceId, SetMark, SetMeta
from pacewright.errors import OperationFailed
from pacewright.record import Call, Log
from pacewright.record.private import covered, secret_parameters
from pacewright.service.config import load
from tests.clusters import action, cluster, forecast, primitive
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
]


@pytest.mark.parametrize("text", PLANTED)
def test_what_looks_like_a_secret_is_covered(text: str) -> None:
    found = covered(text)
    assert isinstance(found, str)
    assert SECRET not in found
    assert "***" in found


@pytest.mark.parametrize(
    "text",
    [
        "keystone: restarted on n1, n2.",
        "auth: not restarted: it is stopped on purpose (target-role=Stopped).",
        "token: every running instance runs the config that its node reported; nothing was restarted.",
        "pass: restarted.",
        "restart key on n2 (resource definition change)",
        "web: the instance on n2 runs, but was not healthy within 60 s: http://n2:8080/health answered 503.",
        "pacewright-config-keystone",
        "1b6d643aa9931d48@1795509125.828",
        "1b6d643aa9931d48+20261124T083250Z-e4f80e",
        "pacewright-owed-web@n1",
        "Authentication of n2 takes a while",
        "/etc/keystone/keystone.conf",
    ],
)
def test_what_does_not_is_left_alone(text: str) -> None:
    assert covered(text) == text


def test_whatever_holds_texts_is_searched() -> None:
    planted = {"a": [f"password={SECRET}", {"b": (f"x://u:{SECRET}@h",)}], "n": 5, "t": True, "none": None}
    assert covered(planted) == {"a": ["password=***", {"b": ["x://***@h"]}], "n": 5, "t": True, "none": None}


def test_what_is_known_to_be_private_is_covered_anywhere() -> None:
    assert covered(f"x{SECRET}y", [SECRET]) == "x***y"


@given(st.from_regex(r"[A-Za-z0-9!#%+._~-]{4,40}", fullmatch=True), st.sampled_from(PLANTED))
def test_any_secret_is_covered_where_one_stands(secret: str, text: str) -> None:
    found = covered(text.replace(SECRET, f"{secret}{SECRET}"))
    assert isinstance(found, str)
    assert SECRET not in found


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


def test_the_command_lines_of_the_processes_around_are_not_kept(tmp_path: Path) -> None:
    """Only names of programs are: a command line may hold a password."""
    path = tmp_path / "history.jsonl"
    with Call(Log(path, warn=print), Hands(), verb="restart", service="web") as call:
        call.ended(changed=False, message="")
    own = Path("/proc/self/cmdline").read_bytes().split(b"\0")
    assert len(own) > 2
    assert not any(word.decode() in path.read_text(encoding="utf-8") for word in own if len(word) > 12)
