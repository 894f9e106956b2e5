"""The embedded animator: makes a picture speak without a model, by bending it. Importing this loads little."""

from engines.animator.engine import AnimatorEngine

__all__ = ["AnimatorEngine"]
