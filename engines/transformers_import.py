"""Importing transformers without what only ways of generating that no engine uses would need."""

from __future__ import annotations

from importlib import import_module

_FLAG = "_sklearn_available"


def prepare() -> None:
    """To be called before anything that generates is imported: transformers would bring along scikit-learn, for
    assisted decoding, which takes a fifth of the time of all the imports. Raises ImportError where
    transformers is not installed."""
    utils = import_module("transformers.utils.import_utils")
    if hasattr(utils, _FLAG):  # of a later version nobody knows
        setattr(utils, _FLAG, False)
