"""Promises of the engine XTTS, with the real package on the practice model."""

from __future__ import annotations

import gc
import shutil
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from engines.base import Capability, SamplingParams, VoicePrompt
from engines.xtts import XttsEngine, facts
from engines.xtts.conditioning import LatentStore
from engines.xtts.texts import speakable, token_ids
from engines.xtts.tokens import TokenSampling
from studio.control import Control, Progress
from studio.errors import BadInput, Cancelled, EngineFailed, NotFound, StorageFailed
from studio.models.xtts import CHARACTERS
from tests.qwen_speech import recording
from tests.small_disk import tiny_disk
from tests.xtts_speech import CPU, FEW, PRACTICE, RATE, VOICE, engine_with, request, say, sound


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("xtts")


@pytest.fixture(scope="module")
def engine(xtts_models: Path, cache: Path) -> Iterator[XttsEngine]:
    engine = engine_with(xtts_models, cache)
    engine.load(CPU, PRACTICE)
    yield engine
    engine.unload()


def model_of(engine: XttsEngine) -> Any:
    assert engine._loaded is not None
    return engine._loaded.model


def clone(
    engine: XttsEngine, *recordings: Path, text: str = "", control: Control | None = None
) -> VoicePrompt:
    first, *more = recordings
    return engine.create_voice_prompt(first, text, "en", False, control or Control(), tuple(more))


# What it says of itself


def test_its_capabilities_are_those_it_keeps(engine: XttsEngine) -> None:
    not_its = {Capability.DESIGN, Capability.INSTRUCT, Capability.TIMING}
    assert engine.info.capabilities == set(Capability) - not_its
    assert set(engine.info.languages) == set(engine.info.part_characters) == set(CHARACTERS)
    assert engine.loaded_model == PRACTICE
    assert len(engine.speakers()) == 58
    with pytest.raises(BadInput, match="from words"):
        engine.design("an old man")
    practice = engine.models(Capability.CLONE)[-1]
    assert practice.practice
    assert practice.installed
    assert "random" in practice.note


def test_every_sampling_preset_stays_within_the_fields() -> None:
    fields = {field.key: field for field in facts.SAMPLING.fields}
    assert set(fields) <= set(SamplingParams.__dataclass_fields__)
    for params in facts.SAMPLING.presets.values():
        for key, field in fields.items():
            value = getattr(params, key)
            assert value is None or field.minimum <= value <= field.maximum


# Speaking


def test_the_tokens_are_the_official_ones_and_the_pieces_are_the_whole(engine: XttsEngine) -> None:
    """What `Xtts.inference_stream` makes of the same seed, decoded by it in one piece."""
    chunks = say(engine, seed=5, max_new_tokens=None)
    assert len(chunks) > 1
    assert not chunks[-1].cut_off
    model = model_of(engine)
    voice = engine._loaded.speakers["Ana Florence"]  # type: ignore[union-attr]
    model.gpt.init_gpt_for_inference()
    try:
        with torch.random.fork_rng():
            torch.manual_seed(5)
            official = model.inference_stream(
                "Hello.", "en", voice.manner, voice.timbre, stream_chunk_size=1_000,
                temperature=0.75, top_k=50, top_p=0.85, repetition_penalty=5.0,
            )  # fmt: skip
            whole = torch.cat(list(official)).numpy()
    finally:
        del model.gpt.gpt_inference, model.gpt.gpt.wte
    streamed = sound(chunks)
    assert streamed.shape == whole.shape
    assert np.abs(streamed - whole).max() < 1e-5
    assert 0.01 < np.sqrt(np.mean(streamed**2)) < 0.5


def test_the_same_seed_gives_the_same_sound_whatever_was_drawn_before(engine: XttsEngine) -> None:
    once = sound(say(engine, "No.", seed=3))
    torch.rand(7)
    again = sound(say(engine, "No.", seed=3))
    assert np.array_equal(once, again)
    other = sound(say(engine, "No.", seed=3, speaker="Luis Moray"))
    assert other.shape != once.shape or not np.allclose(other, once, atol=1e-3)


