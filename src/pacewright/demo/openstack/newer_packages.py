"""A newer version of Neutron's packages, for an upgrade: those that are installed, packed again with a higher number.

Their maintainer scripts are Debian's own: each restarts its service at the end of the upgrade, whoever runs it.
"""

from __future__ import annotations

import re
from datetime import datetime

from pacewright.lab import Lab

__all__ = ["PACKAGES", "VERSION", "denied", "installed", "installing", "offer"]

PACKAGES = ("neutron-common", "neutron-api", "neutron-rpc-server")

VERSION = "2:21.0.0-8"

_OLD = "2:21.0.0-7"
_FOLDER = "/srv/newer"
_LISTS = "/etc/apt/sources.list"


def offer(lab: Lab) -> None:
    """Make the packages on the first node, and a repository of them for apt on every node.

    To be called before Puppet has changed their config files: they become the packages' own.

    Raises:
        ToolFailed: a node has another version than this was written for, or apt does not find the new one.
    """
    first = lab.nodes[0]
    for package in PACKAGES:
        _pack(lab, first, package)
    index = lab.run(first, ["dpkg-scanpackages", "--multiversion", _FOLDER], timeout=60).checked().stdout.decode()
    lab.write(first, f"{_FOLDER}/Packages", re.sub(rf"^Filename: {_FOLDER}", "Filename: .", index, flags=re.MULTILINE))
    archive = lab.run(first, ["tar", "--create", "--directory", _FOLDER, "."], timeout=60).checked().stdout
    for node in lab.nodes:
        lab.write(node, _LISTS, f"deb [trusted=yes] file:{_FOLDER} ./\n")
        lab.run(node, ["mkdir", "--parents", _FOLDER]).checked()
        lab.run(node, ["tar", "--extract", "--directory", _FOLDER], stdin=archive, timeout=60).checked()
        lab.run(node, ["apt-get", "--quiet", "update"], timeout=60).checked()


def installed(lab: Lab) -> dict[str, set[str]]:
    """The versions of the packages that each node has."""
    query = ["dpkg-query", "--show", "--showformat=${Version}\n", *PACKAGES]
    return {node: set(lab.run(node, query).checked().stdout.decode().split()) for node in lab.nodes}


def installing(lab: Lab) -> tuple[float, float]:
    """When the first of them was unpacked and when the last one's scripts had ended, on whichever node, by dpkg's log.

    Seconds since the epoch; dpkg writes whole ones.
    """
    moments: list[float] = []
    for node in lab.nodes:
        for line in lab.read(node, "/var/log/dpkg.log").splitlines():
            day, time, *words = line.split()
            if words[:2] in (["status", "unpacked"], ["status", "installed"]) and words[-1] == VERSION:
                moments.append(datetime.fromisoformat(f"{day}T{time}+00:00").timestamp())
    return min(moments), max(moments)


def denied(lab: Lab, node: str) -> bool:
    """Whether a script of theirs was kept from starting or restarting something on a node, by apt's log."""
    return "policy-rc.d denied execution of" in lab.read(node, "/var/log/apt/term.log")


def _pack(lab: Lab, node: str, package: str) -> None:
    scratch = f"/var/tmp/{package}"  # noqa: S108 - in a node of a lab
    lab.run(node, ["mkdir", "--parents", scratch, _FOLDER]).checked()
    unpack = ["env", "--chdir", scratch, "dpkg-repack", "--generate", "--tag=none", package]
    lab.run(node, unpack, timeout=60).checked()
    (tree,) = lab.run(node, ["find", scratch, "-mindepth", "1", "-maxdepth", "1"]).checked().stdout.decode().split()
    control = lab.read(node, f"{tree}/DEBIAN/control")
    control = control.replace(f"Version: {_OLD}", f"Version: {VERSION}")
    control = control.replace(f"neutron-common (= {_OLD})", f"neutron-common (= {VERSION})")
    lab.write(node, f"{tree}/DEBIAN/control", control)
    content = f"usr/share/{package}/upgraded"
    lab.write(node, f"{tree}/{content}", f"{VERSION}\n")
    digest = lab.run(node, ["md5sum", f"{tree}/{content}"]).checked().stdout.decode().split()[0]
    lab.write(node, f"{tree}/DEBIAN/md5sums", f"{lab.read(node, f'{tree}/DEBIAN/md5sums')}{digest}  {content}\n")
    lab.run(node, ["dpkg-deb", "-Znone", "--root-owner-group", "--build", tree, _FOLDER], timeout=60).checked()
