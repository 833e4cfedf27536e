"""Pacewright as a Debian package, built from the running source: how a real node gets it, and the lab's nodes too."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pacewright
from pacewright import process

__all__ = ["build"]

_CONTROL = f"""\
Package: pacewright
Version: {pacewright.__version__}
Architecture: all
Maintainer: The Pacewright developers <pacewright@localhost>
Section: admin
Priority: optional
Depends: python3 (>= 3.11), python3-yaml, pacemaker-cli-utils
Suggests: logrotate, mmdebstrap, systemd-container, iproute2, python3-rich
Description: services on a Pacemaker cluster for configuration management
 Carries restarts, deploys and upgrades of services out through Pacemaker, from
 one node, once, rolling, and in a way that no crash can lose.
"""

# What dh_python3 writes for a package of plain modules.
_POSTINST = """\
#!/bin/sh
set -e
if command -v py3compile >/dev/null 2>&1; then py3compile -p pacewright; fi
chgrp adm /var/log/pacewright
"""
# Who removes the package may have switched on what it brings: policy-rc.d (a node's own one gets its place back),
# needrestart's links, the timer. An upgrade leaves all of it as it is.
_PRERM = """\
#!/bin/sh
set -e
if command -v py3clean >/dev/null 2>&1; then py3clean -p pacewright; fi
if [ "$1" = remove ]; then
    if command -v systemctl >/dev/null 2>&1; then
        systemctl disable --now pacewright-reconcile.timer >/dev/null 2>&1 || true
    fi
    update-alternatives --remove policy-rc.d /usr/lib/pacewright/policy-rc.d
    if [ -e /etc/pacewright/policy-rc.d ] && ! [ -e /usr/sbin/policy-rc.d ]; then
        mv /etc/pacewright/policy-rc.d /usr/sbin/policy-rc.d
    fi
    for link in /etc/needrestart/restart.d/*; do
        if [ "$(readlink "$link")" = /usr/lib/pacewright/needrestart ]; then rm -f "$link"; fi
    done
fi
"""
_POSTRM = """\
#!/bin/sh
set -e
if [ "$1" = purge ]; then rm -rf /var/log/pacewright; fi
"""

_COPYRIGHT = """\
Copyright: The Pacewright developers
License: Apache-2.0, see /usr/share/common-licenses/Apache-2.0
"""

_COMMAND = """\
#!/usr/bin/python3 -I
from pacewright.cli.main import command

command()
"""


def build(target: Path, *, compression: str = "xz") -> Path:
    """Write pacewright_VERSION_all.deb into the folder `target` and return its path.

    Args:
        compression: as `dpkg-deb -Z` has it; `none` is quickest.

    Raises:
        ToolMissing, ToolFailed: dpkg-deb is not there, or failed.
    """
    target.mkdir(parents=True, exist_ok=True)
    package = target / f"pacewright_{pacewright.__version__}_all.deb"
    with tempfile.TemporaryDirectory(prefix="building-", dir=target) as folder:
        tree = Path(folder) / "tree"
        _fill(tree)
        argv = ["dpkg-deb", f"-Z{compression}", "--root-owner-group", "--build", str(tree), str(package)]
        process.run(argv, timeout=60).checked()
    return package


def _fill(tree: Path) -> None:
    source = Path(pacewright.__file__).parent
    modules = tree / "usr/lib/python3/dist-packages/pacewright"
    shutil.copytree(source, modules, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    _write(tree / "usr/bin/pacewright", _COMMAND, 0o755)
    for unit in sorted((source / "systemd").iterdir()):  # shipped, and not enabled
        _write(tree / "usr/lib/systemd/system" / unit.name, unit.read_text(), 0o644)
    for guard in sorted((source / "guards").glob("*.sh")):
        _write(tree / "usr/lib/pacewright" / guard.stem, guard.read_text(), 0o755)
    for page in sorted((source.parents[1] / "docs").glob("*.md")):  # there in a checkout, not in an installed package
        _write(tree / "usr/share/doc/pacewright" / page.name, page.read_text(), 0o644)
    _write(tree / "etc/logrotate.d/pacewright", (source / "record/logrotate.conf").read_text(), 0o644)
    _write(tree / "usr/share/doc/pacewright/copyright", _COPYRIGHT, 0o644)
    _write(tree / "DEBIAN/control", _CONTROL, 0o644)
    _write(tree / "DEBIAN/conffiles", "/etc/logrotate.d/pacewright\n", 0o644)
    _write(tree / "DEBIAN/postinst", _POSTINST, 0o755)
    _write(tree / "DEBIAN/prerm", _PRERM, 0o755)
    _write(tree / "DEBIAN/postrm", _POSTRM, 0o755)
    (tree / "var/log/pacewright").mkdir(parents=True)
    for path in (tree, *tree.rglob("*")):  # whatever the umask is here and was where the source was checked out
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    (tree / "var/log/pacewright").chmod(0o750)


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
