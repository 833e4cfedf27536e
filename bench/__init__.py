"""The bench: Pacewright beside pcs and Pacemaker's own commands, on a real cluster, in one run: docs/performance.md."""
