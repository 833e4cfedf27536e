"""`pacewright history`: the command, and how it shows what was recorded: rows, lanes, a picture."""

from pacewright.cli.history.command import configure, run

__all__ = ["configure", "run"]
