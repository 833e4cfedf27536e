"""Situations from other people's clusters in which Pacemaker's own word counts: what we say is what it says."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pacewright.cluster.cib.parse import parse
from pacewright.cluster.names import ResourceId
from pacewright.cluster.placement import hosts
from pacewright.cluster.simulation import Simulation
from pacewright.cluster.snapshot import Snapshot
from pacewright.cluster.timeouts import timeouts
from pacewright.errors import Refused
from pacewright.service.names import service_names
from pacewright.service.requests import Options
from pacewright.service.services import Services
from pacewright.service.settings import Settings
from pacewright.service.status import State, status_of
from pacewright.testing.clusters import Op, cib, clone, cluster, primitive, run

pytestmark = pytest.mark.scheduler

WEB, CLONE = ResourceId("web"), ResourceId("web-clone")
EVERYWHERE = ("n1", "n2", "n3")
RECENT_FAILURE = Op(task="monitor", interval=10000, call=20, rc=7, failure=True, at=1_700_000_100)


class On(Services):
    """Services on a cluster that is only a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(config=Path("/nonexistent"))
        self._seen = snapshot

    def _snapshot(self, *_args: object, **_more: object) -> Snapshot:
        return self._seen


def state(snapshot: Snapshot, name: str) -> State:
    (target,) = (t for t in service_names(snapshot, Settings()) if t.name == name)
    return status_of(target, snapshot, None).state


def with_template() -> Snapshot:
    document = cib(primitive("websrv"), running={"websrv": ["n1"]}).replace(
        b"<resources>",
        b'<resources><template id="wt" class="systemd" type="nginx"><meta_attributes id="wt-meta">'
        b'<nvpair id="wt-managed" name="is-managed" value="false"/></meta_attributes><operations>'
        b'<op id="wt-start" name="start" interval="0s" timeout="7min"/>'
        b'<op id="wt-stop" name="stop" interval="0s" timeout="300s"/></operations></template>',
    )
    root = ET.fromstring(document)
    websrv = root.find(".//primitive[@id='websrv']")
    assert websrv is not None
    websrv[:] = []
    websrv.attrib.clear()
    websrv.attrib.update({"id": "websrv", "template": "wt"})
    return parse(ET.tostring(root))


def test_a_template_gives_agent_meta_and_operations() -> None:
    snapshot = with_template()
    assert str(snapshot.resources[ResourceId("websrv")].agent) == "systemd:nginx"
    assert not snapshot.is_managed(ResourceId("websrv"))
    assert [t.resource for t in service_names(snapshot, Settings())] == ["websrv"]


def test_time_outs_are_those_of_the_template_and_the_defaults() -> None:
    document = cib(primitive("web"), running={"web": ["n1"]}).replace(
        b"</configuration>",
        b'<op_defaults><meta_attributes id="od"><nvpair id="od-t" name="timeout" value="600s"/></meta_attributes>'
        b"</op_defaults></configuration>",
    )
    found = timeouts(WEB, parse(document))
    assert (found[WEB, "start"], found[WEB, "stop"]) == (600.0, 600.0)


def test_a_failure_that_is_to_be_ignored_is_none() -> None:
    web = primitive("web").replace('name="monitor"', 'name="monitor" on-fail="ignore"')
    ignored = cluster(web, histories={("web", "n1"): (*run(), RECENT_FAILURE)})
    (instance,) = ignored.instances_of(WEB)
    assert (instance.failed, instance.ignored, instance.settled) == (False, True, True)
    assert state(ignored, "web") is State.RUNNING
    assert not On(ignored).plan("start", "web", Options()).steps
    plain = cluster(primitive("web"), histories={("web", "n1"): (*run(), RECENT_FAILURE)})
    assert plain.instances_of(WEB)[0].failed


def test_a_failure_that_has_expired_is_none() -> None:
    web = primitive("web", meta_values={"failure-timeout": "60s"})
    (instance,) = cluster(web, histories={("web", "n1"): (*run(), RECENT_FAILURE)}).instances_of(WEB)
    assert not instance.failed


def test_what_is_blocked_is_not_stopped_and_how_to_unblock_it_is_said() -> None:
    web = primitive("web").replace('name="monitor"', 'name="monitor" on-fail="block"')
    blocked = cluster(web, histories={("web", "n1"): (*run(), RECENT_FAILURE)})
    assert blocked.instances_of(WEB)[0].blocked
    with pytest.raises(Refused, match=r"web on n1 is blocked .* `pcs resource cleanup web` unblocks it"):
        On(blocked).plan("stop", "web", Options())


@pytest.mark.parametrize(
    ("date", "allowed"),
    [
        ('operation="lt" end="2020-01-01T00:00:00Z"', EVERYWHERE),
        ('operation="gt" start="2099-01-01T00:00:00Z"', EVERYWHERE),
        ('operation="lt" end="2099-01-01T00:00:00Z"', ("n1", "n3")),
    ],
    ids=["over", "not begun", "in force"],
)
def test_a_ban_counts_while_its_rule_holds(date: str, allowed: tuple[str, ...]) -> None:
    ban = (
        '<rsc_location id="ban" rsc="web-clone"><rule id="ban-rule" score="-INFINITY" boolean-op="and">'
        '<expression id="ban-node" attribute="#uname" operation="eq" value="n2"/>'
        f'<date_expression id="ban-date" {date}/></rule></rsc_location>'
    )
    assert hosts(CLONE, cluster(clone("web-clone", primitive("web")), constraints=ban)) == allowed


def test_names_of_nodes_are_compared_as_pacemaker_does() -> None:
    ban = (
        '<rsc_location id="ban" rsc="web-clone"><rule id="ban-rule" score="-INFINITY">'
        '<expression id="ban-node" attribute="#uname" operation="eq" value="N3"/></rule></rsc_location>'
    )
    told = hosts(CLONE, cluster(clone("web-clone", primitive("web")), constraints=ban))
    assert told == ("n1", "n2")


def test_a_cluster_that_starts_nothing_is_told_by_pacemakers_own_reason() -> None:
    running = {"web": list(EVERYWHERE)}
    snapshot = cluster(clone("web-clone", primitive("web")), running=running, properties={"stonith-enabled": "true"})
    for options in (Options(), Options(at_once=True)):
        with pytest.raises(Refused, match="no STONITH resources have been defined") as caught:
            On(snapshot).plan("restart", "web-clone", options)
        assert "Pacemaker would do nothing with web on n" in str(caught.value)


def test_a_state_left_over_from_another_id_of_a_node_is_no_traceback() -> None:
    stale = b'<node_state id="77" uname="n1"><lrm id="77"><lrm_resources/></lrm></node_state></status>'
    document = cib(clone("web-clone", primitive("web")), running={"web": list(EVERYWHERE)})
    snapshot = parse(document.replace(b"</status>", stale))
    assert list(snapshot.nodes) == list(EVERYWHERE)
    assert [i.node for i in snapshot.instances_of(CLONE)] == list(EVERYWHERE)
    Simulation(snapshot).what_if(snapshot)
