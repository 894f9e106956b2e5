"""Gradio tabs, one module each. Only here is Gradio imported."""
