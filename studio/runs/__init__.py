"""A training run on the disk: what was asked, how it went, and the checkpoints that came of it."""
