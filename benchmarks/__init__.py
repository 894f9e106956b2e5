"""Measured speed and likeness: `python -m benchmarks`. Not part of the studio."""
