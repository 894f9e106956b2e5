"""The engine Qwen3-TTS with practice models, for its tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from engines.base import EngineFolders, Placement, SamplingParams, SpeechChunk, SpeechRequest
from engines.qwen import QwenEngine
from studio.control import Control
from studio.models.folders import ModelFolders

RATE = 24_000
CPU = Placement("cpu", "float32")
BASE, CUSTOM_VOICE, DESIGN = (
    "qwen-practice-base",
    "qwen-practice-custom-voice",
    "qwen-practice-voice-design",
)
TEXT = "Just a test."  # speech of a second and a half


def engine_with(qwen_dir: Path, cache: Path) -> QwenEngine:
    return QwenEngine(EngineFolders(cache, ModelFolders(cache / "models", qwen_dir)))


def say(engine: QwenEngine, text: str = TEXT, seed: int = 1, **fields: Any) -> list[SpeechChunk]:
    """All chunks of one part; `fields` of SpeechRequest, and of SamplingParams where it has them."""
    own = SamplingParams.__dataclass_fields__
    sampling = SamplingParams(**{key: fields.pop(key) for key in list(fields) if key in own}, seed=seed)
    language = fields.pop("language", "en")
    return list(engine.stream(SpeechRequest(text, language, sampling=sampling, **fields), Control()))


def sound(chunks: list[SpeechChunk]) -> np.ndarray:
    return np.concatenate([chunk.audio.samples for chunk in chunks])


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    """Something to clone: float32 [n] at 24 kHz, changing like speech, duller with a higher seed."""
    count = round(seconds * RATE)
    swell = 0.06 + 0.04 * np.sin(np.arange(count) * (2 * np.pi * 3 / RATE))
    white = np.random.default_rng(seed).normal(0, 1, count)
    width = 1 + 3 * seed
    return (np.convolve(white, np.full(width, width**-0.5), "same") * swell).astype(np.float32)


def recording(path: Path, seconds: float = 4.0, seed: int = 0) -> Path:
    soundfile.write(path, noise(seconds, seed), RATE, subtype="FLOAT")
    return path
