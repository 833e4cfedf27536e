"""The record: what was asked, decided, written and seen, and by whom; kept as a log on each node.

The programs that operate services write it (`Call`, `Log`) and read nothing. What reads it, `reading.py` and what
builds on that, is loaded by name where it is wanted.
"""
