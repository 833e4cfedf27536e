"""Being told that the CIB has changed."""
