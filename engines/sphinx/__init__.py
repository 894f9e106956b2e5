"""Draft recognition of English by pocketsphinx, whose wheel carries its model."""

from engines.sphinx.recognizer import SphinxRecognizer

__all__ = ["SphinxRecognizer"]
