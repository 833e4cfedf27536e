"""Where things go in a CIB document."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacewright.cluster.cib.document import drop_pair, find_resource, plain_set, set_pair, xml_id
from pacewright.cluster.names import ResourceId
from pacewright.errors import Refused
from pacewright.testing.clusters import clone, cluster, primitive, revision_on

# Letters beyond ASCII: which of them XML allows depends on the edition of its standard, so we use none.
NCNAME = re.compile(r"^[A-Za-z0-9_.-]+\Z")


def element(inner: str) -> ET.Element:
    return ET.fromstring(f'<primitive id="web">{inner}</primitive>')


def tags(found: ET.Element) -> list[str]:
    return [f"{child.tag}#{child.get('id', '')}" for child in found]


def test_a_new_plain_set_goes_before_those_with_a_rule_because_pcs_edits_the_first() -> None:
    web = element(revision_on("web", "n1", "r1") + "<operations/>")
    plain_set(web, "instance_attributes")
    assert tags(web) == [
        "instance_attributes#web-instance_attributes",
        "instance_attributes#web-pacewright-n1",
        "operations#",
    ]


def test_an_existing_plain_set_is_taken_whatever_its_id() -> None:
    web = element('<instance_attributes id="by-hand"/><operations/>')
    assert plain_set(web, "instance_attributes").get("id") == "by-hand"
    assert len(web) == 2


def test_a_set_that_only_refers_to_another_one_is_not_written_into() -> None:
    web = element('<instance_attributes id-ref="shared"/><operations/>')
    assert plain_set(web, "instance_attributes").get("id") == "web-instance_attributes"
    assert len(web) == 3


@pytest.mark.parametrize("tag", ["instance_attributes", "meta_attributes"])
@pytest.mark.parametrize(
    "before", ["", '<meta_attributes id="m"/>', '<instance_attributes id="i"><rule/></instance_attributes>']
)
def test_sets_stand_before_the_operations(tag: str, before: str) -> None:
    web = element(f"{before}<operations/>")
    plain_set(web, tag)
    assert tags(web)[-1] == "operations#"


def test_in_a_clone_they_stand_before_what_it_holds() -> None:
    snapshot = cluster(clone("web-clone", primitive("web")))
    found = find_resource(snapshot.root, ResourceId("web-clone"))
    plain_set(found, "meta_attributes")
    assert [child.tag for child in found] == ["meta_attributes", "primitive"]


def test_a_pair_is_replaced_in_place_and_keeps_its_id() -> None:
    found = ET.fromstring('<instance_attributes id="s"><nvpair id="odd" name="a" value="1"/></instance_attributes>')
    set_pair(found, "a", "2")
    set_pair(found, "b c", "3")
    assert [pair.attrib for pair in found] == [
        {"id": "odd", "name": "a", "value": "2"},
        {"id": "s-b_c", "name": "b c", "value": "3"},
    ]


def test_a_pair_under_a_rule_is_somebody_elses() -> None:
    found = ET.fromstring('<x id="s"><rule id="r"/><nvpair id="n" name="a" value="1"/></x>')
    drop_pair(found, "a")
    assert len(found) == 2


def test_a_resource_that_went_away_is_said_so() -> None:
    with pytest.raises(Refused, match="no longer in the cluster"):
        find_resource(cluster(primitive("web")).root, ResourceId("db"))


def test_an_operation_with_the_id_of_a_resource_is_not_taken_for_it() -> None:
    found = find_resource(cluster(primitive("web")).root, ResourceId("web"))
    assert found.tag == "primitive"
    with pytest.raises(Refused):
        find_resource(cluster(primitive("web")).root, ResourceId("web-monitor"))


@given(st.text(max_size=40))
def test_any_name_becomes_something_that_an_id_may_hold(name: str) -> None:
    assert NCNAME.match("x" + xml_id(name))
    assert len(xml_id(name)) == len(name)
