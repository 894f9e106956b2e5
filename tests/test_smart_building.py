"""Promises of smart building: one recording and a description become a personality, stopped or not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engines.base import Capability
from studio.audio.joining import JoinSettings
from studio.errors import BadInput, Cancelled, NotFound
from studio.services.emotion_texts import EMOTIONS, LANGUAGES, USUAL, emotion_text
from studio.services.personality_values import NEUTRAL, EmotionChange, NewEmotion, Personality
from studio.services.smart_records import from_build, steps_of
from studio.services.smart_values import (
    EmotionState,
    Extension,
    SmartEmotion,
    SmartOrder,
    SmartProgress,
)
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder
from studio.services.tasks import TaskState
from studio.services.voice_values import Basis, Consent
from studio.settings import Settings, load_settings
from studio.text.emotions import COMMON
from tests.qwen_speech import recording
from tests.spoken import saved, silence, spoken

#: What eSpeak NG's voices measure is the same in every home.
pytestmark = pytest.mark.usefixtures("measured")

TEXT = "We will see you at the station this morning. The train was late again, and nobody had told us."


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """Six seconds of speech."""
    return saved(tmp_path / "me.wav", np.concatenate([silence(0.3), spoken(TEXT), silence(0.3)]))


def quick(*tags: str) -> tuple[SmartEmotion, ...]:
    """Emotions with a short text, just long enough to be joined."""
    return tuple(SmartEmotion(tag, "I did not know that you were here.") for tag in tags)


def order(voice: Path, *tags: str, **fields: object) -> SmartOrder:
    wanted = SmartOrder(
        "Zoë 😀", voice, transcript=TEXT, description="a young woman, warm", language="en", seed=3,
        join=JoinSettings(own_s=2.0, expressive_s=2.0),
        emotions=tuple(SmartEmotion(tag) for tag in tags),
    )  # fmt: skip
    return dataclasses.replace(wanted, **fields)  # type: ignore[arg-type]


def built(studio: Studio, wanted: SmartOrder) -> Personality:
    personality: Personality = studio.tasks.wait(studio.smart.start(wanted))
    return personality


def tags(personality: Personality) -> list[str]:
    return [each.tag for each in personality.emotions]


def stopped_at_the_second(studio: Studio, voice: Path) -> Personality:
    """What is left of a build of three that was stopped while it spoke the second clip, which is long
    enough for that."""
    long = SmartEmotion("sad", "I still set two cups on the table, and the house is quiet. " * 4)
    wanted = order(voice, emotions=(*quick("happy"), long, *quick("angry")))
    task_id = studio.smart.start(wanted)
    for status in studio.tasks.follow(task_id):
        if status.stage == "generating sad":
            studio.tasks.stop(task_id)
    assert status.state is TaskState.STOPPED, status.error
    return studio.personalities.get(wanted.name, "")


def test_one_recording_becomes_a_voice_with_three_emotions(studio: Studio, voice: Path) -> None:
    task_id = studio.smart.start(order(voice, "happy", "triste", "whisper"))
    assert tags(studio.personalities.get("zoë 😀", "")) == [NEUTRAL], "it is in the library at once"
    stages, fractions = [], []
    for status in studio.tasks.follow(task_id):
        stages.append(status.stage)
        fractions.append(status.fraction or 0.0)
    assert status.state is TaskState.DONE, status.error
    assert {"generating happy", "done"} <= set(stages) or "joining happy" in stages
    assert fractions == sorted(fractions)
    found = studio.personalities.get("zoë 😀", "")
    assert found == status.result
    assert found.build is None
    assert tags(found) == [NEUTRAL, "happy", "triste", "whisper"]
    assert isinstance(status.detail, SmartProgress)
    assert {step.state for step in status.detail.steps} == {EmotionState.MADE}
    neutral, *emotions = found.emotions
    assert neutral.transcript == TEXT
    assert neutral.words, "found once, for everything that is cut of it"
    for emotion in emotions:
        said = emotion_text(emotion.tag, "en").text
        assert emotion.made["how"] == "smart"
        assert (emotion.made["engine"], emotion.made["text"], emotion.made["seed"]) == (
            "espeak", said, 3,
        )  # fmt: skip
        start, end = emotion.made["joint"]
        assert end - start == pytest.approx(0.1)
        # The transcript is of what is heard: a stretch of the one, then the beginning of the other.
        heard = emotion.transcript.split()
        assert any(
            " ".join(heard[:cut]) in TEXT and said.startswith(" ".join(heard[cut:]))
            for cut in range(2, len(heard) - 2)
        ), emotion.transcript
        assert [word.text for word in emotion.words] == heard
        assert emotion.words[-1].end <= emotion.duration
        assert soundfile.info(emotion.audio).duration == pytest.approx(emotion.duration, abs=0.001)
        assert emotion.clip is not None
        assert soundfile.info(emotion.clip).duration > 4
    assert studio.history.list("") == [], "clips are no takes"
    assert not list(studio.workspace.spool.iterdir())


def test_the_recording_is_transcribed_and_its_language_told(studio: Studio, tmp_path: Path) -> None:
    voice = saved(tmp_path / "short.wav", np.concatenate([silence(0.3), spoken(), silence(0.3)]))
    wanted = order(voice, emotions=quick("happy"), transcript="", language="")
    task_id = studio.smart.start(wanted)
    found = studio.tasks.wait(task_id)
    assert "morning" in found.emotions[0].transcript
    assert found.language == "en-us"
    notes = studio.tasks.status(task_id).notes
    assert any("pocketsphinx" in note for note in notes)
    assert any("draft" in note for note in notes)


def test_without_a_recognizer_for_the_language_it_is_said_and_built(studio: Studio, voice: Path) -> None:
    task_id = studio.smart.start(order(voice, "happy", transcript="", language="it"))
    found = studio.tasks.wait(task_id)
    assert tags(found) == [NEUTRAL, "happy"]
    assert found.emotions[1].made["text"] == emotion_text("happy", "it").text
    assert any("has no transcript" in note for note in studio.tasks.status(task_id).notes)


def test_a_stop_keeps_what_is_done_and_resume_makes_only_the_rest(
    settings: Settings, voice: Path
) -> None:
    """After a restart as well."""
    with Studio(settings) as studio:
        found = stopped_at_the_second(studio, voice)
        assert tags(found) == [NEUTRAL, "happy"]
        left = [step.emotion.tag for step in steps_of(found) if step.state is EmotionState.PENDING]
        assert left == ["sad", "angry"]
        kept = {each.tag: (each.audio, each.audio.stat().st_mtime_ns) for each in found.emotions}
    voice.unlink()  # the personality has its own copy
    with Studio(settings) as studio:
        found = studio.personalities.get("Zoë 😀", "")
        assert tags(found) == [NEUTRAL, "happy"]
        assert found.build is not None
        assert from_build(found.build).seed == 3
        again = studio.smart.resume("Zoë 😀")
        stages = {status.stage for status in studio.tasks.follow(again)}
        assert not [stage for stage in stages if stage.endswith("happy") or stage == "transcribing"]
        after = studio.personalities.get("Zoë 😀", "")
        assert tags(after) == [NEUTRAL, "happy", "sad", "angry"]
        assert after.build is None
        assert after.emotions[2].made["seed"] == 3, "as if it had never been stopped"
        for each in after.emotions:
            if each.tag in kept:
                assert (each.audio, each.audio.stat().st_mtime_ns) == kept[each.tag]
        with pytest.raises(BadInput, match="is complete"):
            studio.smart.resume("Zoë 😀")
        with pytest.raises(NotFound):
            studio.smart.resume("Zoë 😀", "somebody else")


def test_a_stop_at_once_leaves_the_recording_and_what_was_wanted(
    settings: Settings, studio: Studio, voice: Path
) -> None:
    task_id = studio.smart.start(order(voice, "happy"))
    studio.tasks.stop(task_id)
    with pytest.raises(Cancelled):
        studio.tasks.wait(task_id)
    found = studio.personalities.get("Zoë 😀", "")
    assert tags(found) == [NEUTRAL]
    assert [step.emotion.tag for step in steps_of(found)] == ["happy"]


def test_what_was_added_by_hand_meanwhile_stays(studio: Studio, voice: Path) -> None:
    id = stopped_at_the_second(studio, voice).id
    studio.personalities.add_emotion(id, "", NewEmotion("sad", voice, transcript="Mine."))
    found = studio.tasks.wait(studio.smart.resume(id))
    assert {each.tag: each.transcript for each in found.emotions}["sad"] == "Mine."
    assert found.build is None


def test_an_unfinished_one_can_be_left_as_it_is(studio: Studio, voice: Path) -> None:
    task_id = studio.smart.start(order(voice, "happy", "sad"))
    studio.tasks.stop(task_id)
    with pytest.raises(Cancelled):
        studio.tasks.wait(task_id)
    assert studio.smart.settle("Zoë 😀").build is None


def test_one_that_is_being_built_is_not_built_twice(studio: Studio, voice: Path) -> None:
    task_id = studio.smart.start(order(voice, emotions=quick("happy")))
    assert studio.smart.resume("Zoë 😀") == task_id
    assert len(studio.tasks.wait(task_id).emotions) == 2


def test_an_emotion_that_fails_does_not_keep_the_others_from_being_made(
    studio: Studio, voice: Path
) -> None:
    wanted = (
        *quick("happy"),
        SmartEmotion("sad", "[[t]]"),  # a clip that is too short to be joined
    )
    task_id = studio.smart.start(order(voice, emotions=wanted))
    found = studio.tasks.wait(task_id)
    assert tags(found) == [NEUTRAL, "happy"]
    states = {step.emotion.tag: step for step in steps_of(found)}
    assert states["happy"].state is EmotionState.MADE
    assert states["sad"].state is EmotionState.FAILED
    assert states["sad"].error
    assert any("“sad” was not made" in note for note in studio.tasks.status(task_id).notes)
    with pytest.raises(BadInput):  # alone, it is the result
        studio.tasks.wait(studio.smart.resume(found.id))


def test_own_words_languages_and_lengths_count(studio: Studio, voice: Path) -> None:
    text = "Oggi è una bella giornata, e siamo tutti qui insieme al mare."
    wanted = order(
        voice, emotions=(SmartEmotion("allegria", text, "Happy.", "it"),), start=0.2, end=6.0,
        join=JoinSettings(own_s=1.5, expressive_s=1.5, crossfade_ms=60, settle_s=0),
        consent=Consent("Ann", Basis.OWN, 1_700_000_000.0), note="mine",
    )  # fmt: skip
    found = built(studio, wanted)
    joy = found.emotions[1]
    assert (joy.language, joy.made["language"], joy.made["text"]) == ("it", "it", text)
    assert joy.duration == pytest.approx(1.5 + 1.5 - 0.06, abs=0.002)
    assert found.emotions[0].duration == pytest.approx(5.8, abs=0.01)
    assert found.consent is not None
    assert (found.consent.person, found.note) == ("Ann", "mine")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"emotions": ()}, "0 emotions"),
        ({"emotions": (SmartEmotion(NEUTRAL),)}, "0 emotions"),
        ({"emotions": (SmartEmotion("happy"), SmartEmotion("felice"))}, "mean the same"),
        ({"emotions": (SmartEmotion("a]b"),)}, "has ] in it"),
        ({"description": "  "}, "no description"),
        ({"name": " "}, "name is empty"),
        ({"engine": "nobody"}, "There is no"),
        ({"temperature": 0.9}, "does not draw by chance"),
        ({"join": JoinSettings(crossfade_ms=900)}, "crossfade"),
        ({"audio": Path("gone.wav")}, "does not exist"),
        ({"start": 5.0, "end": 5.2}, "0.2 s"),
        ({"emotions": (SmartEmotion("happy", "nuqneH", language="tlh"),)}, "There is no language"),
    ],
)
def test_orders_that_cannot_be_are_refused_at_once(
    studio: Studio, voice: Path, change: dict[str, object], words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        studio.smart.start(dataclasses.replace(order(voice, "happy"), **change))  # type: ignore[arg-type]
    assert studio.personalities.list("") == []


def test_a_name_that_is_taken_is_refused_and_what_has_it_stays(studio: Studio, voice: Path) -> None:
    first = built(studio, order(voice, emotions=quick("happy")))
    with pytest.raises(BadInput, match="already"):
        studio.smart.start(order(voice, "sad", name="ZOË 😀"))
    assert studio.personalities.list("") == [first]


def test_only_engines_that_design_voices_are_offered(studio: Studio) -> None:
    found = studio.smart.engines()
    assert found[0].id == "espeak", "the one that is ready"
    assert all(Capability.DESIGN in info.capabilities for info in found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_usual_texts_can_be_said_and_are_long_enough_to_be_cut(studio: Studio, language: str) -> None:
    for tag in EMOTIONS:
        found = emotion_text(tag, language)
        assert found.language == language
        assert found.instruct
        plan = studio.speech.plan(
            SpeechOrder(
                Capability.DESIGN, found.text, "espeak", language=language, description=found.instruct
            )
        )
        assert plan.language.split("-")[0] in (language, "cmn")
        assert len(found.text) >= (25 if language in ("zh", "ja", "ko") else 60)


def test_every_common_emotion_has_an_instruction_and_unknown_ones_get_their_own_word() -> None:
    assert {*EMOTIONS, NEUTRAL} == set(COMMON)
    assert set(USUAL) <= set(EMOTIONS)
    assert emotion_text("Felice", "it-IT") == emotion_text("happy", "it-IT")
    assert emotion_text("piratesque", "en").instruct == "In this manner: piratesque."
    assert emotion_text("happy", "fi").language == "en", "no Finnish texts: said in English"
    assert emotion_text("happy", "").language == "en"


@pytest.fixture
def with_qwen(practice_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("QWEN_TTS_MODELS_DIR", str(practice_models))
    return load_settings(home=tmp_path / "home", models_dir=tmp_path / "models", device="cpu")


def test_qwen_speaks_the_clips_with_its_design_model(with_qwen: Settings, tmp_path: Path) -> None:
    with Studio(with_qwen) as studio:
        wanted = order(
            recording(tmp_path / "noise.wav", 4.0), engine="qwen", temperature=0.7,
            emotions=(SmartEmotion("happy", "Hello there, my friends!"),),
            join=JoinSettings(own_s=1.0, expressive_s=0.5, settle_s=0),
        )  # fmt: skip
        task_id = studio.smart.start(wanted)
        found = studio.tasks.wait(task_id)
        assert tags(found) == [NEUTRAL, "happy"]
        emotion = found.emotions[1]
        assert (emotion.made["engine"], emotion.made["model"]) == (
            "qwen", "qwen-practice-voice-design",
        )  # fmt: skip
        assert soundfile.info(emotion.audio).samplerate == 24_000
        assert any("random" in note for note in studio.tasks.status(task_id).notes)
        assert studio.history.list("") == []


def test_a_design_model_that_is_missing_is_named(settings: Settings, voice: Path) -> None:
    with Studio(settings) as studio, pytest.raises(NotFound, match="is not installed"):
        studio.smart.start(order(voice, "happy", engine="qwen"))


def test_a_finished_one_gets_further_emotions_and_some_anew(studio: Studio, voice: Path) -> None:
    first = built(studio, order(voice, emotions=quick("happy")))
    studio.personalities.change_emotion(first.id, "", "happy", EmotionChange(aliases=("yay",)))
    join = JoinSettings(own_s=1.5, expressive_s=1.5)
    replaced = dataclasses.replace(quick("happy")[0], instruct="Calm.")
    wanted = Extension((replaced, *quick("sad")), join=join)
    found = studio.tasks.wait(studio.smart.extend("Zoë 😀", wanted))
    assert tags(found) == [NEUTRAL, "happy", "sad"]
    assert found.build is None
    happy = found.emotions[1]
    assert happy.aliases == ("yay",), "its names stay"
    assert happy.made["instruct"] == "Calm."
    assert happy.audio != first.emotions[1].audio
    assert not first.emotions[1].audio.exists()
    with pytest.raises(BadInput, match="mean the same"):
        studio.smart.extend("Zoë 😀", Extension((SmartEmotion("felice"),)))
    task_id = studio.smart.extend("Zoë 😀", Extension(quick("angry", "calm")))
    studio.tasks.stop(task_id)
    with pytest.raises(Cancelled):
        studio.tasks.wait(task_id)
    with pytest.raises(BadInput, match="is not finished"):
        studio.smart.extend("Zoë 😀", wanted)
    done = studio.tasks.wait(studio.smart.resume("Zoë 😀"))
    assert tags(done) == [NEUTRAL, "happy", "sad", "angry", "calm"]
