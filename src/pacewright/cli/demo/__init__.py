"""`pacewright demo`: the command, and how it shows what happens on its cluster."""

from pacewright.cli.demo.command import configure, run

__all__ = ["configure", "run"]
