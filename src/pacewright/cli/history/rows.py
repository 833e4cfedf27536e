"""What was recorded, as rows of a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pacewright.cli.tables import moment
from pacewright.record.call_history import Story
from pacewright.record.caller import still_runs, this_node
from pacewright.record.reading import Entry

__all__ = ["HEAD", "happened", "row_of", "rows_of", "who"]

HEAD = ("TIME", "NODE", "WHO", "SERVICE", "WHAT HAPPENED")

_DECISIONS = {
    "wait": "waits for",
    "check": "waits for",
    "clean": "clears a failure:",
    "drain": "drains",
    "restore": "puts back into the load balancer:",
    "without": "goes on without it:",
}

Cells = tuple[str, ...]


def row_of(call: Story) -> Cells:
    """A call in one row."""
    first = call.entries[0]
    return moment(call.begun), first.node or "-", who(call), first.service or "-", _plain(happened(call))


def rows_of(call: Story) -> Iterator[Cells]:
    """A call in all its entries, and lines of their own for what a commit writes."""
    for entry in call.entries:
        if entry.kind == "intent" and entry is not call.unresolved:
            continue  # what became of it follows
        head, *more = _texts(entry)
        begin = (_exactly(entry.time), entry.node or "-", who(call), entry.service or "-")
        yield (*begin, _plain(head))
        yield from (("", "", "", "", _plain(f"  {line}")) for line in more)
    if call.unresolved is not None and call.end is None:
        yield "", "", "", "", "  whether that was written, it did not live to say"


def who(call: Story) -> str:
    """`anna (puppet)`: the person, if anybody logged in, else the user; and the program that called."""
    if call.asked is None:
        return "-"
    told = call.asked.told
    person = told.get("login") or told.get("user") or "-"
    return f"{person} ({told['program']})" if told.get("program") else str(person)


def happened(call: Story) -> str:
    """What was asked, and what became of it."""
    told = call.asked.told if call.asked is not None else {}
    verb = " ".join([told.get("verb", "call"), *_options(told.get("options", {}))])
    commits = len(call.of("commit"))
    written = f"{commits} commit{'s' if commits > 1 else ''}, " if commits else ""
    if call.end is not None:
        end = call.end.told
        failed = f" failed with code {end.get('code')}" if call.failed else ""
        return f"{verb}{failed}: {end.get('message', '')} ({written}{end.get('seconds', 0):.1f} s)"
    tail = f" Last: {_texts(call.entries[-1])[0]}." if len(call.entries) > 1 else ""
    if call.unresolved is not None:
        tail = f" {_unresolved(call.unresolved)}"
    return f"{verb}: {_without_end(call)}.{tail}"


def _without_end(call: Story) -> str:
    if call.asked is None or call.asked.node != this_node():
        return "no end is recorded: it goes on, or was killed"
    runs = still_runs(int(call.asked.told.get("pid", 0)), call.begun)
    return "goes on" if runs else "no end is recorded, so it was killed"


def _unresolved(intent: Entry) -> str:
    if intent.kind == "unknown":
        return f"It had no answer to: {intent.told.get('reason')}; the cluster knows (`pacewright owed`)."
    return f"It was about to commit: {intent.told.get('reason')}; whether that was written, it did not live to say."


def _options(options: Mapping[str, Any]) -> Iterator[str]:
    names = {"at_once": "all-at-once", "inputs": "input"}
    for name, value in options.items():
        option = f"--{names.get(name, name).replace('_', '-')}"
        if name.endswith("_cut"):
            continue
        for each in value if isinstance(value, list) else [value]:
            yield option if each is True else f"{option} {each}"


def _texts(entry: Entry) -> list[str]:
    """An entry in one line, and the lines below it."""
    told = entry.told
    match entry.kind:
        case "call":
            around = "".join(f", in {parent}" for parent in told.get("parents", []))
            words = " ".join([told.get("verb", ""), *_options(told.get("options", {}))])
            return [f"asks for: {words}", f"as {told.get('user')}, process {told.get('pid')}{around}"]
        case "seen":
            instances = "; ".join(map(_instance, told.get("instances", []))) or "nothing new"
            return [f"sees {told.get('cib')}: {instances}"]
        case "decision":
            decision = told.get("decision", "")
            return [f"{_DECISIONS.get(decision, decision)} {told.get('why', '')}"]
        case "intent":
            return [f"is about to commit: {told.get('reason')}"]
        case "commit":
            head = f"commits, on {told.get('cib_before')}: {told.get('reason')}"
            return [head, *map(_edit, told.get("edits", [])), *_left_out(told, "edits"), *_foreseen(told)]
        case "conflict":
            return [f"is refused, the cluster is no longer at {told.get('cib_before')}: {told.get('reason')}"]
        case "unknown":
            return [f"has no clear answer to: {told.get('reason')} ({str(told.get('why', '')).rstrip('.')})"]
        case "end" if "error" in told:
            return [f"fails with code {told.get('code')} ({told['error']}): {told.get('message', '')}"]
        case "end":
            return [f"ends: {told.get('message', '')}", *(f"note: {note}" for note in told.get("notes", []))]
        case other:
            return [other]


def _instance(told: Mapping[str, Any]) -> str:
    before = f"{told['before']} to " if told["before"] is not None else ""
    since = f" since {moment(told['since'])}" if told["since"] is not None else ""
    return f"{told['resource']} on {told['node']} {before}{told['after']}{since}"


def _edit(told: Mapping[str, Any]) -> str:
    on = f" on {told['node']}" if told.get("node") else ""
    resource = told.get("resource", "")
    change = f"{told.get('before') or 'none'} to {told.get('after') or 'none'}"
    match told["edit"]:
        case "revision":
            return f"revision of {resource}{on}: {change}"
        case "mark":
            return f"{told.get('name')}{on}: {change}"
        case "meta" | "definition":
            return f"{told.get('name')} of {resource}: {change}"
        case "gate":
            return f"{resource} may run on: {told.get('before') or 'all'} to {told.get('after') or 'all'}"
        case "hold":
            return f"holds {resource}{on} stopped until {moment(told.get('until'))}"
        case "keep off":
            return f"stops {resource}{on} for good"
        case "let back":
            return f"lets {resource} run{on} again"
        case "release":
            return f"lets {resource}{on} go"
        case other:
            return str(other)


def _foreseen(told: Mapping[str, Any]) -> list[str]:
    foreseen = told.get("foreseen")
    if foreseen is None:
        return []
    return [f"foreseen: {action}" for action in foreseen or ["nothing"]] + _left_out(told, "foreseen")


def _left_out(told: Mapping[str, Any], name: str) -> list[str]:
    return [f"and {told[f'{name}_cut']} more"] if f"{name}_cut" in told else []


def _exactly(seconds: float) -> str:
    whole, rest = divmod(round(seconds * 1000), 1000)
    return f"{moment(whole)}.{rest:03d}"


def _plain(text: str) -> str:
    """On one line and without control characters: it goes to a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)
