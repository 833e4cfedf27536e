"""What can be written into a CIB, as data."""
