"""Carrying an operation out: what a decision can be, the loop that takes it, one write, what else it would do."""
