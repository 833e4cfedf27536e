"""What a call tells the record: entries, in order, each of them whole, bounded and true."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pacewright.cluster.cib.parse import parse
from pacewright.cluster.edits.change import Change, Edit, SetMark, SetMeta, SetRevision
from pacewright.cluster.edits.gate import SetGate
from pacewright.cluster.edits.hold import HoldInstance, HoldResource, Release
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import Refused
from pacewright.record import call_log as call
from pacewright.record import caller
from pacewright.record.call_log import Call
from pacewright.record.lines import LIMIT, line
from pacewright.record.log import Log, log_path
from pacewright.record.wording import edits, foreseen
from pacewright.testing.clusters import Op, action, after, clone, cluster, forecast, primitive, revision_on, run

WEB = ResourceId("web")
CLONE = ResourceId("web-clone")
N1, N2 = NodeName("n1"), NodeName("n2")
NOTHING = Change(edits=(), reason="restart web on n1")


@dataclass
class Hands:
    """A clock that stands, unless a test moves it."""

    at: float = 1_700_000_000.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at - 1_000_000.0

    def sleep(self, seconds: float) -> None:
        self.at += seconds


@dataclass
class Kept:
    """A log in a file of the test's own."""

    path: Path
    clock: Hands = field(default_factory=Hands)
    warnings: list[str] = field(default_factory=list)

    @property
    def log(self) -> Log:
        return Log(self.path, warn=self.warnings.append)

    def call(self, verb: str = "restart", **options: object) -> Call:
        return Call(self.log, self.clock, verb=verb, service="web", options=options)

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.path.read_bytes().splitlines()]

    def kinds(self) -> list[str]:
        return [entry["kind"] for entry in self.entries()]


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "history.jsonl")


def running(**more: Any) -> Snapshot:
    return cluster(clone("web-clone", primitive("web", **more)), running={"web": ("n1", "n2")})


def about(one: Call, snapshot: Snapshot) -> None:
    one.about(snapshot, CLONE, (WEB,))


def told(entry: Mapping[str, Any], *names: str) -> list[Any]:
    return [entry[name] for name in names]


# -- a call -----------------------------------------------------------------------------------------------------------


def test_a_call_with_nothing_to_do_is_two_lines(kept: Kept) -> None:
    with kept.call("refresh") as one:
        about(one, running())
        one.saw(running())
        kept.clock.sleep(0.25)
        one.ended(changed=False, message="web: nothing was restarted.", notes=("n3: offline",))
    begun, end = kept.entries()
    assert told(begun, "kind", "time", "service", "verb", "options") == ["call", 1_700_000_000, "web", "refresh", {}]
    assert told(end, "kind", "changed", "message", "notes") == ["end", False, "nothing was restarted.", ["n3: offline"]]
    assert told(end, "seconds", "resources") == [0.25, ["web-clone", "web"]]
    assert begun["call"] == end["call"]


def test_who_calls_is_told(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "this_node", lambda: "n1")
    with kept.call(node="n2", at_once=True, timeout=None, wave="w7") as one:
        one.ended(changed=False, message="")
    begun = kept.entries()[0]
    assert told(begun, "node", "pid", "options") == ["n1", os.getpid(), {"node": "n2", "at_once": True, "wave": "w7"}]
    assert begun["user"] == caller.caller()["user"]
    assert begun["parents"]


def test_two_calls_have_two_names(kept: Kept) -> None:
    for _ in range(2):
        with kept.call() as one:
            one.ended(changed=False, message="")
    assert len({entry["call"] for entry in kept.entries()}) == 2


def test_the_first_look_is_told_before_what_follows_from_it(kept: Kept) -> None:
    with kept.call() as one:
        about(one, running())
        one.saw(running())
        one.decided("wait", "n1 to restart")
    assert kept.kinds() == ["call", "seen", "decision"]
    assert kept.entries()[1]["instances"] == [
        {"resource": "web", "node": "n1", "before": None, "after": "Started", "since": 1_700_000_001},
        {"resource": "web", "node": "n2", "before": None, "after": "Started", "since": 1_700_000_001},
    ]


