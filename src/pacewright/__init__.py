"""Pacewright: configuration management manages services on a Pacemaker cluster again."""

__all__ = ["__version__"]

__version__ = "0.1.0"
