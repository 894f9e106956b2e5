"""What is trained on: a data set that the embedded engine speaks, and the lengths of a large one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.samples import LANGUAGE, PLAIN, text_of
from engines.base import EngineFolders, SpeechRequest
from engines.espeak import EspeakEngine
from studio.audio.resampling import resample
from studio.audio.types import Audio
from studio.audio.writing import WavWriter
from studio.control import Control
from studio.dataset.metadata import Row, metadata_files
from studio.models.folders import ModelFolders

RATE = 22_050

#: Characters that eSpeak NG says in a second.
_PACE = 15.0

#: Seconds of the clips of LJ Speech (its README: 13,100 of 1.11 to 10.10 s, on average 6.57 s), which most
#: trainers of single voices have been tried on. Two draws of a beta distribution have about its form: many
#: long ones, a tail of short ones.
_SHORTEST_S, _LONGEST_S, _SHAPE = 1.1, 10.1, (2.3, 1.5)


def seconds_like_lj(count: int, seed: int = 0) -> list[float]:
    """Of so many clips."""
    draw = random.Random(f"clips:{seed}:{count}")
    return [_SHORTEST_S + (_LONGEST_S - _SHORTEST_S) * draw.betavariate(*_SHAPE) for _ in range(count)]


def steps_like_lj(count: int) -> list[int]:
    """Positions that the clips take in XTTS: codes of 46 ms, and letters."""
    draw = random.Random(f"letters:{count}")
    return [round(seconds * (21.5 + draw.uniform(12, 17))) for seconds in seconds_like_lj(count)]


def speak_set(folder: Path, seconds: Sequence[float]) -> list[Row]:
    """A data set of about as long clips, with the metadata that both trainers read; returns its rows."""
    (folder / "wavs").mkdir(parents=True)
    engine = EspeakEngine(EngineFolders(folder, ModelFolders(folder, folder)))
    words = text_of(round(2 * _PACE * sum(seconds))).replace("|", "").split()
    rows = []
    for number, length in enumerate(seconds):
        said: list[str] = []
        while len(" ".join(said)) < length * _PACE:
            said.append(words.pop(0))
        text = " ".join(said).rstrip(".,;?") + "."
        chunks = engine.stream(SpeechRequest(text, LANGUAGE, speaker=PLAIN), Control())
        sound = Audio(np.concatenate([chunk.audio.samples for chunk in chunks]), engine.info.sample_rate)
        audio = f"wavs/{number:04}.wav"
        with WavWriter(folder / audio, RATE) as writer:
            writer.append(resample(sound, RATE).samples)
        rows.append(Row(audio, text, "Ada", "en"))
    engine.unload()
    for name, content in metadata_files(rows).items():
        (folder / name).write_bytes(content)
    return rows
