"""The campaign's judgement of roles and of failures in a roll, and its reading of `crm_mon`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from xml.etree import ElementTree as ET

import pytest

from campaign.calls import Ended
from campaign.counted_services import NODES, SERVICES, _resources
from campaign.crm_mon import read_status
from campaign.invariants import judge
from campaign.lab_access import _missing
from campaign.observations import Invariant, Record, Struck
from campaign.plan import Call, Fault, FaultKind, Plan, make_plan
from campaign.service_logs import Entry

BEGUN = 1000.0


def entry(at: float, what: str, node: str, *, revision: str = "r1") -> Entry:
    return Entry(
        node=node, service="staged", primitive="staged", what=what, at=BEGUN + at, config="new", revision=revision
    )


FIRST = [entry(-50, "start", node) for node in NODES]
FIRST += [entry(-45, "promote", "n1"), entry(-45, "promote", "n2")]


def restarted(node: str, at: float, *then: str, promoted: bool = False) -> list[Entry]:
    """Down at once, up again after a second, and what else it does a second later."""
    found = [entry(at - 0.5, "demote", node)] if promoted else []
    found += [entry(at, "stop", node), entry(at + 1, "start", node, revision="r2")]
    return found + [entry(at + 2 + more, what, node, revision="r2") for more, what in enumerate(then)]


def call(at: float, *, node: str = "n1", code: int = 0) -> Ended:
    made = Call(at=at, number=0, verb="restart", service="staged", node=node, timeout=90)
    said = "" if code == 0 else "pacewright: staged: it failed.\n"
    argv = ("pacewright", "service", "restart", "staged")
    return Ended(call=made, argv=argv, begun=BEGUN + at, ended=BEGUN + 30, code=code, stdout="done.", stderr=said)


def struck(kind: FaultKind, node: str, at: float = 0.0) -> Struck:
    return Struck(fault=Fault(at=at, until=at + 3, kind=kind, nodes=(node,)), begun=BEGUN + at, over=BEGUN + 60)


def record(entries: Iterable[Entry], calls: Iterable[Ended] = (call(0),), *faults: Struck) -> Record:
    plan = Plan(seed=1, run=1, changes=(), calls=(), faults=(), final_verb="restart", final_nodes=(("staged", "n1"),))
    return Record(
        plan=plan,
        begun=BEGUN,
        healed=BEGUN + 60,
        over=BEGUN + 90,
        calls=tuple(calls),
        finals=(),
        faults=faults,
        changes={},
        configs={("staged", node): "new" for node in NODES},
        entries=tuple(sorted([*FIRST, *entries], key=lambda one: one.at)),
        base=(),
        samples=(),
        answers=(),
        down_before=(),
        down_after=(),
        left=(),
        disagreeing=(),
        listed=frozenset(),
    )


def broken(made: Record) -> list[Invariant]:
    return [violation.invariant for violation in judge(made)]


WELL = [
    *restarted("n3", 1),
    *restarted("n1", 5, "promote", promoted=True),
    *restarted("n2", 10, "promote", promoted=True),
]


def test_a_roll_that_waits_for_each_role_is_well() -> None:
    assert broken(record(WELL)) == []


def test_a_role_that_another_node_has_taken_is_back() -> None:
    moved = [*restarted("n3", 1), *restarted("n1", 5, promoted=True), entry(8, "promote", "n3")]
    assert broken(record([*moved, *restarted("n2", 10, "promote", promoted=True)])) == []


def test_one_that_goes_down_before_the_other_has_its_role_back_is_seen() -> None:
    late = [
        *restarted("n1", 5, promoted=True),
        entry(9, "promote", "n1", revision="r2"),
        *restarted("n2", 8, promoted=True),
    ]
    assert broken(record(late)) == [Invariant.ROLE]
    assert broken(record(late, [call(0)], struck(FaultKind.POWER, "n3"))) == []
    refused = struck(FaultKind.PROMOTE, "n1")
    assert Invariant.ROLE in broken(record(late, [call(0)], refused)), "a promote that fails is no excuse"


def test_what_starts_when_a_hold_expires_was_stopped_by_us() -> None:
    """The call's time was up while another one was promoted in its place, so nobody has let it go."""
    held = [entry(5, "demote", "n1"), entry(5, "stop", "n1"), entry(8, "promote", "n3"), entry(50, "start", "n1")]
    assert broken(record(held)) == []
    assert broken(record([*held, *restarted("n1", 55)])) == [Invariant.ONCE], "but once"


