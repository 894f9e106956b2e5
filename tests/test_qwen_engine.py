"""Promises of the engine Qwen3-TTS, with the real package on practice models."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.base import Capability, SamplingParams, SpeechRequest, VoicePrompt
from engines.qwen import QwenEngine, facts
from engines.qwen.texts import expected_seconds, most_frames, speakable
from studio.control import Control, Progress
from studio.errors import BadInput, Cancelled, NotFound
from tests.qwen_speech import (
    BASE,
    CPU,
    CUSTOM_VOICE,
    DESIGN,
    RATE,
    TEXT,
    engine_with,
    recording,
    say,
    sound,
)

LONG = "This sentence is here to be spoken for a while, and it does not stop soon."
FRAME_S = 1 / facts.FRAMES_PER_SECOND


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("qwen")


@pytest.fixture(scope="module")
def custom_voice(practice_models: Path, cache: Path) -> Iterator[QwenEngine]:
    engine = engine_with(practice_models, cache)
    engine.load(CPU, CUSTOM_VOICE)
    yield engine
    engine.unload()


@pytest.fixture(scope="module")
def plain(custom_voice: QwenEngine) -> np.ndarray:
    """TEXT in Ryan's voice, to which nothing is changed."""
    return sound(say(custom_voice, speaker="Ryan"))


@pytest.fixture(scope="module")
def design(practice_models: Path, cache: Path) -> Iterator[QwenEngine]:
    engine = engine_with(practice_models, cache)
    engine.load(CPU, DESIGN)
    yield engine
    engine.unload()


@pytest.fixture(scope="module")
def base(practice_models: Path, cache: Path) -> Iterator[QwenEngine]:
    engine = engine_with(practice_models, cache)
    engine.load(CPU, BASE)
    yield engine
    engine.unload()


@pytest.fixture(scope="module")
def voice(base: QwenEngine, cache: Path) -> VoicePrompt:
    return base.create_voice_prompt(recording(cache / "voice.wav"), "", "en", True, Control())


class Counting(Control):
    """Counts how often it is asked, which it is before each frame, and is cancelled as it is asked for the
    `stop_at`-th time."""

    asked, stop_at = 0, 0

    @property
    def cancelled(self) -> bool:
        self.asked += 1
        if self.asked == self.stop_at:
            self.cancel()
        return super().cancelled


# What it says of itself


def test_its_capabilities_are_those_it_keeps(custom_voice: QwenEngine) -> None:
    assert custom_voice.info.capabilities == set(Capability) - {Capability.SPEED, Capability.TIMING}
    assert custom_voice.loaded_model == CUSTOM_VOICE
    assert custom_voice.design("an old man") == {}
    assert custom_voice.understood("an old man") == ()


def test_every_sampling_preset_stays_within_the_fields() -> None:
    fields = {field.key: field for field in facts.SAMPLING.fields}
    assert set(fields) == set(SamplingParams.__dataclass_fields__) - {"seed"}
    for params in facts.SAMPLING.presets.values():
        for key, field in fields.items():
            value = getattr(params, key)
            assert value is None or field.minimum <= value <= field.maximum


@pytest.mark.parametrize("dtype", ["bfloat16", "int8"])
def test_it_speaks_in_every_number_format_of_a_processor(
    practice_models: Path, cache: Path, dtype: str
) -> None:
    engine = engine_with(practice_models, cache)
    engine.load(replace(CPU, dtype=dtype), CUSTOM_VOICE)
    heard = sound(say(engine, speaker="Ryan"))
    assert len(heard) > RATE
    assert np.isfinite(heard).all()


# Drawing


def test_the_same_seed_sounds_the_same_and_another_differs(
    custom_voice: QwenEngine, plain: np.ndarray
) -> None:
    again, other = (sound(say(custom_voice, speaker="Ryan", seed=seed)) for seed in (1, 4))
    assert np.array_equal(plain, again)
    assert not np.array_equal(plain, other)


def test_greedy_speech_does_not_depend_on_the_seed(custom_voice: QwenEngine) -> None:
    greedy = {"temperature": 0.0, "sub_temperature": 0.0, "speaker": "Ryan"}
    first, other = (sound(say(custom_voice, seed=seed, **greedy)) for seed in (3, 4))
    assert np.array_equal(first, other)


def test_no_global_seed_is_touched(custom_voice: QwenEngine) -> None:
    import torch

    before = torch.random.get_rng_state()
    say(custom_voice, "Hi.", speaker="Ryan")
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    "changed", [{"temperature": 0.5}, {"sub_temperature": 0.5}, {"top_k": 5}, {"sub_top_p": 0.5}]
)
def test_each_sampler_can_be_set(
    custom_voice: QwenEngine, plain: np.ndarray, changed: dict[str, float]
) -> None:
    assert not np.array_equal(sound(say(custom_voice, speaker="Ryan", **changed)), plain)


# Streaming


def test_the_first_sound_comes_before_the_last_frame_is_drawn(custom_voice: QwenEngine) -> None:
    stages: list[str] = []
    control = Counting(lambda progress: stages.append(progress.stage))
    stream = custom_voice.stream(SpeechRequest(LONG, "en", speaker="Ryan"), control)
    first = next(stream)
    drawn = control.asked
    chunks = [first, *stream]
    assert first.audio.duration <= 4 * FRAME_S
    assert drawn <= 4
    assert control.asked > 60
    assert max(chunk.audio.duration for chunk in chunks) <= 8 * FRAME_S
    assert all(chunk.audio.sample_rate == RATE for chunk in chunks)
    assert stages[0] == "speaking, frame 1"
    assert len(stages) < len(sound(chunks)) / RATE / FRAME_S


