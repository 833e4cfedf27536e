"""Small programs that the bench runs inside a node, with the Pacewright that is installed there."""
