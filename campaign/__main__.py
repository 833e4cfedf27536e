"""`script/campaign`: many random runs on one real cluster, with faults, judged from outside."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from campaign.counted_services import NODES
from campaign.figures import Figures
from campaign.many_runs import Campaign
from campaign.plan import make_plan
from pacewright.errors import PacewrightError
from pacewright.lab import DISTROS


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; 0 if every invariant held, 1 if not, else as docs/exit-codes.md has it."""
    args = _parser().parse_args(argv)
    numbers = (args.run,) if args.run is not None else tuple(range(args.first, args.first + args.runs))
    if args.plan_only:
        for number in numbers:
            print("\n".join(make_plan(args.seed, number, NODES).lines()))
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the lab is removed, as at Ctrl-C
    campaign = Campaign(
        name=args.lab, distro=args.distro, seed=args.seed, numbers=numbers, evidence=args.evidence, say=_say
    )
    figures = Figures(distro=args.distro, seed=args.seed)
    try:
        campaign.carry_out(figures)
    except PacewrightError as error:
        print(f"campaign: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("campaign: interrupted; the lab is removed.", file=sys.stderr)
    print("\n".join(figures.lines()))
    if args.json is not None:
        args.json.write_text(json.dumps(figures.as_dict(), indent=1) + "\n", encoding="utf-8")
    if figures.runs < len(numbers):
        return 130
    return 1 if figures.violations else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="script/campaign", description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="a run's plan follows from it and the run's number")
    parser.add_argument("--first", type=int, default=1, metavar="N", help="number of the first run")
    parser.add_argument("--run", type=int, metavar="N", help="only the run with that number")
    parser.add_argument("--distro", choices=DISTROS, default="bookworm", help="default: bookworm (Pacemaker 2.1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--plan-only", action="store_true", help="print the plans, do nothing")
    parser.add_argument("--lab", default="campaign", metavar="NAME", help="the lab's name; one that exists is removed")
    parser.add_argument(
        "--evidence",
        type=Path,
        default=Path("build/campaign"),
        metavar="FOLDER",
        help="where runs that went wrong leave what is known of them (default: %(default)s)",
    )
    return parser


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
