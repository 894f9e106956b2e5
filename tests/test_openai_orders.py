"""What OpenAI's and vLLM-Omni's requests for speech mean: engines, models, voices, tasks, languages."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engines import registry
from engines.base import Capability, Speaker
from studio.api.openai_models import _models
from studio.api.openai_orders import SpeechRequest, language_code, order_of
from studio.api.openai_transcriptions import recognizer_named
from studio.api.openai_voices import OPENAI_VOICES, VoiceFinder, listed, standing_for
from studio.errors import BadInput, NotFound
from studio.services.performance_values import PerformOrder
from studio.services.personality_values import NewEmotion, NewPersonality
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder
from studio.services.voice_values import NewVoice
from studio.settings import load_settings
from tests.engines_for_tests import ToneEngine
from tests.spoken import saved, spoken

TEXT = "Good morning."
SOUND = base64.b64encode(b"some sound").decode()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("sound") / "said.wav", spoken())


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, recording: Path) -> Iterator[Studio]:
    home = tmp_path_factory.mktemp("home")
    with Studio(load_settings(home=home, models_dir=home / "models")) as opened:
        opened.voices.create(NewVoice("Zoe", recording), "ann")
        opened.voices.create(NewVoice("Nova", recording), "ann")
        emotion = NewEmotion("neutral", recording)
        opened.personalities.create(NewPersonality("Mara", (emotion,)), "ann")
        yield opened


def any_order(studio: Studio, owner: str = "ann", **fields: Any) -> SpeechOrder | PerformOrder:
    with ExitStack() as files:
        return order_of(studio, SpeechRequest(**{"input": TEXT, **fields}), owner, files)


def order(studio: Studio, owner: str = "ann", **fields: Any) -> SpeechOrder:
    made = any_order(studio, owner, **fields)
    assert isinstance(made, SpeechOrder)
    return made


@pytest.mark.parametrize("model", ["", "tts-1", "tts-1-hd", "gpt-4o-mini-tts-2025-12-15", "espeak"])
def test_openai_s_models_are_the_default_engine(studio: Studio, model: str) -> None:
    made = order(studio, model=model)
    assert (made.engine, made.model, made.mode) == ("espeak", "", Capability.PRESET)


@pytest.mark.parametrize(
    ("model", "key", "mode"),
    [
        ("Qwen/Qwen3-TTS-12Hz-1.7B-CustomVoice", "qwen-1.7b-custom-voice", Capability.PRESET),
        ("qwen-1.7b-custom-voice", "qwen-1.7b-custom-voice", Capability.PRESET),
        ("qwen", "", Capability.PRESET),
    ],
)
def test_a_model_can_be_named_in_many_ways(
    studio: Studio, model: str, key: str, mode: Capability
) -> None:
    made = order(studio, model=model, voice="vivian")
    assert (made.engine, made.model, made.mode, made.speaker) == ("qwen", key, mode, "vivian")


def test_what_a_model_is_for_decides(studio: Studio) -> None:
    designed = order(
        studio,
        model="Qwen/Qwen3-TTS-12Hz-1.7B-VoiceDesign",
        voice="alloy",  # OpenAI's client has to name one
        instructions="An old man, slow.",
    )
    assert (designed.mode, designed.description) == (Capability.DESIGN, "An old man, slow.")
    cloned = order(studio, model="Qwen/Qwen3-TTS-12Hz-1.7B-Base", voice="Zoe")
    assert (cloned.mode, cloned.engine) == (Capability.CLONE, "qwen")


def test_vllm_s_fields_are_understood(studio: Studio) -> None:
    made = order(
        studio,
        model="qwen",
        voice="vivian",
        task_type="Base",
        language="Chinese",
        ref_audio=f"data:audio/wav;base64,{SOUND}",
        ref_text="What it says.",
        x_vector_only_mode=True,
        max_new_tokens=300,
        seed=7,
    )
    assert (made.mode, made.language, made.seed) == (Capability.CLONE, "zh", 7)
    assert made.sampling.max_new_tokens == 300
    assert made.reference is not None
    assert (made.reference.text, made.reference.x_vector_only) == ("What it says.", True)
    assert not made.reference.audio.exists()  # it goes with its request
    inferred = order(studio, model="qwen", ref_audio=SOUND)
    assert inferred.mode is Capability.CLONE
    spoken_so = order(studio, model="qwen", voice="ryan", instructions="Whisper.", language="Auto")
    assert (spoken_so.description, spoken_so.language) == ("Whisper.", "auto")
    plain = order(studio, model="qwen", voice="ryan", task_type="CustomVoice")
    assert plain.speaker == "ryan"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"input": " \n"}, "no text"),
        ({"task_type": "VoiceDesign"}, "no description"),
        ({"task_type": "Base"}, "no recording"),
        ({"ref_text": "Only what it would say."}, "no recording"),
        ({"task_type": "CustomVoice", "ref_audio": SOUND}, "does not belong"),
        ({"ref_audio": SOUND, "instructions": "Whisper."}, "do not change"),
        ({"voice": "Zoe", "instructions": "Whisper."}, "do not change"),
        ({"voice": "Fiona", "instructions": "Whisper."}, "does not follow"),
        ({"ref_audio": "https://example.com/a.wav"}, "address"),
        ({"ref_audio": "file:///etc/passwd"}, "address"),
        ({"ref_audio": "?!"}, "base64"),
    ],
)
def test_what_makes_no_sense_is_said(studio: Studio, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        any_order(studio, **fields)


def test_names_are_looked_up_in_order(studio: Studio) -> None:
    """The engine's own, saved voices, personalities, OpenAI's, other engines'."""
    assert order(studio, voice="Fiona").speaker == "gmw/en-US+f2"
    saved_one = order(studio, voice="zoe")
    assert (saved_one.mode, saved_one.engine) == (Capability.CLONE, "espeak")
    assert order(studio, voice={"id": studio.voices.get("Zoe", "ann").id}).mode is Capability.CLONE
    assert order(studio, voice="nova").mode is Capability.CLONE  # Ann has a voice of that name
    assert order(studio, "bob", voice="nova").speaker == "gmw/en-US+f5"
    assert order(studio, voice="vivian").engine == "qwen"
    assert order(studio, voice="claribel_dervla").engine == "xtts"
    performed = any_order(studio, voice="mara", speed=1.2, seed=4)
    assert isinstance(performed, PerformOrder)
    assert (performed.speed, performed.seed, performed.engine) == (1.2, 4, "")


