"""One machine: its units, its files, its place in the cluster."""
