"""What writing segments down promises, with the embedded recognizer and practice models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engines.base import EngineFolders
from engines.manager import EngineManager
from engines.registry import Registry
from studio.control import Control, Progress
from studio.dataset.values import NONE, PrepareSettings, Segment
from studio.errors import BadInput, Cancelled, ModelMissing
from studio.files import PARTIAL_SUFFIX
from studio.models.folders import ModelFolders
from tests.qwen_speech import BASE, noise
from tests.spoken import RATE, saved, silence, spoken
from training.prepare.speakers import with_speakers
from training.prepare.transcribing import write_down
from training.prepare.values import RecognizerChoice

SPHINX = RecognizerChoice("pocketsphinx", "", "en")
WHISPER = RecognizerChoice("whisper", "whisper-practice", "auto")
#: Of what the embedded voice says, the embedded recognizer gets some of it right.
SENTENCE, OTHER = "Good morning, how are you today?", "I think that this is a good idea."


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineManager]:
    """One for all, since loading takes longer than most of what is recognised."""
    home = tmp_path_factory.mktemp("engines")
    found = managing(home, home / "models")
    yield found
    found.close()


def managing(home: Path, models: Path, qwen: Path | None = None) -> EngineManager:
    folders = EngineFolders(home / "cache", ModelFolders(models, qwen or models / "Qwen"))
    return EngineManager(Registry(folders), device="cpu", dtype="float32")


class Sounds:
    """Segments with their files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.segments: list[Segment] = []

    def add(self, samples: np.ndarray, source: str = "aaaa", **more: object) -> Segment:
        start = sum(each.duration for each in self.segments if each.source == source)
        id = f"{source}-{len(self.segments) + 1:04}"
        saved(self.folder / f"{id}.wav", samples)
        segment = Segment(id, source, start, start + len(samples) / RATE, "Ann")
        self.segments.append(replace(segment, **more))  # type: ignore[arg-type]
        return self.segments[-1]

    def path(self, segment: Segment) -> Path:
        return self.folder / f"{segment.id}.wav"


