"""Promises of preparing a reference: a task with stages, whose result is the report and what was asked
for."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from engines.recognition import AUTO_LANGUAGE
from studio.audio.cleaning import CleanUp
from studio.audio.quality import Level
from studio.audio.reading import probe, read
from studio.audio.types import Samples
from studio.errors import BadInput, Cancelled, ModelMissing, NotFound
from studio.services.preparing import Prepared, PrepareOrder
from studio.services.studio import Studio
from studio.services.tasks import TaskState, TaskStatus
from studio.services.voice_values import NewVoice
from tests.spoken import RATE, SENTENCE, saved, silence, spoken

#: As long as a reference should be, with too much silence around it.
PAUSE = 1.5


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return recorded(tmp_path / "reference.wav", spoken(), silence(0.4), spoken())


@pytest.fixture
def once(tmp_path: Path) -> Path:
    """What is written down twice as fast."""
    return recorded(tmp_path / "once.wav", spoken())


def recorded(path: Path, *parts: Samples) -> Path:
    sound = np.concatenate([silence(PAUSE), *parts, silence(PAUSE)])
    hiss = np.random.default_rng(3).normal(scale=0.0005, size=len(sound))
    return saved(path, (0.3 * (sound + hiss)).astype(np.float32))


def prepared(studio: Studio, order: PrepareOrder) -> tuple[Prepared, list[TaskStatus]]:
    seen: list[TaskStatus] = []
    result = studio.tasks.wait(studio.preparing.start(order, "me"), seen.append)
    assert isinstance(result, Prepared)
    return result, seen


def test_looking_changes_nothing(studio: Studio, recording: Path) -> None:
    before = recording.read_bytes()
    result, seen = prepared(studio, PrepareOrder(recording, transcript=f" {SENTENCE} {SENTENCE} "))
    assert (result.cleaned, result.after, result.words, result.done) == (None, None, (), ())
    assert result.transcript == f"{SENTENCE} {SENTENCE}"
    assert result.report.duration == pytest.approx(probe(recording).duration)
    finding = result.report.finding("ends")
    assert finding is not None
    assert finding.fixable
    assert recording.read_bytes() == before
    assert (seen[-1].kind, seen[-1].state, seen[-1].owner) == ("prepare", TaskState.DONE, "me")
    assert "reference.wav" in seen[-1].title


def test_cleaning_up_shows_before_and_after(studio: Studio, recording: Path) -> None:
    result, _ = prepared(studio, PrepareOrder(recording, clean=CleanUp()))
    assert result.cleaned is not None
    assert result.after is not None
    assert result.after.duration < result.report.duration - 2
    assert probe(result.cleaned).duration == pytest.approx(result.after.duration)
    assert result.after.lufs == pytest.approx(studio.settings.loudness_lufs, abs=3)
    assert result.done


def test_a_cleaned_recording_becomes_a_voice(studio: Studio, recording: Path) -> None:
    result, _ = prepared(studio, PrepareOrder(recording, clean=CleanUp()))
    assert result.cleaned is not None
    voice = studio.voices.create(NewVoice("Ada", result.cleaned), "me")
    assert np.array_equal(read(voice.audio).samples, read(result.cleaned).samples)


def test_a_part_is_written_down_with_the_times_of_its_words(studio: Studio, recording: Path) -> None:
    length = len(spoken()) / RATE
    start, end = PAUSE - 0.3, PAUSE + length + 0.2
    result, seen = prepared(studio, PrepareOrder(recording, start, end, transcribe=True))
    assert "station" in result.transcript
    assert result.language == "en"
    assert result.report.duration == pytest.approx(end - start, abs=0.01)
    finding = result.report.finding("transcript")
    assert finding is not None
    assert finding.level is Level.GOOD  # judged with what was recognised
    assert [word.text for word in result.words] == result.transcript.split()
    assert result.words[0].start == pytest.approx(0.3, abs=0.25)
    assert result.words[-1].end <= end - start + 0.01
    assert {"loading", "transcribing"} & {status.stage for status in seen}
    fractions = [status.fraction for status in seen if status.fraction is not None]
    assert fractions == sorted(fractions)
    assert any("draft" in note for note in seen[-1].notes)
    assert not list(studio.workspace.spool.glob("*.part.wav"))


def test_the_words_move_with_what_was_trimmed(studio: Studio, once: Path) -> None:
    plain, _ = prepared(studio, PrepareOrder(once, transcribe=True))
    order = PrepareOrder(once, clean=CleanUp(gain=False), transcribe=True)
    cleaned, seen = prepared(studio, order)
    assert cleaned.transcript == plain.transcript
    assert cleaned.after is not None
    moved = plain.words[0].start - cleaned.words[0].start
    assert moved == pytest.approx(cleaned.report.leading_s - 0.2, abs=0.05)
    assert cleaned.words[-1].end <= cleaned.after.duration
    fractions = [status.fraction for status in seen if status.fraction is not None]
    assert fractions == sorted(fractions)


def test_what_was_typed_stays_where_nothing_is_recognised(studio: Studio, tmp_path: Path) -> None:
    hush = saved(tmp_path / "hush.wav", silence(4))
    result, seen = prepared(studio, PrepareOrder(hush, transcript="Hello.", transcribe=True))
    assert result.transcript == "Hello."
    assert any("Nothing is said" in note for note in seen[-1].notes)
    assert [finding.code for finding in result.report.findings] == ["silence"]


def test_silence_cannot_be_cleaned_up(studio: Studio, tmp_path: Path) -> None:
    hush = saved(tmp_path / "hush.wav", silence(4))
    task = studio.preparing.start(PrepareOrder(hush, clean=CleanUp()))
    with pytest.raises(BadInput, match="silent"):
        studio.tasks.wait(task)
    assert studio.tasks.status(task).hint


def test_what_cannot_be_done_is_said_at_once(studio: Studio, recording: Path, tmp_path: Path) -> None:
    nonsense = tmp_path / "it.wav"
    nonsense.write_bytes(b"RIFF and nothing more")
    for order in (
        PrepareOrder(tmp_path / "none.wav"),
        PrepareOrder(nonsense),
        PrepareOrder(recording, 3.0, 2.0),
        PrepareOrder(recording, 100.0),
        PrepareOrder(recording, -1.0, 2.0),
    ):
        with pytest.raises(BadInput):
            studio.preparing.start(order)
    with pytest.raises(ModelMissing):
        studio.preparing.start(PrepareOrder(recording, language="ru", transcribe=True))
    with pytest.raises(NotFound):
        studio.preparing.start(PrepareOrder(recording, language="tlh", transcribe=True))
    assert studio.tasks.of("") == []


def test_the_language_that_was_chosen_is_kept(studio: Studio, recording: Path) -> None:
    russian = "Мы увидимся сегодня утром на вокзале, а потом поедем дальше."
    result, _ = prepared(studio, PrepareOrder(recording, transcript=russian, language="de"))
    assert result.language == "de"
    finding = result.report.finding("transcript")
    assert finding is not None
    assert "script" in finding.message
    result, _ = prepared(studio, PrepareOrder(recording, transcript=russian, language=AUTO_LANGUAGE))
    assert result.language == ""


def test_one_that_is_stopped_leaves_nothing(studio: Studio, recording: Path) -> None:
    order = PrepareOrder(recording, clean=CleanUp(denoise=True), transcribe=True)
    task = studio.preparing.start(order, "me")
    studio.tasks.stop(task, "me")
    with pytest.raises(Cancelled):
        studio.tasks.wait(task)
    assert not list(studio.workspace.spool.glob("*.wav"))


def test_cleaned_recordings_that_nobody_took_are_swept(studio: Studio, recording: Path) -> None:
    first, _ = prepared(studio, PrepareOrder(recording, clean=CleanUp()))
    assert first.cleaned is not None
    second, _ = prepared(studio, PrepareOrder(recording, clean=CleanUp()))
    assert first.cleaned.exists()
    long_ago = time.time() - 2 * 24 * 3600
    os.utime(first.cleaned, (long_ago, long_ago))
    third, _ = prepared(studio, PrepareOrder(recording, clean=CleanUp()))
    assert not first.cleaned.exists()
    assert second.cleaned is not None
    assert third.cleaned is not None
    assert second.cleaned.exists()
    assert third.cleaned.exists()
