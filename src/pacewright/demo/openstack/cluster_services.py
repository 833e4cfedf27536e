"""What stands there before Puppet comes: a database, a message queue, and haproxy with its address, run by Pacemaker.

Made the way an administrator makes them: files on the nodes, then pcs. Database and queue are on the first node.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

from pacewright.clock import SYSTEM_CLOCK, Deadline
from pacewright.errors import DeadlinePassed
from pacewright.lab import Lab

__all__ = ["ADDRESS", "PORT", "QUEUE_USERS", "SECRET", "build", "new_database", "queue_users"]

ADDRESS = "10.88.0.100"
PORT = 80
"""Where haproxy answers for neutron's API, on whichever node Pacemaker runs it."""

QUEUE_USERS = ("neutron", "neutron_2")
"""Accounts at RabbitMQ. The data names the first; a change of the data names the second."""

SECRET = "secret"  # noqa: S105 - in a network that nobody can enter
_READY_SECONDS = 90.0

_MARIADB = "[mysqld]\nbind-address = 0.0.0.0\n"

# At stickiness 0 a failed instance of neutron's API would move haproxy.
_FRONT = ("op", "monitor", "interval=10s", "meta", "resource-stickiness=100", "--group", "front")

# Every node of a lab counts the load of the whole machine as its own. Above 80 % Pacemaker works off one operation
# after another.
_PCS = (
    ("property", "set", "load-threshold=10000%"),
    ("resource", "create", "database", "systemd:mariadb", "op", "start", "timeout=120s", "monitor", "interval=20s"),
    (
        "resource",
        "create",
        "queue",
        "systemd:rabbitmq-server",
        "op",
        "start",
        "timeout=120s",
        "monitor",
        "interval=20s",
    ),
    ("constraint", "location", "database", "prefers", "n1=INFINITY"),
    ("constraint", "location", "queue", "prefers", "n1=INFINITY"),
    ("resource", "create", "address", "ocf:heartbeat:IPaddr2", f"ip={ADDRESS}", "cidr_netmask=24", *_FRONT),
    ("resource", "create", "proxy", "systemd:haproxy", *_FRONT),
)


def build(lab: Lab, say: Callable[[str], None]) -> None:
    """Make it on a fresh lab; returns when the database and the queue can be used.

    Raises:
        ToolFailed: pcs or systemd said no.
        DeadlinePassed: they did not come up.
    """
    say("writing the config of MariaDB and haproxy on every node")
    haproxy = (files(__package__) / "files/haproxy.cfg").read_text()
    servers = "\n".join(f"    server {node} {lab.address(node)}:9696" for node in lab.nodes)
    for node in lab.nodes:
        lab.write(node, "/etc/mysql/mariadb.conf.d/90-lab.cnf", _MARIADB)
        lab.write(node, "/etc/haproxy/haproxy.cfg", haproxy.format(port=PORT, servers=servers))
        # It would start a second MariaDB, beside the cluster's, on the first connection to its socket.
        lab.run(node, ["systemctl", "disable", "--now", "mariadb.socket"]).checked()
    for command in _PCS:
        say(f"pcs {' '.join(command)}")
        lab.run(lab.nodes[0], ["pcs", *command], timeout=60).checked()
    say("waiting for MariaDB and RabbitMQ")
    _wait(lab, "MariaDB", ["mysql", "--execute", "SELECT 1"])
    _wait(lab, "RabbitMQ", ["rabbitmqctl", "--timeout", "10", "await_startup"])
    new_database(lab)
    for user in QUEUE_USERS:
        lab.run(lab.nodes[0], ["rabbitmqctl", "add_user", user, SECRET], timeout=60).checked()
        lab.run(lab.nodes[0], ["rabbitmqctl", "set_permissions", user, ".*", ".*", ".*"], timeout=60).checked()


def new_database(lab: Lab) -> None:
    """Neutron's database, empty, whatever was in it."""
    statements = (
        "DROP DATABASE IF EXISTS neutron",
        "CREATE DATABASE neutron CHARACTER SET utf8mb3",
        f"GRANT ALL ON neutron.* TO neutron@'%' IDENTIFIED BY '{SECRET}'",
    )
    lab.run(lab.nodes[0], ["mysql", "--execute", "; ".join(statements)], timeout=60).checked()


def queue_users(lab: Lab) -> frozenset[tuple[str, str]]:
    """Who is connected to RabbitMQ: pairs of a node and the account that it uses."""
    node_of = {lab.address(node): node for node in lab.nodes}
    listing = ["rabbitmqctl", "--quiet", "--no-table-headers", "list_connections", "peer_host", "user"]
    lines = lab.run(lab.nodes[0], listing, timeout=60).checked().stdout.decode().splitlines()
    return frozenset((node_of[peer], user) for peer, user in (line.split("\t") for line in lines if line.strip()))


def _wait(lab: Lab, what: str, question: list[str]) -> None:
    deadline = Deadline.after(_READY_SECONDS)
    while lab.run(lab.nodes[0], question, timeout=30).code:
        if deadline.passed():
            raise DeadlinePassed(
                f"{what} on {lab.nodes[0]} does not answer after {_READY_SECONDS:g} s.",
                hint=f"Look at `pacewright lab logs --name {lab.name} {lab.nodes[0]}`.",
            )
        SYSTEM_CLOCK.sleep(0.5)
