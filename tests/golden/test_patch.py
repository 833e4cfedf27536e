"""Our own patches, held against `crm_diff`: applied to what was there, they give what should be there."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacewright.cluster.cib.parse import parse
from pacewright.cluster.cib.patch import patch
from pacewright.cluster.commit import changes_nothing, difference
from pacewright.cluster.edits.change import Change, Edit, SetMark, SetMeta, SetRevision
from pacewright.cluster.edits.gate import SetGate
from pacewright.cluster.edits.hold import HoldInstance, HoldResource, Release
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.cluster.tools import cibadmin
from pacewright.process import run
from pacewright.testing.clusters import clone, cluster, group, primitive

WEB, MANY, DB, PAIR = (ResourceId(name) for name in ("web", "web-clone", "db", "pair"))
NODES = [NodeName(name) for name in ("n1", "n2", "n3")]
TOKENS = [None, "a", "b", "<&'\">", "\N{SNOWMAN}"]


def some() -> Snapshot:
    return cluster(
        clone("web-clone", primitive("web", parameters={"port": "80"})),
        primitive("db"),
        group("pair", primitive("one"), primitive("two")),
        running={"web": ("n1", "n2", "n3"), "db": ("n1",)},
        constraints='<rsc_location id="mine" rsc="db" node="n1" score="100"/>',
    )


def edits() -> st.SearchStrategy[Edit]:
    nodes, tokens = st.sampled_from(NODES), st.sampled_from(TOKENS)
    words = st.sampled_from([token for token in TOKENS if token])
    return st.one_of(
        st.builds(SetMark, node=nodes, name=st.sampled_from(["pacewright-owed-web", "pacewright-x"]), value=tokens),
        st.builds(
            SetRevision,
            resource=st.sampled_from([WEB, DB]),
            default=tokens,
            nodes=st.dictionaries(nodes, words, max_size=3),
        ),
        st.builds(SetMeta, resource=st.sampled_from([WEB, MANY, DB, PAIR]), name=st.just("target-role"), value=tokens),
        st.builds(HoldInstance, resource=st.just(MANY), node=nodes, until=st.sampled_from([1.8e9, 1.9e9])),
        st.builds(HoldResource, resource=st.sampled_from([DB, PAIR]), until=st.just(1.8e9)),
        st.builds(Release, resource=st.just(MANY), node=nodes),
        st.builds(SetGate, resource=st.just(MANY), nodes=st.none() | st.frozensets(nodes)),
    )


def applied(before: ET.Element, document: bytes, folder: Path) -> ET.Element:
    """What Pacemaker makes of it."""
    for name, text in (("before", ET.tostring(before)), ("patch", document)):
        (folder / name).write_bytes(text)
    argv = ["crm_diff", "--original", str(folder / "before"), "--patch", str(folder / "patch")]
    return ET.fromstring(run(argv, timeout=30).checked().stdout)


@settings(max_examples=60, deadline=None)
@given(first=st.lists(edits(), max_size=5), then=st.lists(edits(), min_size=1, max_size=5))
def test_it_brings_about_what_was_wanted(
    first: list[Edit], then: list[Edit], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Two changes after one another: the second one's patch takes away and changes what the first one has made."""
    folder = tmp_path_factory.mktemp("patch")
    snapshot = some()
    for wanted in (first, then):
        after = Change(edits=tuple(wanted), reason="test").apply(snapshot)
        # A hold that is renewed goes behind the others; that is crm_diff's.
        renewed = any(isinstance(edit, HoldInstance | HoldResource) for edit in (*first, *then))
        assert patch(snapshot.root, after) is not None or renewed
        found = applied(snapshot.root, difference(snapshot.root, after), folder)
        assert changes_nothing(found, after)
        assert [found.get(name) for name in ("epoch", "num_updates")] == [after.get("epoch"), "0"]
        snapshot = parse(ET.tostring(after))


def _cib(inside: str) -> ET.Element:
    return ET.fromstring(
        f'<cib epoch="1" num_updates="2" admin_epoch="0"><configuration>{inside}</configuration><status/></cib>'
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('<a id="1"/><a id="2"/>', '<a id="2"/><a id="1"/>'),
        ("<a/><a/>", "<a/>"),
        ('<a id="it\'s"/>', ""),
        ('<a id="1">x</a>', '<a id="1">y</a>'),
    ],
    ids=["moved", "no ids", "a quote in an id", "text"],
)
def test_what_it_is_not_made_for_is_crm_diffs(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert patch(_cib(old), _cib(new)) is None
    monkeypatch.setattr(cibadmin, "difference", lambda before, after: b"by crm_diff")
    assert difference(_cib(old), _cib(new)) == b"by crm_diff"
