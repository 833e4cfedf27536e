"""Starting, stopping, managing a service as a whole."""
