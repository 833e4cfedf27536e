"""The texts that make machines a cluster: corosync.conf, the hosts file, the first CIB, pcs' files. All pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

__all__ = ["FENCE_DEVICE", "cib", "corosync_conf", "hosts", "pcs_known_hosts", "pcs_users"]

FENCE_DEVICE = "fencing"
"""Id of the stonith resource."""


def corosync_conf(cluster: str, addresses: Mapping[str, str]) -> str:
    """A knet cluster with authentication and encryption on.

    `wait_for_all` keeps a cluster that boots from fencing its slowest node; two nodes get `two_node`.

    Args:
        cluster: the cluster's name.
        addresses: node to address; node ids count from 1 in this order.
    """
    nodes = "".join(
        f"    node {{\n        name: {name}\n        nodeid: {number}\n        ring0_addr: {at}\n    }}\n"
        for number, (name, at) in enumerate(addresses.items(), 1)
    )
    two = "    two_node: 1\n" if len(addresses) == 2 else ""
    return (
        "totem {\n    version: 2\n"
        f"    cluster_name: {cluster}\n"
        "    transport: knet\n    crypto_cipher: aes256\n    crypto_hash: sha256\n}\n"
        f"nodelist {{\n{nodes}}}\n"
        f"quorum {{\n    provider: corosync_votequorum\n    wait_for_all: 1\n{two}}}\n"
        "logging {\n    to_syslog: yes\n    to_logfile: no\n    timestamp: on\n}\n"
    )


def hosts(addresses: Mapping[str, str], outside: str) -> str:
    """/etc/hosts: the nodes, and `lab` for the host's side of the network."""
    lines = ["127.0.0.1 localhost", "::1 localhost", f"{outside} lab"]
    return "\n".join([*lines, *(f"{at} {name}" for name, at in addresses.items())]) + "\n"


def cib(empty: str, nodes: Sequence[str], *, fencing: bool) -> str:
    """The first CIB, from the empty one of the installed Pacemaker (`cibadmin --empty`).

    `dc-deadtime` (default 20 s) is how long the first node waits for a DC to show up before it stands for election.
    The nodes have to be there: a fencer that sees the device before it sees its own node does not register it, and
    then a dead node that ran the device cannot be fenced by anybody (seen on 3.0.0).

    Raises:
        ValueError: the empty CIB is not what Pacemaker 2.1.5 and 3.0.0 print.
    """
    properties = {"stonith-enabled": str(fencing).lower(), "dc-deadtime": "2s"}
    # Every node counts the whole machine's load as its own, and would hold operations back when others are busy.
    properties["load-threshold"] = "10000%"
    pairs = "".join(
        f'<nvpair id="cib-bootstrap-options-{name}" name="{name}" value="{value}"/>'
        for name, value in properties.items()
    )
    config = f'<cluster_property_set id="cib-bootstrap-options">{pairs}</cluster_property_set>'
    device = _fence_device(nodes) if fencing else ""
    members = "".join(f'<node id="{number}" uname="{node}"/>' for number, node in enumerate(nodes, 1))
    text = empty.replace("<crm_config/>", f"<crm_config>{config}</crm_config>")
    text = text.replace("<nodes/>", f"<nodes>{members}</nodes>")
    text = text.replace("<resources/>", f"<resources>{device}</resources>")
    if any(part not in text for part in (config, members, device)):
        raise ValueError(empty)
    return text


def _fence_device(nodes: Sequence[str]) -> str:
    values = {"pcmk_host_list": " ".join(nodes), "pcmk_host_check": "static-list"}
    if len(nodes) == 2:
        values["pcmk_delay_max"] = "2s"  # or both would shoot at the same time
    pairs = "".join(
        f'<nvpair id="{FENCE_DEVICE}-instance_attributes-{name}" name="{name}" value="{value}"/>'
        for name, value in values.items()
    )
    return (
        f'<primitive id="{FENCE_DEVICE}" class="stonith" type="fence_pacewright_lab">'
        f'<instance_attributes id="{FENCE_DEVICE}-instance_attributes">{pairs}</instance_attributes>'
        f'<operations><op id="{FENCE_DEVICE}-monitor-interval-60s" name="monitor" interval="60s"/></operations>'
        "</primitive>"
    )


def pcs_known_hosts(nodes: Sequence[str], token: str) -> str:
    """/var/lib/pcsd/known-hosts: what `pcs host auth` would write."""
    known = {node: {"dest_list": [{"addr": node, "port": 2224}], "token": token} for node in nodes}
    return json.dumps({"format_version": 1, "data_version": 1, "known_hosts": known})


def pcs_users(token: str) -> str:
    """/var/lib/pcsd/pcs_users.conf: the other end of the same token."""
    entry = {"username": "hacluster", "token": token, "creation_date": "2020-01-01 00:00:00 +0000"}
    return json.dumps([entry])