def test_speech_twice_as_fast_takes_half_as_long(engine: XttsEngine) -> None:
    usual, fast = (len(sound(say(engine, "No.", speed=speed))) for speed in (1.0, 2.0))
    assert fast == pytest.approx(usual / 2, abs=2 * 256 * 4)


def test_a_part_that_may_have_no_more_tokens_is_cut_off(engine: XttsEngine) -> None:
    chunks = say(engine, "This is too long for that.")
    assert chunks[-1].cut_off
    assert len(sound(chunks)) / RATE == pytest.approx(FEW * facts.TOKEN_S, abs=0.05)


def test_a_stop_is_felt_within_a_chunk_and_the_next_part_is_spoken(engine: XttsEngine) -> None:
    stages = []

    def stop(progress: Progress) -> None:
        stages.append(progress.stage)
        control.cancel()

    control = Control(stop)
    with pytest.raises(Cancelled):
        list(engine.stream(request("This would go on for quite a while."), control))
    assert stages == ["speaking, 0.0 s"]
    chunks = engine.stream(request("No."), Control())
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    assert len(sound(say(engine, "No."))) > 0


def test_beams_follow_several_readings_and_hear_of_a_stop(engine: XttsEngine) -> None:
    options = {"beams": 2.0, "length_penalty": 0.5}
    chunks = say(engine, "No.", options=options, temperature=0.0)
    assert len(sound(chunks)) > 0
    assert not hasattr(model_of(engine).gpt, "gpt_inference")
    control = Control(lambda progress: control.cancel())
    with pytest.raises(Cancelled):
        list(engine.stream(request("No.", options=options), control))


# Voices


def test_a_voice_is_made_of_one_recording_or_of_several(engine: XttsEngine, tmp_path: Path) -> None:
    first, second = recording(tmp_path / "a.wav"), recording(tmp_path / "b.wav", 3.5, seed=2)
    one, two = clone(engine, first), clone(engine, first, second)
    assert one.notes == ()
    assert "2 recordings" in two.notes[0]
    alone = sound(say(engine, "No.", voice_prompt=one))
    both = sound(say(engine, "No.", voice_prompt=two))
    assert alone.shape != both.shape or not np.allclose(alone, both, atol=1e-3)


def test_latents_are_kept_by_content_and_made_again_when_they_are_gone(
    engine: XttsEngine, tmp_path: Path
) -> None:
    made = clone(engine, recording(tmp_path / "a.wav", seed=3))
    assert made.cache is not None
    written = made.cache.stat().st_mtime_ns
    again = clone(engine, Path(shutil.copy(tmp_path / "a.wav", tmp_path / "other name.wav")))
    assert again.cache == made.cache
    assert made.cache.stat().st_mtime_ns == written
    made.cache.write_bytes(b"damaged")
    assert say(engine, "No.", voice_prompt=made)
    assert made.cache.stat().st_size > 10_000


def test_a_full_disk_is_told_while_a_voice_is_kept(engine: XttsEngine, tmp_path: Path) -> None:
    prompt = VoicePrompt("xtts", recording(tmp_path / "a.wav"), "", "en", False)
    with tiny_disk("4k") as disk, pytest.raises(StorageFailed, match="disk is full"):
        LatentStore(disk).prepare(prompt, engine._ready(), Control())


