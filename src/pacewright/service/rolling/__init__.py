"""Restarting the instances of a service, one after another or at once."""
