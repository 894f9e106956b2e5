"""Promises of chimera references: what is heard is what the transcript says, and blends are kept."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from engines.base import EngineFolders, ModelChoice, Placement, SpeechRequest, WordTiming
from engines.espeak import EspeakEngine
from engines.manager import EngineManager
from engines.recognition import (
    Recognition,
    RecognitionRequest,
    RecognizerInfo,
    Segment,
    Task,
    Word,
)
from engines.registry import Registry
from studio.audio.joining import JoinSettings
from studio.audio.reading import probe, read
from studio.control import Control
from studio.errors import BadInput, Cancelled
from studio.models.folders import ModelFolders
from studio.services.chimera import ChimeraOrder
from studio.services.heard import Source, Timings, WordFinder, words_in
from studio.services.personality_values import Emotion
from studio.services.studio import Studio
from studio.services.transcribing import TranscriptService
from studio.services.transcript_history import TranscriptHistory
from tests.audio_files import tone, wav

OWN = (
    "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. "
    "It is easy to tell the depth of a well. These days a chicken leg is a rare dish."
)
GLAD = "What a wonderful surprise! I really did not expect to see you here today, my old friend."


@cache
def said(
    text: str, voice: str, language: str = "en-us"
) -> tuple[np.ndarray, tuple[WordTiming, ...], int]:
    """The sound, the words with their true times, and the sample rate."""
    nowhere = Path("unused")
    engine = EspeakEngine(EngineFolders(nowhere, ModelFolders(nowhere, nowhere)))
    engine.load(Placement("cpu", "float32"), "")
    try:
        chunks = list(engine.stream(SpeechRequest(text, language, speaker=voice), Control()))
    finally:
        engine.unload()
    sound = np.concatenate([chunk.audio.samples for chunk in chunks])
    return sound, tuple(word for chunk in chunks for word in chunk.words), engine.info.sample_rate


def recording(path: Path, text: str, voice: str) -> Path:
    sound, _, rate = said(text, voice)
    return wav(path, sound, rate)


@pytest.fixture
def order(tmp_path: Path) -> ChimeraOrder:
    """Two English recordings with their transcripts, without times of words."""
    return ChimeraOrder(
        recording(tmp_path / "own.wav", OWN, "gmw/en-US+f2"),
        recording(tmp_path / "glad.wav", GLAD, "gmw/en-US+f3"),
        OWN,
        GLAD,
        language="en",
    )


@pytest.fixture
def timed(order: ChimeraOrder) -> ChimeraOrder:
    """The same with the times of the words: aligning them takes a second."""
    return replace(
        order,
        own_words=said(OWN, "gmw/en-US+f2")[1],
        expressive_words=said(GLAD, "gmw/en-US+f3")[1],
    )


def words_of(text: str) -> list[str]:
    return text.split()


def spoken_between(text: str, voice: str, start: float, end: float) -> list[str]:
    """The words whose true middle lies between two moments."""
    return [word.text for word in said(text, voice)[1] if start <= (word.start + word.end) / 2 <= end]


def test_the_transcript_is_what_is_heard_told_by_alignment(
    studio: Studio, order: ChimeraOrder, tmp_path: Path
) -> None:
    made = studio.chimera.make(order, tmp_path / "made.wav")
    half = (made.joint[1] - made.joint[0]) / 2
    own = spoken_between(OWN, "gmw/en-US+f2", made.own[0], made.own[1] - half)
    glad = spoken_between(GLAD, "gmw/en-US+f3", made.expressive[0] + half, made.expressive[1])
    assert words_of(made.transcript) == own + glad
    assert (made.transcript_estimated, made.notes) == (False, ())
    assert 4 < made.own[1] - made.own[0] < 6
    assert [word.text for word in made.words] == own + glad


def test_times_of_the_words_are_those_of_the_result(
    studio: Studio, timed: ChimeraOrder, tmp_path: Path
) -> None:
    made = studio.chimera.make(timed, tmp_path / "made.wav")
    late = [word for word in made.words if word.start > made.joint[1]]
    true = {word.text: word.start for word in timed.expressive_words}
    offset = made.duration - made.expressive[1]
    assert late
    for word in late:
        assert word.start == pytest.approx(true[word.text] + offset, abs=1e-3)
    assert made.words[-1].end <= made.duration


def test_no_word_is_cut_where_their_times_are_known(
    studio: Studio, timed: ChimeraOrder, tmp_path: Path
) -> None:
    for start in (0.5, 1.3, 2.2, 3.1):
        join = JoinSettings(own_s=3, own_start=start)
        made = studio.chimera.make(replace(timed, join=join), tmp_path / "made.wav")
        assert made.notes == ()
        for edge in (made.own[0], made.own[1] - (made.joint[1] - made.joint[0]) / 2):
            assert not any(w.start + 0.05 < edge < w.end - 0.05 for w in timed.own_words)


def test_the_file_is_the_result_and_its_length_exact(
    studio: Studio, timed: ChimeraOrder, tmp_path: Path
) -> None:
    join = JoinSettings(own_s=3, expressive_s=2, crossfade_ms=150, settle_s=0)
    made = studio.chimera.make(replace(timed, join=join), tmp_path / "made.wav")
    audio = read(made.path)
    assert len(audio.samples) == round(4.85 * 24_000) == round(made.duration * audio.sample_rate)
    assert made.joint == pytest.approx((2.85, 3.0))
    assert np.abs(audio.samples).max() <= 10 ** (-1 / 20) + 1e-4


def test_words_that_cannot_be_timed_are_estimated_and_that_is_said(
    studio: Studio, timed: ChimeraOrder, tmp_path: Path
) -> None:
    italian = "Che bella sorpresa, non mi aspettavo di vederti qui oggi, vecchio amico mio."
    made = studio.chimera.make(
        replace(
            timed,
            expressive_text=italian,
            expressive_words=(),
            expressive_language="it",
            join=JoinSettings(expressive_s=2),
        ),
        tmp_path / "made.wav",
    )
    assert made.transcript_estimated
    assert len(made.notes) == 1
    assert "expressive clip are heard was estimated" in made.notes[0]
    heard = made.transcript.partition("Che ")[2]
    assert heard
    assert italian.startswith(f"Che {heard}")
    assert not made.transcript.endswith("mio.")


def test_nothing_is_estimated_where_the_whole_is_heard(
    studio: Studio, order: ChimeraOrder, tmp_path: Path
) -> None:
    whole = JoinSettings(own_s=30, expressive_s=30)
    made = studio.chimera.make(replace(order, language="tlh", join=whole), tmp_path / "made.wav")
    assert made.transcript == f"{OWN} {GLAD}"
    assert not made.transcript_estimated


def test_a_transcript_of_something_else_is_not_aligned(
    studio: Studio, timed: ChimeraOrder, tmp_path: Path
) -> None:
    made = studio.chimera.make(replace(timed, own_text=GLAD[::-1], own_words=()), tmp_path / "made.wav")
    assert made.transcript_estimated


def test_without_a_transcript_there_is_none_and_that_is_said(
    studio: Studio, timed: ChimeraOrder, tmp_path: Path
) -> None:
    made = studio.chimera.make(replace(timed, own_text="", own_words=()), tmp_path / "made.wav")
    assert (made.transcript, made.words) == ("", ())
    assert made.transcript_estimated
    assert "What is said in your recording is not known" in made.notes[0]


def test_a_word_that_has_to_be_cut_is_named(studio: Studio, timed: ChimeraOrder, tmp_path: Path) -> None:
    words = timed.own_words
    middle = (words[4].start + words[4].end) / 2
    join = JoinSettings(own_start=middle, own_s=3, settle_s=0)
    made = studio.chimera.make(replace(timed, join=join), tmp_path / "made.wav")
    assert f"“{words[4].text}”" in made.notes[0]


def test_silence_is_refused_and_nothing_is_left(
    studio: Studio, timed: ChimeraOrder, tmp_path: Path
) -> None:
    quiet = wav(tmp_path / "quiet.wav", tone(6, level=0.0))
    target = tmp_path / "out" / "made.wav"
    with pytest.raises(BadInput, match="silent"):
        studio.chimera.make(replace(timed, own=quiet), target)
    with pytest.raises(BadInput, match="silent"):
        studio.chimera.make(replace(timed, expressive=quiet), target)
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        studio.chimera.make(timed, target, control)
    assert not target.parent.exists() or not list(target.parent.iterdir())


class ItalianRecognizer:
    """A recognizer that hears three words, of which the transcript has two."""

    def __init__(self, folders: EngineFolders) -> None:
        self.is_loaded = False

    loaded_model = ""

    @property
    def info(self) -> RecognizerInfo:
        return RecognizerInfo(
            "italian", "Italian", "MIT", "Knows three words.", {"it": "Italian"},
            frozenset({Task.TRANSCRIBE}), detects_language=False,
        )  # fmt: skip

    def models(self) -> tuple[ModelChoice, ...]:
        return ()

    def load(self, placement: Placement, model: str) -> None:
        self.is_loaded = True

    def unload(self) -> None:
        self.is_loaded = False

    def recognize(self, request: RecognitionRequest, control: Control) -> Recognition:
        words = (Word("che", 0.5, 0.7), Word("Bella", 0.7, 1.2), Word("pressa", 1.2, 2.0))
        return Recognition((Segment("che Bella pressa", 0.5, 2.0, words, language="it"),), "it")


def test_a_recognizers_times_are_given_to_the_transcripts_words(
    studio: Studio, order: ChimeraOrder
) -> None:
    folders = EngineFolders(studio.workspace.cache, studio.model_folders)
    manager = EngineManager(Registry(folders, {}, {"italian": f"{__name__}:ItalianRecognizer"}))
    history = TranscriptHistory(studio.database, studio.workspace.outputs, studio.workspace.recordings)
    transcripts = TranscriptService(studio.settings, studio.workspace, manager, history)
    finder = WordFinder(manager, transcripts)
    found = finder.find(order.expressive, "Ma che Bella sorpresa!", language="it")
    times = {word.text: (word.start, word.end) for word in found.words}
    first = times["che"][0]
    assert found.source is Source.RECOGNISED
    assert times["Bella"] == pytest.approx((first + 0.2, first + 0.7))
    assert times["sorpresa!"][0] == pytest.approx(first + 0.7)
    assert finder.find(order.expressive, language="it").text == "che Bella pressa"
    manager.close()


def test_the_text_of_a_stretch_keeps_its_signs() -> None:
    words = tuple(WordTiming(text, n, n + 1.0) for n, text in enumerate(("你", "好", "世", "界")))
    timings = Timings("你好，世界！", words, Source.GIVEN)
    assert words_in(timings, 0, 2).text == "你好，"
    assert words_in(timings, 2, 4).text == "世界！"
    assert words_in(timings, 0.4, 3.4).text == "你好，世"
    assert words_in(timings, 0.4, 3.4).cut == ("你", "界")
    assert words_in(timings, 9, 12).text == ""
    assert not words_in(timings, 9, 12).whole


@pytest.fixture
def emotions(timed: ChimeraOrder) -> tuple[Emotion, Emotion]:
    return (
        Emotion("neutral", timed.own, probe(timed.own).duration, OWN, "en", words=timed.own_words),
        Emotion(
            "glad",
            timed.expressive,
            probe(timed.expressive).duration,
            GLAD,
            "en",
            words=timed.expressive_words,
        ),
    )


@pytest.mark.parametrize("strength", [0.25, 0.6])
def test_a_blend_has_the_emotion_at_its_strength(
    studio: Studio, emotions: tuple[Emotion, Emotion], strength: float
) -> None:
    made = studio.chimera.blend(*emotions, strength)
    neutral, glad = (end - start for start, end in (made.own, made.expressive))
    assert glad / (glad + neutral) == pytest.approx(strength, abs=0.1)
    assert made.expressive[1] == pytest.approx(emotions[1].duration, abs=0.5)
    assert made.transcript.endswith("old friend.")
    assert made.path.is_relative_to(studio.workspace.parts)


def test_a_blend_is_kept_by_content(
    studio: Studio, emotions: tuple[Emotion, Emotion], tmp_path: Path
) -> None:
    neutral, glad = emotions
    made = studio.chimera.blend(neutral, glad, 0.6)
    written = made.path.stat().st_mtime_ns
    copy = tmp_path / "copy.wav"
    copy.write_bytes(glad.audio.read_bytes())
    again = studio.chimera.blend(neutral, replace(glad, audio=copy, tag="happy"), 0.6)
    assert again == made
    assert made.path.stat().st_mtime_ns == written
    assert studio.chimera.blend(neutral, glad, 0.5).path != made.path
    assert studio.chimera.blend(neutral, replace(glad, transcript="Oh!"), 0.6).path != made.path


@pytest.mark.parametrize("damage", [b"", b"{", b"{}", b'{"path": 1}'])
def test_a_damaged_blend_is_made_again(
    studio: Studio, emotions: tuple[Emotion, Emotion], damage: bytes
) -> None:
    made = studio.chimera.blend(*emotions, 0.6)
    made.path.with_suffix(".json").write_bytes(damage)
    assert studio.chimera.blend(*emotions, 0.6) == made


def test_the_ends_of_the_scale_are_the_recordings_themselves(
    studio: Studio, emotions: tuple[Emotion, Emotion]
) -> None:
    neutral, glad = emotions
    assert studio.chimera.blend(neutral, glad, 1).path == glad.audio
    assert studio.chimera.blend(neutral, glad, 0.001).path == neutral.audio
    for wrong in (-0.1, 1.5, float("nan")):
        with pytest.raises(BadInput, match="strength"):
            studio.chimera.blend(neutral, glad, wrong)
