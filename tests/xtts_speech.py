"""The engine XTTS with the practice model, for its tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engines.base import EngineFolders, Placement, SamplingParams, SpeechChunk, SpeechRequest
from engines.xtts import XttsEngine
from studio.control import Control
from studio.models.folders import ModelFolders

RATE = 24_000
CPU = Placement("cpu", "float32")
PRACTICE = "xtts-practice"
VOICE = "ana_florence"
TEXT = "Hello."
#: Tokens of a part. HiFi-GAN has its full size in the practice model too, so sound is dear.
FEW = 6


def engine_with(models: Path, cache: Path) -> XttsEngine:
    return XttsEngine(EngineFolders(cache, ModelFolders(models, models / "Qwen")))


def request(text: str = TEXT, seed: int = 1, **fields: Any) -> SpeechRequest:
    """A part; `fields` of SpeechRequest, and of SamplingParams where it has them."""
    own = SamplingParams.__dataclass_fields__
    fields.setdefault("max_new_tokens", FEW)
    sampling = SamplingParams(**{key: fields.pop(key) for key in list(fields) if key in own}, seed=seed)
    if "voice_prompt" not in fields:
        fields.setdefault("speaker", VOICE)
    return SpeechRequest(text, fields.pop("language", "en"), sampling=sampling, **fields)


def say(engine: XttsEngine, text: str = TEXT, seed: int = 1, **fields: Any) -> list[SpeechChunk]:
    """All chunks of one part."""
    return list(engine.stream(request(text, seed, **fields), Control()))


def sound(chunks: list[SpeechChunk]) -> np.ndarray:
    return np.concatenate([chunk.audio.samples for chunk in chunks])
