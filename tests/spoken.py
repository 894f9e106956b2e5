"""Recordings of speech that tests make for themselves, with the embedded voice."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import soundfile

from engines.base import EngineFolders, SpeechRequest
from engines.espeak import EspeakEngine
from studio.audio.resampling import resample
from studio.audio.types import Audio, Samples
from studio.control import Control
from studio.models.folders import ModelFolders
from studio.settings import CHECKOUT

RATE = 16_000
SENTENCE = "We will see you at the station this morning."

#: Real recordings, where a developer has them; see their README.
REAL = CHECKOUT.parent / "shared" / "data" / "speech"


@cache
def spoken(text: str = SENTENCE) -> Samples:
    """`text` in English at RATE; not to be written to."""
    nowhere = Path("unused")
    engine = EspeakEngine(EngineFolders(nowhere, ModelFolders(nowhere, nowhere)))
    request = SpeechRequest(text, "en-us", speaker="gmw/en-US")
    try:
        engine.load(None, "")  # type: ignore[arg-type]
        chunks = [chunk.audio.samples for chunk in engine.stream(request, Control())]
    finally:
        engine.unload()
    return resample(Audio(np.concatenate(chunks), engine.info.sample_rate), RATE).samples


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.float32)


def with_pauses(count: int, pause: float) -> Samples:
    """The sentence `count` times, with `pause` seconds of silence around each."""
    return np.concatenate([silence(pause), *([spoken(), silence(pause)] * count)])


def saved(path: Path, samples: Samples, level: float = 1.0) -> Path:
    soundfile.write(path, samples * level, RATE, subtype="PCM_16")
    return path


def clip_in(folder: Path) -> Path:
    """The sentence once, 0.4 s of silence around it."""
    return saved(folder / "clip.wav", np.concatenate([silence(0.4), spoken(), silence(0.4)]))