def test_only_what_has_changed_is_seen(kept: Kept) -> None:
    stopping = after(running(), histories={("web", "n1"): (*run(), Op(task="stop", pending=True, run=2))})
    gone = after(running(), histories={("web", "n1"): (Op(task="stop", run=2, call=20),)})
    again = after(running(), histories={("web", "n1"): run(3)})
    with kept.call() as one:
        about(one, running())
        for snapshot in (running(), running(), stopping, stopping, gone, again, again):
            one.saw(snapshot)
    seen = [entry["instances"] for entry in kept.entries() if entry["kind"] == "seen"][1:]
    assert [[told(instance, "node", "before", "after", "since") for instance in each] for each in seen] == [
        [["n1", "Started", "stopping", None]],
        [["n1", "stopping", "Stopped", None]],
        [["n1", "Stopped", "Started", 1_700_000_003]],
    ]


def test_a_restart_between_two_looks_is_seen(kept: Kept) -> None:
    with kept.call() as one:
        about(one, running())
        one.saw(running())
        one.saw(after(running(), histories={("web", "n1"): run(5)}))
    (seen,) = kept.entries()[-1]["instances"]
    assert told(seen, "node", "before", "after", "since") == ["n1", "Started", "Started", 1_700_000_005]


def test_a_node_that_goes_away_takes_its_instance_along(kept: Kept) -> None:
    lost = cluster(clone("web-clone", primitive("web")), running={"web": ("n1", "n2")}, states={"n2": "offline"})
    with kept.call() as one:
        about(one, running())
        one.saw(running())
        one.saw(lost)
    assert [told(i, "node", "before", "after") for i in kept.entries()[-1]["instances"]] == [
        ["n2", "Started", "offline"]
    ]


def test_what_nobody_knows_is_not_taken_for_stopped(kept: Kept) -> None:
    forgotten = after(running(), histories={("web", "n1"): ()})  # as a cleanup leaves it until the node has probed
    root = forgotten.root
    for histories in root.iterfind("status/node_state[@uname='n1']/lrm/lrm_resources"):
        histories.clear()
    forgotten = parse(ET.tostring(root))
    starting = after(running(), histories={("web", "n1"): (Op(task="start", pending=True, run=3),)})
    with kept.call() as one:
        about(one, running())
        for snapshot in (running(), forgotten, starting):
            one.saw(snapshot)
    seen = [i for entry in kept.entries() if entry["kind"] == "seen" for i in entry["instances"] if i["before"]]
    assert [told(i, "node", "before", "after") for i in seen] == [
        ["n1", "Started", "unknown"],
        ["n1", "unknown", "starting"],
    ]


def test_an_instance_in_a_new_place_has_no_before(kept: Kept) -> None:
    with kept.call() as one:
        about(one, running())
        one.saw(running())
        one.saw(after(running(), histories={("web", "n3"): run(4)}))
    assert [told(i, "node", "before", "after") for i in kept.entries()[-1]["instances"]] == [["n3", None, "Started"]]


def test_many_instances_are_told_in_several_lines(kept: Kept) -> None:
    nodes = {str(number): f"node-{number:02}" for number in range(40)}
    many = cluster(clone("web-clone", primitive("web")), running={"web": tuple(nodes.values())}, nodes=nodes, dc="0")
    with kept.call() as one:
        about(one, many)
        one.saw(many)
        one.decided("wait", "all of them")
    seen = [instance["node"] for entry in kept.entries() for instance in entry.get("instances", ())]
    assert seen == sorted(nodes.values())


def test_a_decision_is_told_when_it_changes(kept: Kept) -> None:
    with kept.call() as one:
        for why in ("n1 to restart", "n1 to restart", "n2 to restart", "n1 to restart"):
            one.decided("wait", why)
    assert [entry["why"] for entry in kept.entries()[1:]] == ["n1 to restart", "n2 to restart", "n1 to restart"]


def test_a_commit_is_told_before_and_after(kept: Kept) -> None:
    with kept.call() as one:
        one.foresaw(forecast(action("restart", "web", "n1", reason="resource definition change")))
        one.intends(NOTHING, based_on=running())
        assert kept.kinds() == ["call", "intent"]
        one.committed()
        about(one, running())
        one.saw(running())
    intent, commit = kept.entries()[1:3]
    assert told(intent, "reason", "cib_before") == ["restart web on n1", "0.10.1"]
    assert told(commit, "kind", "reason", "cib_before", "edits") == ["commit", "restart web on n1", "0.10.1", []]
    assert commit["foreseen"] == ["restart web on n1 (resource definition change)"]


