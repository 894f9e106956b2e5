"""The promise that Qwen3-TTS sounds here as it does in the official package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.qwen import QwenEngine
from engines.qwen.package import qwen_tts_package
from studio.control import Control
from studio.models.registry import MODELS
from tests.qwen_speech import (
    BASE,
    CPU,
    CUSTOM_VOICE,
    DESIGN,
    RATE,
    TEXT,
    engine_with,
    noise,
    recording,
    say,
    sound,
)

SEED = 7


@pytest.fixture
def engine(practice_models: Path, tmp_path: Path, request: pytest.FixtureRequest) -> QwenEngine:
    engine = engine_with(practice_models, tmp_path)
    engine.load(CPU, request.param)
    return engine


def official(models: Path, key: str, speak: Callable[[Any], tuple[list[np.ndarray], int]]) -> np.ndarray:
    """The sound that the unchanged package makes."""
    import torch

    folder = str(models / MODELS[key].folder)
    wrapper = qwen_tts_package().Qwen3TTSModel.from_pretrained(folder, local_files_only=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        sounds, _ = speak(wrapper)
    return sounds[0]


def assert_same(heard: np.ndarray, expected: np.ndarray) -> None:
    assert len(heard) == len(expected) > RATE
    assert np.abs(heard - expected).max() < 1e-4


@pytest.mark.parametrize("engine", [CUSTOM_VOICE], indirect=True)
def test_preset_speech_is_that_of_the_official_package(
    engine: QwenEngine, practice_models: Path
) -> None:
    heard = sound(say(engine, seed=SEED, speaker="Eric", language="zh", instruct="Happily."))
    expected = official(
        practice_models,
        CUSTOM_VOICE,
        lambda wrapper: wrapper.generate_custom_voice(TEXT, "Eric", "Chinese", "Happily."),
    )
    assert_same(heard, expected)


@pytest.mark.parametrize("engine", [DESIGN], indirect=True)
def test_designed_speech_is_that_of_the_official_package(
    engine: QwenEngine, practice_models: Path
) -> None:
    heard = sound(say(engine, seed=SEED, language="de", instruct="An old man, slow."))
    expected = official(
        practice_models,
        DESIGN,
        lambda wrapper: wrapper.generate_voice_design(TEXT, "An old man, slow.", "German"),
    )
    assert_same(heard, expected)


@pytest.mark.parametrize("engine", [BASE], indirect=True)
@pytest.mark.parametrize("words", ["", "Some words that were said."])
def test_cloned_speech_is_that_of_the_official_package(
    engine: QwenEngine, practice_models: Path, tmp_path: Path, words: str
) -> None:
    path = recording(tmp_path / "voice.wav", 4.0)
    prompt = engine.create_voice_prompt(path, words, "en", not words, Control())
    heard = sound(say(engine, seed=SEED, voice_prompt=prompt))
    expected = official(
        practice_models,
        BASE,
        lambda wrapper: wrapper.generate_voice_clone(
            TEXT, "English", (noise(4.0), RATE), words or None, x_vector_only_mode=not words
        ),
    )
    assert_same(heard, expected)
