"""Promises of voice design: words become numbers, numbers become a voice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import pytest

from engines.base import Capability, EngineFolders, SamplingParams, SpeechRequest
from engines.espeak import EspeakEngine
from engines.espeak.design import understood
from engines.world.profile import VoiceProfile, clearly_voiced, measure
from engines.world.vocoder import analyse
from studio.control import Control
from studio.errors import EngineFailed
from studio.models.folders import ModelFolders

TEXT = "Please call your brother."
LONG = "Please read the letter on the kitchen table, then call your brother."


def speak(
    engine: EspeakEngine,
    options: Mapping[str, float],
    instruct: str = "",
    seed: int = 0,
    text: str = TEXT,
    **fields,
) -> np.ndarray:
    fields = {"language": "en-us", **fields}
    request = SpeechRequest(
        text, instruct=instruct, options=options, sampling=SamplingParams(seed=seed), **fields
    )
    return np.concatenate([chunk.audio.samples for chunk in engine.stream(request, Control())])


@pytest.fixture(scope="module")
def profile(engine: EspeakEngine) -> Callable[[str], VoiceProfile]:
    """What is measured of the voice of a description."""

    @cache
    def of(description: str) -> VoiceProfile:
        return measure(analyse(speak(engine, engine.design(description))))

    return of


@pytest.mark.parametrize(
    ("description", "hertz"),
    [
        ("deep old man, slow", 83),
        ("old man", 83),
        ("average man", 105),
        ("young woman, bright, fast", 208),
        ("a child", 274),
    ],
)
def test_the_pitch_lands_where_the_words_say(
    profile: Callable[[str], VoiceProfile], description: str, hertz: float
) -> None:
    assert profile(description).f0 == pytest.approx(hertz, rel=0.15)


def test_design_gives_every_option_of_a_designed_voice_within_its_range(engine: EspeakEngine) -> None:
    options = {option.key: option for option in engine.info.options if Capability.DESIGN in option.modes}
    for description in ("", "very very old very deep huge man", "extremely high tiny squeaky girl", "x"):
        values = engine.design(description)
        assert values.keys() == options.keys()
        for key, value in values.items():
            assert options[key].minimum <= value <= options[key].maximum


def test_understood_words_are_told_as_written_and_unknown_ones_change_nothing(
    engine: EspeakEngine,
) -> None:
    assert understood("A Very OLD sailor, slightly hoarse; not fast") == ("OLD", "hoarse")
    assert understood("xyzzy") == ()
    assert engine.design("xyzzy") == engine.design("")


@pytest.mark.parametrize(
    ("english", "other"),
    [
        ("young woman", "jeune femme"),
        ("child", "ein Kind"),
        ("old man", "hombre viejo"),
        ("girl", "Mädchen"),
    ],
)
def test_simple_words_of_other_languages_mean_the_same(
    engine: EspeakEngine, english: str, other: str
) -> None:
    assert engine.design(english) == engine.design(other)


def test_very_is_more_and_slightly_is_less(engine: EspeakEngine) -> None:
    slightly, plainly, very = (
        engine.design(f"{strength} deep woman")["f0"] for strength in ("slightly", "", "very")
    )
    assert slightly > plainly > very


def test_slow_and_fast_change_the_length(engine: EspeakEngine) -> None:
    slow, fast = (len(speak(engine, engine.design(word))) for word in ("slow man", "fast man"))
    assert slow > 1.4 * fast


def test_speed_applies_on_top_of_the_pace(engine: EspeakEngine) -> None:
    values = engine.design("man")
    assert len(speak(engine, values, speed=2.0)) == pytest.approx(
        len(speak(engine, values)) / 2, rel=0.1
    )


def test_a_robot_is_a_monotone_and_a_lively_voice_is_not(profile: Callable[[str], VoiceProfile]) -> None:
    assert profile("robot").log_f0_deviation < 0.03
    lively, calm = profile("lively woman"), profile("calm woman")
    assert lively.log_f0_deviation > 1.3 * calm.log_f0_deviation


def test_a_whisper_has_no_voice(engine: EspeakEngine) -> None:
    frames = analyse(speak(engine, engine.design("a whispering woman")))
    assert clearly_voiced(frames).mean() < 0.05


def test_breathy_bright_and_dark_move_what_they_name(profile: Callable[[str], VoiceProfile]) -> None:
    plain, breathy = profile("woman"), profile("breathy woman")
    assert breathy.aperiodicity[200:300].mean() > plain.aperiodicity[200:300].mean() + 0.1
    bright, dark = profile("bright woman"), profile("dark woman")
    assert (bright.envelope - dark.envelope)[250:].mean() > (bright.envelope - dark.envelope)[:50].mean()


def test_the_instruction_alone_designs_the_voice_and_options_adjust_it(engine: EspeakEngine) -> None:
    assert measure(analyse(speak(engine, {}, "child"))).f0 == pytest.approx(274, rel=0.1)
    assert measure(analyse(speak(engine, {"f0": 200}, "child"))).f0 == pytest.approx(200, rel=0.1)


def test_a_seed_makes_another_take_and_the_same_seed_the_same(engine: EspeakEngine) -> None:
    values = engine.design("old woman")
    pitches = [measure(analyse(speak(engine, values, seed=seed))).f0 for seed in (3, 3, 1, 2)]
    assert pitches[0] == pytest.approx(pitches[1], rel=0.01)
    assert max(pitches) / min(pitches) > 1.015


def test_a_speaker_wins_over_a_description(engine: EspeakEngine) -> None:
    sound = speak(engine, {}, "child", speaker="gmw/en-US+m5")
    assert measure(analyse(sound)).f0 < 130


@pytest.mark.parametrize("language", ["de", "chr"])
def test_other_languages_are_designed_too(engine: EspeakEngine, language: str) -> None:
    sound = speak(engine, engine.design("woman"), language=language, text="Hallo.")
    assert np.abs(sound).max() > 0.05


def test_timings_fit_the_sound(engine: EspeakEngine) -> None:
    request = SpeechRequest(LONG, "en-us", options=engine.design("slow man"))
    chunks = list(engine.stream(request, Control()))
    words = [word for chunk in chunks for word in chunk.words]
    assert [word.text for word in words] == LONG.split()
    assert 0 <= words[0].start < words[-1].end <= sum(chunk.audio.duration for chunk in chunks)
    assert len(chunks) > 1


def test_without_pyworld_presets_still_speak(
    tmp_path, monkeypatch: pytest.MonkeyPatch, engine: EspeakEngine
) -> None:
    from engines.world import vocoder

    vocoder._pyworld.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "pyworld", None)
    fresh = EspeakEngine(EngineFolders(tmp_path, ModelFolders(tmp_path, tmp_path)))
    try:
        with pytest.raises(EngineFailed, match="pip install pyworld-prebuilt"):
            speak(fresh, fresh.design("woman"))
        assert len(speak(fresh, {}, speaker="gmw/en-US"))
    finally:
        fresh.unload()
        vocoder._pyworld.cache_clear()
