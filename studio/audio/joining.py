"""Joining a stretch of one recording to a stretch of another so that the joint is not heard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studio.audio.cutting import CutFinder, at_crossing
from studio.audio.loudness import loudness
from studio.audio.processing import crossfade, fade
from studio.audio.resampling import resample
from studio.audio.types import Audio
from studio.control import Control
from studio.errors import BadInput
from studio.text.subtitles import TimedWord

MIN_CROSSFADE_MS, MAX_CROSSFADE_MS = 50.0, 200.0
#: What a stretch may last, seconds: less has no voice to tell, more is slow for every engine.
MIN_STRETCH_S, MAX_STRETCH_S = 0.5, 30.0
MAX_SETTLE_S = 2.0
#: The result's largest sample, dB of full scale.
PEAK_DBFS = -1.0

_MIN_RATE, _MAX_RATE = 24_000, 48_000
#: A stretch that is quieter is taken for silence, LUFS.
_SILENT_LUFS = -60.0
#: The fade at the very ends of the result, and the sound that a cut there affects, seconds.
_END_FADE_S, _END_WIDTH_S = 0.005, 0.1


@dataclass(frozen=True)
class JoinSettings:
    """Which stretches are taken, and how they are joined. All in seconds unless it says otherwise."""

    own_s: float = 5.0  # of the person's own recording; less where it is shorter
    own_start: float | None = None  # None: the middle of what is spoken
    expressive_s: float = 5.0
    expressive_start: float = 0.0
    crossfade_ms: float = 100.0  # 50 to 200
    settle_s: float = 0.4  # how far an edge may move into a pause; 0: exactly as given
    sample_rate: int | None = None  # Hz; None: the higher of both, 24 to 48 kHz


@dataclass(frozen=True, eq=False)
class Joined:
    """The result. Its length is that of both stretches less the crossfade, to the sample.

    A stretch may pass its recording's end by up to a crossfade: silence, put in where a recording
    begins with its first word or ends with its last, so that these are not faded away.
    """

    audio: Audio
    own: tuple[float, float]  # s, in the own recording
    expressive: tuple[float, float]  # s, in the expressive one
    joint: tuple[float, float]  # s, in the result: the crossfade
    own_gain_db: float
    expressive_gain_db: float


@dataclass(frozen=True)
class _Stretch:
    """Samples `start` to `end` of a recording, with silence before and after it."""

    start: int
    end: int

    def of(self, audio: Audio) -> Audio:
        inside = audio.samples[max(0, self.start) : self.end]
        around = max(0, -self.start), max(0, self.end - len(audio.samples))
        return Audio(np.pad(inside, around), audio.sample_rate)

    def seconds(self, sample_rate: int) -> tuple[float, float]:
        return self.start / sample_rate, self.end / sample_rate


def join(
    own: Audio,
    expressive: Audio,
    settings: JoinSettings | None = None,
    control: Control | None = None,
    own_words: Sequence[TimedWord] = (),
    expressive_words: Sequence[TimedWord] = (),
) -> Joined:
    """A stretch of `own`, then one of `expressive`.

    Each edge moves by at most `settle_s` into a pause, between two of the words, where their times
    are given, and to a zero crossing. The expressive stretch is brought to the loudness of the own
    one, which keeps its level unless the result's peak would pass PEAK_DBFS; they cross at equal
    power. Raises BadInput for settings out of range, for a stretch that is silent, too short or
    outside its recording; Cancelled.
    """
    settings, control = settings or JoinSettings(), control or Control()
    check(settings)
    control.progress("matching the sample rates")
    rate = settings.sample_rate or _rate(own, expressive)
    own, expressive = resample(own, rate), resample(expressive, rate)
    control.progress("choosing where to cut")
    overlap = round(settings.crossfade_ms / 1000 * rate)
    first = _own_stretch(own, settings, own_words, overlap)
    second = _expressive_stretch(expressive, settings, expressive_words, overlap)
    control.progress("joining")
    audio, gains = _mixed(first.of(own), second.of(expressive), overlap)
    end = first.end - first.start
    return Joined(
        audio,
        first.seconds(rate),
        second.seconds(rate),
        ((end - overlap) / rate, end / rate),
        *gains,
    )


def check(settings: JoinSettings) -> None:
    """Raises BadInput, naming the first value that is out of its range."""
    longest = 24 * 3600.0
    for name, value, low, high, unit in (
        ("own stretch", settings.own_s, MIN_STRETCH_S, MAX_STRETCH_S, "s"),
        ("expressive stretch", settings.expressive_s, MIN_STRETCH_S, MAX_STRETCH_S, "s"),
        ("own start", settings.own_start or 0.0, 0.0, longest, "s"),
        ("expressive start", settings.expressive_start, 0.0, longest, "s"),
        ("crossfade", settings.crossfade_ms, MIN_CROSSFADE_MS, MAX_CROSSFADE_MS, "ms"),
        ("way of an edge into a pause", settings.settle_s, 0.0, MAX_SETTLE_S, "s"),
        (
            "sample rate",
            _MIN_RATE if settings.sample_rate is None else settings.sample_rate,
            8_000,
            192_000,
            "Hz",
        ),
    ):
        if not low <= value <= high:  # what is no number is out of every range
            raise BadInput(
                f"The {name} cannot be {value:g} {unit}.", f"Give {low:g} to {high:g} {unit}."
            )


def _rate(own: Audio, expressive: Audio) -> int:
    return min(max(own.sample_rate, expressive.sample_rate, _MIN_RATE), _MAX_RATE)


def _own_stretch(
    audio: Audio, settings: JoinSettings, words: Sequence[TimedWord], overlap: int
) -> _Stretch:
    length, start = settings.own_s, settings.own_start
    _check_start("your recording", audio, start or 0.0)
    if not settings.settle_s:
        middle = (audio.duration - length) / 2
        return _exact(audio, max(0.0, middle) if start is None else start, length)
    fading = overlap / audio.sample_rate
    finder = CutFinder.of(Audio(np.pad(audio.samples, (0, overlap)), audio.sample_rate), words)
    first, last = finder.sounding()
    if start is None:
        start = max(0.0, min((first + last - length) / 2, audio.duration - length))
    # Silence after the last word would make a hole at the joint.
    stop = min(start + length, max(last, start + MIN_STRETCH_S) + fading)
    start, stop = _settled(finder, settings, (start, stop), (_END_WIDTH_S, fading), (0.0, fading / 2))
    return _at_crossings(audio, start, stop)


def _expressive_stretch(
    audio: Audio, settings: JoinSettings, words: Sequence[TimedWord], overlap: int
) -> _Stretch:
    length, start = settings.expressive_s, settings.expressive_start
    _check_start("the expressive clip", audio, start)
    if not settings.settle_s:
        return _exact(audio, start, length)
    fading = overlap / audio.sample_rate
    finder = CutFinder.of(
        Audio(np.pad(audio.samples, (overlap, 0)), audio.sample_rate), words, offset=fading
    )
    # Here as well; the silence put in lies before 0.
    start = max(start + fading if start else 0.0, finder.sounding()[0] - fading)
    stop = min(start + length, finder.duration)
    start, stop = _settled(finder, settings, (start, stop), (fading, _END_WIDTH_S), (fading / 2, 0.0))
    return _at_crossings(audio, start - fading, stop - fading)


def _check_start(what: str, audio: Audio, start: float) -> None:
    if audio.duration < MIN_STRETCH_S:
        raise BadInput(
            f"{what.capitalize()} lasts {audio.duration:.1f} s, which is too short to join.",
            f"Give at least {MIN_STRETCH_S:g} s of speech.",
        )
    if start > audio.duration - MIN_STRETCH_S:
        raise BadInput(
            f"There is not enough of {what} after {start:g} s: it lasts {audio.duration:.1f} s.",
            f"Choose an earlier start, at least {MIN_STRETCH_S:g} s before its end.",
        )


def _exact(audio: Audio, start: float, length: float) -> _Stretch:
    first = round(start * audio.sample_rate)
    return _Stretch(first, min(first + round(length * audio.sample_rate), len(audio.samples)))


def _settled(
    finder: CutFinder,
    settings: JoinSettings,
    stretch: tuple[float, float],
    widths: tuple[float, float],
    insets: tuple[float, float],
) -> tuple[float, float]:
    """The stretch with its edges, seconds, where they do least harm.

    `widths` is how much sound a cut there affects. What is heard of a stretch ends where it is as loud
    as the other one: in the middle of the crossfade, which lies within the edge by its inset.
    """
    (start, stop), (before, after) = stretch, insets
    reach = max(0.0, min(settings.settle_s, (stop - start - MIN_STRETCH_S) / 2))
    first = finder.best(start + before, reach, widths[0], before, finder.duration - after)
    last = finder.best(stop - after, reach, widths[1], before, finder.duration - after)
    return first - before, last + after


def _at_crossings(audio: Audio, start: float, stop: float) -> _Stretch:
    rate, count = audio.sample_rate, len(audio.samples)
    edges = (round(start * rate), round(stop * rate))
    return _Stretch(
        *(at_crossing(audio.samples, edge, rate) if 0 < edge < count else edge for edge in edges)
    )


def _mixed(own: Audio, expressive: Audio, overlap: int) -> tuple[Audio, tuple[float, float]]:
    """Both joined over `overlap` samples, and the gains they got in dB."""
    levels = [_level(own, "your recording"), _level(expressive, "the expressive clip")]
    gains = [0.0, levels[0] - levels[1]]
    factors = [10 ** (gain / 20) for gain in gains]
    # Scaled so that nothing can reach full scale, where crossing clips; the sum's peak is known then.
    peaks = [float(np.abs(each.samples).max()) for each in (own, expressive)]
    room = 0.5 / max(peak * factor for peak, factor in zip(peaks, factors, strict=True))
    parts = [
        Audio(each.samples * np.float32(factor * room), each.sample_rate)
        for each, factor in zip((own, expressive), factors, strict=True)
    ]
    made = fade(crossfade(parts[0], parts[1], overlap / own.sample_rate), _END_FADE_S, _END_FADE_S)
    peak = float(np.abs(made.samples).max()) / room
    lowered = min(0.0, PEAK_DBFS - 20 * math.log10(peak))
    made = Audio(made.samples * np.float32(10 ** (lowered / 20) / room), made.sample_rate)
    return made, (gains[0] + lowered, gains[1] + lowered)


def _level(stretch: Audio, what: str) -> float:
    level = loudness(stretch)
    if level is None or level < _SILENT_LUFS:
        raise BadInput(f"The stretch of {what} is silent.", "Choose another stretch, or another file.")
    return level
