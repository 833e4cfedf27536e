"""What our edits make the real scheduler do: exactly that, once, in a CIB that Pacemaker accepts."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacewright.cluster.cib.parse import parse
from pacewright.cluster.commit import commit
from pacewright.cluster.edits.change import Change, Edit, SetMark, SetMeta, SetRevision
from pacewright.cluster.edits.hold import HoldInstance, HoldResource, Release
from pacewright.cluster.forecast import what_if
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.cluster.tools import cibadmin
from pacewright.errors import CommitConflict, NoQuorum, OutcomeUnknown
from pacewright.process import run
from pacewright.testing.clusters import after, cib, clone, cluster, primitive
from pacewright.testing.programs import FakeTools
from pacewright.testing.scheduled import actions, asked, everything, expected, roles, started, written

pytestmark = pytest.mark.scheduler

CIBS = Path(__file__).parent / "cibs"
FAR, PAST = 4_102_444_800.0, 1_000_000_000.0
N1, N2, N3 = (NodeName(name) for name in ("n1", "n2", "n3"))
WEB, WEBS, DB, A, B, ONE, TWO, ST = (
    ResourceId(name) for name in ("web", "web-clone", "db", "a", "b", "one", "two", "st")
)


def revision(resource: ResourceId, default: str | None = None, **nodes: str) -> SetRevision:
    return SetRevision(resource=resource, default=default, nodes={NodeName(n): r for n, r in nodes.items()})


def role(resource: str, value: str | None) -> SetMeta:
    return SetMeta(resource=ResourceId(resource), name="target-role", value=value)


@cache
def base() -> Snapshot:
    """One of each sort, started."""
    return everything()


def place(resource: str) -> str:
    """The one node where something runs."""
    (where,) = {key.partition(" ")[2] for key in roles(base(), resource)}
    return where


def test_nothing_makes_it_do_nothing() -> None:
    assert actions(what_if(base())) == []
    assert roles(base(), "st-clone") == {
        f"st {node}": r for node, r in zip(("n1", "n2", "n3"), [i.role for i in base().instances_of(ST)], strict=True)
    }


def cases() -> list[tuple[Edit, list[str]]]:
    g, db = "n1", "n2"
    return [
        (revision(WEB, "r"), expected("restart web n1", "restart web n2", "restart web n3")),
        (revision(WEB, n2="r"), expected("restart web n2")),
        (revision(WEB, n1="r", n3="s"), expected("restart web n1", "restart web n3")),
        (revision(WEB, "r", n2="s"), expected("restart web n1", "restart web n2", "restart web n3")),
        (revision(WEB), []),
        (revision(DB, "r"), expected(f"restart db {db}")),
        (revision(A, "r"), expected(f"restart a {g}", f"restart b {g}")),
        (revision(B, "r"), expected(f"restart b {g}")),
        (revision(ONE, n3="r"), expected("restart one n3", "restart two n3")),
        (revision(TWO, n3="r"), expected("restart two n3")),
        (revision(ST, n1="r"), expected("restart st n1")),
        (role("off", None), expected("start off n3")),
        (role("web-clone", "Stopped"), expected("stop web n1", "stop web n2", "stop web n3")),
        (role("db", "Stopped"), expected(f"stop db {db}")),
        (role("g", "Stopped"), expected(f"stop a {g}", f"stop b {g}")),
        (role("b", "Stopped"), expected(f"stop b {g}")),
        (role("st-clone", "Unpromoted"), expected("demote st n2")),
        (role("db", "Started"), []),
        (SetMeta(resource=WEBS, name="is-managed", value="false"), []),
        (SetMark(node=N1, name="pacewright-owed-web", value="r"), []),
        (SetMark(node=N1, name="pacewright-owed-web", value=None), []),
        (HoldInstance(resource=WEBS, node=N2, until=FAR), expected("stop web n2")),
        (HoldInstance(resource=ResourceId("pair-clone"), node=N2, until=FAR), expected("stop one n2", "stop two n2")),
        (HoldResource(resource=DB, until=FAR), expected(f"stop db {db}")),
        (HoldResource(resource=ResourceId("g"), until=FAR), expected(f"stop a {g}", f"stop b {g}")),
        (HoldResource(resource=B, until=FAR), expected(f"stop b {g}")),
        (HoldInstance(resource=WEBS, node=N2, until=PAST), []),
        (HoldResource(resource=DB, until=PAST), []),
        (HoldResource(resource=B, until=PAST), []),
        (Release(resource=WEBS), []),
    ]


def standby() -> tuple[str, ...]:
    return ("stop web n2", "stop one n2", "stop two n2", "stop st n2", "promote st n1")


CASES = cases()


@pytest.mark.parametrize(("edit", "wanted"), CASES, ids=[repr(edit) for edit, _ in CASES])
def test_an_edit_makes_exactly_that_happen(edit: Edit, wanted: list[str]) -> None:
    assert asked(base(), edit) == wanted


@pytest.mark.parametrize("edit", [edit for edit, _ in CASES], ids=repr)
def test_written_again_it_makes_nothing_happen(edit: Edit) -> None:
    assert asked(written(base(), edit), edit) == []


@pytest.mark.parametrize("edit", [edit for edit, _ in CASES], ids=repr)
@pytest.mark.parametrize("times", [1, 2])
def test_pacemaker_accepts_the_changed_cib(edit: Edit, times: int, tmp_path: Path) -> None:
    path = tmp_path / "cib.xml"
    path.write_bytes(ET.tostring(Change(edits=(edit,) * times, reason="test").apply(base())))
    done = run(["crm_verify", "--xml-file", str(path), "-V"], timeout=30)
    assert done.code == 0, done.output


def test_every_edit_together_is_accepted_too(tmp_path: Path) -> None:
    edits = tuple(edit for edit, _ in CASES)
    path = tmp_path / "cib.xml"
    path.write_bytes(ET.tostring(Change(edits=edits, reason="test").apply(base())))
    done = run(["crm_verify", "--xml-file", str(path), "-V"], timeout=30)
    assert done.code == 0, done.output


# --- folds, in every shape


def test_a_fold_restarts_nothing() -> None:
    rolled = written(base(), revision(WEB, n1="r", n2="r", n3="r"))
    assert asked(rolled, revision(WEB, "r")) == []
    assert roles(written(rolled, revision(WEB, "r")), "web-clone").keys() == {"web n1", "web n2", "web n3"}


def test_the_last_step_of_a_roll_restarts_only_the_last() -> None:
    rolled = written(base(), revision(WEB, n1="r", n2="r"))
    assert asked(rolled, revision(WEB, "r")) == ["restart web n3"]


NODES = st.dictionaries(st.sampled_from(["n1", "n2", "n3"]), st.sampled_from(["r", "s"]))
DEFAULT = st.one_of(st.none(), st.sampled_from(["r", "s"]))


@settings(max_examples=25, deadline=None)
@given(DEFAULT, NODES, DEFAULT, NODES)
def test_who_restarts_is_whose_revision_changes(
    first: str | None, nodes: dict[str, str], second: str | None, others: dict[str, str]
) -> None:
    before = written(base(), revision(WEB, first, **nodes))
    wanted = [n for n in ("n1", "n2", "n3") if nodes.get(n, first) != others.get(n, second)]
    assert asked(before, revision(WEB, second, **others)) == [f"restart web {n}" for n in wanted]


# --- pcs's place


def test_pcs_finds_its_attributes_where_they_were() -> None:
    changed = after(base(), Change(edits=(revision(WEB, "r", n1="s"),), reason="test"))
    element = changed.root.find(".//primitive[@id='web']")
    assert element is not None
    first = element.find("instance_attributes")
    assert first is not None
    assert first.get("id") == "web-instance_attributes"
    assert first.find("rule") is None
    assert [pair.get("name") for pair in first.findall("nvpair")] == ["port"], "ours stands in a set of our own"
    assert changed.resources[WEB].parameters == {"port": "80"}


def test_a_revision_that_moves_into_our_own_set_restarts_nothing() -> None:
    before = started(clone("web-clone", primitive("web", parameters={"port": "80", "pacewright_revision": "r"})))
    assert asked(before, revision(WEB, "r")) == []
    assert asked(before, revision(WEB, "s")) == [f"restart web {n}" for n in ("n1", "n2", "n3")]


# --- the patch


def patched(snapshot: Snapshot, change: Change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ET.Element:
    """The patch that `commit` hands to cibadmin."""
    tools, patch = FakeTools.below(tmp_path), tmp_path / "patch.xml"
    tools.add("cibadmin", f"/bin/cat >{patch}")
    monkeypatch.setenv("PATH", f"{tools.folder}:/usr/bin:/bin")
    assert commit(change, based_on=snapshot)
    assert tools.called("cibadmin") == ["--patch --xml-pipe"]
    return ET.parse(patch).getroot()


@pytest.mark.parametrize("edit", [edit for edit, _ in CASES if edit != CASES[-1][0]], ids=repr)
def test_a_commit_touches_the_configuration_and_names_its_version(
    edit: Edit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot, change = base(), Change(edits=(edit,), reason="test")
    if ET.tostring(change.apply(snapshot).find("configuration") or ET.Element("x")) == ET.tostring(
        snapshot.root.find("configuration") or ET.Element("x")
    ):
        assert not commit(change, based_on=snapshot)
        return
    patch = patched(snapshot, change, tmp_path, monkeypatch)
    paths = [found.get("path", "") for found in patch.iterfind("change")]
    assert paths
    assert all(path == "/cib" or path.startswith("/cib/configuration") for path in paths)
    source, target = patch.find("version/source"), patch.find("version/target")
    assert source is not None
    assert target is not None
    before, version = snapshot.version, [target.get(name) for name in ("admin_epoch", "epoch", "num_updates")]
    assert source.attrib == {"admin_epoch": str(before.admin_epoch), "epoch": str(before.epoch)}
    assert version == [str(before.admin_epoch), str(before.epoch + 1), "0"]


def test_the_patch_makes_of_the_old_cib_what_was_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot, change = base(), Change(edits=tuple(edit for edit, _ in CASES), reason="test")
    patch = patched(snapshot, change, tmp_path, monkeypatch)
    old, diff = tmp_path / "old.xml", tmp_path / "diff.xml"
    old.write_bytes(ET.tostring(snapshot.root))
    diff.write_bytes(ET.tostring(patch))
    done = run(["crm_diff", "--original", str(old), "--patch", str(diff)], timeout=30)
    now, wanted = parse(done.stdout), parse(ET.tostring(change.apply(snapshot)))
    assert now.version == wanted.version
    assert (now.resources, now.holds, now.nodes) == (wanted.resources, wanted.holds, wanted.nodes)
    assert now.instances == wanted.instances


@pytest.mark.parametrize(("epoch", "num_updates", "code"), [(0, 0, 0), (0, 7, 0), (1, 0, 103), (1, -1, 103)])
def test_a_patch_is_for_a_configuration_whatever_the_status_has_become(
    epoch: int, num_updates: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nodes may count changes of the status differently: found by the campaign, `commit` tells about it."""
    snapshot = base()
    patch = patched(snapshot, Change(edits=(revision(WEB, "r"),), reason="test"), tmp_path, monkeypatch)
    monkeypatch.undo()
    other = ET.fromstring(ET.tostring(snapshot.root))
    other.set("epoch", str(snapshot.version.epoch + epoch))
    other.set("num_updates", str(snapshot.version.num_updates + num_updates))
    file = tmp_path / "cib.xml"
    file.write_bytes(ET.tostring(other))
    done = run(["cibadmin", "--patch", "--xml-pipe"], timeout=30, stdin=ET.tostring(patch), env={"CIB_file": str(file)})
    assert done.code == code, done.output
    written = parse(file.read_bytes()).resources[WEB].revision
    assert written == ("r" if code == 0 else None)


