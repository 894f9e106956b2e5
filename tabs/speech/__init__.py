"""The three speech tabs: one form, one set of handlers, and a small module for each mode."""
