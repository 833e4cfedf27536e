"""Commands, and how things look in a terminal."""
