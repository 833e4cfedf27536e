"""From a CIB to a Snapshot, and back into the document: the rooms' only reader of Pacemaker's XML."""
