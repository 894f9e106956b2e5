"""Wav2Lip, written anew. Importing this loads no torch."""

from engines.wav2lip.engine import Wav2LipEngine

__all__ = ["Wav2LipEngine"]
