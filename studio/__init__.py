"""Timbre's core: what every layer stands on. It imports no engine, no service and no Gradio."""

__version__ = "0.1.0"
