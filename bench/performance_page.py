"""The tables of docs/performance.md, between two markers; the text around them is written by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bench.commands import Timed
from bench.figures import Figure, seconds
from bench.restarts import Restarts
from bench.results import Results, targets

__all__ = ["BEGIN", "END", "tables", "write"]

BEGIN = "<!-- script/bench writes from here ... -->"
END = "<!-- ... to here -->"

_KINDS = {
    "unit": "systemd clone",
    "counted": "OCF clone",
    "reloading": "OCF clone, agent that would only reload",
}

_PROXIES = {"plain": "without checks and retries", "checked": "with checks and retries"}


def write(page: Path, results: Results) -> None:
    """Put the tables where they belong in the page.

    Raises:
        ValueError: the page has no place for them.
    """
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{page}: the markers are missing.")
    page.write_text(f"{before}{BEGIN}\n\n{tables(results)}\n\n{END}{after}", encoding="utf-8")


def tables(results: Results) -> str:
    """All of them."""
    parts = [
        _circumstances(results),
        "### Targets",
        _table(
            ("what", "to reach", "seen", ""),
            ((t.name, t.goal, t.seen, "reached" if t.reached else "**missed**") for t in targets(results)),
        ),
        "### Restarts",
        _table(
            (
                "restart of",
                "by",
                "whole command",
                "floor",
                "commit to settled",
                "÷ floor",
                "crossing out",
                "÷ crm_resource",
            ),
            _restarts(results),
        ),
        "### Rolling, with one caller and with three",
        _table(
            (
                "three instances, `refresh`",
                "callers",
                "last caller's end",
                "all are back",
                "floor",
                "÷ floor",
                "starts",
            ),
            _rolls(results),
        ),
        "### Requests under load",
        _table(
            ("HAProxy", "restart by", "lost", "of", "nobody answered for", "command"),
            _lost(results),
        ),
        "### Start-up and state",
        _table(("command, a new process", "time"), _timed((*results.start_up, *results.many))),
        "### A CIB of 32 nodes and 1,000 primitives",
        _table(("from a file", "time"), _timed(results.large)),
        "### Nothing owed",
        _table(("command, a new process; nothing to do", "time"), _timed(results.owed)),
        "### Puppet",
        _table(("a run that finds nothing to do", "time"), _timed(results.puppet)),
        "### Waiting",
        _table(
            ("way of watching", "from the change's landing to the wake-up", "processor time while idle"),
            ((w.mode, seconds(w.latency), f"{w.idle:.1%} of a core") for w in results.waking),
        ),
    ]
    return "\n\n".join(parts)


def _circumstances(results: Results) -> str:
    machine = results.machine
    return (
        f"Measured {machine.date}{' with --quick' if results.quick else ''}: 3 nodes on one machine with "
        f"{machine.cores} cores and {machine.memory / 1024:.0f} GB, Pacemaker {machine.pacemaker}, pcs {machine.pcs}, "
        f"Python {machine.python}, Debian {machine.distro}. Load average before {machine.load[0]:.1f}, after "
        f"{machine.load[1]:.1f}. Median (least to most)."
    )


def _restarts(results: Results) -> Iterator[tuple[str, ...]]:
    for one in results.restarts:
        scope = "one instance" if one.case.instances == 1 else f"{one.case.instances} instances"
        label = f", {one.contender.label}" if one.contender.label else ""
        failed = len(one.runs) - len(one.good)
        yield (
            f"{_KINDS[one.case.kind]}, {scope}",
            f"{one.contender.tool}{label}{f' ({failed} of {len(one.runs)} runs failed)' if failed else ''}",
            seconds(one.whole),
            seconds(one.floor),
            seconds(one.settled),
            f"{one.ratio.median:.2f}" if one.ratio.values else "-",
            seconds(one.noting),
            _share(one, results),
        )


def _share(one: Restarts, results: Results) -> str:
    label = "all at once" if one.case.instances > 1 else ""
    theirs = results.restart(one.case.key, "crm_resource", label).whole
    if not theirs.values or not one.whole.values:
        return "-"
    return f"{one.whole.median / theirs.median:.2f}"


def _rolls(results: Results) -> Iterator[tuple[str, ...]]:
    for one in results.rolls:
        failed = sum(bool(run.problem) for run in one.runs)
        if not one.runs:
            continue
        yield (
            _KINDS[one.kind],
            f"{one.callers}{f' ({failed} of {len(one.runs)} runs failed)' if failed else ''}",
            seconds(one.figure(lambda run: run.whole)),
            seconds(one.figure(lambda run: run.back)),
            seconds(one.figure(lambda run: run.floor)),
            f"{one.ratio.median:.2f}" if one.ratio.values else "-",
            ", ".join(map(str, sorted({run.starts for run in one.runs}))),
        )


def _lost(results: Results) -> Iterator[tuple[str, ...]]:
    for one in results.lost:
        failed = len(one.problems)
        yield (
            _PROXIES[one.case.proxy],
            f"{one.case.label}{f' ({failed} of {len(one.results)} runs failed)' if failed else ''}",
            _number(one.lost),
            _number(one.sent),
            seconds(one.gap),
            seconds(one.seconds),
        )


def _number(figure: Figure) -> str:
    return f"{figure.median:.0f} ({figure.least:.0f} to {figure.most:.0f})" if figure.values else "-"


def _timed(timed: Sequence[Timed]) -> Iterator[tuple[str, ...]]:
    for one in timed:
        label = one.label
        if one.found:
            label += f" ({', '.join(f'{number} {what}' for what, number in one.found.items())})"
        yield label, seconds(one.figure)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
