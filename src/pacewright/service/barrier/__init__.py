"""Waiting until each node's run has come to a service."""
