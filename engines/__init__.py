"""Engines behind Protocols, chosen by id and imported on first use."""
