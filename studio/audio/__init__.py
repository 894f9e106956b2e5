"""Sound: reading anything, writing the formats people ask for, and the shared operations."""
