"""The Debian packages that the nodes need for the mail's scenario."""

from __future__ import annotations

__all__ = ["PACKAGES"]

PACKAGES = (
    "curl",
    "dpkg-dev",  # the repository with the newer neutron
    "dpkg-repack",
    "haproxy",
    "mariadb-server",
    "needrestart",
    "neutron-api",
    "neutron-rpc-server",
    "policy-rcd-declarative",
    "puppet-agent",
    "puppet-module-neutron",
    "puppetserver",  # started by tests/lab/test_puppet_server.py alone; one root file system serves all
    "python3-mysqldb",
    "python3-pymysql",
    "rabbitmq-server",
)
"""From Debian 12. Its root file system takes 1.6 GB, and is built once, in about two minutes."""
