"""A `puppet apply` that finds nothing to do: services of the cluster by our provider, others by systemd's, and the
way in which puppet-pacemaker asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.bench_lab import AT, INSIDE
from bench.commands import NAMES, Say, Task, Timed, taking_turns
from pacewright.lab import Lab

__all__ = ["COUNTS", "WAYS", "nothing_to_do"]

COUNTS = (1, 100)
"""How many services the catalog has."""

WAYS = {
    "pcs": "of the cluster, `provider => pcs`",
    "systemd": "of systemd, `provider => systemd`",
    "puppet-pacemaker": "of the cluster, asked as puppet-pacemaker does",
}

_MODULE = Path(__file__).parent.parent / "integrations/puppet"
_MODULES = f"{INSIDE}/modules"
_UNITS = tuple(f"idle{number:03}" for number in range(100))
_UNIT = """\
[Unit]
Description=Does nothing, for the bench

[Service]
ExecStart=/bin/sleep infinity

[Install]
WantedBy=multi-user.target
"""

# What its `pcmk_resource` runs for each resource before it knows that there is nothing to do: `exists?` dumps the whole
# CIB to a file and has pcs look into that (openstack-archive/puppet-pacemaker, lib/puppet/provider/pcmk_common.rb).
_ASKED = """\
exec {{ '{name}':
  command  => 'false',
  unless   => 'pcs cluster cib {file}; pcs -f {file} resource config {name} >/dev/null; code=$?; rm {file}; exit $code',
  provider => shell,
  path     => '/usr/sbin:/usr/bin:/sbin:/bin',
}}
"""


def nothing_to_do(lab: Lab, times: int, hundred_times: int, say: Say) -> tuple[Timed, ...]:
    """Each way, for each number of services, and Puppet alone.

    Args:
        hundred_times: how often puppet-pacemaker's way is measured for 100 services (minutes); 0 for never.
    """
    _furnish(lab)
    label = "`puppet apply` of nothing (in every figure)"
    empty = _task(lab, "puppet-empty", label, "notice('nothing')\n", times)
    return taking_turns(lab, [empty, *_tasks(lab, times, hundred_times)], say)


def _tasks(lab: Lab, times: int, hundred_times: int) -> Iterator[Task]:
    for count in COUNTS:
        for way, what in WAYS.items():
            often = hundred_times if (way, count) == ("puppet-pacemaker", 100) else times
            if often:
                label = f"`puppet apply`, {count} service{'s' if count > 1 else ''} {what}"
                yield _task(lab, f"puppet-{way}-{count}", label, _manifest(way, count), often)


def _task(lab: Lab, key: str, label: str, manifest: str, times: int) -> Task:
    path = f"{INSIDE}/{key}.pp"
    lab.write(AT, path, manifest)
    modules = ("--modulepath", _MODULES) if "-pcs-" in key else ()
    line = ("puppet", "apply", "--color=false", "--detailed-exitcodes", *modules, path)
    return Task(key=key, label=label, lines=(line,), times=times, timeout=400)


def _manifest(way: str, count: int) -> str:
    if way == "puppet-pacemaker":
        return "".join(_ASKED.format(name=name, file=f"/var/lib/pacemaker/cib/bench-{name}") for name in NAMES[:count])
    names = NAMES if way == "pcs" else _UNITS
    return _services(names[:count], way)


def _services(names: Sequence[str], provider: str) -> str:
    attributes = f"ensure => running, enable => true, provider => '{provider}'"
    return "".join(f"service {{ '{name}': {attributes} }}\n" for name in names)


def _furnish(lab: Lab) -> None:
    for path in sorted(_MODULE.rglob("*")):
        if path.is_file() and "spec" not in path.parts:
            target = f"{_MODULES}/pacewright/{path.relative_to(_MODULE)}"
            lab.write(AT, target, path.read_text(encoding="utf-8"), path.stat().st_mode & 0o777)
    for unit in _UNITS:
        lab.write(AT, f"/etc/systemd/system/{unit}.service", _UNIT)
    lab.run(AT, ["systemctl", "daemon-reload"], timeout=60).checked()
    lab.run(AT, ["systemctl", "enable", "--now", "--quiet", *_UNITS], timeout=60).checked()
