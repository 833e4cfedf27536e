"""What the mail's scenario promises, however Puppet on the nodes comes to its catalog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pacewright.demo.openstack import Episode, Stage
from pacewright.demo.openstack.instance_starts import SERVICES
from pacewright.demo.openstack.puppet_on_nodes import Run
from tests.lab.neutron_site import NeutronSite

__all__ = ["EACH_ONCE", "NONE", "Deployment", "deploy", "deployed_together", "did_nothing", "restarts", "rolled_out"]

EACH_ONCE, NONE = [1, 1, 1], [0, 0, 0]


@dataclass(frozen=True)
class Deployment:
    """A lab on which Puppet has run for the first time.

    Attributes:
        episode: that run, on three nodes at the same time.
        configured: when the last of Neutron's config files was written in it.
        again: a second run, with nothing to do.
    """

    site: NeutronSite
    episode: Episode
    configured: float
    again: Episode


def deploy(stage: Stage) -> Deployment:
    """Run Puppet for the first time, and once more."""
    site = NeutronSite(stage)
    return Deployment(site=site, episode=site.apply(), configured=site.last_change(), again=site.apply())


def restarts(episode: Episode) -> Mapping[str, list[int]]:
    """How often each service has started on each node."""
    return {service: episode.starts(service) for service in SERVICES}


def deployed_together(deployment: Deployment) -> None:
    """Every instance started once, when all nodes had their config, by one write; one node made the tables."""
    episode = deployment.episode
    assert [run.code for run in episode.runs] == [2, 2, 2]
    assert restarts(episode) == dict.fromkeys(SERVICES, EACH_ONCE)
    assert deployment.configured < episode.first_start(), "nothing starts before every node has its config"
    assert sum(run.synced for run in episode.runs) == 1
    for service in SERVICES:
        assert len(episode.writers(service, "target-role")) == 1, "one node lets it start, once"
    made = [commit for commit in episode.commits if commit.touches("<clone id=")]
    assert [all(commit.touches(f'"{service}-clone"') for service in SERVICES) for commit in made] == [True], "one write"


def rolled_out(site: NeutronSite) -> None:
    """RabbitMQ's parameters change: every instance restarts once, one after another, and no request fails."""
    site.turn()
    with site.stage.client():
        episode = site.apply()
        site.stage.linger(3)
        episode = site.stage.since(episode.before, episode.runs)
    assert [run.code for run in episode.runs] == [2, 2, 2]
    assert restarts(episode) == dict.fromkeys(SERVICES, EACH_ONCE)
    assert {service: episode.most_down(service) for service in SERVICES} == dict.fromkeys(SERVICES, 1)
    site.wait_for_the_account()
    assert episode.count.failed == 0, episode.count.errors
    assert episode.count.served >= 30
    for service in SERVICES:
        definition = f"primitive[@id='{service}']"
        writers = episode.writers(service, definition)
        assert len(writers) == 3, "each instance's restart is written once"
        assert len(set(writers)) == 1, f"and all by one node: {writers}"
        told = [node for node, run in zip(site.lab.nodes, episode.runs, strict=True) if _led(run, service)]
        assert told == writers[:1], "whose log says so"


def _led(run: Run, service: str) -> bool:
    return bool(run.lines(rf"Service\[{service}\].*: restarted on .*\(committed from this node\)"))


def did_nothing(deployment: Deployment) -> None:
    """A run without a change changes nothing, restarts nothing, writes nothing."""
    episode = deployment.again
    assert [run.code for run in episode.runs] == [0, 0, 0]
    assert restarts(episode) == dict.fromkeys(SERVICES, NONE)
    assert episode.commits == ()
    assert [line for run in episode.runs for line in run.lines("^Notice: /Stage")] == []
