"""What is written down about a service on its nodes, in the CIB, and what follows from it."""