def test_which_version_came_of_a_commit_is_seen_though_nothing_else_has_changed(kept: Kept) -> None:
    with kept.call() as one:
        about(one, running())
        one.saw(running())
        one.intends(NOTHING, based_on=running())
        one.committed()
        one.saw(after(running(), NOTHING))
        one.saw(after(running(), NOTHING))
    assert [told(e, "kind", "cib", "instances") for e in kept.entries()[-1:]] == [["seen", "0.11.0", []]]
    assert kept.kinds() == ["call", "seen", "intent", "commit", "seen"]


def test_what_the_scheduler_said_goes_with_one_commit_only(kept: Kept) -> None:
    with kept.call() as one:
        one.foresaw(forecast(action("restart", "web", "n1")))
        for _ in range(2):
            one.intends(NOTHING, based_on=running())
            one.committed()
    assert [e["foreseen"] for e in kept.entries() if e["kind"] == "commit"] == [["restart web on n1"], None]


def test_a_commit_that_was_refused(kept: Kept) -> None:
    with kept.call() as one:
        one.intends(NOTHING, based_on=running())
        one.refused()
    assert kept.kinds() == ["call", "intent", "conflict"]
    assert told(kept.entries()[2], "reason", "cib_before") == ["restart web on n1", "0.10.1"]


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (Refused("web: not restarted: no.", hint="Do it."), ["Refused", 5, "not restarted: no."]),
        (KeyboardInterrupt(), ["Interrupted", 130, "interrupted"]),
        (KeyError("hunter2"), ["KeyError", 1, "unexpected error"]),
    ],
)
def test_an_error_is_an_end_and_goes_on(kept: Kept, raised: BaseException, expected: list[object]) -> None:
    with pytest.raises(type(raised)), kept.call():
        raise raised
    assert told(kept.entries()[-1], "error", "code", "message") == expected
    assert "changed" not in kept.entries()[-1]


