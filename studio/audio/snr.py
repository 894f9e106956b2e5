"""The signal-to-noise ratio of speech, estimated from the recording alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Snr:
    """An estimate, or why there is none."""

    db: float | None  # None: it cannot be told
    method: str = ""  # "vad", "wada"; "" where there is none
    reason: str = ""  # why there is no figure, a sentence
