"""Models: which there are, where they lie, and whether they are whole. Loads no weights."""
