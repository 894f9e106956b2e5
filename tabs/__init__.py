"""Gradio tabs, one module each. Only here is Gradio imported."""

from tabs import gradio_import

gradio_import.prepare()
