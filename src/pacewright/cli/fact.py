"""`pacewright fact`: what this node knows of its cluster, for configuration management."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pacewright.service import DEFAULT_PATH
from pacewright.service.fact import fact

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.description = (
        "Print what this node knows of its cluster, as one JSON object: running, quorate, dc, leader, is_leader, "
        "nodes, services. Answers within 2 seconds whatever hangs, writes nothing, always exits with 0."
    )
    parser.add_argument("--config", default=str(DEFAULT_PATH), metavar="FILE", help="instead of %(default)s")


def run(args: argparse.Namespace) -> int:
    """Print it."""
    print(json.dumps(fact(Path(args.config))))
    return 0