@pytest.mark.parametrize("fields", [{"voice": "Zoe"}, {"voice": "Mara"}, {"model": "trained-x"}])
def test_what_is_somebody_else_s_is_not_found(studio: Studio, fields: dict[str, Any]) -> None:
    with pytest.raises(NotFound):
        any_order(studio, "bob", **fields)


def test_a_voice_of_another_engine_is_not_found_in_the_one_asked_for(studio: Studio) -> None:
    with pytest.raises(NotFound, match="vivian"):
        order(studio, model="espeak", voice="vivian")
    with pytest.raises(NotFound, match="Zoe"):
        order(studio, voice="Zoe", task_type="CustomVoice")
    with pytest.raises(NotFound, match="saved voice"):
        order(studio, voice="alloy", task_type="Base")


def test_openai_s_voices_speak_the_text_s_language(studio: Studio) -> None:
    text = "Guten Morgen, meine Damen und Herren, wie geht es Ihnen heute?"
    assert order(studio, "bob", voice="alloy", input=text).speaker.startswith("gmw/de")
    assert order(studio, "bob", voice="alloy", language="fr").speaker.startswith("roa/fr")
    assert order(studio, "bob", voice="alloy", language="French").language.startswith("fr")


def test_openai_s_voices_are_different_people_where_there_are_enough() -> None:
    women = [Speaker(f"w{index}", "", "en", "female") for index in range(6)]
    men = [Speaker(f"m{index}", "", "en", "male") for index in range(7)]
    chosen = {name: standing_for(name, [*women, *men], "en-us") for name in OPENAI_VOICES}
    assert len({each.id for each in chosen.values() if each}) == len(OPENAI_VOICES)
    assert all(each and each.gender == OPENAI_VOICES[name] for name, each in chosen.items())
    unknown = [Speaker(f"x{index}", "", "en", multilingual=True) for index in range(3)]
    assert [standing_for(name, unknown, "de") for name in ("alloy", "echo", "nova", "onyx")] == [
        *unknown,
        unknown[0],
    ]
    assert standing_for("alloy", [], "en") is None


class TrainedEngine(ToneEngine):
    """Has a model that was trained to one voice."""

    id = "with-trained"

    def speakers(self) -> tuple[Speaker, ...]:
        trained = Speaker("trained-anna-1", "Anna", "en", model="trained-anna-1", owner="ann")
        return (trained, *super().speakers())


def test_a_model_with_a_voice_of_its_own_speaks_with_it(tmp_path: Path) -> None:
    """Whichever of OpenAI's voices a client has to name."""
    with pytest.MonkeyPatch.context() as patch:
        place = f"{__name__}:{TrainedEngine.__name__}"
        patch.setitem(registry.SPEECH_ENGINES, TrainedEngine.id, place)
        with Studio(load_settings(home=tmp_path / "home", models_dir=tmp_path)) as studio:
            finder = VoiceFinder(studio, "ann", TrainedEngine.id)
            wanted = SpeechOrder(Capability.PRESET, TEXT, TrainedEngine.id)
            own = finder.order("alloy", replace(wanted, model="trained-anna-1"))
            assert isinstance(own, SpeechOrder)
            assert own.speaker == "trained-anna-1"
            other = finder.order("alloy", wanted)
            assert isinstance(other, SpeechOrder)
            assert other.speaker == "sine"
            assert [row["kind"] for row in listed(studio, "ann", TrainedEngine.id)][:2] == [
                "trained",
                "engine",
            ]
            assert "trained" not in {row["kind"] for row in listed(studio, "bob", TrainedEngine.id)}


def test_the_voices_of_one_engine_can_be_listed(studio: Studio) -> None:
    rows = list(listed(studio, "ann", "qwen"))
    assert {row["kind"] for row in rows} == {"engine", "saved", "personality", "openai"}
    assert next(row for row in rows if row["id"] == "echo")["name"] == "Echo (Ryan)"


@pytest.mark.parametrize(
    ("given", "code"),
    [("", "auto"), ("Auto", "auto"), ("German", "de"), ("english", "en-us"), ("en-gb", "en-gb")],
)
def test_languages_by_name(studio: Studio, given: str, code: str) -> None:
    languages = studio.engines.registry.get("espeak").info.languages
    assert language_code(given, languages, "en-us") == code


def test_recognizers_by_name(studio: Studio) -> None:
    assert recognizer_named(studio, "whisper-1") == ("auto", "")
    assert recognizer_named(studio, "") == ("auto", "")
    assert recognizer_named(studio, "pocketsphinx") == ("pocketsphinx", "")
    assert recognizer_named(studio, "whisper-turbo") == ("whisper", "whisper-turbo")
    with pytest.raises(NotFound):
        recognizer_named(studio, "nothing")


def test_each_model_is_listed_once(studio: Studio) -> None:
    ids = [model.id for model in _models(studio, "ann")]
    assert len(ids) == len(set(ids))
    assert not any("/" in each for each in ids)