def test_white_space_is_no_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretty = ET.fromstring(ET.tostring(base().root))
    ET.indent(pretty)
    change = Change(edits=(SetRevision(resource=WEB, default=None, nodes={N1: "r"}),), reason="test")
    once = ET.fromstring(ET.tostring(change.apply(parse(ET.tostring(pretty)))))
    ET.indent(once)
    snapshot = parse(ET.tostring(once))
    tools = FakeTools.below(tmp_path)
    tools.add("cibadmin", "exit 0")
    monkeypatch.setenv("PATH", f"{tools.folder}:/usr/bin:/bin")
    assert not commit(change, based_on=snapshot)
    assert tools.called("cibadmin") == []


def test_a_change_that_changes_nothing_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = FakeTools.below(tmp_path)
    tools.add("cibadmin", "exit 0")
    monkeypatch.setenv("PATH", f"{tools.folder}:/usr/bin:/bin")
    assert not commit(Change(edits=(Release(resource=WEBS),), reason="test"), based_on=base())
    assert tools.called("cibadmin") == []


@pytest.mark.parametrize(("code", "error"), [(103, CommitConflict), (106, NoQuorum)])
def test_what_the_cluster_refuses_is_said_in_our_words(
    code: int, error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = FakeTools.below(tmp_path)
    tools.add("cibadmin", f"/bin/cat >/dev/null; exit {code}")
    monkeypatch.setenv("PATH", f"{tools.folder}:/usr/bin:/bin")
    with pytest.raises(error, match="nothing was written"):
        commit(Change(edits=(revision(WEB, "r"),), reason="test"), based_on=base())


@pytest.mark.parametrize("end", ["exit 1", "exit 102", "exit 124", "kill -9 $$", "exec sleep 60"])
def test_what_is_neither_yes_nor_no_is_said_so(end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = FakeTools.below(tmp_path)
    tools.add("cibadmin", f"/bin/cat >/dev/null; {end}")
    monkeypatch.setenv("PATH", f"{tools.folder}:/usr/bin:/bin")
    monkeypatch.setitem(cibadmin.patch.__kwdefaults__ or {}, "timeout", 1.0)
    with pytest.raises(OutcomeUnknown) as caught:
        commit(Change(edits=(revision(WEB, "r"),), reason="test"), based_on=base())
    assert "nothing" not in str(caught.value)


def test_without_quorum_nobody_is_even_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = FakeTools.below(tmp_path)
    tools.add("cibadmin", "exit 0")
    monkeypatch.setenv("PATH", f"{tools.folder}:/usr/bin:/bin")
    with pytest.raises(NoQuorum):
        commit(Change(edits=(revision(DB, "r"),), reason="x"), based_on=cluster(primitive("db"), quorate=False))
    assert tools.called("cibadmin") == []


# --- recorded clusters


RECORDED = [path.stem for path in CIBS.glob("bookworm-*.xml") if not path.name.endswith(".crm_mon.xml")]


@pytest.mark.parametrize("name", RECORDED)
def test_the_scheduler_answers_for_every_recorded_cluster(name: str) -> None:
    snapshot = parse((CIBS / f"{name}.xml").read_bytes())
    assert parse(what_if(snapshot).after).resources == snapshot.resources


def test_it_says_whom_it_would_fence() -> None:
    snapshot = cluster(
        primitive("fencing", "stonith:fence_x"), states={"n3": "unclean"}, properties={"stonith-enabled": "true"}
    )
    assert what_if(snapshot).fenced == ("n3",)


@pytest.mark.parametrize(
    ("name", "edit", "wanted"),
    [
        ("idle", revision(WEB, "r"), expected("restart web n1", "restart web n2", "restart web n3")),
        ("standby", revision(WEB, "r"), expected("restart web n1", "restart web n3")),
        ("maintenance-mode", revision(WEB, "r"), []),
        ("resource-maintenance", revision(WEB, "r"), []),
        ("node-maintenance", revision(WEB, "r"), expected("restart web n1", "restart web n2")),
    ],
)
def test_the_state_of_a_recorded_cluster_is_honoured(name: str, edit: Edit, wanted: list[str]) -> None:
    snapshot = parse((CIBS / f"bookworm-{name}.xml").read_bytes())
    assert [text for text in asked(snapshot, edit) if text.startswith("restart")] == wanted


def test_a_cib_of_a_newer_release_is_told_by_name() -> None:
    newer = cib(primitive("db")).replace(b'crm_feature_set="3.16.1"', b'crm_feature_set="99.0.0"')
    with pytest.raises(Exception, match=r"this node's Pacemaker is older") as caught:
        what_if(parse(newer))
    assert "Run the command on the DC" in str(caught.value)
