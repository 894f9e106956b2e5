"""How somebody speaks, in figures: the same for a data set's clips and for what a model says."""

from __future__ import annotations

import logging
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studio.audio.f0 import median_f0
from studio.audio.loudness import loudness
from studio.audio.reading import read
from studio.audio.types import Audio
from studio.control import Control
from studio.dataset.metadata import Row
from studio.errors import BadInput
from training.prepare.numbers import spelled
from training.prepare.text_measures import folded

log = logging.getLogger(__name__)

_FRAME_S = 0.01
#: Silence is what lies so far below the loud frames (their 97th percentile), or below that level, dB.
_BELOW_LOUD_DB, _SILENT_DBFS = 35.0, -60.0
_LOUD_PERCENT = 97
#: So many clips of a data set tell how it sounds, of texts that are long enough to have a pace.
_CLIPS = 24
_LEAST_CHARACTERS = 10


@dataclass(frozen=True)
class Manner:
    """None for what could not be told."""

    seconds_per_character: float | None = None  # of sound, pauses left out; letters and digits count
    silence_share: float | None = None
    loudness_lufs: float | None = None  # median over the clips
    f0_hz: float | None = None  # median


def manner_of(clips: Iterable[tuple[str, Audio]], language: str) -> Manner:
    """That of clips in one voice, each with its text in `language` (BCP 47), of any lengths."""
    known = [(text, audio) for text, audio in clips if audio.duration >= _FRAME_S]
    if not known:
        return Manner()
    characters = sum(character_count(text, language) for text, _ in known)
    sounding = sum(_sounding_s(audio) for _, audio in known)
    total = sum(audio.duration for _, audio in known)
    levels = [level for _, audio in known if (level := loudness(audio)) is not None]
    return Manner(
        sounding / characters if characters and sounding else None,
        max(0.0, 1 - sounding / total),
        statistics.median(levels) if levels else None,
        median_f0(audio for _, audio in known),
    )


def manner_of_rows(rows: Sequence[Row], language: str, control: Control) -> Manner:
    """That of whoever is heard most in a data set, by some of the clips; the audio files are absolute.
    Clips that cannot be read are passed over. Raises Cancelled."""
    return manner_of(_some_clips(rows, language, control), language)


def character_count(text: str, language: str) -> int:
    """The letters of `text`, with numbers in words: what takes time to say."""
    return len(folded(spelled(text, language).text))


def _some_clips(rows: Sequence[Row], language: str, control: Control) -> Iterable[tuple[str, Audio]]:
    if not rows:
        return
    speaker = Counter(row.speaker for row in rows).most_common(1)[0][0]
    long = [
        row
        for row in rows
        if row.speaker == speaker and character_count(row.text, language) >= _LEAST_CHARACTERS
    ]
    count = min(_CLIPS, len(long))
    for number in range(count):
        control.progress("listening to the data set", number / count)
        row = long[number * len(long) // count]
        try:
            yield row.text, read(Path(row.audio))
        except BadInput as error:
            log.warning("%s tells nothing: %s", row.audio, error)


def _sounding_s(audio: Audio) -> float:
    """Seconds that are no silence."""
    size = max(1, round(_FRAME_S * audio.sample_rate))
    count = len(audio.samples) // size
    power = np.square(audio.samples[: count * size], dtype=np.float64).reshape(count, size).mean(1)
    loud = float(np.percentile(power, _LOUD_PERCENT))
    floor = max(loud * 10 ** (-_BELOW_LOUD_DB / 10), 10 ** (_SILENT_DBFS / 10))
    return float((power > floor).sum()) * size / audio.sample_rate
