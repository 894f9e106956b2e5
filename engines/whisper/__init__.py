"""Whisper by OpenAI's own package. Importing this loads neither it nor torch."""

from engines.whisper.recognizer import WhisperRecognizer

__all__ = ["WhisperRecognizer"]