@pytest.fixture
def sounds(tmp_path: Path) -> Sounds:
    (tmp_path / "sounds").mkdir()
    return Sounds(tmp_path / "sounds")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that the tests share, since recognising is slow and each sound is known by its content."""
    return tmp_path_factory.mktemp("texts")


@pytest.fixture
def write(sounds: Sounds, manager: EngineManager, texts: Path) -> Callable[..., list[Segment]]:
    def write(
        choice: RecognizerChoice | None = SPHINX,
        settings: PrepareSettings | None = None,
        control: Control | None = None,
        engines: EngineManager = manager,
        store: Path = texts,
        **more: object,
    ) -> list[Segment]:
        return write_down(
            sounds.segments,
            sounds.path,
            choice,
            settings or PrepareSettings(),
            engines,
            store,
            control or Control(),
            **more,  # type: ignore[arg-type]
        )

    return write


def test_what_is_said_is_written_down_and_never_recognised_twice(
    sounds: Sounds, write, tmp_path: Path
) -> None:
    sounds.add(spoken(SENTENCE))
    sounds.add(silence(1.0))
    store = tmp_path / "texts"
    first = write(store=store)
    assert first[0].text.endswith("morning how are you today")
    assert first[0].recognised == first[0].text
    assert first[0].language == "en"
    assert 0 < (first[0].confidence or 0) <= 1
    assert (first[1].text, first[1].text_note) == ("", "Nothing was recognised in it.")
    again = managing(tmp_path, tmp_path / "models")
    assert write(engines=again, store=store) == first
    assert again.state().loads == 0
    saved(sounds.path(sounds.segments[1]), spoken(SENTENCE))  # the sound counts, not its name
    assert write(engines=again, store=store)[1].text == first[0].text
    assert again.state().loads == 0


def test_progress_counts_what_is_left_to_do(sounds: Sounds, write, tmp_path: Path) -> None:
    sounds.add(silence(1.0))
    write(store=tmp_path)
    sounds.add(silence(1.5))
    sounds.add(silence(0.5))
    reports: list[Progress] = []
    write(control=Control(reports.append), store=tmp_path)
    assert [each.fraction for each in reports if each.stage == "transcribing"] == [0.0, 0.75]


def test_stopping_keeps_what_was_recognised(sounds: Sounds, write, tmp_path: Path) -> None:
    for source in ("aaaa", "bbbb"):
        sounds.add(silence(0.5 + len(sounds.segments) / 10), source)
        sounds.add(silence(0.5 + len(sounds.segments) / 10), source)
    whole = write()
    store = tmp_path / "texts"
    done = []

    def stop_after_three(progress: Progress) -> None:
        if progress.stage == "transcribing":
            done.append(progress)
            if len(done) == 4:
                control.cancel()

    control = Control(stop_after_three)
    with pytest.raises(Cancelled):
        write(control=control, store=store)
    rows = [json.loads(file.read_bytes()) for file in sorted(store.iterdir())]
    assert [len(row["texts"]) for row in rows] == [2, 1]
    recognised: list[Progress] = []
    assert write(control=Control(recognised.append), store=store) == whole
    assert sum(each.stage == "transcribing" for each in recognised) == 1
    assert not list(tmp_path.rglob(f"*{PARTIAL_SUFFIX}"))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"texts": 3}', b"\xff\xfe"])
def test_a_damaged_store_is_made_again(sounds: Sounds, write, tmp_path: Path, content: bytes) -> None:
    sounds.add(silence(0.5))
    first = write(store=tmp_path)
    (tmp_path / "aaaa.json").write_bytes(content)
    assert write(store=tmp_path) == first
    assert json.loads((tmp_path / "aaaa.json").read_bytes())["texts"]


def test_a_given_text_is_kept_and_checked(sounds: Sounds, write) -> None:
    sounds.add(spoken(SENTENCE), given=f" {SENTENCE}\n")
    sounds.add(spoken(SENTENCE), "bbbb", given="Nothing of this was ever said by anybody here.")
    fits, other = write()
    assert fits.text == SENTENCE
    assert (fits.given_error or 0) < 0.3
    assert (other.given_error or 0) > 0.4
    assert other.text.startswith("Nothing of this")
    assert fits.confidence is None  # the text is not the recognizer's


def test_unchecked_given_texts_need_no_recognizer(sounds: Sounds, write, manager: EngineManager) -> None:
    sounds.add(spoken(SENTENCE), given="It costs $5 | [laughs] or more.")
    before = manager.state().loads
    manager.unload("pocketsphinx")
    found = write(settings=PrepareSettings(check_given=False))
    assert manager.state().loads == before
    assert found[0].text == "It costs five dollars or more."
    assert "[laughs]" in found[0].text_note
    assert (found[0].recognised, found[0].given_error) == ("", None)


@pytest.mark.parametrize("choice", [None, SPHINX])
def test_without_a_recognizer_only_given_texts_remain(sounds: Sounds, write, choice) -> None:
    sounds.add(spoken(SENTENCE), given=SENTENCE)
    sounds.add(spoken(OTHER))
    settings = PrepareSettings(recognizer=NONE)
    given, none = write(choice, settings)
    assert given.text == SENTENCE
    assert (none.text, none.text_note) == ("", "No recognizer was at work.")


def test_what_the_recognizer_does_not_know_is_neither_recognised_nor_compared(
    sounds: Sounds, write, manager: EngineManager
) -> None:
    german = "Heute ist das Wetter sehr schön, und wir gehen alle zusammen in den großen Wald."
    sounds.add(spoken(SENTENCE), "aaaa", given=german)
    sounds.add(spoken(SENTENCE), "bbbb", language="fr")
    before = manager.state().loads
    manager.unload("pocketsphinx")
    given, french = write()
    assert (given.language, given.text, given.given_error) == ("de", german, None)
    assert "does not know de" in given.text_note
    assert french.text == ""
    assert "does not know fr" in french.text_note
    assert manager.state().loads == before


def test_a_language_that_was_told_is_what_the_recognizer_is_asked_for(
    sounds: Sounds, write, whisper_models: Path, tmp_path: Path
) -> None:
    sounds.add(spoken(SENTENCE), "aaaa", language="zh")
    sounds.add(spoken(SENTENCE), "bbbb")
    engines = managing(tmp_path, whisper_models)
    told, other = write(WHISPER, PrepareSettings(language="de"), engines=engines)
    assert (told.language, other.language) == ("zh-cn", "de")  # Chinese as XTTS has it
    told, detected = write(WHISPER, PrepareSettings(target="qwen"), engines=engines)
    assert told.language == "zh"
    assert detected.language not in ("", "auto")
    assert detected.text_note or detected.text
    engines.close()


def test_the_text_of_a_whole_recording_is_divided_by_what_is_heard(sounds: Sounds, write) -> None:
    sounds.add(spoken(SENTENCE))
    sounds.add(spoken(OTHER))
    sounds.add(silence(2.0))
    whole = {"aaaa": f"{SENTENCE} {OTHER}"}
    first, second, quiet = write(whole=whole)
    assert (first.text, second.text) == (SENTENCE, OTHER)
    assert (second.given_error or 0) < 0.3
    assert quiet.text == ""
    nobody = write(None, whole=whole)
    assert [each.text for each in nobody] == ["", "", ""]
    assert "has to be divided" in nobody[0].text_note


def test_a_language_that_the_target_lacks_is_said(sounds: Sounds, write) -> None:
    sounds.add(silence(0.5), language="fi", given="Hyvää huomenta kaikille.")
    [found] = write(None)
    assert (found.language, found.text) == ("fi", "Hyvää huomenta kaikille.")
    assert found.text_note == "XTTS does not speak fi."


def test_a_missing_model_says_how_to_get_it(sounds: Sounds, write) -> None:
    sounds.add(spoken(SENTENCE))
    with pytest.raises(ModelMissing, match="models download whisper-tiny"):
        write(RecognizerChoice("whisper", "whisper-tiny", "en"))


def test_a_missing_sound_is_named(sounds: Sounds, write) -> None:
    sounds.path(sounds.add(spoken(SENTENCE))).unlink()
    with pytest.raises(BadInput, match="aaaa-0001"):
        write()


def test_a_voice_is_compared_with_the_others_of_its_speaker(
    tmp_path: Path, practice_models: Path
) -> None:
    segments = []
    for number, seed in enumerate((0, 0, 0, 2)):
        id = f"aaaa-{number:04}"
        soundfile.write(tmp_path / f"{id}.wav", noise(2.0 + number / 4, seed), 24_000)
        segments.append(Segment(id, "aaaa", 0.0, 2.0 + number / 4, "Ann"))
    segments.append(replace(segments[0], id="short", end=0.5))
    segments.append(replace(segments[0], id="alone", speaker="Bob"))
    shutil.copy(tmp_path / "aaaa-0000.wav", tmp_path / "alone.wav")
    engines = managing(tmp_path, tmp_path / "models", practice_models)

    def compared(engines: EngineManager, model: str):
        return with_speakers(
            segments,
            lambda each: tmp_path / f"{each.id}.wav",
            engines,
            tmp_path / "voices",
            Control(),
            model,
        )

    made = compared(engines, BASE)
    similar = [each.speaker_similarity for each in made.segments]
    assert similar[4:] == [None, None]  # too short, and too few of its speaker
    assert similar[3] == min(each for each in similar if each is not None)
    assert "practice" in made.reason
    engines.close()
    again = managing(tmp_path, tmp_path / "models", practice_models)
    assert compared(again, BASE) == made
    assert again.state().loads == 0
    # Nobody takes a practice model for a real one.
    none = compared(again, "")
    assert none.segments == segments
    assert "needs a base model" in none.reason
