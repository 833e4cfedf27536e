"""What a node's root file system contains: packages, what starts at boot, how pcs and the journal are set."""

from __future__ import annotations

from pathlib import Path

from pacewright.lab import host

__all__ = ["PACKAGES", "PASSWORD", "VERSION", "prepare"]

PASSWORD = "pacewright"  # noqa: S105 - of hacluster, in a network that nobody can enter

PACKAGES = (
    "corosync",
    "dbus",
    "iproute2",
    "iputils-ping",
    "less",
    "netbase",
    "openssh-client",
    "openssh-server",
    "openssl",
    "pacemaker",
    "pacemaker-cli-utils",
    "pcs",
    "procps",
    "python3",
    "python3-yaml",
    "resource-agents",
    "systemd",
    "systemd-sysv",
    "util-linux",
)

# Units that a node of a lab has no use for: they cost seconds at boot or wake an idle machine.
_MASKED = (
    "apt-daily-upgrade.timer",
    "apt-daily.timer",
    "console-getty.service",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty.target",
    "logd.service",
    "sshd-keygen.service",
    "systemd-logind.service",
    "systemd-pstore.service",
    "systemd-update-utmp-runlevel.service",
    "systemd-update-utmp.service",
    "tmp.mount",
)

# What starts at boot, of all that the installed packages want to start: the rest is the cluster's to start.
_STARTED_AT_BOOT = {
    "corosync.service",
    "pacemaker.service",
    "pcsd-ruby.service",
    "pcsd.service",
    "remote-fs.target",
    "ssh.service",
}

_FILES = {
    # The web interface is of no use in a lab, and one worker instead of one per core is enough for pcs.
    "etc/default/pcsd": "RACK_ENV=production\nPCSD_DISABLE_GUI=true\nPCSD_WORKER_COUNT=1\nPCSD_MAX_WORKER_COUNT=3\n",
    # The cluster first: pcsd takes a second of processor time to start.
    "etc/systemd/system/pcsd.service.d/lab.conf": "[Unit]\nAfter=pacemaker.service\n",
    "etc/systemd/system/pcsd-ruby.service.d/lab.conf": "[Unit]\nAfter=pacemaker.service\n",
    # Kept on disk, so that the log of a node whose power was cut can be read.
    "etc/systemd/journald.conf.d/lab.conf": "[Journal]\nStorage=persistent\nSystemMaxUse=64M\n",
}

VERSION = 4
"""Raise it when anything above or below changes what a root file system contains."""


def prepare(root: Path) -> None:
    """Turn a fresh Debian into a cluster node, as far as all nodes of all labs are the same."""
    units = root / "etc/systemd/system"
    for unit in _MASKED:
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")
    for wanted in (units / "multi-user.target.wants").iterdir():
        if wanted.name not in _STARTED_AT_BOOT:
            host.run(["chroot", str(root), "systemctl", "disable", "--quiet", wanted.name])
    for name, text in _FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for old in (root / "etc/ssh").glob("ssh_host_*"):
        old.unlink()
    (root / "etc/machine-id").write_text("")
    in_root = ["chroot", str(root)]
    host.run([*in_root, "chpasswd"], timeout=20, stdin=f"hacluster:{PASSWORD}\n".encode())
    certificate = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=lab"]
    files = ["-keyout", "/var/lib/pcsd/pcsd.key", "-out", "/var/lib/pcsd/pcsd.crt"]
    host.run([*in_root, *certificate, *files], timeout=60)
    (root / "var/lib/pcsd/pcsd.key").chmod(0o600)
