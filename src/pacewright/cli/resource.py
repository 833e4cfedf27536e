"""`pacewright resource`: see to it that the cluster has the resources and constraints that a document says."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterable, Iterator

from pacewright.cli.arguments import seconds
from pacewright.cli.documents import document
from pacewright.cli.streams import json_text, progress, warn
from pacewright.cluster.comparison import Difference
from pacewright.record.log import Log, log_path
from pacewright.resource import Applied, Options, Resources, load

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """The subcommands and their options."""
    parser.description = "See to it that the cluster has the resources and constraints that a document says."
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", prog=parser.prog)
    apply = verbs.add_parser(
        "apply",
        help="write what differs, in one commit",
        description="Compare a JSON document with the cluster, and write what differs, in one commit. What the "
        "document does not name stays as it is. A second call changes nothing. The document: docs/resource.md.",
    )
    apply.add_argument("file", metavar="FILE", help="the document; - for standard input")
    apply.add_argument("--plan", action="store_true", help="only show what would change and what the cluster would do")
    apply.add_argument("--wait", action="store_true", help="until the cluster has carried it out")
    apply.add_argument(
        "--timeout",
        type=seconds,
        default=Options().timeout,
        metavar="TIME",
        help="give up after so long (default: %(default)g); what was written, the cluster goes on with",
    )
    apply.add_argument(
        "--allow-collateral",
        action="store_true",
        help="go on also if something that the document does not name restarts, moves or stops",
    )
    apply.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Carry it out; returns the exit code."""
    source = args.file if args.file != "-" else "standard input"
    wanted = load(document(args.file, source), source)
    options = Options(wait=args.wait, allow_collateral=args.allow_collateral, timeout=args.timeout)
    resources = Resources(progress=progress(quiet=args.json), log=Log(log_path(), warn=warn))
    done = resources.plan(wanted, options) if args.plan else resources.apply(wanted, options)
    if args.json:
        print(json_text(_as_dict(done)))
    else:
        _show(done, plan=args.plan)
    return done.refused.exit_code if done.refused is not None else 0


def _as_dict(done: Applied) -> dict[str, object]:
    return {
        "changed": done.outcome.changed,
        "message": done.outcome.message,
        "changes": [
            {"resource": one.resource, "what": one.what, "from": one.before, "to": one.after} for one in done.changes
        ],
        "actions": [
            {"verb": a.verb, "resource": a.resource, "node": a.node, "to": a.to, "reason": a.reason or None}
            for a in done.actions
        ],
        "refused": str(done.refused) if done.refused is not None else None,
    }


def _show(done: Applied, *, plan: bool) -> None:
    for line in _lines(done.changes):
        print(line)
    if plan and done.actions:
        print("The cluster would then:")
        for action in done.actions:
            print(f"  {action}")
    print(f"Then: {done.outcome.message}" if plan and done.changes else done.outcome.message)
    if done.refused is not None:
        print(f"It would be refused: {done.refused.message}\n--allow-collateral accepts that.")
    if plan:
        print("Nothing was changed.")


def _lines(changes: Iterable[Difference]) -> Iterator[str]:
    """Each change on a line of its own; what is made anew or removed with all that it has."""
    whole: dict[tuple[str, str], list[Difference]] = {}
    for change in changes:
        verb = "new" if change.before is None else "removed" if change.after is None else "changed"
        whole.setdefault((change.resource, verb), []).append(change)
    for (resource, verb), found in whole.items():
        kind = found[0]
        if verb == "changed" or "." in kind.what:
            yield from (f"{resource}: {one.what}: {one.before or 'none'} -> {one.after or 'none'}" for one in found)
            continue
        yield f"{resource}: {verb} {kind.what}: {kind.after or kind.before}"
        details = " ".join(f"{one.what}={one.after}" for one in found[1:]) if verb == "new" else ""
        yield from textwrap.wrap(details, 110, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
