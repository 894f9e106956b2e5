"""What a build says while it runs and afterwards: its progress in seconds of sound, and its notes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from studio.audio.reading import probe
from studio.dataset.values import NONE, PrepareSettings
from studio.errors import StudioError
from studio.jobs import JobContext
from training.prepare.assembling import Hashed
from training.prepare.recording import Prepared


def said(recordings: Sequence[Hashed], outcomes: Sequence[Prepared | StudioError]) -> list[str]:
    """What preparing has to say, each once, with the first recording that it concerns."""
    first: dict[str, str] = {}
    count = Counter[str]()
    for each, outcome in zip(recordings, outcomes, strict=True):
        for note in outcome.notes if isinstance(outcome, Prepared) else ():
            first.setdefault(note, each.recording.name)
            count[note] += 1
    return [
        f"{name}{f' and {count[note] - 1} more' if count[note] > 1 else ''}: {note}"
        for note, name in first.items()
    ]


def unrecognised(settings: PrepareSettings, texts: bool) -> list[str]:
    """What to know where nothing was recognised. `texts`: some came with the recordings."""
    if settings.recognizer != NONE:
        return [
            "No recognizer for this language is installed, so only texts that came with the recordings"
            " count, and nobody checked them. Get one with: python app.py models download whisper-turbo"
        ]
    return [] if texts else ["Nothing has a text: choose a recognizer, or bring texts along."]


class Meter:
    """Reports the seconds of all recordings that are prepared as the job's progress."""

    def __init__(self, context: JobContext, seconds: Sequence[float]) -> None:
        self._context, self._seconds = context, seconds
        # Kept as sums: there may be ten thousands of recordings, each of which reports several times.
        self._fractions = [0.0] * len(seconds)
        self._total, self._done, self._whole = math.fsum(seconds), 0.0, 0
        self._report()

    def __call__(self, index: int, fraction: float) -> None:
        before, now = self._fractions[index], max(self._fractions[index], fraction)
        self._fractions[index] = now
        self._done += (now - before) * self._seconds[index]
        self._whole += before < 1.0 <= now
        self._report()

    def _report(self) -> None:
        if self._seconds:
            stage = f"preparing, {self._whole} of {len(self._seconds)} recordings"
            total = max(1, round(self._total))
            self._context.progress(min(total, int(self._done + 1e-6)), total, stage)


def seconds_of(each: Hashed) -> float:
    """How long a recording is, for the progress; a guess where its header cannot be read."""
    try:
        return max(0.1, probe(each.recording.path).duration)
    except StudioError:
        return max(0.1, each.size / 100_000)
