"""A training set on the disk: what its segments are, which are kept and why, and its files."""