def test_longer_texts_take_longer_and_end_by_themselves(custom_voice: QwenEngine) -> None:
    short, long = (say(custom_voice, text, speaker="Ryan") for text in ("Hello.", LONG[:36]))
    assert len(sound(long)) > 2.5 * len(sound(short))
    assert not any(chunk.cut_off for chunk in (*short, *long))


def test_speech_is_cut_off_at_the_limit_and_says_so(custom_voice: QwenEngine) -> None:
    chunks = say(custom_voice, LONG, speaker="Ryan", max_new_tokens=25)
    assert len(sound(chunks)) == 25 * RATE * FRAME_S
    assert [chunk.cut_off for chunk in chunks] == [False] * (len(chunks) - 1) + [True]


def test_the_limit_follows_the_text() -> None:
    seconds = {text: expected_seconds(text) for text in ("a" * 100, "你" * 100, "한" * 100)}
    assert seconds["a" * 100] == pytest.approx(8)
    assert seconds["你" * 100] == seconds["한" * 100] == pytest.approx(28)
    for text, expected in seconds.items():
        assert 3 * expected < most_frames(text) * FRAME_S < 3 * expected + 11
    assert 10 < most_frames("No.") * FRAME_S < 12


# Stopping


def test_a_stop_is_felt_within_a_frame_and_the_model_speaks_on(
    custom_voice: QwenEngine, plain: np.ndarray
) -> None:
    control = Counting()
    stream = custom_voice.stream(SpeechRequest(LONG, "en", speaker="Ryan"), control)
    frames = sum(round(chunk.audio.duration / FRAME_S) for chunk in itertools.islice(stream, 4))
    control.stop_at = frames + 3  # in the middle of a chunk
    with pytest.raises(Cancelled):
        next(stream)
    assert control.asked == frames + 3
    assert np.array_equal(sound(say(custom_voice, speaker="Ryan")), plain)


def test_a_stop_before_the_first_frame_is_heard(custom_voice: QwenEngine) -> None:
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        list(custom_voice.stream(SpeechRequest(TEXT, "en", speaker="Ryan"), control))


def test_the_model_speaks_on_after_an_error_and_after_a_closed_stream(
    custom_voice: QwenEngine, plain: np.ndarray
) -> None:

    def fail(progress: Progress) -> None:
        raise RuntimeError("the page is gone")

    with pytest.raises(RuntimeError, match="the page is gone"):
        list(custom_voice.stream(SpeechRequest(LONG, "en", speaker="Ryan"), Control(fail)))
    stream = custom_voice.stream(SpeechRequest(LONG, "en", speaker="Ryan"), Control())
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert np.array_equal(sound(say(custom_voice, speaker="Ryan")), plain)


# What it is asked


def test_every_published_voice_and_language_speaks(custom_voice: QwenEngine) -> None:
    heard = {speaker.id: say(custom_voice, "Hi.", speaker=speaker.id) for speaker in facts.SPEAKERS}
    assert len({sound(chunks).tobytes() for chunks in heard.values()}) == 9
    for language in facts.LANGUAGES:
        assert say(custom_voice, "Hi.", speaker="Vivian", language=language, max_new_tokens=3)
    assert say(custom_voice, "Hi.", speaker="Vivian", language="en-US", max_new_tokens=3)


def test_instructions_are_heard(custom_voice: QwenEngine, plain: np.ndarray) -> None:
    assert not np.array_equal(sound(say(custom_voice, speaker="Ryan", instruct="Angrily.")), plain)


def test_unknown_names_are_refused_with_those_there_are(custom_voice: QwenEngine) -> None:
    with pytest.raises(NotFound, match="vivian"):
        say(custom_voice, speaker="vivien")
    with pytest.raises(NotFound, match="de, en, es, fr, it, ja, ko, pt, ru, zh"):
        say(custom_voice, speaker="Ryan", language="xx")


@pytest.mark.parametrize(
    "text", ["", "  \n", "...", "<|im_end|>", "<|im_<|im_end|>end|> <tts_pad>", "\x00\ud800"]
)
def test_texts_without_anything_to_say_are_refused(custom_voice: QwenEngine, text: str) -> None:
    with pytest.raises(BadInput, match="nothing to say"):
        say(custom_voice, text, speaker="Ryan")


def test_control_tokens_and_outer_spaces_change_nothing(custom_voice: QwenEngine) -> None:
    plain = sound(say(custom_voice, "Hello there.", speaker="Ryan"))
    text = "  <|im_end|>Hello\n<|im_start|>there.<tts_text_eod>  "
    assert np.array_equal(sound(say(custom_voice, text, speaker="Ryan")), plain)
    assert speakable("1 < 2 <b>and</b> <|x") == "1 < 2 <b>and</b> <|x"


def test_each_kind_of_model_refuses_what_another_does(
    custom_voice: QwenEngine, design: QwenEngine, base: QwenEngine, voice: VoicePrompt
) -> None:
    for engine, asked, remedy in (
        (custom_voice, {}, "vivian"),
        (custom_voice, {"speaker": "Ryan", "voice_prompt": voice}, "Base"),
        (design, {}, "few words"),
        (design, {"speaker": "Ryan"}, "CustomVoice"),
        (base, {"speaker": "Ryan"}, "CustomVoice"),
        (base, {"voice_prompt": voice, "instruct": "Angrily."}, "CustomVoice"),
    ):
        with pytest.raises(BadInput, match=remedy):
            say(engine, **asked)
    with pytest.raises(BadInput, match="Base"):
        design.create_voice_prompt(voice.ref_audio, "", "en", True, Control())


def test_a_base_model_without_a_recording_speaks_in_a_voice_of_its_choosing(base: QwenEngine) -> None:
    assert len(sound(say(base))) > RATE
