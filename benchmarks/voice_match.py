"""How near the embedded voice match comes to real speakers: a table on stdout.

    PYTHONPATH=. python benchmarks/voice_match.py ../shared/data/speech

The folder holds recordings named <speaker>-<rest>, or LJ..., and perhaps transcripts.csv (id|text). Each
speaker's first recording is the reference. The pitch is measured against it, for speakers read each piece
at another pitch; the spectrum against the others, which the engine never hears. The default voice is the
yardstick.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines.base import EngineFolders, SpeechRequest
from engines.espeak import EspeakEngine
from engines.world.match import envelope_distance
from engines.world.profile import VoiceProfile, measure
from engines.world.vocoder import SAMPLE_RATE, analyse
from studio.audio.reading import probe, read
from studio.control import Control

TEXT = (
    "I have a small favour to ask of you this morning. Please read the letter on the kitchen table, then "
    "call your brother and tell him that the meeting has been moved to Thursday afternoon. He may be "
    "angry at first, but he will understand."
)


@dataclass(frozen=True)
class Spoken:
    """What one way of speaking came to."""

    profile: VoiceProfile
    first_s: float  # until the first sound
    rtf: float  # seconds of work a second of sound


def speak(engine: EspeakEngine, request: SpeechRequest) -> Spoken:
    """The profile and the speed of `request`'s speech."""
    start, first = time.perf_counter(), 0.0
    parts = []
    for chunk in engine.stream(request, Control()):
        first = first or time.perf_counter() - start
        parts.append(chunk.audio.samples)
    samples = np.concatenate(parts)
    took = time.perf_counter() - start
    return Spoken(measure(analyse(samples)), first, took / (len(samples) / SAMPLE_RATE))


def profile_of(paths: Iterable[Path]) -> VoiceProfile:
    """The profile of several recordings together."""
    paths = list(paths)
    samples = np.concatenate([read(path, sample_rate=SAMPLE_RATE).samples for path in paths])
    return measure(analyse(samples), min(probe(path).sample_rate for path in paths))


def semitones(one: VoiceProfile, other: VoiceProfile) -> float:
    """How far the median pitches lie apart."""
    return abs(one.log_f0 - other.log_f0) / np.log(2) * 12


def spectrum_distance(one: VoiceProfile, other: VoiceProfile) -> float:
    """Root mean square of the difference of the smoothed long-term envelopes, 150-6000 Hz, dB."""
    return envelope_distance(one, other) * 4.343


def by_speaker(folder: Path) -> dict[str, list[Path]]:
    """The recordings of each speaker, in order."""
    speakers: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.glob("*.flac")) + sorted(folder.glob("*.wav")):
        speakers["LJ" if path.name.startswith("LJ") else path.name.split("-")[0]].append(path)
    return dict(speakers)


def transcripts(folder: Path) -> dict[str, str]:
    path = folder / "transcripts.csv"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return {key: text for key, _, text in (line.partition("|") for line in lines)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    texts = transcripts(folder)
    with tempfile.TemporaryDirectory() as temporary:
        engine = EspeakEngine(EngineFolders(Path(temporary), Path(temporary)))
        default = speak(engine, SpeechRequest(TEXT, "en-us", speaker="gmw/en-US"))
        print(f"default voice: RTF {default.rtf:.4f}, first sound {default.first_s * 1000:.0f} ms")
        print(f"{'':8}F0, semitones         spectrum, dB           build  first   RTF")
        print(f"{'':8}default match  +own   default match  +own        s     ms")
        for speaker, paths in by_speaker(folder).items():
            held_out = profile_of(paths[1:] or paths)
            start = time.perf_counter()
            prompt = engine.create_voice_prompt(
                paths[0], texts.get(paths[0].stem, ""), "en-us", False, Control()
            )
            build = time.perf_counter() - start
            request = SpeechRequest(TEXT, "en-us", voice_prompt=prompt, options={"exemplar_weight": 0})
            matched = speak(engine, request)
            full = speak(engine, SpeechRequest(TEXT, "en-us", voice_prompt=prompt))
            voices = (default.profile, matched.profile, full.profile)
            aimed_at = profile_of(paths[:1])
            pitch = "".join(f"{semitones(voice, aimed_at):7.2f}" for voice in voices)
            shape = "".join(f"{spectrum_distance(voice, held_out):7.2f}" for voice in voices)
            print(f"{speaker:8}{pitch} {shape} {build:8.1f} {full.first_s * 1000:6.0f} {full.rtf:6.3f}")
        engine.unload()


if __name__ == "__main__":
    main()
