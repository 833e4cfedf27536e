"""`script/bench-scale`: how it goes where there is much, as figures and curves.

From a file, on this machine: a cluster of 3, 16 and 32 nodes with 10 to 1,000 resources in which Pacemaker has nothing
to do (`largecib`): reading it, the scheduler's word on one restart, what of a commit is ours, a step of a rehearsed
roll. In a lab of three nodes with 10 to 1,000 resources: a restart of one instance and of three, a look at the state,
each as a whole command; and what 50 changes of the status a second do to whoever watches.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench import curves
from bench.bench_lab import AT, INSIDE, create_many, ground
from bench.figures import human
from bench.large_cib import large_cib
from pacewright.clock import SYSTEM_CLOCK
from pacewright.cluster.cib.parse import parse
from pacewright.cluster.commit import difference
from pacewright.cluster.edits.change import Change, SetRevision
from pacewright.cluster.forecast import what_if
from pacewright.cluster.names import ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import PacewrightError
from pacewright.lab import DISTROS, Lab
from pacewright.service.requests import Options
from pacewright.service.services import Services

_HERE = Path(__file__).parent
_RESULTS = _HERE / "scale.json"
_DOCS = _HERE.parent / "docs"

NODES, RESOURCES = (3, 16, 32), (10, 100, 300, 1000)
_BEGIN, _END = "<!-- script/bench-scale writes from here ... -->", "<!-- ... to here, script/bench-scale -->"
_A_WHILE = 20.0
"""Seconds that a roll is rehearsed for; how far it comes in that says what a step takes."""
_RATE = 70
"""Changes of the status that are asked for in a second."""
_PORTION = 100
"""Resources that are created at a time."""
_FLOOD = 15
"""Seconds of them."""


@dataclass(slots=True, kw_only=True)
class Scale:
    """What was measured: seconds, by what was done and on how much.

    Attributes:
        files: `READ on 3 nodes` and so on, with seconds for each number of resources.
        live: the commands, the same.
        flood: of the watch under many changes; see `_flood`.
    """

    files: dict[str, dict[int, float]] = field(default_factory=dict)
    live: dict[str, dict[int, float]] = field(default_factory=dict)
    flood: dict[str, float] = field(default_factory=dict)


class _OnFile(Services):
    """Services on a cluster that is only a document."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(config=Path("/nonexistent"))
        self._found = snapshot

    def _snapshot(self, *_args: object, **_more: object) -> Snapshot:
        return self._found


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and write it down."""
    parser = argparse.ArgumentParser(prog="script/bench-scale", description=__doc__)
    parser.add_argument("--most", type=int, default=max(RESOURCES), metavar="N", help="no more than N resources")
    parser.add_argument("--distro", choices=DISTROS, default="bookworm", help="default: bookworm (Pacemaker 2.1)")
    parser.add_argument("--only", choices=("files", "lab", "nothing"), help="measure that; the rest is of the last run")
    args = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the lab is removed, as at Ctrl-C
    counts = [count for count in RESOURCES if count <= args.most]
    found = _read(_RESULTS) if args.only else Scale()
    try:
        if args.only in {None, "files"}:
            _files(found, counts)
            _keep(found)
        if args.only in {None, "lab"}:
            with ground(args.distro) as lab:
                _live(found, lab, counts)
            _keep(found)
    except PacewrightError as error:
        print(f"bench: {error}", file=sys.stderr)
        return error.exit_code
    curves.draw(_DOCS / "scale.svg", {"From a file": found.files, "In a lab of three nodes": found.live})
    _write(_DOCS / "performance.md", found)
    print("\n".join(_tables(found)))
    return 0


def _keep(found: Scale) -> None:
    _RESULTS.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")


def _read(path: Path) -> Scale:
    told = json.loads(path.read_text(encoding="utf-8"))
    whole = {
        part: {label: {int(count): seconds for count, seconds in line.items()} for label, line in told[part].items()}
        for part in ("files", "live")
    }
    return Scale(**whole, flood=told["flood"])


def _note(where: dict[str, dict[int, float]], label: str, count: int, seconds: float) -> None:
    where.setdefault(label, {})[count] = round(seconds, 4)
    print(f"  {label}, {count} resources: {human(seconds)}", flush=True)


def _timed(do: Callable[[], object], times: int = 3) -> float:
    taken = []
    for _ in range(times):
        begun = SYSTEM_CLOCK.monotonic()
        do()
        taken.append(SYSTEM_CLOCK.monotonic() - begun)
    return statistics.median(taken)


# -- from a file ------------------------------------------------------------------------------------------------------


def _files(found: Scale, counts: Sequence[int]) -> None:
    for nodes in NODES:
        for count in counts:
            document = large_cib(nodes, count).encode()
            snapshot = parse(document)
            edit = SetRevision(resource=ResourceId("alone001"), default="r", nodes={})
            change = Change(edits=(edit,), reason="bench")
            on = f"on {nodes} nodes"
            _note(found.files, f"read {on}", count, _timed(lambda d=document: parse(d)))  # type: ignore[misc]
            _note(
                found.files,
                f"the scheduler's word on one restart {on}",
                count,
                _timed(lambda s=snapshot, c=change: what_if(s, c)),  # type: ignore[misc]
            )
            _note(
                found.files,
                f"a commit's patch {on}",
                count,
                _timed(lambda s=snapshot, c=change: difference(s.root, c.apply(s))),  # type: ignore[misc]
            )
            begun = SYSTEM_CLOCK.monotonic()
            plan = _OnFile(snapshot).plan("restart", "cloned01-clone" if count > 10 else "cloned00-clone", _PATIENT)
            seconds = SYSTEM_CLOCK.monotonic() - begun
            _note(found.files, f"a step of a rehearsed roll {on}", count, seconds / max(len(plan.steps), 1))


_PATIENT = Options(timeout=_A_WHILE)

# -- in a lab ---------------------------------------------------------------------------------------------------------


def _live(found: Scale, lab: Lab, counts: Sequence[int]) -> None:
    there = 0
    for count in counts:
        while there < count - 3:  # not all at once: two cores start them on three nodes
            upto = min(there + _PORTION, count - 3)
            create_many(lab, tuple(f"more{number:04}" for number in range(there, upto)), every="1h", seconds=600)
            there = upto
        for label, argv in _commands():
            _note(found.live, label, count, _timed(lambda a=argv: lab.run(AT, a, timeout=300).checked()))  # type: ignore[misc]
        if count == min(counts):
            found.flood = _flood(lab)
            print(f"  {found.flood}", flush=True)


def _commands() -> Iterator[tuple[str, list[str]]]:
    yield "restart of one instance", ["pacewright", "service", "restart", "counted-clone", "--node", "n2"]
    yield "restart of three, one after another", ["pacewright", "service", "restart", "counted-clone"]
    yield "plan of a restart of three", ["pacewright", "service", "restart", "counted-clone", "--plan"]
    yield "service status", ["pacewright", "service", "status", "counted-clone"]
    yield "crm_mon", ["crm_mon", "--one-shot", "--output-as=xml"]


def _flood(lab: Lab) -> dict[str, float]:
    """What many changes of the status do: seconds that the watch is behind when they are over, and to a restart."""
    restart = ["pacewright", "service", "restart", "counted-clone", "--node", "n2"]
    quiet = _timed(lambda: lab.run(AT, restart, timeout=60).checked())
    argv = ["/usr/bin/python3", "-I", f"{INSIDE}/flood.py", str(_RATE), str(_FLOOD), *restart]
    told = json.loads(lab.run(AT, argv, timeout=120).checked().stdout)
    return {"restart without": quiet, **told}


# -- on the page ------------------------------------------------------------------------------------------------------


def _tables(found: Scale) -> Iterator[str]:
    for title, lines in (("from a file", found.files), ("in a lab of three nodes", found.live)):
        counts = sorted({count for line in lines.values() for count in line})
        yield f"| {title} | " + " | ".join(f"{count} resources" for count in counts) + " |"
        yield "| --- |" + " --- |" * len(counts)
        for label, line in lines.items():
            cells = (human(line[count]) if count in line else "-" for count in counts)
            yield f"| {label} | " + " | ".join(cells) + " |"
        yield ""
    flood = found.flood
    changes, woken = (f"{flood[name]:.0f}" for name in ("changes a second", "woken a second"))
    behind, meanwhile, without = (human(flood[name]) for name in ("behind", "restart meanwhile", "restart without"))
    yield (
        f"With {changes} changes of the status a second the watch was {behind} behind when they ended, having woken up "
        f"{woken} times a second; a restart of one instance took {meanwhile} instead of {without}."
    )


def _write(page: Path, found: Scale) -> None:
    before, _, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, marked, after = rest.partition(_END)
    if not marked:
        raise ValueError(f"{page}: the markers are missing.")
    tables = "\n".join(_tables(found))
    page.write_text(f"{before}{_BEGIN}\n\n![Curves](scale.svg)\n\n{tables}\n\n{_END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