def test_a_fault_in_the_record_is_a_warning_and_no_more(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        raise AttributeError("hunter2")

    monkeypatch.setattr(call, "this_node", broken)
    with kept.call() as one:
        one.ended(changed=True, message="done")
    assert kept.kinds() == ["end"]
    assert len(kept.warnings) == 1
    assert "AttributeError in the record itself" in kept.warnings[0]
    assert "hunter2" not in kept.warnings[0]


def test_without_a_log_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACEWRIGHT_HISTORY", str(tmp_path / "history.jsonl"))
    with Call(None, Hands(), verb="restart", service="web") as one:
        about(one, running())
        one.saw(running())
        one.intends(NOTHING, based_on=running())
        one.committed()
        one.ended(changed=True, message="done")
    assert list(tmp_path.iterdir()) == []


def test_where_the_log_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PACEWRIGHT_HISTORY", raising=False)
    assert log_path() == Path("/var/log/pacewright/history.jsonl")
    monkeypatch.setenv("PACEWRIGHT_HISTORY", "/tmp/x")
    assert log_path() == Path("/tmp/x")


# -- what a change writes ---------------------------------------------------------------------------------------------


def change(*found: Edit, on: Snapshot | None = None) -> list[Any]:
    return list(edits(Change(edits=found, reason="test"), on or running()))


def test_revisions_are_told_where_they_change() -> None:
    before = running(sets=revision_on("web", "n2", "old"))
    edit = SetRevision(resource=WEB, default=None, nodes={N1: "new", N2: "old"})
    assert change(edit, on=before) == [
        {"edit": "revision", "resource": "web", "node": "n1", "before": None, "after": "new"}
    ]
    assert change(SetRevision(resource=WEB, default="all", nodes={N2: "new"}), on=before) == [
        {"edit": "revision", "resource": "web", "node": "n1", "before": None, "after": "all"},
        {"edit": "revision", "resource": "web", "node": "n2", "before": "old", "after": "new"},
        {"edit": "revision", "resource": "web", "node": "n3", "before": None, "after": "all"},
    ]


def test_our_marks_and_roles_are_told() -> None:
    assert change(SetMark(node=N1, name="pacewright-owed-web", value="t")) == [
        {"edit": "mark", "node": "n1", "name": "pacewright-owed-web", "before": None, "after": "t"}
    ]
    assert change(SetMeta(resource=WEB, name="target-role", value="Stopped")) == [
        {"edit": "meta", "resource": "web", "name": "target-role", "before": None, "after": "Stopped"}
    ]


def test_values_that_are_not_ours_are_covered() -> None:
    with_meta = cluster(primitive("web", meta_values={"x-pass": "hunter2"}))
    (meta,) = change(SetMeta(resource=WEB, name="x-pass", value="hunter3"), on=with_meta)
    assert told(meta, "before", "after") == ["***", "***"]
    (mark,) = change(SetMark(node=N1, name="somebody-elses", value="hunter2"))
    assert told(mark, "before", "after") == [None, "***"]


def test_holds_are_told() -> None:
    assert change(
        HoldInstance(resource=CLONE, node=N1, until=5.0),
        HoldResource(resource=WEB, until=6.0),
        Release(resource=CLONE, node=N1),
    ) == [
        {"edit": "hold", "resource": "web-clone", "node": "n1", "until": 5.0},
        {"edit": "hold", "resource": "web", "node": None, "until": 6.0},
        {"edit": "release", "resource": "web-clone", "node": "n1"},
    ]


def test_gates_are_told() -> None:
    shut = Change(edits=(SetGate(resource=CLONE, nodes=frozenset()),), reason="test")
    assert change(SetGate(resource=CLONE, nodes=frozenset({N2, N1}))) == [
        {"edit": "gate", "resource": "web-clone", "before": None, "after": "n1, n2"}
    ]
    assert change(SetGate(resource=CLONE, nodes=None), on=after(running(), shut)) == [
        {"edit": "gate", "resource": "web-clone", "before": "nobody", "after": None}
    ]


def test_an_edit_that_nobody_has_described_yet_is_named_and_no_more() -> None:
    class SetPassword:
        value = "hunter2"

        def apply(self, root: object) -> None:
            """Nothing."""

    odd = Change(edits=(SetPassword(),), reason="test")
    assert edits(odd, running()) == [{"edit": "SetPassword"}]


def test_a_resource_that_is_gone_is_described_all_the_same() -> None:
    gone = ResourceId("gone")
    assert change(
        SetMeta(resource=gone, name="target-role", value=None), SetMark(node=NodeName("n9"), name="x", value=None)
    )
    assert len(change(SetRevision(resource=gone, default="a", nodes={}))) == 3


def test_fencing_is_foreseen() -> None:
    assert foreseen(Forecast(actions=(), fenced=(N2,))) == ["fence n2"]


# -- lines ------------------------------------------------------------------------------------------------------------


def test_a_line_is_one_line_of_plain_ascii() -> None:
    text = line({"why": "a\nb\r\u2028c\x00\udc80é"})
    assert text.isascii()
    assert text.count(b"\n") == 1
    assert json.loads(text)["why"] == "a\nb\r\u2028c\x00\udc80é"


@pytest.mark.parametrize("filler", ["x", "é", "\U0001f600", '"', "\x00"])
@pytest.mark.parametrize("length", [10, 399, 400, 401, 5000, 100_000])
def test_a_line_is_never_longer_than_can_be_written_in_one_piece(filler: str, length: int) -> None:
    long = filler * length
    entry = {"time": 1.5, "kind": long, "call": long, "edits": [{"edit": long, "after": long}] * length, "why": long}
    written = line(entry)
    assert len(written) <= LIMIT
    assert json.loads(written)["time"] == 1.5


def test_what_is_left_out_of_a_list_is_counted() -> None:
    cut = json.loads(line({"options": {"inputs": [f"/etc/{number}" for number in range(50)]}}))
    assert len(cut["options"]["inputs"]) == 20
    assert cut["options"]["inputs_cut"] == 30


def test_even_absurd_keys_leave_a_line_that_says_so() -> None:
    absurd = line({"time": 1.0, "kind": "end", "call": "c", **{"k" * 300 + str(number): 1 for number in range(50)}})
    assert len(absurd) <= LIMIT
    assert json.loads(absurd)["cut"] > LIMIT
