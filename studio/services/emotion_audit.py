"""How a personality's emotions differ, measured: pitch, range, energy and rate of each reference."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from studio.audio.fingerprint import fingerprint
from studio.audio.reading import read
from studio.audio.types import Samples
from studio.control import Control
from studio.errors import BadInput
from studio.services.personality_values import Emotion, Personality

#: More of a reference changes nothing, seconds.
_MEASURED_S = 30.0
#: Speech is what lies less than this below the loudest, and silence what is below that level, dB.
_SPEECH_BELOW_DB = 35.0
_SILENT_DBFS = -60.0
_STEP_S = 0.01

#: The least that pitch and rate are told from: seconds of voice, and its share of the speech; noise
#: has a little that looks like voice.
_MIN_VOICED_S, _MIN_VOICED_SHARE = 0.5, 0.15
_MIN_SPEECH_S = 1.0
#: Pitch further from the median than this is an octave error of the tracker, semitones.
_OCTAVE_ERROR_ST = 12.0

#: Two references that differ by less than this in everything are heard as the same mood: about what
#: sentences that one person reads in one mood differ by, and what counting syllables is exact to.
_ALIKE_PITCH_ST, _ALIKE_RANGE_ST, _ALIKE_ENERGY_DB, _ALIKE_RATE = 1.0, 2.0, 2.0, 0.2


@dataclass(frozen=True)
class EmotionMeasure:
    """One reference in numbers; None for what cannot be measured in it."""

    tag: str
    f0_hz: float | None  # median pitch
    f0_range_st: float | None  # semitones between its 5th and 95th percentile
    energy_db: float | None  # RMS of the speech, dB of full scale
    rate_syl_s: float | None  # syllables a second of speech, pauses left out
    duration: float  # s
    missing: tuple[str, ...] = ()  # what could not be measured and why, in sentences


@dataclass(frozen=True)
class Audit:
    """The emotions side by side, in their order."""

    measures: tuple[EmotionMeasure, ...]
    warnings: tuple[str, ...]  # emotions that measure alike, and what could not be measured


def audit(personality: Personality, control: Control | None = None) -> Audit:
    """Measure every emotion's reference, 1 s each for those that were not measured before.

    A recording that cannot be read or measured is said to be so and hides no other one. Raises
    Cancelled, and EngineFailed without pyworld.
    """
    return audit_emotions(personality.emotions, control)


def audit_emotions(emotions: Sequence[Emotion], control: Control | None = None) -> Audit:
    """The same for emotions that are no personality yet."""
    control = control or Control()
    measures = []
    for index, emotion in enumerate(emotions):
        control.progress(f"measuring {emotion.tag}", index / len(emotions))
        measures.append(_measured(emotion))
    unmeasured = [f"“{each.tag}”: {sentence}" for each in measures for sentence in each.missing]
    alike = [
        _alike_sentence(first, second)
        for first, second in combinations(measures, 2)
        if _alike(first, second)
    ]
    return Audit(tuple(measures), (*alike, *unmeasured))


def _measured(emotion: Emotion) -> EmotionMeasure:
    try:
        found = _measure(emotion.audio, fingerprint(emotion.audio))
    except BadInput as error:
        found = EmotionMeasure("", None, None, None, None, emotion.duration, (error.message,))
    return replace(found, tag=emotion.tag)


@functools.lru_cache(maxsize=256)
def _measure(recording: Path, content: str) -> EmotionMeasure:
    """Kept by `content` as well, since a file may be replaced by another of its name."""
    from engines.world.profile import clearly_voiced, measure
    from engines.world.vocoder import FOR_MEANS, FRAME_S, SAMPLE_RATE, analyse

    audio = read(recording, SAMPLE_RATE)
    samples = audio.samples[: round(_MEASURED_S * SAMPLE_RATE)]
    nothing = EmotionMeasure("", None, None, None, None, audio.duration)
    energy, speech_s = _energy(samples, SAMPLE_RATE)
    if energy is None:
        return replace(nothing, missing=("It is silent, so nothing can be measured.",))
    frames = analyse(samples, FOR_MEANS)
    voiced = clearly_voiced(frames)
    voiced_s = float(voiced.sum()) * FRAME_S
    if voiced_s < max(_MIN_VOICED_S, _MIN_VOICED_SHARE * speech_s):
        why = "Too little of it is voiced to measure pitch and rate: a whisper, noise, or very short."
        return replace(nothing, energy_db=energy, missing=(why,))
    semitones = 12 * np.log2(frames.f0[voiced])
    semitones = semitones[np.abs(semitones - np.median(semitones)) < _OCTAVE_ERROR_ST]
    low, middle, high = (float(each) for each in np.percentile(semitones, (5, 50, 95)))
    made = replace(nothing, energy_db=energy, f0_hz=2 ** (middle / 12), f0_range_st=high - low)
    if speech_s < _MIN_SPEECH_S:
        return replace(made, missing=("It is too short to measure the rate of speech.",))
    return replace(made, rate_syl_s=float(measure(frames).syllables))


def _energy(samples: Samples, sample_rate: int) -> tuple[float | None, float]:
    """The speech's RMS in dBFS, None where all is silent, and how many seconds of it there are."""
    size = round(_STEP_S * sample_rate)
    padded = np.pad(samples, (0, -len(samples) % size)).astype(np.float64)
    power = np.square(padded).reshape(-1, size).mean(1)
    loud = float(np.percentile(power, 97))
    if 10 * math.log10(loud + 1e-12) < _SILENT_DBFS:
        return None, 0.0
    speech = power[power > loud * 10 ** (-_SPEECH_BELOW_DB / 10)]
    return 10 * math.log10(float(speech.mean())), len(speech) * _STEP_S


def _alike(first: EmotionMeasure, second: EmotionMeasure) -> bool:
    if first.energy_db is None or second.energy_db is None:
        return False  # silence is like nothing
    if (first.f0_hz is None) != (second.f0_hz is None):
        return False  # a whisper and a voice
    pitch = _apart(_semitones(first.f0_hz), _semitones(second.f0_hz))
    rate = _apart(_logarithm(first.rate_syl_s), _logarithm(second.rate_syl_s))
    return (
        pitch < _ALIKE_PITCH_ST
        and _apart(first.f0_range_st, second.f0_range_st) < _ALIKE_RANGE_ST
        and _apart(first.energy_db, second.energy_db) < _ALIKE_ENERGY_DB
        and rate < math.log(1 + _ALIKE_RATE)
    )


def _apart(first: float | None, second: float | None) -> float:
    """0 where one is not known: it tells nothing apart."""
    return 0.0 if first is None or second is None else abs(first - second)


def _semitones(hertz: float | None) -> float | None:
    return None if hertz is None else 12 * math.log2(hertz)


def _logarithm(value: float | None) -> float | None:
    return None if not value else math.log(value)


def _alike_sentence(first: EmotionMeasure, second: EmotionMeasure) -> str:
    compared = []
    for one, other, unit in (
        (first.f0_hz, second.f0_hz, "Hz"),
        (first.f0_range_st, second.f0_range_st, "semitones of range"),
        (first.rate_syl_s, second.rate_syl_s, "syllables a second"),
        (first.energy_db, second.energy_db, "dB"),
    ):
        if one is not None and other is not None:
            digits = 0 if unit in ("Hz", "dB") else 1
            compared.append(f"{one:.{digits}f} and {other:.{digits}f} {unit}")
    return (
        f"“{first.tag}” and “{second.tag}” measure alike ({', '.join(compared)}) and may sound the same: "
        "record one of them anew, or build it with a stronger instruction."
    )
