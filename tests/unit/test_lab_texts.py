"""The lab's pure parts: what it writes for corosync, Pacemaker and pcs, and what it reads of the kernel."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pacewright.errors import NodeError
from pacewright.lab import cgroup, corosync, layer, mounts, network, quorum, rootfs
from pacewright.lab.paths import LabPaths
from pacewright.lab.state import LabState

# `cibadmin --empty`, Pacemaker 2.1.5 and 3.0.0.
EMPTY = """\
<cib crm_feature_set="{feature}" validate-with="{schema}" epoch="1" num_updates="0" admin_epoch="0">
  <configuration>
    <crm_config/>
    <nodes/>
    <resources/>
    <constraints/>
  </configuration>
  <status/>
</cib>
"""
EMPTIES = [
    EMPTY.format(feature="3.16.1", schema="pacemaker-3.9"),
    EMPTY.format(feature="3.20.0", schema="pacemaker-4.0"),
]

HYBRID = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw
"""
UNIFIED = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


def attributes(cib: ET.Element, path: str) -> dict[str, str]:
    return {pair.get("name", ""): pair.get("value", "") for pair in cib.iterfind(f"{path}//nvpair")}


@pytest.mark.parametrize("empty", EMPTIES)
def test_the_first_cib_has_nodes_properties_and_a_fence_device(empty: str) -> None:
    cib = ET.fromstring(corosync.cib(empty, ("n1", "n2", "n3"), fencing=True))
    assert attributes(cib, "configuration/crm_config")["stonith-enabled"] == "true"
    nodes = [(node.get("id"), node.get("uname")) for node in cib.iterfind("configuration/nodes/node")]
    assert nodes == [("1", "n1"), ("2", "n2"), ("3", "n3")]
    device = attributes(cib, "configuration/resources/primitive[@class='stonith']")
    assert device["pcmk_host_list"] == "n1 n2 n3"
    assert "pcmk_delay_max" not in device


def test_two_nodes_do_not_shoot_at_the_same_time() -> None:
    cib = ET.fromstring(corosync.cib(EMPTIES[0], ("n1", "n2"), fencing=True))
    assert "pcmk_delay_max" in attributes(cib, "configuration/resources")
    assert "two_node: 1" in corosync.corosync_conf("x", {"n1": "a", "n2": "b"})
    assert "two_node" not in corosync.corosync_conf("x", {"n1": "a"})


def test_without_fencing_there_is_no_device() -> None:
    cib = ET.fromstring(corosync.cib(EMPTIES[0], ("n1",), fencing=False))
    assert attributes(cib, "configuration/crm_config")["stonith-enabled"] == "false"
    assert cib.find(".//primitive") is None


def test_another_form_of_the_empty_cib_is_refused() -> None:
    with pytest.raises(ValueError, match="crm_config"):
        corosync.cib(EMPTIES[0].replace("<crm_config/>", "<crm_config></crm_config>"), ("n1",), fencing=True)


def test_corosync_is_encrypted_and_counts_nodes_from_one() -> None:
    text = corosync.corosync_conf("lab7", {"n1": "10.88.0.11", "n2": "10.88.0.12", "n3": "10.88.0.13"})
    for line in ("cluster_name: lab7", "transport: knet", "crypto_cipher: aes256", "crypto_hash: sha256"):
        assert line in text
    assert "name: n3\n        nodeid: 3\n        ring0_addr: 10.88.0.13" in text


def test_pcs_finds_the_same_token_on_both_ends() -> None:
    known = json.loads(corosync.pcs_known_hosts(("n1",), "secret"))["known_hosts"]
    assert known == {"n1": {"dest_list": [{"addr": "n1", "port": 2224}], "token": "secret"}}
    assert json.loads(corosync.pcs_users("secret"))[0]["token"] == "secret"


def test_addresses_never_leave_the_network() -> None:
    state = LabState(name="x", nodes=32)
    at = layer.addresses(state)
    assert at["n1"] == "10.88.0.11"
    assert len(set(at.values()) | {network.HOST_ADDRESS}) == 33


def test_cgroup_hierarchies_v2_first() -> None:
    assert cgroup.hierarchies(HYBRID) == (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup/systemd"))
    assert cgroup.hierarchies(UNIFIED) == (Path("/sys/fs/cgroup"),)
    with pytest.raises(NodeError, match="cgroup v2"):
        cgroup.hierarchies("31 23 0:28 / /sys rw - tmpfs tmpfs rw\n")


def test_mounts_below_a_folder_last_first_and_not_beside_it() -> None:
    table = "".join(
        f"{number} 1 0:1 / {point} rw - overlay overlay rw\n"
        for number, point in enumerate(("/labs/a", "/labs/a/with\\040space", "/labs/ab", "/labs"))
    )
    assert mounts.below(Path("/labs/a"), table) == (Path("/labs/a/with space"), Path("/labs/a"))


def test_a_root_file_system_is_named_after_what_is_in_it() -> None:
    assert rootfs.key("bookworm", ("curl", "haproxy")) == rootfs.key("bookworm", ("haproxy", "curl", "curl"))
    names = {rootfs.key("bookworm", ()), rootfs.key("trixie", ()), rootfs.key("bookworm", ("curl",))}
    assert len(names) == 3


def test_names_in_the_world_outside_are_told_apart() -> None:
    assert LabPaths(name="a").machine("n1") != LabPaths(name="b").machine("n1")


# --- the state of the cluster, as crm_mon 2.1.5 and 3.0.0 have it, shortened

MON = """\
<pacemaker-result api-version="2.38" request="crm_mon -1 --output-as=xml">
  <summary><current_dc present="true" name="n2" id="2" with_quorum="true"/></summary>
  <nodes>
    <node name="n1" online="true" pending="false" unclean="false"/>
    <node name="n2" online="true" pending="false" unclean="false"/>
  </nodes>
  <resources><resource id="fencing" role="Started" active="true"/></resources>
</pacemaker-result>
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("", "", ""),
        (MON, "", "does not answer"),
        ('present="true"', 'present="false"', "no DC"),
        ('with_quorum="true"', 'with_quorum="false"', "no quorum"),
        ('"n1" online="true"', '"n1" online="false"', "not online: n1"),
        ('name="n2" online="true" pending="false"', 'name="n2" online="true" pending="true"', "not online: n2"),
        ('unclean="false"', 'unclean="true"', "not online: n1, n2"),
        ('role="Started"', 'role="Starting"', "fence device"),
    ],
)
def test_what_is_missing_to_a_whole_cluster(old: str, new: str, says: str) -> None:
    text = MON.replace(old, new) if old else MON
    told = quorum.missing(text.encode(), ("n1", "n2"), fencing=True)
    assert (says in told) if says else not told


def test_without_fencing_and_with_nodes_that_are_off_less_is_asked_for() -> None:
    text = MON.replace("Started", "Stopped").replace('"n1" online="true"', '"n1" online="false"')
    assert not quorum.missing(text.encode(), ("n2",), fencing=False)
