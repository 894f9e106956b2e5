"""Promises of cloning with Qwen3-TTS: what recordings it takes, what it keeps of them."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engines.base import VoicePrompt
from engines.qwen import QwenEngine
from engines.qwen.prompts import MAX_S, mean
from studio.control import Control
from studio.errors import BadInput, Cancelled
from tests.qwen_speech import BASE, CPU, RATE, engine_with, noise, recording, say, sound

WORDS = "Some words that were said."


@pytest.fixture(scope="module")
def engine(practice_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[QwenEngine]:
    engine = engine_with(practice_models, tmp_path_factory.mktemp("qwen"))
    engine.load(CPU, BASE)
    yield engine
    engine.unload()


def prepare(
    engine: QwenEngine, path: Path, words: str = "", timbre: bool = False, **more
) -> VoicePrompt:
    return engine.create_voice_prompt(path, words, "en", timbre, Control(), **more)


def codes_of(prompt: VoicePrompt) -> int | None:
    """Frames of the example in a prompt's file; None where it holds the timbre only."""
    from safetensors import safe_open

    assert prompt.cache is not None
    with safe_open(prompt.cache, "np") as file:
        return len(file.get_tensor("codes")) if "codes" in file.keys() else None  # noqa: SIM118


def speaks(engine: QwenEngine, prompt: VoicePrompt) -> bool:
    """Whether it speaks in that voice, and goes on for half a second."""
    return len(sound(say(engine, voice_prompt=prompt, max_new_tokens=10))) > RATE / 2


# With and without a transcript


def test_a_transcript_makes_the_recording_an_example(engine: QwenEngine, tmp_path: Path) -> None:
    path = recording(tmp_path / "voice.wav", 4.0)
    prompt = prepare(engine, path, WORDS)
    assert codes_of(prompt) == 50  # 12.5 a second
    assert prompt.notes == ()
    timbre = prepare(engine, path, WORDS, timbre=True)
    assert codes_of(timbre) is None
    assert timbre.notes == ()
    with_example, without = (sound(say(engine, voice_prompt=each)) for each in (prompt, timbre))
    assert not np.array_equal(with_example, without)


def test_without_a_transcript_the_timbre_counts_and_that_is_said(
    engine: QwenEngine, tmp_path: Path
) -> None:
    prompt = prepare(engine, recording(tmp_path / "voice.wav"), " <|im_end|> ")
    assert codes_of(prompt) is None
    assert "no transcript" in " ".join(prompt.notes)
    assert speaks(engine, prompt)


# What recordings it takes


@pytest.mark.parametrize(("subtype", "channels"), [("PCM_U8", 2), ("PCM_16", 1), ("PCM_24", 6)])
def test_any_recording_that_the_studio_reads_will_do(
    engine: QwenEngine, tmp_path: Path, subtype: str, channels: int
) -> None:
    path = tmp_path / "voice.wav"
    samples = np.stack([noise(4.0)] * channels, axis=1)
    soundfile.write(path, samples, 16_000, subtype=subtype)
    assert speaks(engine, prepare(engine, path, WORDS))


@pytest.mark.parametrize("address", ["https://example.org/voice.wav", "data:audio/wav;base64,UklGRg=="])
def test_addresses_are_refused(engine: QwenEngine, address: str) -> None:
    with pytest.raises(BadInput, match="not from addresses"):
        prepare(engine, Path(address))


