"""Pacemaker: what it knows (Snapshot), what it would do (what_if), what we write (commit), waiting."""
