"""`pacewright fact`: what this node knows of its cluster, for configuration management."""

from __future__ import annotations

import argparse
from pathlib import Path

from pacewright.cli.streams import json_text
from pacewright.service.fact import fact
from pacewright.service.settings import DEFAULT_PATH

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.description = (
        "Print what this node knows of its cluster, as one JSON object: running, cluster, node, quorate, dc, leader, "
        "is_leader, maintenance, nodes, services; and error if something could not be found out. "
        "Answers within 2 seconds whatever hangs, and writes nothing. The exit code is 0 also when there is no cluster."
    )
    parser.add_argument(
        "--config", default=str(DEFAULT_PATH), metavar="FILE", help="the site's services.yaml (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Print it."""
    print(json_text(fact(Path(args.config))))
    return 0
