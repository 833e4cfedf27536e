"""Which node of the cluster this machine is: by its host name, by the cluster's word, and whether it is one at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from pacewright.cluster.cib.remote import addresses
from pacewright.node import place
from pacewright.testing.clusters import cluster, primitive
from pacewright.testing.programs import FakeTools

NODES = ("n1", "n2", "n3")
CONF = """\
nodelist {
    node {
        ring0_addr: 192.0.2.1
        name: n1
    }
    node {
        ring0_addr: 127.0.0.1
        name: n2
    }
}
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTools:
    """The programs of a node, which the cluster calls n2; no file says anything."""
    made = FakeTools.below(tmp_path)
    made.add("crm_node", "echo n2")
    monkeypatch.setenv("PATH", made.path())
    monkeypatch.setattr("pacewright.process._SBIN", "")
    monkeypatch.setattr(place, "_DEFAULTS", (tmp_path / "default",))
    monkeypatch.setattr(place, "_REMOTED", str(tmp_path / "pacemaker-remoted"))
    monkeypatch.setattr(place, "_REMOTE_KEYS", (str(tmp_path / "authkey"),))
    return made


def called(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(place, "local_names", lambda: names)


@pytest.mark.parametrize("host", ["n2", "N2"])
def test_a_host_name_that_is_a_nodes_needs_no_question(
    host: str, tools: FakeTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    called(monkeypatch, host)
    assert place.this_node(NODES) == "n2"
    assert tools.called("crm_node") == []


@pytest.mark.parametrize("host", [("node-17.example.com", "node-17"), ("n1.example.com", "n1")])
def test_any_other_host_name_leaves_it_to_the_cluster(
    host: tuple[str, ...], tools: FakeTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    called(monkeypatch, *host)
    assert place.this_node(NODES) == "n2"
    assert tools.called("crm_node") == ["--name"]


@pytest.mark.parametrize("script", ["exit 102", "echo other", "echo"])
def test_where_the_cluster_does_not_say_the_short_host_name_counts(
    script: str, tools: FakeTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools.add("crm_node", script)
    called(monkeypatch, "n3.example.com", "n3")
    assert place.this_node(NODES) == "n3"
    called(monkeypatch, "admin.example.com", "admin")
    assert place.this_node(NODES) is None


def test_without_a_running_cluster_an_address_in_corosync_conf_tells(
    tools: FakeTools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = tmp_path / "corosync.conf"
    conf.write_text(CONF, encoding="utf-8")
    called(monkeypatch, "node-17.example.com", "node-17")
    assert place.configured_nodes(conf) == ("n1", "n2")
    assert place.configured_here(conf) == "n2"
    called(monkeypatch, "N1")
    assert place.configured_here(conf) == "n1"
    conf.write_text(CONF.replace("127.0.0.1", "db.example.com"), encoding="utf-8")
    called(monkeypatch, "node-17")
    assert place.configured_here(conf) is None
    assert tools.called("crm_node") == []


def test_a_file_with_another_encoding_is_read(
    tools: FakeTools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "default").write_bytes(b"# n\xe4chste Zeile\nPCMK_node_name=far\xe9\n")
    assert place.local_names()[0].startswith("far")
    (tmp_path / "default").write_bytes(b"# n\xe4chste Zeile\nPCMK_node_name='far'\n")
    assert place.local_names()[0] == "far"


def test_a_remote_node_is_one_of_a_cluster_while_it_is_stopped_too(tools: FakeTools, tmp_path: Path) -> None:
    conf = tmp_path / "corosync.conf"
    assert not place.is_cluster_node(conf)
    (tmp_path / "pacemaker-remoted").touch()
    assert not place.is_cluster_node(conf), "installed, and never given a key"
    (tmp_path / "authkey").touch()
    assert place.is_cluster_node(conf)


def test_a_key_in_another_place_counts(tools: FakeTools, tmp_path: Path) -> None:
    (tmp_path / "pacemaker-remoted").touch()
    (tmp_path / "key").touch()
    (tmp_path / "default").write_text(f'PCMK_authkey_location="{tmp_path}/key"\n', encoding="utf-8")
    assert place.is_remote_node()


# --- remote nodes


def far(name: str, **parameters: str) -> str:
    return primitive(name, "ocf:pacemaker:remote", parameters=parameters)


def test_where_the_connections_to_remote_and_guest_nodes_lead_is_in_their_definitions() -> None:
    guest = primitive("vm", meta_values={"remote-node": "guest", "remote-addr": "198.51.100.4"})
    plain = primitive("vm2", meta_values={"remote-node": "plain"})
    known = cluster(far("edge", server="198.51.100.2"), far("shop", addr="198.51.100.3"), far("lone"), guest, plain)
    told = {"edge": "198.51.100.2", "shop": "198.51.100.3", "lone": "lone", "guest": "198.51.100.4", "plain": "plain"}
    assert addresses(known) == told


@pytest.mark.parametrize("address", ["127.0.0.1", "Host7.example.com"])
def test_a_remote_node_is_the_one_to_which_the_cluster_connects(
    address: str, tools: FakeTools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tools.folder / "crm_node").unlink()  # Debian's pacemaker-remote has none
    called(monkeypatch, "host7.example.com", "host7")
    remote = {"edge": "198.51.100.2", "shop": address}
    assert place.this_node((*NODES, *remote), remote) is None
    for name in ("pacemaker-remoted", "authkey"):
        (tmp_path / name).touch()
    assert place.this_node((*NODES, *remote), remote) == "shop"
    assert place.this_node((*NODES, *remote), {"edge": "198.51.100.2"}) is None


def test_an_address_that_can_only_be_bound_to_is_not_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket.bind", lambda *_: None)  # as with net.ipv4.ip_nonlocal_bind
    assert not place._is_local("198.51.100.9")
    assert place._is_local("127.0.0.1")