def test_a_roll_that_goes_on_after_a_failed_promote_is_seen() -> None:
    """Another node has taken the role, so roles alone do not tell."""
    failed = [*restarted("n1", 5, "refuse", promoted=True), entry(8, "promote", "n3")]
    after = restarted("n2", 12, "promote", promoted=True)
    fault = struck(FaultKind.PROMOTE, "n1")
    assert broken(record(failed, [call(0, code=1)], fault)) == []
    assert broken(record([*failed, *after], [call(0, code=1)], fault)) == [Invariant.STOPS]
    assert broken(record([*failed, *after], [call(0, code=1), call(10)], fault)) == [], "who calls later begins anew"


@pytest.mark.parametrize(("revision", "at", "seen"), [("r2", 6.5, True), ("r1", 6.5, False), ("r1", 20, True)])
def test_a_roll_that_goes_on_after_a_failed_start_is_seen(revision: str, at: float, seen: bool) -> None:  # noqa: FBT001
    """A start of the cluster's own that fails in the moment when the next is stopped could not be known."""
    failed = [entry(5, "stop", "n3"), entry(6, "fail", "n3", revision=revision)]
    made = record([*failed, *restarted("n1", at, "promote", promoted=True)], [call(0, code=1)])
    made = dataclasses.replace(made, faults=(struck(FaultKind.BAD_CONFIG, "n3"),))
    assert (Invariant.STOPS in broken(made)) is seen
    again = entry(8, "start", "n3", revision="r2")
    assert Invariant.STOPS not in broken(record([*failed, again, *restarted("n1", 20, "promote", promoted=True)]))


def test_the_first_report_may_restart_what_was_promoted_since() -> None:
    refreshed = dataclasses.replace(call(0), argv=("pacewright", "service", "refresh", "staged"))
    made = record(restarted("n1", 5, "promote", promoted=True), [refreshed])
    assert broken(made) == []
    known = "pacewright-marks: nvpair id=pacewright-marks-pacewright-config-staged_n1 value=aaaa@1"
    assert broken(dataclasses.replace(made, base=(known,))) == [Invariant.ONCE]


def test_promotes_fail_in_runs_with_a_promotable_only() -> None:
    plans = [make_plan(5, run, NODES) for run in range(300)]
    failing = [p for p in plans if any(fault.kind is FaultKind.PROMOTE for fault in p.faults)]
    assert failing
    assert all("staged" in plan.services for plan in failing)
    assert any(made.named == "www" and made.service == "web" for plan in plans for made in plan.calls)


def test_what_the_cluster_is_made_of() -> None:
    made = ET.fromstring(f"<resources>{_resources()}</resources>")
    ids = [element.get("id") for element in made.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert made.find("template[@type='counted']/operations/op[@name='monitor']") is not None
    assert made.find("clone/primitive[@template='shaped-shape']") is not None
    assert made.find(".//op[@on-fail='ignore'][@name='monitor']") is not None


# --- what crm_mon says

MON = """\
<pacemaker-result api-version="2.38" request="crm_mon --one-shot --output-as=xml">
  <summary>
    <pacemakerd state="running" last_updated="{time}"/><last_update time="{time}"/>
    <current_dc present="true" name="n2" with_quorum="true"/></summary>
  <resources>
    <clone id="staged-clone">
      <resource id="staged" role="Promoted" active="true" failed="false"><node name="n1"/></resource>
      <resource id="staged" role="Unpromoted" active="true" failed="false"><node name="n2"/></resource>
      <resource id="staged" role="Stopped" active="false" failed="false"/>
    </clone>
    <clone id="api-clone">
      <resource id="api:0" role="Started" failed="true" failure_ignored="true"><node name="n2"/></resource>
      <resource id="api:1" role="Started" failed="true" failure_ignored="false"><node name="n3"/></resource>
    </clone>
    <resource id="db" role="Started" pending="Stopping"><node name="n1"/></resource>
  </resources>
  <failures>
    <failure op_key="api_monitor_10000" node="n2"/>
    <failure op_key="api_monitor_10000" node="n3"/>
    <failure op_key="staged_start_0" node="n3"/>
  </failures>
</pacemaker-result>"""


def test_what_crm_mon_says() -> None:
    now = read_status(MON.format(time="1").encode())
    assert now.quorate
    assert now.up == {"staged": {"n1", "n2"}, "api": {"n2"}}
    assert (now.promoted, now.busy) == ({"staged": {"n1"}}, {"db": {"n1"}})
    assert now.failed == {"api": {"n3"}, "staged": {"n3"}}
    assert now.text == read_status(MON.format(time="2").encode()).text, "a second later nothing has changed"
    with pytest.raises(ValueError, match="no element"):
        read_status(b"")


def test_what_has_not_its_role_is_missing() -> None:
    now = read_status(MON.format(time="1").encode())
    found = [str(one) for one in _missing("staged", now, NODES, SERVICES["staged"])]
    assert found == ["staged on n3 (failed)", "staged on the promoted role, which only n1 has (failed)"]
    assert [str(one) for one in _missing("db", now, NODES, SERVICES["db"])] == ["db on n1"]
