"""One service over the cluster: its name, its state, the next step (pure), the loop that takes it."""
