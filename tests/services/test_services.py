"""Services that nobody here wrote, from Debian's packages, under a client's requests: what Pacewright does to them.

`script/services` runs it for all of them, `script/test` for one on each release. Everything is counted from outside:
main processes by the kernel, operations by Pacemaker's logs, roles and config by each instance itself, requests by
their client.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.services.remote import DAEMON, NODE, Remote
from tests.services.scenario import Rolled, Scenario, figures

pytestmark = [pytest.mark.services, pytest.mark.timeout(2400)]


def each_once(scenario: Scenario, rolled: Rolled) -> None:
    """Each instance restarted once, with the new config; promoted last; never more down than allowed; nothing lost."""
    episode, service = rolled.episode, scenario.service
    assert episode.operated("start") == dict.fromkeys(rolled.before, 1)
    assert episode.operated("stop") == dict.fromkeys(rolled.before, 1)
    processes = episode.processes()
    assert processes.keys() == rolled.before.keys()
    assert all(processes[node] in {1, service.processes if node in rolled.promoted else 1} for node in rolled.before), (
        episode.lives
    )
    assert episode.versions() == dict.fromkeys(rolled.before, rolled.version)
    assert episode.most_down(rolled.before) <= service.max_unavailable
    if service.promoted:
        # The role may have moved by itself since the calls began: what counts is who had it when its turn came.
        stopped, promoted = episode.first("stop"), episode.promoted_when_stopped()
        others = [at for node, at in stopped.items() if node not in promoted]
        assert all(stopped[node] > max(others, default=0.0) for node in promoted), "promoted last"
        assert sum(episode.operated("promote").values()) <= service.promoted
        assert len(episode.promoted()) <= 2, f"moved at most once: {episode.promoted()}"
        assert all(len(nodes) <= service.promoted for nodes in episode.promoted()), "never two at once"
    assert scenario.lost() == set()
    assert scenario.left_behind() == []


def test_three_refreshes_at_once_restart_each_instance_once(
    scenario: Scenario, record_property: Callable[[str, object], None]
) -> None:
    rolled = scenario.roll()
    assert [call.code for call in rolled.calls] == [0, 0, 0], [call.said for call in rolled.calls]
    each_once(scenario, rolled)
    by_pcs = scenario.roll_by_pcs()
    record_property("figures", figures("pacewright service refresh", scenario.service, rolled))
    record_property("figures", figures("pcs resource restart", scenario.service, by_pcs))


def test_a_config_that_does_not_start_ends_the_roll_on_the_first_node(scenario: Scenario) -> None:
    rolled = scenario.roll_of_a_bad_config()
    episode = rolled.episode
    # What runs in one place has no roll to end: it comes up on another node, and that is what was asked for.
    code = 1 if scenario.service.everywhere else 0
    assert [call.code for call in rolled.calls] == [code] * 3, [call.said for call in rolled.calls]
    assert len(episode.operated("stop")) == 1, "only one instance was touched"
    (failed,) = episode.operated("stop")
    assert failed not in rolled.promoted
    assert set(rolled.before) - set(episode.versions()) == {failed}
    assert episode.most_down(rolled.before) == 1
    assert episode.promoted() == [rolled.promoted]
    if scenario.service.everywhere:
        assert episode.errors() == {}, "everything else serves on"
    else:
        assert len(episode.versions()) == 1, "the cluster has started it on another node"
    scenario.mend()
    assert scenario.lost() == set()
    assert scenario.left_behind() == []


def test_a_caller_that_is_killed_is_made_up_for_by_reconcile(scenario: Scenario) -> None:
    rolled = scenario.roll_that_is_killed()
    *killed, reconciled = rolled.calls
    # Where nothing runs, nothing was due: those calls had ended.
    concerned = [call for call in killed if scenario.service.everywhere or call.node in rolled.before]
    assert {call.code for call in concerned} == {-9}, [call.said for call in killed]
    assert reconciled.code == 0, reconciled.said
    each_once(scenario, rolled)


def test_a_remote_node_whose_cluster_does_not_answer_leaves_the_service_alone(scenario: Scenario) -> None:
    """From a public report: the node in maintenance, its daemon stopped; systemd restarted what is the cluster's."""
    if not isinstance(scenario.service, Remote):
        pytest.skip("only for the Pacemaker Remote node")
    lab, unit = scenario.lab, "haproxy.service"

    def main_process() -> str:
        shown = lab.run(NODE, ["systemctl", "show", "--property", "MainPID", "--value", unit])
        return shown.checked().stdout.decode().strip()

    lab.run(lab.nodes[0], ["pcs", "node", "maintenance", NODE, "--wait=60"], timeout=90).checked()
    try:
        before = main_process()
        lab.run(NODE, ["systemctl", "kill", "--signal", "KILL", DAEMON]).checked()
        lab.run(NODE, ["systemctl", "stop", DAEMON], timeout=60).checked()
        for name in (scenario.service.primitive, scenario.service.name, unit):
            told = lab.run(NODE, ["pacewright", "service", "restart", name], timeout=60)
            assert told.code == 6, told.output
        assert before == main_process() != "0"
    finally:
        lab.run(NODE, ["systemctl", "start", DAEMON], timeout=60).checked()
        lab.run(lab.nodes[0], ["pcs", "node", "unmaintenance", NODE, "--wait=60"], timeout=90).checked()
