"""The record: what was asked, decided, written and seen, and by whom; kept as a log on each node.

The programs that operate services write it (`Call`, `Log`) and read nothing. What reads it, `reading.py` and what
builds on that, is loaded by name where it is wanted.
"""

from pacewright.record.call_log import Call
from pacewright.record.journal import SILENT, Journal
from pacewright.record.log import Log, log_path
from pacewright.record.redaction import COVER, is_secret

__all__ = ["COVER", "SILENT", "Call", "Journal", "Log", "is_secret", "log_path"]