def test_what_is_no_recording_is_refused(engine: QwenEngine, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    for path in (tmp_path / "text.wav", tmp_path / "missing.wav"):
        with pytest.raises(BadInput):
            prepare(engine, path)


@pytest.mark.parametrize(("seconds", "fate"), [(0.05, "only 0.05 s"), (0.19, "only 0.19 s")])
def test_far_too_short_recordings_are_refused(
    engine: QwenEngine, tmp_path: Path, seconds: float, fate: str
) -> None:
    with pytest.raises(BadInput, match=fate) as raised:
        prepare(engine, recording(tmp_path / "voice.wav", seconds), WORDS)
    assert "6-15 s" in raised.value.hint


@pytest.mark.parametrize("seconds", [0.21, 1.0, 2.9])
def test_short_recordings_work_with_a_warning(
    engine: QwenEngine, tmp_path: Path, seconds: float
) -> None:
    prompt = prepare(engine, recording(tmp_path / "voice.wav", seconds), timbre=True)
    assert "may be off" in prompt.notes[0]
    assert speaks(engine, prompt)


def test_silence_is_refused_and_does_not_count(engine: QwenEngine, tmp_path: Path) -> None:
    path = tmp_path / "voice.wav"
    soundfile.write(path, np.zeros(5 * RATE, np.float32), RATE)
    with pytest.raises(BadInput, match="silent"):
        prepare(engine, path)
    silence = np.zeros(20 * RATE, np.float32)
    soundfile.write(path, np.concatenate([silence, noise(4.0), silence]), RATE, subtype="FLOAT")
    frames = codes_of(prepare(engine, path, WORDS))
    assert frames is not None
    assert 50 <= frames <= 54


def test_of_ten_minutes_the_first_half_minute_is_used(engine: QwenEngine, tmp_path: Path) -> None:
    path = tmp_path / "voice.wav"
    soundfile.write(path, np.tile(noise(60.0), 10), RATE)
    start = time.thread_time()
    prompt = prepare(engine, path, WORDS)
    assert time.thread_time() - start < 20
    assert codes_of(prompt) is None
    assert f"600 s long; its first {MAX_S:g} s" in prompt.notes[0]
    assert "cannot be cut to match" in prompt.notes[1]
    assert speaks(engine, prompt)


# Several recordings of one voice


def test_several_recordings_are_averaged(engine: QwenEngine, tmp_path: Path) -> None:
    first, second = (recording(tmp_path / f"{seed}.wav", seed=seed) for seed in (0, 9))
    one, both = (prepare(engine, first, timbre=True, more=more) for more in ((), (second,)))
    assert both.cache != one.cache
    assert "mean of 2 recordings" in " ".join(both.notes)
    text = "Just a little test."  # the two are near to one another
    assert not np.array_equal(*(sound(say(engine, text, voice_prompt=each)) for each in (one, both)))
    example = prepare(engine, first, WORDS, more=(second,))
    assert codes_of(example) == 50
    assert "those of the first" in " ".join(example.notes)


def test_the_mean_of_x_vectors_does_not_favour_the_louder() -> None:
    import torch

    both = mean([torch.tensor([4.0, 0.0]), torch.tensor([0.0, 2.0])])
    assert both.norm() == pytest.approx(3.0)
    assert both[0] == pytest.approx(both[1])
    assert torch.allclose(mean([torch.tensor([3.0, 4.0])]), torch.tensor([3.0, 4.0]))


# What is kept


def test_a_voice_is_prepared_once(engine: QwenEngine, tmp_path: Path) -> None:
    path = recording(tmp_path / "voice.wav", seed=5)
    prompt = prepare(engine, path, WORDS)
    assert prompt.cache is not None
    written = prompt.cache.stat().st_mtime_ns
    again = prepare(engine, shutil.copy(path, tmp_path / "same.wav"), WORDS)
    assert again.cache == prompt.cache
    assert again.notes == prompt.notes
    assert prompt.cache.stat().st_mtime_ns == written
    before = sound(say(engine, voice_prompt=prompt, max_new_tokens=10))
    path.unlink()  # a sentence does not need the recording any more
    assert np.array_equal(sound(say(engine, voice_prompt=prompt, max_new_tokens=10)), before)


def test_other_words_and_other_weights_make_another_prompt(
    engine: QwenEngine, practice_models: Path, tmp_path: Path
) -> None:
    path = recording(tmp_path / "voice.wav", seed=6)
    prompts = {prepare(engine, path, words, timbre=timbre).cache
               for words, timbre in ((WORDS, False), ("Other words.", False), (WORDS, True))}  # fmt: skip
    assert len(prompts) == 3
    weights = practice_models / "practice-base" / "model.safetensors"
    stat = weights.stat()
    try:
        os.utime(weights, ns=(stat.st_atime_ns, stat.st_mtime_ns + 10**9))
        engine.load(CPU, BASE)
        assert prepare(engine, path, WORDS).cache not in prompts
    finally:
        os.utime(weights, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        engine.load(CPU, BASE)


def test_an_emptied_or_damaged_cache_is_filled_again(engine: QwenEngine, tmp_path: Path) -> None:
    prompt = prepare(engine, recording(tmp_path / "voice.wav", seed=7), WORDS)
    before = sound(say(engine, voice_prompt=prompt, max_new_tokens=10))
    assert prompt.cache is not None
    prompt.cache.unlink()
    assert np.array_equal(sound(say(engine, voice_prompt=prompt, max_new_tokens=10)), before)
    prompt.cache.write_bytes(prompt.cache.read_bytes()[:100])
    assert np.array_equal(sound(say(engine, voice_prompt=prompt, max_new_tokens=10)), before)
    assert np.array_equal(
        sound(say(engine, voice_prompt=replace(prompt, cache=None), max_new_tokens=10)), before
    )


def test_a_stop_while_preparing_leaves_nothing(engine: QwenEngine, tmp_path: Path) -> None:
    path = recording(tmp_path / "voice.wav", seed=8)
    control = Control(lambda progress: control.cancel())
    with pytest.raises(Cancelled):
        engine.create_voice_prompt(path, WORDS, "en", False, control)
    folder = prepare(engine, path, WORDS).cache.parent  # type: ignore[union-attr]
    assert not list(folder.glob("*.partial"))
