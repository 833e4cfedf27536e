"""How the demo looks: live in a terminal (with rich), one plain line a second elsewhere, and a table at the end."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pacewright.cli.tables import table
from pacewright.demo import Result, View

__all__ = ["plain", "screen", "summary"]

_HEAD = ("NODE", "CLUSTER", "INSTANCE", "REVISION", "STARTS", "CONFIG", "SERVED")
_LINES = 6
"""How much of what the command says is on the screen."""


@contextlib.contextmanager
def screen() -> Iterator[Callable[[View], None]]:
    """A function that shows what it is given."""
    if not sys.stdout.isatty():
        yield _Plain().show
        return
    try:
        from rich.console import Console  # noqa: PLC0415 - slow to import, and not needed elsewhere
        from rich.live import Live  # noqa: PLC0415
    except ImportError:
        yield _Plain().show
        return
    with Live(console=Console(file=sys.__stdout__), auto_refresh=False) as live:  # its colours are no text to clean
        acts = _Acts(live)
        yield acts.show


class _Acts:
    """Replaces what is on the screen; what an act looked like at its end stays above."""

    def __init__(self, live: Any) -> None:
        self._live = live
        self._last: View | None = None

    def show(self, view: View) -> None:
        if self._last is not None and self._last.title != view.title:
            self._live.console.print(_rich(self._last))
        self._last = view
        self._live.update(_rich(view), refresh=True)


def _rich(view: View) -> Any:
    from rich.console import Group  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    nodes = Table(box=None, pad_edge=False, header_style="dim")
    for word in _HEAD:
        nodes.add_column(word, justify="right" if word in {"STARTS", "SERVED"} else "left", no_wrap=True)
    for row in view.rows:
        style = "green" if row.instance == "Started" else "yellow"
        cells = (row.short_revision, str(row.starts), row.version or "-", str(row.served))
        nodes.add_row(row.node, row.cluster, Text(row.instance, style=style), *cells)
    failures = Text(f"{view.failed} failed", style="bold red" if view.failed else "green")
    counts = Text(f"{view.seconds:5.1f} s   {view.rate:3.0f} requests/s   {view.served} served   ").append_text(
        failures
    )
    said = [Text(f"  {line}", style="dim") for line in view.said[-_LINES:]]
    return Group(Text(f"\n{view.title}", style="bold"), nodes, counts, *said)


class _Plain:
    """One line a second, one more for each line that the command prints."""

    def __init__(self) -> None:
        self._title = ""
        self._due = 0.0
        self._said = 0

    def show(self, view: View) -> None:
        if view.title != self._title:
            self._title, self._due, self._said = view.title, 0.0, 0
            print(f"\n{view.title}", flush=True)
        for line in view.said[self._said :]:
            print(f"         > {line.strip()}", flush=True)
        self._said = len(view.said)
        if view.seconds >= self._due:
            print(plain(view), flush=True)
            self._due = int(view.seconds) + 1


def plain(view: View) -> str:
    """One line."""
    nodes = " | ".join(
        f"{row.node} {row.instance} revision {row.short_revision} config {row.version or '-'} starts {row.starts}"
        for row in view.rows
    )
    return f"{view.seconds:6.1f} s  {nodes} | {view.rate:.0f} requests/s, {view.served} served, {view.failed} failed"


def summary(results: Sequence[Result]) -> str:
    """The table at the end, one column for each way to restart, and what the columns are."""
    nodes = ", ".join(results[0].starts) if results else ""
    lines: list[tuple[str, Callable[[Result], str]]] = [
        (f"restarts on {nodes}, counted by the service", lambda r: ", ".join(map(str, r.starts.values()))),
        ("requests served", lambda r: str(r.count.served)),
        ("requests failed", lambda r: str(r.count.failed)),
        ("longest time without an answer", lambda r: f"{r.count.gap:.2f} s"),
        ("slowest answer", lambda r: f"{r.count.slowest:.2f} s"),
        ("new config served by all", _all_new),
        ("the command took", _took),
    ]
    body = [(name, *(cell(result) for result in results)) for name, cell in lines]
    names = table(("COLUMN", "COMMAND ON ONE NODE"), [(r.act.name, " ".join(r.act.command)) for r in results])
    failures = [f"{r.act.name}: {_reasons(r)}" for r in results if r.count.failed]
    head = ("", *(result.act.name.upper() for result in results))
    return "\n".join([table(head, body), "", names, *(["", "failed:", *failures] if failures else [])])


def _reasons(result: Result) -> str:
    return ", ".join(f"{number} x {error}" for error, number in sorted(result.count.errors.items()))


def _all_new(result: Result) -> str:
    return "no" if result.all_new is None else f"after {result.all_new:.1f} s"


def _took(result: Result) -> str:
    if result.code is None:
        return "did not end"
    return f"{result.seconds:.1f} s" + (f" (exit code {result.code})" if result.code else "")
