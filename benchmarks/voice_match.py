"""How near the embedded voice match comes to real speakers.

Each speaker's first recording is the reference. The pitch is measured against it, for speakers read each
piece at another pitch; the spectrum against the others, which the engine never hears. The default voice
is the yardstick.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import samples
from benchmarks.report import Options, Report, Table, figure, figures
from engines.base import EngineFolders, SpeechRequest
from engines.espeak import EspeakEngine
from engines.world.match import envelope_distance
from engines.world.profile import VoiceProfile, measure
from engines.world.vocoder import SAMPLE_RATE, analyse
from studio.audio.reading import probe, read
from studio.control import Control
from studio.models.folders import ModelFolders

TEXT = (
    "I have a small favour to ask of you this morning. Please read the letter on the kitchen table, then "
    "call your brother and tell him that the meeting has been moved to Thursday afternoon. He may be "
    "angry at first, but he will understand."
)
_QUICK_TEXT = TEXT.partition(".")[0] + "."


@dataclass(frozen=True)
class Spoken:
    """What one way of speaking came to."""

    profile: VoiceProfile
    first_s: float  # until the first sound
    rtf: float  # seconds of work a second of sound


@dataclass(frozen=True)
class Likeness:
    """How far the default voice, the matched one, and the matched one with the recording's own
    sounds are from one speaker."""

    name: str
    pitch: tuple[float, ...]  # semitones
    spectrum: tuple[float, ...]  # dB
    build_s: float
    full: Spoken  # with the recording's own sounds

    def row(self) -> tuple[str, ...]:
        speed = (figure(self.build_s, 1), figure(self.full.first_s * 1000, 0), figure(self.full.rtf, 3))
        return (self.name, *figures((*self.pitch, *self.spectrum), 2), *speed)


def run(options: Options) -> Report:
    text = _QUICK_TEXT if options.quick else TEXT
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        speakers = samples.speakers(options.recordings, folder)[: 1 if options.quick else None]
        samples.share_measured(folder, options.measured)
        engine = EspeakEngine(EngineFolders(folder, ModelFolders(folder, folder)))
        try:
            default = speak(engine, SpeechRequest(text, samples.LANGUAGE, speaker=samples.PLAIN))
            likenesses = [compare(engine, speaker, text, default) for speaker in speakers]
        finally:
            engine.unload()
    columns = (
        *("speaker", "F0: default, st", "match", "+ own sounds", "spectrum: default, dB", "match"),
        *("+ own sounds", "build, s", "first sound, ms", "real-time factor"),
    )
    return Report(
        (Table(columns, tuple(each.row() for each in likenesses)),),
        notes=(
            "Distances, less is nearer: of the median pitch in semitones, and of the long-term spectrum "
            f"in dB. The default voice has a real-time factor of {figure(default.rtf, 4)} and is heard "
            f"after {figure(default.first_s * 1000, 0)} ms, its process's start included. "
            f"{samples.source_of(options.recordings)}",
        ),
    )


def compare(engine: EspeakEngine, speaker: samples.Speaker, text: str, default: Spoken) -> Likeness:
    """Match `speaker` and measure how near it comes."""
    first, *others = speaker.recordings
    start = time.perf_counter()
    prompt = engine.create_voice_prompt(first, speaker.text, samples.LANGUAGE, False, Control())
    build = time.perf_counter() - start
    request = SpeechRequest(text, samples.LANGUAGE, voice_prompt=prompt, options={"exemplar_weight": 0})
    matched = speak(engine, request)
    full = speak(engine, SpeechRequest(text, samples.LANGUAGE, voice_prompt=prompt))
    aimed_at = profile_of([first])
    held_out = profile_of(others) if others else aimed_at
    profiles = (default.profile, matched.profile, full.profile)
    return Likeness(
        speaker.name,
        tuple(semitones(profile, aimed_at) for profile in profiles),
        tuple(spectrum_distance(profile, held_out) for profile in profiles),
        build,
        full,
    )


def speak(engine: EspeakEngine, request: SpeechRequest) -> Spoken:
    """The profile and the speed of `request`'s speech."""
    start, first = time.perf_counter(), 0.0
    parts = []
    for chunk in engine.stream(request, Control()):
        first = first or time.perf_counter() - start
        parts.append(chunk.audio.samples)
    spoken = np.concatenate(parts)
    took = time.perf_counter() - start
    return Spoken(measure(analyse(spoken)), first, took / (len(spoken) / SAMPLE_RATE))


def profile_of(paths: Iterable[Path]) -> VoiceProfile:
    """The profile of several recordings together."""
    paths = list(paths)
    together = np.concatenate([read(path, sample_rate=SAMPLE_RATE).samples for path in paths])
    return measure(analyse(together), min(probe(path).sample_rate for path in paths))


def semitones(one: VoiceProfile, other: VoiceProfile) -> float:
    """How far the median pitches lie apart."""
    return float(abs(one.log_f0 - other.log_f0) / np.log(2) * 12)


def spectrum_distance(one: VoiceProfile, other: VoiceProfile) -> float:
    """Root mean square of the difference of the smoothed long-term envelopes, 150-6000 Hz, dB."""
    return envelope_distance(one, other) * 4.343