def test_a_long_first_recording_leaves_room_for_the_others(
    engine: XttsEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = model_of(engine).config
    monkeypatch.setattr(config, "max_ref_len", 4)
    monkeypatch.setattr(config, "gpt_cond_len", 4)
    long = recording(tmp_path / "long.wav", 5.0)
    heard = []
    for seed in (2, 3):
        other = recording(tmp_path / f"{seed}.wav", 3.0, seed)
        prompt = clone(engine, long, other, text="words")
        assert any("first 4 s" in note for note in prompt.notes)
        assert any("transcript is not used" in note for note in prompt.notes)
        heard.append(engine._latents.load(prompt, engine._ready(), Control()).manner)
    assert not torch.allclose(*heard)


def test_recordings_without_a_voice_are_refused(engine: XttsEngine, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silent.wav", np.zeros(RATE, np.float32), RATE)
    (tmp_path / "text.wav").write_text("no sound")
    for path, said in (
        (recording(tmp_path / "short.wav", 0.3), r"only 0\.\d+ s"),
        (tmp_path / "silent.wav", "silent"),
        (tmp_path / "text.wav", None),
        (tmp_path / "none.wav", None),
    ):
        with pytest.raises(BadInput, match=said) as caught:
            clone(engine, path)
        assert caught.value.hint


def test_a_stop_is_felt_while_a_voice_is_made(engine: XttsEngine, tmp_path: Path) -> None:
    control = Control(lambda progress: control.cancel())
    with pytest.raises(Cancelled):
        clone(engine, recording(tmp_path / "a.wav", seed=9), control=control)


def test_wrong_requests_name_the_remedy(engine: XttsEngine) -> None:
    with pytest.raises(NotFound, match="ana_florence"):
        say(engine, speaker="ana_florenze")
    with pytest.raises(BadInput, match="which voice"):
        say(engine, speaker=None)
    with pytest.raises(NotFound, match="language of XTTS"):
        say(engine, language="sw")
    with pytest.raises(BadInput, match="nothing to say"):
        say(engine, " … [] ")
    assert facts.language_code("zh") == facts.language_code("zh-CN") == "zh-cn"


# Texts


def test_hindi_numbers_are_words(engine: XttsEngine) -> None:
    assert speakable("मेरे पास 12.5 और १,२३,४५६ हैं", "hi") == (
        "मेरे पास बारह दशमलव पाँच और एक लाख तेईस हज़ार चार सौ छप्पन हैं"
    )
    assert token_ids(model_of(engine), "50 सैनिक", "hi")


@pytest.mark.parametrize("language", facts.LANGUAGES)
def test_numbers_are_spoken_in_every_language(engine: XttsEngine, language: str) -> None:
    awkward = f"A 3, 12,5. 1.234! 50% 20€ $3 1st {'9' * 17} [en] [STOP] ٥ 12."
    ids = token_ids(model_of(engine), awkward, language)
    tokens = model_of(engine).tokenizer.tokenizer
    assert ids[0] == tokens.token_to_id(f"[{language}]")
    assert not {tokens.token_to_id(name) for name in ("[STOP]", "[START]", "[en]")} & set(ids[1:])


def test_a_text_of_too_many_tokens_is_refused_before_the_first_sound(engine: XttsEngine) -> None:
    with pytest.raises(BadInput, match=r"40\d tokens, and XTTS takes 401") as caught:
        engine.stream(request("a" * 401), Control())
    assert "shorter parts" in caught.value.hint


# Memory


def test_unloading_gives_the_model_back(xtts_models: Path, cache: Path) -> None:
    engine = engine_with(xtts_models, cache)
    with pytest.raises(EngineFailed, match="No model"):
        engine.stream(request(), Control())
    engine.load(CPU, PRACTICE)
    gone = weakref.ref(model_of(engine))
    engine.unload()
    gc.collect()
    assert gone() is None
    assert not engine.is_loaded
    assert engine.loaded_model == ""
    engine.unload()


def test_the_defaults_are_the_model_s_own(engine: XttsEngine) -> None:
    from engines.xtts.speaking import sampling_of

    config = model_of(engine).config
    usual = sampling_of(SamplingParams(seed=7), config, "Hello there, all of you, out there.")
    assert usual == replace(TokenSampling(seed=7), max_tokens=usual.max_tokens)
    assert usual.max_tokens < 602
    set_so = sampling_of(SamplingParams(temperature=0.0, top_k=3, max_new_tokens=9), config, "Hello.")
    assert (set_so.draw.greedy, set_so.draw.top_k, set_so.max_tokens) == (True, 3, 9)
    assert VOICE in {speaker.id for speaker in engine.speakers()}
