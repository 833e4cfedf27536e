"""Comments in a CIB: they change nothing in what is read, and what is written stands where it would without them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pacewright.cluster.cib.parse import parse
from pacewright.cluster.commit import changes_nothing, difference
from pacewright.cluster.comparison import differences
from pacewright.cluster.edits.change import Change, Edit, SetMark, SetMeta, SetRevision
from pacewright.cluster.edits.constraints import Remove, Tie
from pacewright.cluster.edits.definition import DefineClone, DefineGroup, DefinePrimitive
from pacewright.cluster.edits.gate import SetGate
from pacewright.cluster.edits.hold import HoldInstance, HoldResource, Release
from pacewright.cluster.names import Agent, NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.process import run
from pacewright.testing.clusters import clone, cluster, group, primitive, revision_on

WEB, CLONE, G = ResourceId("web"), ResourceId("web-clone"), ResourceId("g")
N1, N2 = NodeName("n1"), NodeName("n2")
DUMMY = Agent(standard="ocf", provider="heartbeat", type="Dummy")
CONSTRAINTS = (
    '<rsc_order id="o" first="a" then="web-clone" kind="Optional"/>'
    '<rsc_colocation id="c"><resource_set id="s"><resource_ref id="d"/></resource_set></rsc_colocation>'
)
A_THEN_WEB = {"first": "a", "first-action": "start", "then": "web-clone", "then-action": "start"}
UNTIL = 1_800_000_000.0


def member(name: str) -> DefinePrimitive:
    return DefinePrimitive(resource=ResourceId(name), agent=DUMMY, parameters={"x": "1"}, meta={}, operations=())


def members(*names: str) -> DefineGroup:
    return DefineGroup(resource=G, members=tuple(map(ResourceId, names)), meta={"priority": "1"})


EDITS: dict[str, tuple[Edit, ...]] = {
    "a third member": (member("c"), members("a", "b", "c")),
    "a member in front": (member("c"), members("c", "a", "b")),
    "a member between": (member("c"), members("a", "c", "b")),
    "a new clone": (member("c"), DefineClone(resource=ResourceId("c-clone"), child=ResourceId("c"), meta={"a": "b"})),
    "revisions of nodes": (SetRevision(resource=WEB, default="r1", nodes={N2: "r2"}),),
    "a fold": (SetRevision(resource=WEB, default="r2", nodes={}),),
    "a first mark": (SetMark(node=N1, name="pacewright-owed-web", value="r"),),
    "the last mark": (SetMark(node=N2, name="pacewright-owed-web", value=None),),
    "a meta attribute": (SetMeta(resource=CLONE, name="target-role", value="Stopped"),),
    "holds": (HoldInstance(resource=CLONE, node=N1, until=UNTIL), HoldResource(resource=G, until=UNTIL)),
    "a release": (HoldResource(resource=G, until=UNTIL), Release(resource=G)),
    "a gate": (SetGate(resource=CLONE, nodes=frozenset({N1})),),
    "a constraint that is there": (Tie(kind="order", about=A_THEN_WEB, values={"kind": "Serialize"}, initial={}),),
    "a constraint goes": (Tie(kind="order", about=A_THEN_WEB, values={}, initial={}, present=False),),
    "a member goes": (Remove(resource=ResourceId("b")),),
    "a whole group goes": (Remove(resource=ResourceId("a")), Remove(resource=ResourceId("b"))),
    "the last of a set goes": (Remove(resource=ResourceId("d")),),
}


def bare() -> Snapshot:
    return cluster(
        group("g", primitive("a"), primitive("b"), meta_values={"is-managed": "true"}),
        clone("web-clone", primitive("web", parameters={"port": "80"}, sets=revision_on("web", "n1", "r1"))),
        primitive("d"),
        running={"web": ("n1", "n2"), "a": ("n1",)},
        attributes={"n2": {"pacewright-owed-web": "r0"}},
        constraints=CONSTRAINTS,
    )


def document() -> bytes:
    """The same, with a comment before everything in the configuration and at the end of everything."""
    root = ET.fromstring(ET.tostring(bare().root))
    configuration = root.find("configuration")
    assert configuration is not None
    for number, parent in enumerate(list(configuration.iter())):
        parent.append(ET.Comment(f" end {number} "))
        for at, child in enumerate(list(parent)[:-1]):
            parent.insert(2 * at, ET.Comment(f" {child.tag} {number} "))
    return ET.tostring(root)


def without_comments(root: ET.Element) -> ET.Element:
    return ET.fromstring(ET.tostring(root))  # the usual parser leaves them out


def comments(root: ET.Element) -> list[str]:
    return re.findall("<!--.*?-->", ET.tostring(root, encoding="unicode"))


def test_they_change_nothing_in_what_is_read() -> None:
    assert parse(document()) == bare()
    assert len(comments(parse(document()).root)) > 50
    assert differences(bare().root, parse(document()).root) == ()


@pytest.mark.parametrize("edits", EDITS.values(), ids=EDITS.keys())
def test_what_is_written_is_what_would_be_without_them(edits: tuple[Edit, ...]) -> None:
    change = Change(edits=edits, reason="test")
    after = without_comments(change.apply(parse(document())))
    assert ET.canonicalize(ET.tostring(after)) == ET.canonicalize(ET.tostring(change.apply(bare())))


@pytest.mark.scheduler
@pytest.mark.parametrize("edits", EDITS.values(), ids=EDITS.keys())
def test_the_patch_puts_it_there_and_keeps_them(edits: tuple[Edit, ...], tmp_path: Path) -> None:
    before = parse(document())
    after = Change(edits=edits, reason="test").apply(before)
    patch = tmp_path / "patch"
    patch.write_bytes(difference(before.root, after))
    full = tmp_path / "cib.xml"
    full.write_bytes(document())
    done = run(["crm_diff", "--original", str(full), "--patch", str(patch)], timeout=30)
    now = parse(done.stdout)
    assert changes_nothing(without_comments(now.root), without_comments(after))
    assert comments(now.root) == comments(after)
